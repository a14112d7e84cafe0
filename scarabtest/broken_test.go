package scarabtest

import (
	"bytes"
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/scarab-go/scarab"
)

// A brokenStore keeps the contract, but for the one bug it has. With no bug it
// is the plainest store there is.
type brokenStore struct {
	bug string

	mu      sync.Mutex
	records map[scarab.Handle]*scarab.Record
	revoked map[string]time.Time
	was     map[scarab.Handle]bool // deleted, for bugs only
	buffer  []byte                 // shared, for bugs only
	last    scarab.Handle          // of the last call, for bugs only
}

var (
	_ scarab.Store          = (*brokenStore)(nil)
	_ scarab.LoadToucher    = (*brokenStore)(nil)
	_ scarab.PrincipalStore = (*brokenStore)(nil)
	_ scarab.Sweeper        = (*brokenStore)(nil)
	_ scarab.Scanner        = (*brokenStore)(nil)
)

func newBrokenStore(bug string) *brokenStore {
	return &brokenStore{bug: bug, records: make(map[scarab.Handle]*scarab.Record), revoked: make(map[string]time.Time), was: make(map[scarab.Handle]bool)}
}

func (s *brokenStore) has(bug string) bool { return s.bug == bug }

// gap lets others in where a store with bug would.
func (s *brokenStore) gap(bug string) {
	if s.has(bug) {
		s.mu.Unlock()
		time.Sleep(time.Millisecond)
		s.mu.Lock()
	}
}

func (s *brokenStore) key(h scarab.Handle) scarab.Handle {
	switch {
	case s.has("handles are compared as text"):
		copy(h[:], bytes.ToLower(h[:]))
	case s.has("handles lose trailing blanks"):
		t := bytes.TrimRight(h[:], " \t\x00")
		copy(h[:], append(bytes.Clone(t), make([]byte, 16)...))
	}
	return h
}

// kept is r as the store keeps it.
func (s *brokenStore) kept(r scarab.Record) *scarab.Record {
	times := []*time.Time{&r.Created, &r.AuthTime, &r.Renewed, &r.Seen, &r.Expires, &r.Deadline}
	for _, t := range times {
		switch {
		case s.has("times are kept to the millisecond"):
			*t = t.Truncate(time.Millisecond)
		case s.has("a zero time becomes 1970") && t.IsZero():
			*t = time.Unix(0, 0)
		case s.has("time zones are dropped"):
			*t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
		}
	}
	switch {
	case s.has("the label is forgotten"):
		r.Label = ""
	case s.has("labels are trimmed"):
		r.Label = strings.TrimSpace(r.Label)
	case s.has("idle is kept in minutes"):
		r.Idle = r.Idle / time.Minute * time.Minute
	case s.has("data ends at a zero byte"):
		r.Data, _, _ = bytes.Cut(r.Data, []byte{0})
	case s.has("data is cut at 32 KiB"):
		r.Data = r.Data[:min(len(r.Data), 32<<10)]
	case s.has("one buffer for all"):
		s.buffer = append(s.buffer[:0], r.Data...)
		r.Data = s.buffer
	case s.has("spare capacity"):
		r.Data = append(make([]byte, 0, len(r.Data)+100), r.Data...)
	}
	if !s.has("spare capacity") {
		r.Data = slices.Clip(r.Data)
	}
	return &r
}

func (s *brokenStore) live(h scarab.Handle, now time.Time) (*scarab.Record, error) {
	r := s.records[s.key(h)]
	expired := r != nil && r.Expired(now)
	switch {
	case r == nil && s.has("an absent record is an empty one"):
		return new(scarab.Record), nil
	case r == nil:
		return nil, scarab.ErrNoSession
	case s.has("nothing expires"):
		expired = false
	case s.has("expiry is off by one"):
		expired = !r.Expires.IsZero() && now.After(r.Expires)
	case s.has("a zero Expires is long ago"):
		expired = !now.Before(r.Expires)
	}
	if expired {
		if s.has("Load removes what has expired") {
			delete(s.records, h)
		}
		return nil, scarab.ErrNoSession
	}
	return r, nil
}

func (s *brokenStore) Load(ctx context.Context, h scarab.Handle, now time.Time) (scarab.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.has("an ended context is no session") && ctx.Err() != nil {
		return scarab.Record{}, scarab.ErrNoSession
	}
	if s.has("Load hangs") {
		s.mu.Unlock()
		defer s.mu.Lock()
		<-ctx.Done()
		return scarab.Record{}, ctx.Err()
	}
	if s.has("Load panics") {
		panic("out of luck")
	}
	r, err := s.live(h, now)
	if err != nil {
		return scarab.Record{}, err
	}
	if s.has("Load touches") {
		*r = r.Touch(now)
	}
	return *r, nil
}

