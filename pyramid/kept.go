package pyramid

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/scarab-go/scarab"
)

// A kept backend has the session in a store of Python's and its id in the
// cookie. The store's key is made from the id, so that whoever reads the store
// has ids, and needs the application's secret to make cookies of them.
//
// What the store has is replaced only if it is still what was loaded. That
// keeps Go from bringing back a session that was ended, and from overwriting
// what another request wrote; Python's own writes are blind.
//
// A renewed session has another id, and so another key; renewed.go has how it
// is found by a request that came with the old one.
type kept struct {
	cookie idCookie
	format format
	store  storage
}

// An idCookie is how an id becomes the value of a cookie.
type idCookie interface {
	seal(id string) (string, error)
	open(value string) (id string, err error)
}

// A format is how a session becomes a value of Python's that the store keeps.
type format interface {
	newID() string
	key(id string) string // in the store

	// decode makes a state of a value. ttl is how long the store keeps it;
	// none if it keeps it for ever or does not say.
	decode(now time.Time, value any, ttl time.Duration) (*scarab.State, *contents, error)

	// encode makes a value of a state that is used at now, and says how long to
	// keep it. c is what decode returned for the state, nil if it is new.
	encode(now time.Time, id string, st *scarab.State, c *contents) (value any, ttl time.Duration, err error)

	// touch says what is to be done when a session is used at now and did not
	// change.
	touch(now time.Time, st *scarab.State) (what touch, ttl time.Duration)
}

type touch uint8

const (
	touchNothing touch = iota
	touchTTL           // it is kept longer
	touchValue         // encode makes another value of it
)

// none, as a time to live, is that the store keeps the value for ever.
const none = time.Duration(-1)

// A storage keeps values by key. It reports with ErrNoSession a key that is
// not there, with errUndecodable a value that is not Python's.
type storage interface {
	load(ctx context.Context, key string) (value any, p place, err error)
	create(ctx context.Context, key string, value any, ttl time.Duration) (place, error) // ErrExists

	// These do nothing and report errChanged if the key has another value by
	// now than at p, and ErrNoSession if it has none.
	replace(ctx context.Context, key string, p place, value any, ttl time.Duration) (place, error)
	extend(ctx context.Context, key string, p place, ttl time.Duration) error
	removeSame(ctx context.Context, key string, p place) error

	remove(ctx context.Context, key string) error // absent is fine
}

// A place is a value as a storage has it, to tell whether it changed.
type place struct {
	raw []byte
	ttl time.Duration
	cas any // memcached's token
}

var (
	errChanged     = errors.New("pyramid: value was changed meanwhile")
	errUndecodable = errors.New("pyramid: value does not decode")
)

// loaded is what a state's Private has.
type loaded struct {
	id       string
	place    place
	contents *contents
	authTime time.Time
}

// reject is an error that matches ErrNoSession, with the reason for events.
func reject(reason string) error { return fmt.Errorf("%w: %s", scarab.ErrNoSession, reason) }

// undecodable is reject for contents that did not decode. What is wrong with a
// pickle is told: somebody has to find the place that puts it there.
func undecodable(err error) error {
	if p := new(pickleError); errors.As(err, &p) {
		return reject(p.what.Error())
	}
	for _, told := range []error{errDepth, errShared} {
		if errors.Is(err, told) {
			return reject(told.Error())
		}
	}
	return reject("undecodable")
}

// Load implements scarab.Backend.
func (b *kept) Load(ctx context.Context, now time.Time, _, value string) (*scarab.State, error) {
	id, err := b.cookie.open(value)
	if p := new(pickleError); errors.As(err, &p) {
		return nil, undecodable(err)
	}
	if err != nil {
		return nil, reject("forged")
	}
	st, err := b.load(ctx, now, id)
	if errors.Is(err, errUnknown) {
		return nil, b.whyUnknown(ctx, now, id)
	}
	return st, err
}

var errUnknown = reject("unknown")

func (b *kept) load(ctx context.Context, now time.Time, id string) (*scarab.State, error) {
	value, p, err := b.store.load(ctx, b.format.key(id))
	switch {
	case errors.Is(err, scarab.ErrNoSession):
		return nil, errUnknown
	case errors.Is(err, errUndecodable):
		return nil, undecodable(err)
	case err != nil:
		return nil, err
	}
	st, c, err := b.format.decode(now, value, p.ttl)
	if err != nil {
		return nil, undecodable(err)
	}
	st.Version = 1 // values have none: they are compared whole
	if st.Handle == "" {
		st.Handle = handleOf(id)
	}
	st.Private = &loaded{id, p, c, st.AuthTime}
	return st, nil
}

