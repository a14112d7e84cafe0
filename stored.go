package scarab

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"
)

// Stored returns a [Backend] whose cookie holds a token and nothing else, and
// whose state is in s. It keeps the promises that a cookie cannot: a logout
// stays a logout, and changes of requests that overlap are merged.
//
// A copy of the store opens no session: it has a hash where the token has a
// secret.
func Stored(s Store) Backend { return &stored{store: s, cfg: &unconfigured} }

type stored struct {
	store Store
	cfg   *Config
}

// grace is how long a request with a token that was renewed away is told apart
// from one with a token that never was: long enough for requests under way.
const grace = 60 * time.Second

func (b *stored) configured(cfg *Config) (Backend, string) {
	if b.store == nil {
		return b, "Stored needs a Store"
	}
	return &stored{b.store, cfg}, ""
}

// kept is what Stored has to know of a record beside the state: its Private.
type kept struct {
	handle            Handle
	secret            [32]byte
	renewed, authTime time.Time
}

// storedState is a state with what it takes to save it, in one allocation.
type storedState struct {
	State
	kept kept
}

// Load implements Backend: one round trip if the store is a LoadToucher.
func (b *stored) Load(ctx context.Context, now time.Time, name, value string) (*State, error) {
	st := new(storedState)
	if err := b.loadInto(ctx, now, name, value, st); err != nil {
		return nil, err
	}
	st.unpack()
	return &st.State, nil
}

// loadInto implements frugal.
func (b *stored) loadInto(ctx context.Context, now time.Time, _, value string, st *storedState) error {
	t, ok := parseToken(value)
	if !ok {
		return reject("malformed")
	}
	hash := t.hash()
	rec, err := b.load(ctx, t.handle, hash, now)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(rec.Secret[:], hash[:]) == 0 {
		if !rec.Renewed.IsZero() && now.Before(rec.Renewed.Add(grace)) {
			return ErrSuperseded
		}
		return reject("unknown")
	}
	return st.pack(&rec)
}

func (b *stored) load(ctx context.Context, h Handle, hash [32]byte, now time.Time) (Record, error) {
	if lt, ok := b.store.(LoadToucher); ok && b.cfg.TouchInterval != Never {
		rec, err := lt.LoadTouch(ctx, h, hash, now, b.cfg.TouchInterval)
		if !errors.Is(err, errors.ErrUnsupported) { // a wrapper around a store that cannot
			return rec, err
		}
	}
	return b.store.Load(ctx, h, now)
}

// state returns what rec holds; a tombstone and a record that does not decode
// are no session. The latter stays where it is, for the operator.
func (b *stored) state(rec Record) (*State, error) {
	st := new(storedState)
	if err := st.pack(&rec); err != nil {
		return nil, err
	}
	st.unpack()
	return &st.State, nil
}

func (st *storedState) pack(rec *Record) error {
	if isTombstone(*rec) {
		return reject("ended")
	}
	st.State = State{
		Version: rec.Version, Principal: rec.Principal, Label: rec.Label,
		Created: rec.Created, AuthTime: rec.AuthTime, Seen: rec.Seen, Expires: rec.Expires, Deadline: rec.Deadline,
		Idle: rec.Idle, Private: &st.kept,
	}
	st.kept = keptOf(rec)
	if err := st.State.pack(rec.Data); err != nil {
		return reject("undecodable")
	}
	return nil
}

func keptOf(rec *Record) kept {
	return kept{rec.Handle, rec.Secret, rec.Renewed, rec.AuthTime}
}

// Commit implements Backend.
func (b *stored) Commit(ctx context.Context, now time.Time, _, old string, op Op, st *State) (string, error) {
	if op == Create {
		return b.create(ctx, now, st)
	}
	prev, ok := st.Private.(*kept)
	if !ok {
		return "", fmt.Errorf("scarab: Stored cannot %v a state that it has not loaded", op)
	}
	switch op {
	case Touch:
		return old, b.store.Touch(ctx, prev.handle, now)
	case Delete:
		err := b.store.Delete(ctx, prev.handle)
		if err != nil { // whatever became of it, once more does no harm
			err = b.store.Delete(ctx, prev.handle)
		}
		return old, err
	}
	value := old
	rec := Record{Handle: prev.handle, Secret: prev.secret, Renewed: prev.renewed, Version: st.Version + 1}
	if op == Renew && !(b.renewedMeanwhile(old, prev) && st.AuthTime.Equal(prev.authTime)) {
		t := newToken(prev.handle)
		rec.Secret, rec.Renewed, value = t.hash(), now, t.String()
	}
	if err := b.fill(&rec, now, st); err != nil {
		return "", err
	}
	if err := b.save(ctx, now, rec); err != nil {
		return "", err
	}
	st.complete(&rec)
	return value, nil
}

// renewedMeanwhile reports whether the secret that the request came with is no
// longer the one in the record. One that came with the cookie of a fallback has
// none.
func (b *stored) renewedMeanwhile(old string, current *kept) bool {
	t, ok := parseToken(old)
	if !ok {
		return !current.renewed.IsZero()
	}
	return t.hash() != current.secret
}

