package scarab

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// An adopter is a backend that can tell whether a session was adopted from a
// fallback, or ended after that.
type adopter interface {
	adopted(ctx context.Context, now time.Time, h Handle) (*State, error)
	bury(ctx context.Context, now time.Time, handle string, until time.Time) error
}

// openFallback makes the session that fallback i has found the request's.
func (f *Factory) openFallback(ctx context.Context, now time.Time, i int, st *State, value string, found *finding) error {
	st.unpack()
	found.state = st
	found.origin = origin{kind: fromFallback, cookie: value}
	h := adoptedHandle(f.cfg.Fallbacks[i], st, value)
	s := found.state
	// What is the fallback's own means nothing in the first backend.
	s.Version, s.Private, s.numbers, s.lazy, s.Expires = 0, nil, nil, nil, time.Time{}
	for _, v := range s.Values {
		s.set(v.Key, v.JSON) // numbers the messages in queues
	}
	if s.Idle == 0 {
		s.Idle = f.cfg.IdleTimeout
	}
	if s.Deadline.IsZero() {
		s.Deadline = deadline(s.Seen, f.cfg.Lifetime) // the same each time this cookie comes
	}
	s.Handle = ""
	if reason := f.expired(s, now); reason != "" {
		found.event(EventExpired, reason, nil)
		found.origin, found.state = origin{}, blank(new(State), f, now)
		return nil
	}
	a, ok := f.backend.(adopter)
	if !ok {
		return nil
	}
	current, err := a.adopted(ctx, now, h)
	if current == nil && err == nil {
		_, err = a.adopted(ctx, now, loggedInMark(h))
	}
	switch {
	case errors.Is(err, ErrNoSession):
		found.event(EventRejected, reasonOf(err), nil)
		found.origin, found.state = origin{}, blank(new(State), f, now)
		return nil
	case err != nil:
		return &StoreError{Op: "load", Err: err}
	case current != nil: // by a request whose cookie has not reached the browser
		found.origin, found.state = origin{kind: fromBackend}, current
		return nil
	}
	if _, ok := f.store(); ok {
		s.Handle = h.String()
	}
	return nil
}

// endFallback ends the session that a fallback's cookie opens, if it opens one,
// and makes sure that it is not adopted again. The session at keep goes on: it
// is the one that was adopted, whose own renewal keeps the old cookie out.
func (f *Factory) endFallback(ctx context.Context, now time.Time, fallback Fallback, value, keep string) error {
	st, err := f.load(ctx, now, fallback.Backend, fallback.CookieName, value, nil)
	if errors.Is(err, ErrNoSession) || errors.Is(err, ErrSuperseded) {
		return nil
	}
	if err != nil {
		return err
	}
	h := adoptedHandle(fallback, st, value).String()
	if _, err := fallback.Backend.Commit(ctx, now, fallback.CookieName, value, Delete, st); err != nil {
		return err
	}
	if h == keep {
		return nil
	}
	return f.bury(ctx, now, h, st.Deadline)
}

// endTwins ends what the session with this handle was in stores that it may have
// been adopted from, and what a copy of those has brought here. Its cookie need
// not be at hand for that. If the session goes on, after a login, a mark stays:
// also when its record has expired, the cookie from before opens nothing.
func (f *Factory) endTwins(ctx context.Context, now time.Time, handle string, deadline time.Time, goesOn bool) error {
	if len(f.cfg.Fallbacks) == 0 {
		return nil
	}
	h, err := ParseHandle(handle)
	if err != nil { // new, or in a format of somebody else's
		return nil
	}
	for _, fallback := range f.cfg.Fallbacks {
		b, ok := fallback.Backend.(*stored)
		if !ok {
			continue
		}
		old := twin(h, fallback.CookieName)
		if err := b.store.Delete(ctx, old); err != nil {
			return err
		}
		if !goesOn {
			if err := b.store.Delete(ctx, h); err != nil {
				return err
			}
		}
		if err := f.bury(ctx, now, old.String(), deadline); err != nil {
			return err
		}
	}
	if goesOn {
		return f.bury(ctx, now, loggedInMark(h).String(), deadline)
	}
	return nil
}

// loggedInMark is where a login leaves a tombstone for what h was adopted from.
func loggedInMark(h Handle) Handle { return twin(h, "\x00") } // which is no cookie's name

// bury leaves a tombstone at handle, if there are fallbacks that it could be
// adopted from again, for as long as their cookies could live: until the
// session's deadline, and at least for a Lifetime.
func (f *Factory) bury(ctx context.Context, now time.Time, handle string, deadline time.Time) error {
	a, ok := f.backend.(adopter)
	if !ok || len(f.cfg.Fallbacks) == 0 || handle == "" {
		return nil
	}
	until := now.Add(maxPersistent)
	if f.cfg.IdleTimeout != Never && !deadline.IsZero() && deadline.Before(until) {
		until = deadline
		if usual := now.Add(min(f.cfg.Lifetime, maxPersistent)); usual.After(until) {
			until = usual
		}
	}
	return a.bury(ctx, now, handle, until)
}

// adopted looks up a session that came from a fallback. It returns nil and no
// error if nobody has adopted it yet.
func (b *stored) adopted(ctx context.Context, now time.Time, h Handle) (*State, error) {
	rec, err := b.store.Load(ctx, h, now)
	switch {
	case errors.Is(err, ErrUndecodable):
		return nil, reject("ended")
	case errors.Is(err, ErrNoSession):
		return nil, nil
	case err != nil:
		return nil, err
	case !rec.Renewed.IsZero():
		return nil, reject("ended") // its fallback cookie opens nothing since the login
	}
	return b.state(rec)
}

// adoptedHandle is the handle of a session that is adopted from a fallback: the
// same for every request that brings its cookie, so that only one creates it.
func adoptedHandle(fallback Fallback, st *State, value string) (h Handle) {
	if _, ok := fallback.Backend.(*stored); ok {
		if h, err := ParseHandle(st.Handle); err == nil {
			return twin(h, fallback.CookieName)
		}
	}
	id := st.Handle
	if id == "" {
		id = value
	}
	copy(h[:], fallbackHash(fallback.CookieName, id))
	return h
}

// twin is the other handle of a session that was adopted from a store: of the
// old handle the new one, and of the new one the old. So what ends a session can
// end it there too, whatever cookie the browser has by then.
func twin(h Handle, cookieName string) Handle {
	for i, b := range fallbackHash(cookieName, "")[:len(h)] {
		h[i] ^= b
	}
	return h
}

func fallbackHash(cookieName, id string) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "scarab fallback\x00%d\x00%s\x00%s", len(cookieName), cookieName, id))
	return sum[:]
}