// handleOf returns a name for the session with this id that may be public.
func handleOf(id string) string {
	sum := sha256.Sum256([]byte("scarab pyramid\x00" + id))
	var h scarab.Handle
	copy(h[:], sum[:])
	return h.String()
}

// Commit implements scarab.Backend.
func (b *kept) Commit(ctx context.Context, now time.Time, _, old string, op scarab.Op, st *scarab.State) (string, error) {
	if op == scarab.Create {
		st.Handle = ""
		return b.create(ctx, now, st, nil)
	}
	prev, ok := st.Private.(*loaded)
	if !ok {
		return "", fmt.Errorf("pyramid: cannot %v a session that comes from another backend", op)
	}
	switch op {
	case scarab.Touch:
		return old, b.touch(ctx, now, st, prev)
	case scarab.Delete:
		return old, b.end(ctx, prev.id)
	case scarab.Renew:
		// If the session has another id than the cookie, another request has
		// renewed it. Only a login needs an id of its own.
		if id, err := b.cookie.open(old); err == nil && (id == prev.id || !st.AuthTime.Equal(prev.authTime)) {
			return b.renew(ctx, now, st, prev)
		}
	}
	return old, b.conflict(ctx, now, prev.id, b.replace(ctx, now, st, prev))
}

// create keeps a session under a new id.
func (b *kept) create(ctx context.Context, now time.Time, st *scarab.State, c *contents) (string, error) {
	for range 8 {
		id := b.format.newID()
		st.Seen = now
		value, ttl, err := b.format.encode(now, id, st, c)
		if err != nil {
			return "", err
		}
		p, err := b.store.create(ctx, b.format.key(id), value, ttl)
		if errors.Is(err, scarab.ErrExists) {
			continue
		}
		if err != nil {
			return "", err
		}
		if st.Handle == "" {
			st.Handle = handleOf(id)
		}
		st.Version = 1
		st.Private = &loaded{id, p, c, st.AuthTime}
		return b.cookie.seal(id)
	}
	return "", errors.New("pyramid: every id tried is taken: is the random source broken?")
}

// replace puts st in the place of what was loaded.
func (b *kept) replace(ctx context.Context, now time.Time, st *scarab.State, prev *loaded) error {
	st.Seen = now
	value, ttl, err := b.format.encode(now, prev.id, st, prev.contents)
	if err != nil {
		return err
	}
	p, err := b.store.replace(ctx, b.format.key(prev.id), prev.place, value, ttl)
	if err != nil {
		return &storageError{err}
	}
	st.Private = &loaded{prev.id, p, prev.contents, st.AuthTime}
	return nil
}

func (b *kept) touch(ctx context.Context, now time.Time, st *scarab.State, prev *loaded) error {
	var err error
	switch what, ttl := b.format.touch(now, st); what {
	case touchTTL:
		err = b.store.extend(ctx, b.format.key(prev.id), prev.place, ttl)
	case touchValue:
		err = b.replace(ctx, now, st, prev)
	}
	switch {
	case errors.Is(err, errChanged):
		return nil // another request used it, which is as good
	case errors.Is(err, scarab.ErrNoSession):
		if _, moved := b.latest(ctx, prev.id); moved == nil {
			return nil // another request renewed it
		}
	}
	return err
}

// A storageError is an error of the storage, not of the value.
type storageError struct{ error }

func (e *storageError) Unwrap() error { return e.error }

// conflict returns the error of Commit for one of replace.
func (b *kept) conflict(ctx context.Context, now time.Time, id string, err error) error {
	var failed *storageError
	switch {
	case err == nil, !errors.As(err, &failed), errors.Is(err, errPickle):
		return err
	case errors.Is(err, scarab.ErrNoSession):
		if id, err = b.latest(ctx, id); err != nil {
			return err
		}
	case !errors.Is(err, errChanged):
		return fmt.Errorf("%w: %w", scarab.ErrOutcomeUnknown, err)
	}
	current, err := b.load(ctx, now, id)
	if err != nil {
		return err
	}
	return &scarab.ConflictError[scarab.State]{Current: current}
}
