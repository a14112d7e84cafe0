package scarab

import (
	"context"
	"errors"
	"time"
)

// A listed is the handle by which a cookie can be denied, as it was loaded or
// written last.
type listed struct {
	handle   Handle
	deadline time.Time // of the cookie; zero if it has none
}

// from returns the handle of st, or that of its cookie's very value for one that
// was made without a deny list.
func (b *inCookie) from(st *State, value Handle) *listed {
	if h, err := ParseHandle(st.Handle); err == nil {
		value = h
	}
	return &listed{value, st.Deadline}
}

// commitListed is Commit where there is a deny list. A cookie that takes the
// place of another has a new handle, and the old one is denied when the new
// cookie is made: if it cannot be, the old one is still good.
func (b *inCookie) commitListed(ctx context.Context, now time.Time, name string, op Op, st *State) (string, error) {
	from, ok := st.Private.(*listed)
	if !ok { // new, or adopted
		from = b.from(st, Handle{})
	}
	if op == Delete {
		return "", b.end(ctx, now, from.handle, from.deadline)
	}
	if adopted := op == Create && st.Handle != ""; op != Create || adopted {
		// A logout that was faster counts, and so does another renewal.
		if _, err := b.allowed(ctx, now, from.handle); err != nil {
			return "", err
		}
		if adopted && st.renewed {
			op = Renew
		}
	}
	switch {
	case op != Renew && op != Create && st.Handle == "":
		st.Handle = from.handle.String() // the old cookie, made without a deny list, ends with this one
	case op == Renew || st.Handle == "":
		st.Handle = newHandle().String()
	}
	value, err := b.encode(now, name, st)
	if err != nil {
		return "", err
	}
	next := b.from(st, Handle{})
	if op == Renew {
		switch err := b.deny(ctx, now, from.handle, from.deadline, next.handle[:]); {
		case errors.Is(err, ErrExists):
			return "", reject("ended")
		case err != nil:
			return "", err
		}
	}
	st.Private = next
	return value, nil
}

// allowed fails with ErrNoSession if h was denied, and tells if that was a
// renewal a moment ago.
func (b *inCookie) allowed(ctx context.Context, now time.Time, h Handle) (superseded bool, err error) {
	rec, err := b.denied.Load(ctx, h, now)
	switch {
	case errors.Is(err, ErrUndecodable):
		return false, reject("ended")
	case errors.Is(err, ErrNoSession):
		return false, nil
	case err != nil:
		return false, err
	}
	_, renewed := successor(rec)
	return renewed && now.Before(rec.Created.Add(grace)), reject("ended")
}

// deny keeps cookies with this handle out until they have expired: until their
// deadline, and at least for a Lifetime. The tombstone of a renewal names the
// handle that came after it.
func (b *inCookie) deny(ctx context.Context, now time.Time, h Handle, deadline time.Time, next []byte) error {
	until := now.Add(maxPersistent)
	if !deadline.IsZero() && deadline.Before(until) {
		until = deadline
		if usual := now.Add(min(b.cfg.Lifetime, maxPersistent)); usual.After(until) {
			until = usual
		}
	}
	rec := tombstone(h, now, until)
	rec.Data = append(rec.Data, next...)
	return b.denied.Create(ctx, rec)
}

// successor returns the handle that took the place of a denied one.
func successor(rec Record) (h Handle, renewed bool) {
	if len(rec.Data) == 1+len(h) {
		return Handle(rec.Data[1:]), true
	}
	return Handle{}, false
}

// end denies h and, if it was renewed meanwhile, what came after it.
func (b *inCookie) end(ctx context.Context, now time.Time, h Handle, deadline time.Time) error {
	for {
		err := b.deny(ctx, now, h, deadline, nil)
		if !errors.Is(err, ErrExists) {
			return err
		}
		rec, err := b.denied.Load(ctx, h, now)
		if err != nil && !errors.Is(err, ErrNoSession) && !errors.Is(err, ErrUndecodable) {
			return err
		}
		next, renewed := successor(rec)
		if !renewed { // ended already, or expired and its cookies with it
			return nil
		}
		h, deadline = next, time.Time{} // whose deadline may be later
	}
}

func (b *inCookie) bury(ctx context.Context, now time.Time, handle string, until time.Time) error {
	h, err := ParseHandle(handle)
	if err != nil || b.denied == nil {
		return err
	}
	return b.end(ctx, now, h, until)
}

// adopted reports an error for a session that was adopted and ended since.
func (b *inCookie) adopted(ctx context.Context, now time.Time, h Handle) (*State, error) {
	if b.denied == nil {
		return nil, nil
	}
	_, err := b.allowed(ctx, now, h)
	return nil, err
}
