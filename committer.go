package scarab

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// A committer carries out one commit, under the session's lock.
type committer struct {
	s      *Session
	q      *request
	f      *Factory
	mode   commitMode
	events []Event

	now     time.Time
	next    *State // what was saved; nil if nothing was
	inPlace bool   // next is the session's own state, which was before
	before  State
	value   string // of the cookie, from now on
	set     bool   // the cookie is sent
	forget  bool   // the cookie is cleared
	expired []string
}

// locked is run under the session's lock, which a panic of the application's
// code (a codec, a store, the function of an Update) must not leave taken.
func (c *committer) locked(ctx context.Context, status int) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	err := c.run(ctx, status)
	if c.mode == commitAnswer { // said under the lock: a Save may run beside the handler
		answer := answerSent
		if err != nil {
			answer = answerWithheld
		}
		c.q.answer.Store(answer)
	}
	return err
}

func (c *committer) run(ctx context.Context, status int) error {
	s, f := c.s, c.f
	if s.closed {
		return errClosed
	}
	if status >= 500 && f.cfg.DropOnError {
		s.dropChanges(true)
	}
	s.settleAll()
	if s.has(changePop) && peeks(c.q.r) {
		s.leaveMessages()
	}
	if s.fail != nil {
		c.event(EventFailed, "change", s.fail)
		return s.fail
	}
	now, machine := f.times()
	c.now = now
	op, err := s.plan(c.now)
	if err != nil {
		c.event(EventEnded, "superseded", nil)
		return err
	}
	if c.mode == commitPanic {
		op = 0
	}
	var late error // the header is out, and a cookie would be needed
	answered := c.q.answer.Load() != answerOpen
	if answered && (op == Create || op == Renew) {
		if op == Renew || len(s.changes) > 0 { // else an adoption, which the next request can do
			c.event(EventHeaderSent, op.String(), nil)
			late = fmt.Errorf("%w: call what creates, renews or logs in before the first Write, or Session.Save", ErrHeaderSent)
		}
		op = 0
	}
	if loggedIn := op != 0 && s.has(changeLogin); op != 0 || len(s.dead) > 0 || s.clear {
		timed := s.timeout().startDetached(ctx, machine.Add(f.cfg.StoreTimeout))
		defer timed.stop()
		if op != 0 {
			if err := c.carryOut(timed, op); err != nil {
				return err
			}
		}
		if len(s.dead) > 0 || s.clear || loggedIn {
			if err := c.end(timed); err != nil {
				if op != 0 {
					s.fail = err // to commit again would apply the changes twice
				}
				return err
			}
		}
	}
	switch cookies := c.set || c.forget || len(c.expired) > 0; {
	case answered && (c.set && op != Touch || c.forget):
		c.event(EventHeaderSent, "cookie", nil)
		late = ErrHeaderSent
		if c.set {
			c.undo() // it was not saved
		}
	case answered:
	case cookies || c.mode != commitSave: // after a panic, whoever recovers may still answer
		c.header()
	}
	c.settled()
	return late
}

func (c *committer) event(kind EventKind, reason string, err error) {
	st := c.s.cur
	c.events = append(c.events, Event{Kind: kind, Reason: reason, Handle: st.handle(), Principal: st.Principal, Err: err})
}

// end deletes what Invalidate ended, in the backend and in the fallbacks, and
// after a Login what the fallbacks still have.
func (c *committer) end(ctx context.Context) error {
	s, f := c.s, c.f
	for i := range s.dead {
		d := &s.dead[i]
		if d.kind != fromBackend {
			continue // found again by its cookie, below
		}
		if _, err := f.backend.Commit(ctx, c.now, f.cfg.Cookie.Name, d.cookie, Delete, d.state); err != nil {
			return c.failedEnd(err)
		}
		if err := f.endTwins(ctx, c.now, d.state.Handle, d.state.Deadline, false); err != nil {
			return c.failedEnd(err)
		}
		if err := f.bury(ctx, c.now, d.state.Handle, d.state.Deadline); err != nil {
			return c.failedEnd(err)
		}
	}
	for _, fallback := range f.cfg.Fallbacks {
		values, n := cookieValues(c.q.r.Header, fallback.CookieName)
		for _, value := range values[:min(n, maxTried)] {
			if err := f.endFallback(ctx, c.now, fallback, value, c.was().handle()); err != nil {
				return c.failedEnd(err)
			}
		}
		if n > 0 && fallback.CookieName != f.cfg.Cookie.Name {
			c.expired = append(c.expired, fallback.CookieName)
		}
	}
	if s.has(changeLogin) && len(f.cfg.Fallbacks) > 0 {
		if err := f.endTwins(ctx, c.now, c.was().handle(), c.was().Deadline, true); err != nil {
			return c.failedEnd(err)
		}
	}
	for _, d := range s.dead {
		c.events = append(c.events, Event{Kind: EventInvalidated, Handle: d.state.Handle, Principal: d.state.Principal})
	}
	c.forget = s.clear && !c.set && (s.carried || len(s.dead) > 0)
	return nil
}

func (c *committer) failedEnd(err error) error {
	err = &StoreError{Op: Delete.String(), Err: err}
	c.event(EventFailed, Delete.String(), err)
	return err
}

// header writes what the browser and caches must know.
func (c *committer) header() {
	if c.mode == commitSave {
		later := *c
		c.q.owed = append(c.q.owed, later.writeHeader)
		c.q.owes.Store(true)
		return
	}
	c.q.pay()
	c.writeHeader(c.q.w.Header())
}

// pay writes into the header what Saves have left: they may run beside the
// handler, and the header is the handler's. It is called under the session's
// lock.
func (q *request) pay() {
	for _, write := range q.owed {
		write(q.w.Header())
		if q.kept { // if the handler's answer is withheld later, this must still go out
			if q.saved == nil {
				q.saved = http.Header{}
			}
			write(q.saved)
		}
	}
	q.owed = nil
	q.owes.Store(false)
}

func (c *committer) writeHeader(h http.Header) {
	if c.set {
		room := c.s.headers[2:2]
		if c.s.headers[2] != "" {
			room = nil // whoever took that line may have kept it
		}
		c.f.setCookie(h, c.value, c.next, c.now, room)
	} else if c.forget {
		c.f.clearCookie(h, c.f.cfg.Cookie.Name)
	}
	for _, name := range c.expired {
		c.f.clearCookie(h, name)
	}
	forbidCaching(h, c.set || c.forget || len(c.expired) > 0 || c.q.token, &c.s.headers)
}

// settled makes what was saved the state that later changes start from.
func (c *committer) settled() {
	s := c.s
	s.dead, s.clear = nil, false
	if c.next == nil {
		return
	}
	s.moveEdits(c.next)
	from := s.origin
	if c.set || from.kind != fromBackend {
		from = origin{kind: fromBackend, cookie: c.value}
	}
	s.base, s.cur, s.origin = c.next, c.next, from
	s.changes, s.dropped = nil, 0
}
