package breaker

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/scarab-go/scarab"
)

// contents are what the model says a session holds.
type contents struct {
	principal string
	values    map[string]string // as fmt prints them
	queue     []message         // the default queue of flash messages
}

// A message has an identity, so that equal ones can be told apart.
type message struct {
	text string
	id   int
}

func (c contents) clone() contents {
	c.values = maps.Clone(c.values)
	if c.values == nil {
		c.values = make(map[string]string)
	}
	c.queue = slices.Clone(c.queue)
	return c
}

func (c contents) texts() []string {
	var texts []string
	for _, m := range c.queue {
		texts = append(texts, m.text)
	}
	return texts
}

func (c contents) empty() bool {
	return c.principal == "" && len(c.values) == 0 && len(c.queue) == 0
}

func (c contents) equal(o contents) bool {
	return c.principal == o.principal && maps.Equal(c.values, o.values) && slices.Equal(c.texts(), o.texts())
}

func (c contents) String() string {
	return fmt.Sprintf("{%q %v %q}", c.principal, c.values, c.texts())
}

// differs names the invariant that is broken if a session has got contents
// other than those it should have.
func (c contents) differs(want contents) string {
	switch {
	case c.principal != want.principal:
		return "I29 (the principal)"
	case !slices.Equal(c.texts(), want.texts()):
		return "I1, I3, I4 (messages)"
	case c.values[string(counter)] != want.values[string(counter)]:
		return "I6, I7 (updates)"
	case c.values[string(once)] != want.values[string(once)]:
		return "I33 (a one-time value)"
	case c.values[csrfKey] != want.values[csrfKey]:
		return "I24 (the CSRF token)"
	}
	return "I5, I30 (keys)"
}

// What handlers use.
const (
	counter = scarab.Key[int]("counter")
	once    = scarab.Key[string]("once")
	queue   = scarab.Queue[string]("")

	queueKey = "_f_"
	csrfKey  = "_csrft_"
)

// A change is one that a request has recorded.
type change struct {
	kind  kind
	key   string // of set, remove, update, take; the principal of login
	value string // of set, take; the text of push; the CSRF token of login
	id    int    // of push
	seen  []int  // of pop: the messages it returned

	at             time.Time // of login and timeouts, by the clock of the factory
	idle, lifetime time.Duration
}

type kind string

const (
	set      kind = "Set"
	remove   kind = "Delete"
	update   kind = "Update"
	push     kind = "Flash"
	unique   kind = "PushUnique"
	pop      kind = "PopFlash"
	clear_   kind = "Clear"
	take     kind = "Key.Pop"
	renew    kind = "Renew"
	login    kind = "Login"
	timeouts kind = "SetTimeouts"
)

var errTaken = errors.New("the one-time value is gone, or another one")

// apply makes the change to c. It is written from the table in docs/design.md,
// not from the code it is held against.
func (ch change) apply(c *contents) error {
	switch ch.kind {
	case set:
		c.values[ch.key] = ch.value
	case remove:
		delete(c.values, ch.key)
	case update:
		n := 0
		fmt.Sscan(c.values[ch.key], &n)
		c.values[ch.key] = fmt.Sprint(n + 1)
	case unique, push:
		if ch.kind == unique && slices.Contains(c.texts(), ch.value) {
			return nil
		}
		c.queue = append(c.queue, message{ch.value, ch.id})
	case pop:
		c.queue = slices.DeleteFunc(c.queue, func(m message) bool { return slices.Contains(ch.seen, m.id) })
	case clear_:
		c.values, c.queue = make(map[string]string), nil
	case take:
		if c.values[ch.key] != ch.value {
			return errTaken
		}
		delete(c.values, ch.key)
	case login:
		if c.principal != "" && c.principal != ch.key {
			c.values, c.queue = make(map[string]string), nil
		}
		c.principal = ch.key
		c.values[csrfKey] = ch.value
	}
	return nil
}

// replay applies changes to a copy of c.
func replay(c contents, changes []change) (contents, error) {
	c = c.clone()
	for _, ch := range changes {
		if err := ch.apply(&c); err != nil {
			return c, err
		}
	}
	return c, nil
}

// kept returns those of a request's changes that are made to a session of
// principal, where the request has loaded one of base: what it did before it
// logged principal in, it did to base's session, and not to this one. A value
// that was to be taken once must still be there.
func kept(changes []change, base, principal string) []change {
	if base == "" || base == principal {
		return changes
	}
	at := slices.IndexFunc(changes, func(ch change) bool { return ch.kind == login && ch.key != base })
	before := slices.DeleteFunc(slices.Clone(changes[:at]), func(ch change) bool { return ch.kind != take })
	return append(before, changes[at:]...)
}

func has(changes []change, k kind) bool {
	return slices.ContainsFunc(changes, func(ch change) bool { return ch.kind == k })
}

// An entry is what the model says the store has at a handle.
type entry struct {
	contents
	rec     scarab.Record
	gone    string           // why it is no more; "" while it is there
	secrets map[[32]byte]int // the hash of every secret it ever had, numbered
	excused int              // the number of the last secret that makes those before dead in the browser, too
}

func (e *entry) there() bool { return e != nil && e.gone == "" }

// touched is what a request at now makes of a record.
func touched(r scarab.Record, now time.Time) scarab.Record {
	if r.Seen.Before(now) {
		r.Seen = now
	}
	if r.Expires.IsZero() {
		return r
	}
	switch until := expires(now, r.Idle, r.Deadline); {
	case until.IsZero(), until.After(r.Expires):
		r.Expires = until
	}
	return r
}

// expires is when a session expires that was used at now; zero is never.
func expires(now time.Time, idle time.Duration, deadline time.Time) time.Time {
	var t time.Time
	if idle != scarab.Never {
		t = now.Add(idle)
	}
	if t.IsZero() || !deadline.IsZero() && deadline.Before(t) {
		t = deadline
	}
	return t
}

// sameRecord says in which field two records differ.
func sameRecord(got, want scarab.Record) string {
	for _, f := range []struct {
		name string
		same bool
	}{
		{"Secret", got.Secret == want.Secret},
		{"Version", got.Version == want.Version},
		{"Commit", got.Commit == want.Commit},
		{"Principal", got.Principal == want.Principal},
		{"Label", got.Label == want.Label},
		{"Created", got.Created.Equal(want.Created)},
		{"AuthTime", got.AuthTime.Equal(want.AuthTime)},
		{"Renewed", got.Renewed.Equal(want.Renewed)},
		{"Seen", got.Seen.Equal(want.Seen)},
		{"Expires", got.Expires.Equal(want.Expires)},
		{"Deadline", got.Deadline.Equal(want.Deadline)},
		{"Idle", got.Idle == want.Idle},
		{"Data", string(got.Data) == string(want.Data)},
	} {
		if !f.same {
			return f.name
		}
	}
	return ""
}
