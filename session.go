package scarab

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"
	"unicode/utf8"
)

// A Session is what one browser and the application share for a while: a
// dictionary with a few extras. [From] returns the one of a request.
//
// Values are encoded as JSON when they are set. Reads decode one value each
// and cannot fail; writes that cannot be carried out fail the commit, which
// happens before the first byte of the answer is sent, and [Session.Save].
//
// A Session may be used by several goroutines of its request. After the
// handler has returned, reads go on answering and changes do nothing.
type Session struct {
	mu sync.Mutex
	q  *request

	base    *State   // as loaded, or blank; not changed
	cur     *State   // base with changes: another one if there are any
	changes []change // since base
	views   []view   // values given out that may be changed in place
	fail    error    // the first change that could not be carried out

	live    bool // Changed was called
	closed  bool // the handler has returned
	isNew   bool // no usable cookie came
	carried bool // a cookie came, usable or not
	clear   bool // Invalidate: the browser's cookie goes

	loading lazyTimeout
	room    storedState // for base
	writing *writing    // nil unless there are changes
	headers [3]string   // room for those of the answer

	origin  origin   // where base is from
	dead    []origin // what Invalidate ended
	dropped int      // messages that did not fit
}

// An origin says where a state is kept.
type origin struct {
	kind   originKind
	cookie string // the value that opened it
	state  *State // of a dead session: what Delete needs
}

type originKind uint8

const (
	fromNowhere    originKind = iota // new: kept nowhere yet
	fromBackend                      // loaded from the factory's backend
	fromFallback                     // loaded from a fallback, not adopted yet
	fromSuperseded                   // the token was renewed away: an empty session that is not saved
)

const (
	csrfKey     = "_csrft_"  // Pyramid's
	queuePrefix = "_f_"      // Pyramid's
	reservedKey = "_scarab_" // what cookies keep beside the dictionary
)

// Get returns the value at key, nil if there is none. Whole numbers are int64,
// others float64, and json.Number if they are out of range; lists are []any
// and objects map[string]any. [Key] returns types of one's own.
func (s *Session) Get(key string) any {
	v, _ := s.Lookup(key)
	return v
}

// Lookup is Get, and reports whether there is a value. One that does not
// decode is reported as absent.
func (s *Session) Lookup(key string) (v any, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lookup(key)
}

func (s *Session) lookup(key string) (v any, ok bool) {
	s.settle(key)
	raw, ok := s.cur.get(key)
	if !ok {
		return nil, false
	}
	return s.giveOut(key, raw)
}

// Set puts value at key. It is encoded at once: a later change in place is
// noticed by [Session.Changed] only for what Get returned. A value that JSON
// cannot hold fails the commit with an error that names key and type.
func (s *Session) Set(key string, value any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(key, value)
}

func (s *Session) set(key string, value any) {
	if s.closed {
		return
	}
	raw, err := encode(value)
	if err != nil {
		s.failWith(fmt.Errorf("scarab: the value for key %q, a %T, cannot be encoded: %w", key, value, err))
		return
	}
	s.change(change{kind: changeSet, key: key, raw: raw})
}

// Delete removes key.
func (s *Session) Delete(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delete(key)
}

func (s *Session) delete(key string) {
	s.dropViews(key)
	if s.cur.has(key) {
		s.change(change{kind: changeRemove, key: key})
	}
}

// Has reports whether there is a value at key.
func (s *Session) Has(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(key)
	return s.cur.has(key)
}

// Len returns the number of keys.
func (s *Session) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settleAll()
	return len(s.cur.values())
}

// Keys visits the keys that are there now, in the order they were added.
func (s *Session) Keys() iter.Seq[string] {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settleAll()
	keys := make([]string, len(s.cur.values()))
	for i, v := range s.cur.Values {
		keys[i] = v.Key
	}
	return slices.Values(keys)
}

// All visits the keys that are there now, in the order they were added, each with
// the value that it has when it is its turn: the session may be changed meanwhile.
// A value that does not decode is left out.
func (s *Session) All() iter.Seq2[string, any] {
	keys := s.Keys()
	return func(yield func(string, any) bool) {
		for key := range keys {
			if v, ok := s.Lookup(key); ok && !yield(key, v) {
				return
			}
		}
	}
}

// SetAll sets every key of values: Python's dict.update. Keys that are new are
// added in alphabetical order.
func (s *Session) SetAll(values map[string]any) {
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range keys {
		s.set(key, values[key])
	}
}