// fill puts what st says into rec.
func (b *stored) fill(rec *Record, now time.Time, st *State) error {
	if st.Idle == 0 {
		st.Idle = b.cfg.IdleTimeout
	}
	rec.Commit = st.commit
	if rec.Commit == ([16]byte{}) {
		rand.Read(rec.Commit[:])
	}
	rec.Principal, rec.Label = st.Principal, st.Label
	rec.Created, rec.AuthTime, rec.Deadline, rec.Idle = st.Created, st.AuthTime, st.Deadline, st.Idle
	rec.Seen = st.Seen
	rec.Expires = st.Expires
	if rec.Expires.IsZero() { // new, or with other timeouts
		rec.Expires = expiry(now, st.Idle, st.Deadline)
	}
	*rec = rec.Touch(now)
	rec.Data = st.data()
	if len(rec.Data) > b.cfg.MaxSize {
		return st.tooLarge(len(rec.Data), b.cfg.MaxSize)
	}
	return nil
}

// complete makes st the state that rec is the record of.
func (st *State) complete(rec *Record) {
	if st.Version = rec.Version; st.Handle == "" && !st.packed {
		st.Handle = rec.Handle.String()
	}
	st.Seen, st.Expires = rec.Seen, rec.Expires
	if st.room == nil {
		st.room = new(kept)
	}
	*st.room = keptOf(rec)
	st.Private, st.room = st.room, nil
}

// create tries another handle if one is taken, but for a handle that was
// prescribed: that session has been adopted by another request.
func (b *stored) create(ctx context.Context, now time.Time, st *State) (string, error) {
	prescribed := st.Handle != ""
	for range 8 {
		h := newHandle()
		if prescribed {
			var err error
			if h, err = ParseHandle(st.Handle); err != nil {
				return "", err
			}
		}
		t := newToken(h)
		rec := Record{Handle: h, Secret: t.hash(), Version: 1}
		if st.renewed && prescribed {
			rec.Renewed = now
		}
		if err := b.fill(&rec, now, st); err != nil {
			return "", err
		}
		err := b.createOnce(ctx, now, rec)
		if err == nil {
			st.complete(&rec)
			return t.String(), nil
		}
		if !errors.Is(err, ErrExists) {
			return "", err
		}
		if prescribed {
			return "", b.conflict(ctx, now, h)
		}
	}
	return "", errors.New("scarab: every handle tried is taken: is the random source broken?")
}

// conflict returns the error for a record that is not the expected one.
func (b *stored) conflict(ctx context.Context, now time.Time, h Handle) error {
	rec, err := b.store.Load(ctx, h, now)
	if err != nil {
		return err
	}
	st, err := b.state(rec)
	if err != nil {
		return err
	}
	return &ConflictError[State]{Current: st}
}

// createOnce creates rec. If the answer was lost it looks what became of it.
func (b *stored) createOnce(ctx context.Context, now time.Time, rec Record) error {
	err := b.store.Create(ctx, rec)
	if err == nil || errors.Is(err, ErrNoSession) {
		return err
	}
	current, lookErr := b.store.Load(ctx, rec.Handle, now)
	switch {
	case lookErr == nil && current.Commit == rec.Commit:
		return nil
	case errors.Is(err, ErrExists), lookErr == nil:
		return ErrExists
	case errors.Is(lookErr, ErrNoSession):
		if again := b.store.Create(ctx, rec); again == nil || errors.Is(again, ErrNoSession) {
			return again
		}
	}
	return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
}

// save replaces the version before rec's. If the answer was lost it looks what
// became of it, and tries once more only if nothing did.
func (b *stored) save(ctx context.Context, now time.Time, rec Record) error {
	err := b.store.Save(ctx, rec)
	if err == nil {
		return nil
	}
	for again := false; ; again = true {
		if err == nil || errors.Is(err, ErrNoSession) {
			return err
		}
		current, lookErr := b.current(ctx, now, rec.Handle, err)
		switch {
		case errors.Is(lookErr, ErrNoSession):
			return lookErr
		case lookErr != nil:
		case current.Commit == rec.Commit:
			return nil
		case current.Version == rec.Version, errors.Is(err, ErrConflict) && !again:
			return b.conflictWith(current)
		case current.Version == rec.Version-1 && !again:
			err = b.store.Save(ctx, rec)
			continue
		}
		// A later version may be on top of ours, if the save that was believed
		// lost came late.
		return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
	}
}

// current returns the record that is there after a save has failed with err.
func (b *stored) current(ctx context.Context, now time.Time, h Handle, err error) (Record, error) {
	var conflict *ConflictError[Record]
	if errors.As(err, &conflict) && conflict.Current != nil {
		return *conflict.Current, nil
	}
	return b.store.Load(ctx, h, now)
}

func (b *stored) conflictWith(current Record) error {
	st, err := b.state(current)
	if err != nil {
		return err
	}
	return &ConflictError[State]{Current: st}
}

// reload reads the current state of a session by its handle, whatever its
// secret is now.
func (b *stored) reload(ctx context.Context, now time.Time, st *State) (*State, error) {
	h, err := ParseHandle(st.Handle)
	if err != nil {
		return nil, err
	}
	rec, err := b.store.Load(ctx, h, now)
	if err != nil {
		return nil, err
	}
	return b.state(rec)
}

// Values returns the entries of the session that r is the record of, for tools
// that show them. Data that does not decode is an error that matches
// ErrUndecodable; a tombstone, which some ended sessions leave, holds nothing.
func (r Record) Values() ([]Value, error) {
	if isTombstone(r) {
		return nil, nil
	}
	var st State
	err := st.parseData(r.Handle, r.Data)
	return st.Values, err
}
