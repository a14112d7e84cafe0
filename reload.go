package scarab

import (
	"context"
	"errors"
	"time"
)

// Reload reads the session again, with this request's unsaved changes on top.
// The error is ErrEnded if it was invalidated, revoked or logged in anew
// meanwhile: streams and websockets ask now and then, and stop. It is a
// [*StoreError] if the store failed. A session that is not kept anywhere yet has
// nothing to read, and after the handler has returned there is an error.
func (s *Session) Reload(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	if s.origin.kind != fromBackend {
		return nil
	}
	f := s.q.f
	now, machine := f.times()
	timed := new(lazyTimeout).start(ctx, machine.Add(f.cfg.StoreTimeout))
	defer timed.stop()
	s.base.unpack()
	st, err := f.reload(timed, now, s.base, s.origin.cookie)
	switch {
	case errors.Is(err, ErrNoSession), errors.Is(err, ErrSuperseded):
		return ErrEnded
	case err != nil:
		return &StoreError{Op: "load", Err: err}
	case st.Principal != s.base.Principal:
		return ErrEnded
	}
	s.settleAll()
	next, dropped, err := replay(st, s.changes)
	if err != nil {
		s.failWith(err)
		return err
	}
	s.moveEdits(next)
	s.base, s.cur, s.dropped = st, next, dropped
	return nil
}

// reload reads a session's state again.
func (f *Factory) reload(ctx context.Context, now time.Time, st *State, value string) (*State, error) {
	if b, ok := f.backend.(interface {
		reload(context.Context, time.Time, *State) (*State, error)
	}); ok && st.Handle != "" {
		return b.reload(ctx, now, st)
	}
	return f.load(ctx, now, f.backend, f.cfg.Cookie.Name, value, nil)
}
