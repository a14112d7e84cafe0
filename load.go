package scarab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// A finding is what a request's cookies stand for.
type finding struct {
	state   *State
	origin  origin
	carried bool // a cookie of the session's name came
	events  []Event
}

func (found *finding) event(kind EventKind, reason string, err error) {
	found.events = append(found.events, Event{Kind: kind, Reason: reason, Err: err})
}

// find loads the session of a request: from the backend, else from a fallback,
// else a new one: in room, unless it takes more than one try. Its error is the
// store's.
func (f *Factory) find(ctx context.Context, now time.Time, header http.Header, room *storedState) (finding, error) {
	var found finding
	st, value, err := f.try(ctx, now, f.backend, f.cfg.Cookie.Name, header, &found, room)
	switch {
	case err != nil:
		return found, err
	case st != nil:
		found.state, found.origin = st, origin{kind: fromBackend, cookie: value}
		return found, nil
	case found.origin.kind == fromSuperseded:
		found.state = blank(&room.State, f, now)
		return found, nil
	}
	for i, fallback := range f.cfg.Fallbacks {
		var other finding // a cookie of both names is rejected by one or the other
		st, value, err := f.try(ctx, now, fallback.Backend, fallback.CookieName, header, &other, room)
		if err == nil && st != nil {
			if fallback.CookieName == f.cfg.Cookie.Name {
				found.events = nil // the backend could not open what the fallback can: no mischief
			}
			err = f.openFallback(ctx, now, i, st, value, &found)
		}
		if err != nil || found.origin.kind != fromNowhere {
			return found, err
		}
		if fallback.CookieName != f.cfg.Cookie.Name || other.origin.kind == fromSuperseded {
			found.events = append(found.events, other.events...)
		}
		if other.origin.kind == fromSuperseded {
			found.origin = other.origin
			break
		}
	}
	found.state = blank(&room.State, f, now)
	return found, nil
}

// try loads what the cookies called name stand for: nil if none opens, or if
// two do, because then one of them was planted.
func (f *Factory) try(ctx context.Context, now time.Time, b Backend, name string, header http.Header, found *finding, room *storedState) (st *State, value string, err error) {
	values, n := cookieValues(header, name)
	found.carried = n > 0
	for i, v := range values[:n] {
		if i == maxTried {
			found.event(EventRejected, "too many cookies of one name", nil)
			break
		}
		opened, err := f.load(ctx, now, b, name, v, room)
		switch {
		case errors.Is(err, ErrSuperseded):
			found.origin.kind = fromSuperseded
			found.event(EventSuperseded, "", nil)
		case errors.Is(err, ErrNoSession):
			kind, reason := EventRejected, reasonOf(err)
			if reason == reasonIdle || reason == reasonAbsolute || reason == reasonExpired {
				kind = EventExpired
			}
			found.event(kind, reason, nil)
		case err != nil:
			return nil, "", &StoreError{Op: "load", Err: err}
		case st != nil:
			found.event(EventRejected, "ambiguous", nil)
			found.origin = origin{}
			return nil, "", nil
		default:
			st, value, room = opened, v, nil
		}
	}
	if st != nil {
		found.origin = origin{}
	}
	return st, value, nil
}

// reject returns an error that matches ErrNoSession and carries a reason for
// the event.
func reject(reason string) error { return fmt.Errorf("%w: %s", ErrNoSession, reason) }

func reasonOf(err error) string {
	_, reason, ok := strings.Cut(err.Error(), ErrNoSession.Error()+": ")
	if !ok {
		return "unknown"
	}
	return reason
}

// A frugal backend is one of ours, whose Load can do with memory that is there.
type frugal interface {
	loadInto(ctx context.Context, now time.Time, name, value string, room *storedState) error
}

// load is the backend's Load, with the checks that hold for every backend. Where
// there is room, it may leave values packed.
func (f *Factory) load(ctx context.Context, now time.Time, b Backend, name, value string, room *storedState) (st *State, err error) {
	if len(name)+len(value) > maxCookie {
		return nil, reject("oversized")
	}
	if own, ok := b.(frugal); ok && room != nil {
		st, err = &room.State, own.loadInto(ctx, now, name, value, room)
	} else {
		st, err = b.Load(ctx, now, name, value)
	}
	if err != nil {
		return nil, err
	}
	if reason := f.expired(st, now); reason != "" {
		return nil, reject(reason)
	}
	return st, nil
}

// The reasons of EventExpired.
const (
	reasonIdle     = "idle"
	reasonAbsolute = "absolute"
	reasonExpired  = "expired" // a store that does not say which
)

// expired returns why st is expired at now, or "". A state without Expires is
// dead when it was not used for more than its idle timeout, as in Pyramid.
func (f *Factory) expired(st *State, now time.Time) string {
	idle := f.idle(st)
	switch {
	case !st.Deadline.IsZero() && !now.Before(st.Deadline):
		return reasonAbsolute
	case !st.Expires.IsZero() && !now.Before(st.Expires):
		return reasonIdle
	case st.Expires.IsZero() && idle != Never && now.Sub(st.Seen) > idle:
		return reasonIdle
	}
	return ""
}

func (f *Factory) idle(st *State) time.Duration {
	if st.Idle != 0 {
		return st.Idle
	}
	return f.cfg.IdleTimeout
}

// touchDue reports whether using st at now extends it.
func (f *Factory) touchDue(st *State, now time.Time) bool {
	every := f.cfg.TouchInterval
	if every == Never {
		return false
	}
	if st.Idle != 0 && st.Idle < f.cfg.IdleTimeout {
		every = min(every, st.Idle/10)
	}
	return now.Sub(st.Seen) > every
}

// blank makes st a new session.
func blank(st *State, f *Factory, now time.Time) *State {
	*st = State{Created: now, Seen: now, Idle: f.cfg.IdleTimeout, Deadline: deadline(now, f.cfg.Lifetime)}
	return st
}