func (s *brokenStore) LoadTouch(ctx context.Context, h scarab.Handle, secret [32]byte, now time.Time, every time.Duration) (scarab.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.has("LoadTouch: an ended context is no session") && ctx.Err() != nil:
		return scarab.Record{}, scarab.ErrNoSession
	case s.has("LoadTouch revives"):
		r := s.records[h]
		if r == nil {
			return scarab.Record{}, scarab.ErrNoSession
		}
		*r = r.Touch(now)
		return *r, nil
	}
	r, err := s.live(h, now)
	if err != nil {
		return scarab.Record{}, err
	}
	old := *r
	due := now.Sub(r.Seen) > every && r.Secret == secret
	switch {
	case s.has("LoadTouch takes any secret"):
		due = now.Sub(r.Seen) > every
	case s.has("LoadTouch compares the start of the secret"):
		due = now.Sub(r.Seen) > every && bytes.Equal(r.Secret[:16], secret[:16])
	case s.has("LoadTouch always touches"):
		due = r.Secret == secret
	case s.has("LoadTouch touches too soon"):
		due = now.Sub(r.Seen) >= every && r.Secret == secret
	}
	if !due {
		return old, nil
	}
	s.gap("LoadTouch in two steps")
	touched := old.Touch(now)
	if s.has("LoadTouch counts as a version") {
		touched.Version++
	}
	s.records[h] = s.kept(touched)
	if s.has("LoadTouch returns what was") {
		return old, nil
	}
	return touched, nil
}

func (s *brokenStore) Create(ctx context.Context, r scarab.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.records[s.key(r.Handle)]
	s.gap("Create in two steps")
	switch {
	case s.has("Create overwrites"):
	case old != nil && s.has("Create overwrites what has expired") && old.Expired(time.Now()):
	case old != nil, s.has("a handle is used once") && s.was[r.Handle]:
		return scarab.ErrExists
	}
	if s.has("Create removes what has expired") {
		for h, r := range s.records {
			if r.Expired(time.Now()) {
				delete(s.records, h)
			}
		}
	}
	late := s.late(r)
	s.gap("Create looks for revocations first")
	if late && !s.has("Create ignores revocations") {
		return scarab.ErrNoSession
	}
	s.records[s.key(r.Handle)] = s.kept(r)
	return nil
}

// late reports whether the login that r comes from was revoked.
func (s *brokenStore) late(r scarab.Record) bool {
	at, ok := s.revoked[r.Principal]
	if s.has("a login at the instant of the revocation passes") {
		return ok && r.AuthTime.Before(at)
	}
	return ok && !r.AuthTime.After(at)
}

func (s *brokenStore) Save(ctx context.Context, r scarab.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.key(r.Handle)
	old := s.records[h]
	s.last = h
	s.gap("Save mixes up calls")
	if s.has("Save mixes up calls") {
		h = s.last
	}
	s.gap("Save in two steps")
	switch {
	case old == nil && s.has("Save creates"), old == nil && s.was[h] && s.has("Save brings back"):
	case old == nil:
		return scarab.ErrNoSession
	case s.has("Save ignores the version"):
	case s.has("Save goes by the later version") && r.Version > old.Version:
	case old.Version != r.Version-1 && s.has("Save of a stale version is silent"):
		return nil
	case old.Version != r.Version-1 && s.has("Save of a stale version says ErrConflict alone"):
		return scarab.ErrConflict
	case old.Version != r.Version-1 && s.has("a conflict carries what was to be saved"):
		return &scarab.ConflictError[scarab.Record]{Current: &r}
	case old.Version != r.Version-1 && s.has("a conflict gives the record away"):
		return &scarab.ConflictError[scarab.Record]{Current: old}
	case old.Version != r.Version-1:
		current := *old
		return &scarab.ConflictError[scarab.Record]{Current: &current}
	case old.Principal == r.Principal && !s.has("a kept session is revoked too"), s.has("Save ignores revocations"):
	case s.late(r):
		return scarab.ErrNoSession
	}
	switch {
	case s.has("Save keeps the version"):
		r.Version--
	case s.has("Save never shortens") && r.Expires.Before(old.Expires):
		r.Expires = old.Expires
	case s.has("Save patches the data") && len(old.Data) > len(r.Data):
		r.Data = append(bytes.Clone(r.Data), old.Data[len(r.Data):]...)
	case s.has("Save seals in place"):
		for i := range r.Data {
			r.Data[i] ^= 1
		}
	}
	s.records[h] = s.kept(r)
	return nil
}

