package scarab

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
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
		value, err := f.backend.Commit(ctx, c.now, f.cfg.Cookie.Name, old, op, c.next)
		if err == nil {
			c.value, c.set = value, value != old
			if held != nil {
				held.last = c.next
			}
			c.report(op, dropped)
			return nil
		}
		c.undo()
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
			c.next = nil
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

// undo is for a next that was not saved, or not as it is.
func (c *committer) undo() {
	if c.inPlace {
		*c.s.cur, c.inPlace = c.before, false
	}
	c.next = nil
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
	c.next = nil
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
			if err := f.endFallback(ctx, c.now, fallback, value, s.cur.handle()); err != nil {
				return c.failedEnd(err)
			}
		}
		if n > 0 && fallback.CookieName != f.cfg.Cookie.Name {
			c.expired = append(c.expired, fallback.CookieName)
		}
	}
	if s.has(changeLogin) && len(f.cfg.Fallbacks) > 0 {
		if err := f.endTwins(ctx, c.now, s.cur.handle(), s.cur.Deadline, true); err != nil {
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
