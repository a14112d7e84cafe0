package scarab

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"
)

// carryOut commits op, again and again on the current state as long as other
// requests are faster.
func (c *committer) carryOut(ctx context.Context, op Op) error {
	s, f := c.s, c.f
	old := ""
	if s.origin.kind == fromBackend {
		old = s.origin.cookie
	}
	c.begin()
	renewed := s.has(changeLogin) || s.has(changeRenew)
	c.next.renewed = renewed
	dropped := s.dropped
	if op == Touch {
		c.next.Seen = c.now
	} else {
		rand.Read(c.next.commit[:])
	}
	id := c.next.commit
	var held *lock
	var handle string
	defer func() {
		if held != nil {
			f.locks.release(handle, held)
		}
	}()
	for {
		c.next.number(c.next.Version + 1)
		value, err := c.commit(ctx, old, op)
		if err == nil {
			c.value, c.set = value, value != old
			if held != nil {
				held.last = c.next
			}
			c.report(op, dropped)
			return nil
		}
		current := currentOf(err)
		if current == nil {
			return c.failed(op, err)
		}
		if err := ctx.Err(); err != nil {
			return c.failed(op, fmt.Errorf("other requests were faster until the time was up: %w", err))
		}
		if held == nil && current.Handle != "" {
			handle = current.Handle
			if held, err = f.locks.acquire(ctx, handle); err != nil {
				return c.failed(op, err)
			}
		}
		if held != nil && held.last != nil && held.last.Version > current.Version {
			current = held.last
		}
		if current.Principal != s.base.Principal && current.Principal != s.loginTo() {
			return c.failed(op, ErrNoSession) // somebody has logged in meanwhile
		}
		if c.next, dropped, err = replay(current, s.changesFor(current)); err != nil {
			c.event(EventFailed, op.String(), err)
			return err
		}
		c.next.commit, c.next.renewed = id, renewed
		if s.has(changeLogin) && c.next.AuthTime.Equal(current.AuthTime) {
			// A login of the same instant, and yet a new one: that is what a
			// backend goes by.
			c.next.AuthTime = c.next.AuthTime.Add(time.Microsecond)
		}
		if op == Create { // another request has adopted the session first
			if len(s.changes) == 0 {
				return nil
			}
			if op = Save; c.next.renewed {
				op = Renew
			}
		}
	}
}

// begin makes next what is to be saved. That is the session's own state where
// it is no other's yet, which takes one copy less.
func (c *committer) begin() {
	s := c.s
	var next *storedState
	if w := s.writing; w != nil && s.cur == &w.cur.State {
		next, c.inPlace, c.before = &w.cur, true, *s.cur
	} else {
		next = &storedState{State: *s.cur}
	}
	s.writing = nil
	next.room = &next.kept
	c.next = &next.State
}

// commit has the backend commit next, which is nil again if that failed.
func (c *committer) commit(ctx context.Context, old string, op Op) (value string, err error) {
	saved := false
	defer func() {
		if !saved { // after a panic, too
			c.undo()
		}
	}()
	value, err = c.f.backend.Commit(ctx, c.now, c.f.cfg.Cookie.Name, old, op, c.next)
	saved = err == nil
	return value, err
}

// undo is for a next that was not saved, or not as it is.
func (c *committer) undo() {
	if c.inPlace {
		*c.s.cur, c.inPlace = c.before, false
	}
	c.next = nil
}

// was returns the session's state as it was before the commit, with its changes.
func (c *committer) was() *State {
	if c.inPlace {
		return &c.before
	}
	return c.s.cur
}

// changesFor returns the changes to apply again on current. If it is of the
// principal that this request logs in after another one, what the request did
// before was to the other one's data, which that login clears. A value taken
// once must still be there.
func (s *Session) changesFor(current *State) []change {
	if s.base.Principal == "" || current.Principal == s.base.Principal {
		return s.changes
	}
	login := slices.IndexFunc(s.changes, func(c change) bool { return c.kind == changeLogin && c.key != s.base.Principal })
	kept := slices.DeleteFunc(slices.Clone(s.changes[:login]), func(c change) bool { return c.kind != changeTake })
	return append(kept, s.changes[login:]...)
}

// currentOf returns the state that a conflict carries, or nil.
func currentOf(err error) *State {
	var conflict *ConflictError[State]
	if errors.As(err, &conflict) {
		return conflict.Current
	}
	return nil
}

// loginTo returns the principal this request logs in, or "".
func (s *Session) loginTo() string {
	for _, c := range slices.Backward(s.changes) {
		if c.kind == changeLogin {
			return c.key
		}
	}
	return ""
}

// failed returns the error of an op that was not carried out. Without changes
// there is nothing to lose, and the answer goes out.
func (c *committer) failed(op Op, err error) error {
	switch {
	case errors.Is(err, ErrNoSession):
		if len(c.s.changes) == 0 {
			return nil
		}
		c.event(EventEnded, op.String(), nil)
		return ErrEnded
	case op == Touch:
		c.event(EventFailed, op.String(), err)
		return nil
	case !errors.Is(err, ErrTooLarge):
		err = &StoreError{Op: op.String(), Err: err}
	}
	if errors.Is(err, ErrOutcomeUnknown) {
		c.s.fail = err // to commit again could apply the changes twice
	}
	c.event(EventFailed, op.String(), err)
	return err
}

// report adds the events of an op that was carried out.
func (c *committer) report(op Op, dropped int) {
	s := c.s
	event := func(kind EventKind, err error) {
		c.events = append(c.events, Event{Kind: kind, Handle: c.next.Handle, Principal: c.next.Principal, Err: err})
	}
	switch {
	case op == Create && s.origin.kind == fromFallback:
		event(EventAdopted, nil)
	case op == Create:
		event(EventCreated, nil)
	case op == Renew && s.has(changeRenew):
		event(EventRenewed, nil)
	}
	if s.has(changeLogin) {
		event(EventLogin, nil)
	}
	if dropped > 0 {
		event(EventDropped, fmt.Errorf("%d messages did not fit into a queue of %d", dropped, queueLimit))
	}
}