// SetDefault returns the value at key, after setting it to value if there was
// none.
func (s *Session) SetDefault(key string, value any) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.settle(key); !s.cur.has(key) {
		s.set(key, value)
	}
	v, _ := s.lookup(key)
	return v
}

// Pop removes key and returns the value it had. If another request changes the
// value meanwhile, it is removed all the same; [Key.Pop] takes a value once.
func (s *Session) Pop(key string) (v any, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok = s.lookup(key); ok {
		s.delete(key)
	}
	return v, ok
}

// PopItem removes the key that was added last and returns it with its value.
func (s *Session) PopItem() (key string, v any, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.settleAll(); s.cur.empty() {
		return "", nil, false
	}
	values := s.cur.values()
	key = values[len(values)-1].Key
	v, _ = s.lookup(key)
	s.delete(key)
	return key, v, true
}

// Clear removes every key, flash messages and the CSRF token included. The
// session stays what it is: see [Session.Invalidate] for a logout.
func (s *Session) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.views = nil
	if !s.cur.empty() {
		s.change(change{kind: changeClear})
	}
}

// Created returns when the session was created.
func (s *Session) Created() time.Time { return s.read().Created }

// IsNew reports whether the request brought no session: Pyramid's new.
func (s *Session) IsNew() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.isNew
}

// Started reports whether there is a session beyond this request: it was
// loaded, or has something to save. It is false for a visitor who only looks.
func (s *Session) Started() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settleAll()
	return s.started()
}

func (s *Session) started() bool {
	return s.origin.kind == fromBackend || s.origin.kind == fromFallback || s.cur.worthKeeping()
}

// worthKeeping reports whether a new session is created for st.
func (st *State) worthKeeping() bool { return !st.empty() || st.Principal != "" }

// Changed says that a list or an object that Get, All or SetDefault returned
// was changed in place: what it holds at the commit is saved, if it differs.
func (s *Session) Changed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live = true
	s.settleAll()
}

// CSRFToken returns the session's token against cross-site request forgery,
// 40 hexadecimal digits under the key _csrft_, and makes one if there is none.
// Package csrf masks it for pages and checks it.
func (s *Session) CSRFToken() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.q.noStore()
	s.settle(csrfKey)
	if raw, ok := s.cur.get(csrfKey); ok {
		if token, err := decodeAs[string](raw); err == nil && token != "" {
			return token
		}
	}
	return s.newCSRFToken()
}

// NewCSRFToken replaces the token: forms rendered before fail.
func (s *Session) NewCSRFToken() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.q.noStore()
	return s.newCSRFToken()
}

func (s *Session) newCSRFToken() string {
	raw := newCSRFToken()
	s.change(change{kind: changeSet, key: csrfKey, raw: raw})
	return string(raw[1 : len(raw)-1])
}

// newCSRFToken returns 160 random bits as Pyramid writes them, in quotes.
func newCSRFToken() json.RawMessage {
	var b [20]byte
	rand.Read(b[:])
	raw := make([]byte, 0, 42)
	raw = append(raw, '"')
	raw = hex.AppendEncode(raw, b[:])
	return append(raw, '"')
}

// read returns the state with its changes.
func (s *Session) read() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.cur
}

// change applies c to the request's copy and records it.
func (s *Session) change(c change) {
	if s.closed {
		return
	}
	switch {
	case c.key == reservedKey:
		s.failWith(fmt.Errorf("scarab: the key %q is reserved", reservedKey))
		return
	case !utf8.ValidString(c.key):
		s.failWith(fmt.Errorf("scarab: the key %q is not UTF-8", c.key))
		return
	}
	if len(s.changes) == 0 {
		s.writing = new(writing)
		s.writing.cur.State = s.base.fork()
		s.cur, s.changes = &s.writing.cur.State, s.writing.changes[:0]
	}
	if len(s.views) > 0 {
		s.cur.unpack() // so that values stay where they are; see same
	}
	dropped, err := c.apply(s.cur)
	if err != nil {
		s.failWith(err)
		return
	}
	s.dropped += dropped
	s.changes = append(s.changes, c)
}

// writing is what a request needs that changes its session, in one allocation.
type writing struct {
	changes [1]change   // the first of Session.changes: few requests make more
	cur     storedState // Session.cur
	timeout lazyTimeout // of the commit
}

// failWith makes the commit fail with the first such error.
func (s *Session) failWith(err error) {
	if s.fail == nil && !s.closed {
		s.fail = err
	}
}

// reset makes st the state that changes start from.
func (s *Session) reset(st *State, from origin) {
	s.base, s.cur, s.origin = st, st, from
	s.changes, s.views, s.live, s.dropped = nil, nil, false, 0
}
