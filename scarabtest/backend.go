package scarabtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
)

// BackendOptions says what [TestBackend] and [TestHTTP] cannot find out by
// themselves.
type BackendOptions struct {
	// LastWins is for a backend that tells no versions apart: of two commits
	// that overlap, the last one stands. The clauses about conflicts do not
	// apply. Cookies that carry the data are like that.
	LastWins bool

	// CannotEnd is for a backend whose values work until they expire, whatever
	// is deleted or renewed. Cookies that carry the data are like that, too,
	// unless there is a list of what has ended.
	CannotEnd bool

	// NewKeyOnRenew is for a format that keeps a renewed session under another
	// key: a logout that overlaps with the renewal misses it.
	NewKeyOnRenew bool

	// Now is the instant from which the suite starts; see [StoreOptions.Now].
	Now func() time.Time

	// Timeout bounds each clause. The default is 30 seconds.
	Timeout time.Duration
}

func (o BackendOptions) withDefaults() BackendOptions {
	d := StoreOptions{Now: o.Now, Timeout: o.Timeout}.withDefaults()
	o.Now, o.Timeout = d.Now, d.Timeout
	return o
}

// can reports whether a clause with these needs applies.
func (o BackendOptions) can(needs ability) bool {
	switch needs {
	case merges:
		return !o.LastWins
	case ends:
		return !o.CannotEnd
	case forLife:
		return !o.LastWins && !o.CannotEnd && !o.NewKeyOnRenew
	}
	return true
}

// An ability is what not every backend has.
type ability int

const (
	merges  ability = iota + 1 // tells versions apart
	ends                       // ends a value that it has given out
	forLife                    // keeps a session under one key
)

// TestBackend checks a backend of one's own against the contract of
// [scarab.Backend]. Each clause is a subtest; newBackend is called for each. Times
// are compared to the second, because that is what some formats keep.
//
// A store or a codec of one's own needs no more than [TestStore], or [TestHTTP]
// over [scarab.Stored] or [scarab.InCookie].
func TestBackend(t *testing.T, newBackend func(t *testing.T) scarab.Backend, opts BackendOptions) {
	opts = opts.withDefaults()
	for _, c := range backendClauses {
		if !opts.can(c.needs) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			c.test(t, opts.Timeout, newBackendSubject(newBackend(t), opts))
		})
	}
}

type backendClause = clause[*backendSubject]

var backendClauses = slices.Concat(backendSaves, backendRenews)

// A backendSubject is the backend that a clause is checked on.
type backendSubject struct {
	backend scarab.Backend
	opts    BackendOptions
	now     time.Time
}

const backendCookie = "session"

func newBackendSubject(b scarab.Backend, opts BackendOptions) *backendSubject {
	return &backendSubject{b, opts, opts.Now().UTC().Truncate(time.Second)}
}

// state returns a new state with these values, as a factory makes it.
func (s *backendSubject) state(values ...scarab.Value) *scarab.State {
	return &scarab.State{
		Created: s.now, Seen: s.now, Deadline: s.now.Add(24 * time.Hour), Idle: time.Hour, Values: values,
	}
}

func val(key, raw string) scarab.Value {
	return scarab.Value{Key: key, JSON: json.RawMessage(raw)}
}

// A held is what one request has of a session: what came in, and what it stands
// for.
type held struct {
	value string
	state *scarab.State
}

func (s *backendSubject) load(ctx context.Context, value string, now time.Time) (held, error) {
	st, err := s.backend.Load(ctx, now, backendCookie, value)
	if err == nil && st == nil {
		err = errors.New("neither a state nor an error")
	}
	return held{value, st}, named("Load", err)
}

// commit carries out op on a copy of h's state that edit has changed, and
// returns what the next request has.
func (s *backendSubject) commit(ctx context.Context, op scarab.Op, h held, now time.Time, edit func(*scarab.State)) (held, error) {
	st := *h.state
	st.Values = append([]scarab.Value(nil), st.Values...)
	if edit != nil {
		edit(&st)
	}
	value, err := s.backend.Commit(ctx, now, backendCookie, h.value, op, &st)
	if err != nil {
		return h, fmt.Errorf("Commit(%v): %w", op, err)
	}
	return held{value, &st}, nil
}