func (s *brokenStore) Touch(ctx context.Context, h scarab.Handle, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.live(h, now)
	switch {
	case err == nil:
	case s.has("Touch creates"):
		s.records[h] = &scarab.Record{Handle: h, Version: 1, Seen: now, Expires: now.Add(time.Hour)}
		return nil
	case s.has("Touch revives") && s.records[h] != nil:
		r = s.records[h]
	case s.has("Touch of nothing is fine"):
		return nil
	default:
		return err
	}
	old := *r
	s.gap("Touch in two steps")
	touched := old.Touch(now)
	switch {
	case s.has("Touch moves backward"):
		touched.Seen = now
		if !old.Expires.IsZero() && old.Idle != scarab.Never {
			touched.Expires = now.Add(old.Idle)
		}
	case s.has("Touch passes the deadline") && old.Idle != scarab.Never && !old.Expires.IsZero():
		touched.Expires = now.Add(old.Idle)
	case s.has("Touch sets Seen only"):
		touched.Expires = old.Expires
	case s.has("Touch counts as a version"):
		touched.Version++
	}
	s.records[s.key(h)] = s.kept(touched)
	return nil
}

func (s *brokenStore) Delete(ctx context.Context, h scarab.Handle) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.records[s.key(h)]
	switch {
	case r == nil && s.has("Delete of nothing fails"):
		return scarab.ErrNoSession
	case r != nil && r.Version > 1 && s.has("Delete removes the first version only"):
		return nil
	}
	delete(s.records, s.key(h))
	s.was[h] = true
	return nil
}

// principals reports whether a and b are one.
func (s *brokenStore) principals(a, b string) bool {
	if s.has("principals are compared without case") {
		return strings.EqualFold(a, b)
	}
	return a == b
}

func (s *brokenStore) Principal(ctx context.Context, principal string) iter.Seq2[scarab.Record, error] {
	return func(yield func(scarab.Record, error) bool) {
		if s.has("Principal, cancelled, is empty") && ctx.Err() != nil {
			return
		}
		s.mu.Lock()
		var found []scarab.Record
		for _, r := range s.records {
			if s.principals(r.Principal, principal) && !(s.has("Principal lists the untouched") && r.Seen.After(r.Created.Add(time.Hour))) {
				found = append(found, *r)
			}
		}
		if s.has("Principal lists ten at most") {
			found = found[:min(len(found), 9)]
		}
		if s.has("Principal holds the lock") {
			defer s.mu.Unlock()
		} else {
			s.mu.Unlock()
		}
		for _, r := range found {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (s *brokenStore) RevokePrincipal(ctx context.Context, principal string, at time.Time, keep ...scarab.Handle) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at.After(s.revoked[principal]) || s.has("the last revocation counts") {
		s.revoked[principal] = at
	}
	n := 0
	for h, r := range s.records {
		switch {
		case !s.principals(r.Principal, principal):
		case slices.Contains(keep, h) && !s.has("RevokePrincipal keeps nothing"):
		case r.AuthTime.After(at) && s.has("RevokePrincipal spares later logins"):
		default:
			delete(s.records, h)
			n++
		}
	}
	if s.has("RevokePrincipal miscounts") {
		n = len(s.records)
	}
	return n, nil
}

func (s *brokenStore) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.has("Sweep, cancelled, is a conflict") && ctx.Err() != nil {
		return 0, scarab.ErrConflict
	}
	if s.has("Sweep ignores its argument") {
		before = time.Now()
	}
	var found []scarab.Handle
	for h, r := range s.records {
		expired := r.Expired(before)
		switch {
		case s.has("Sweep goes by Created"):
			expired = r.Created.Add(time.Minute).Before(before)
		case s.has("Sweep goes by the first Expires"):
			expired = expired && r.Version == 1
		}
		if expired && (len(found) < limit || s.has("Sweep ignores the limit")) {
			found = append(found, h)
		}
	}
	s.gap("Sweep in two steps")
	for _, h := range found {
		delete(s.records, h)
	}
	return len(found), nil
}

func (s *brokenStore) Scan(ctx context.Context) iter.Seq2[scarab.Record, error] {
	return func(yield func(scarab.Record, error) bool) {
		switch {
		case s.has("Scan, cancelled, has no session") && ctx.Err() != nil:
			yield(scarab.Record{}, scarab.ErrNoSession)
			return
		case s.has("Scan, cancelled, is empty") && ctx.Err() != nil:
			return
		}
		found := s.handles()
		for i := 0; i < len(found); i++ {
			if s.has("Scan counts rows") { // as LIMIT and OFFSET do
				found = s.handles()
			}
			s.mu.Lock()
			r := s.records[found[i]]
			s.mu.Unlock()
			if r == nil {
				continue
			}
			listed := *r
			if s.has("Scan leaves the data out") {
				listed.Data = nil
			}
			if s.has("Scan needs its loop to end") {
				s.mu.Lock()
			}
			if !yield(listed, nil) {
				return
			}
			if s.has("Scan needs its loop to end") {
				s.mu.Unlock()
			}
		}
	}
}

// handles returns those in the store, in order.
func (s *brokenStore) handles() []scarab.Handle {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Keys(s.records), func(a, b scarab.Handle) int { return bytes.Compare(a[:], b[:]) })
}