// create makes a session and loads it, as the next request does.
func (s *backendSubject) create(ctx context.Context, values ...scarab.Value) (held, error) {
	h, err := s.commit(ctx, scarab.Create, held{state: s.state(values...)}, s.now, nil)
	if err != nil {
		return h, err
	}
	if h.value == "" {
		return h, errors.New("Commit(create) returned no value for the cookie")
	}
	return s.load(ctx, h.value, s.now)
}

func set(values ...scarab.Value) func(*scarab.State) {
	return func(st *scarab.State) { st.Values = values }
}

// loads reports whether value stands for want.
func (s *backendSubject) loads(ctx context.Context, value string, want *scarab.State) error {
	return s.loadsAt(ctx, value, want, s.now)
}

func (s *backendSubject) loadsAt(ctx context.Context, value string, want *scarab.State, now time.Time) error {
	got, err := s.load(ctx, value, now)
	if err != nil {
		return err
	}
	return sameState(got.state, want)
}

// dead reports whether value stands for nothing any more.
func (s *backendSubject) dead(ctx context.Context, value string, now time.Time) error {
	_, err := s.load(ctx, value, now)
	if errors.Is(err, scarab.ErrSuperseded) || s.opts.CannotEnd && err == nil {
		return nil
	}
	return want("Load of a value that has ended", err, scarab.ErrNoSession)
}

// conflicts reports whether err carries the current state, with values.
func conflicts(what string, err error, values ...scarab.Value) (*scarab.State, error) {
	if err := want(what, err, scarab.ErrConflict); err != nil {
		return nil, err
	}
	var conflict *scarab.ConflictError[scarab.State]
	if !errors.As(err, &conflict) || conflict.Current == nil {
		return nil, fmt.Errorf("%s: the error is a %T, want a *ConflictError[State] with the current state", what, err)
	}
	return conflict.Current, sameValues(conflict.Current.Values, values)
}

// sameState compares what every backend keeps.
func sameState(got, want *scarab.State) error {
	errs := []error{sameValues(got.Values, want.Values)}
	differ := func(field string, got, want any) {
		errs = append(errs, fmt.Errorf("%s is %v, want %v", field, got, want))
	}
	if got.Principal != want.Principal {
		differ("Principal", got.Principal, want.Principal)
	}
	if got.Label != want.Label {
		differ("Label", got.Label, want.Label)
	}
	for _, f := range []struct {
		name      string
		got, want time.Time
	}{{"Created", got.Created, want.Created}, {"AuthTime", got.AuthTime, want.AuthTime}, {"Deadline", got.Deadline, want.Deadline}} {
		if f.got.IsZero() != f.want.IsZero() || f.got.Sub(f.want).Abs() >= time.Second {
			differ(f.name, f.got.UTC(), f.want.UTC())
		}
	}
	return errors.Join(errs...)
}

// sameValues compares keys, their order, and values as JSON.
func sameValues(got, want []scarab.Value) error {
	var g, w []string
	for _, v := range got {
		g = append(g, v.Key)
	}
	for _, v := range want {
		w = append(w, v.Key)
	}
	if strings.Join(g, "\x00") != strings.Join(w, "\x00") {
		return fmt.Errorf("the keys are %q, want %q", g, w)
	}
	for i := range got {
		if !sameJSON(got[i].JSON, want[i].JSON) {
			return fmt.Errorf("the value at %q is %s, want %s", got[i].Key, got[i].JSON, want[i].JSON)
		}
	}
	return nil
}

func sameJSON(a, b json.RawMessage) bool {
	var va, vb any
	da, db := json.NewDecoder(strings.NewReader(string(a))), json.NewDecoder(strings.NewReader(string(b)))
	da.UseNumber()
	db.UseNumber()
	return da.Decode(&va) == nil && db.Decode(&vb) == nil && reflect.DeepEqual(va, vb)
}

// expired reports whether st has expired at now, as a factory with the default
// timeouts finds.
func expired(st *scarab.State, now time.Time) bool {
	idle := st.Idle
	if idle == 0 {
		idle = time.Hour
	}
	return !st.Deadline.IsZero() && !now.Before(st.Deadline) ||
		!st.Expires.IsZero() && !now.Before(st.Expires) ||
		st.Expires.IsZero() && idle != scarab.Never && now.Sub(st.Seen) > idle
}
