package scarab

import (
	"context"
	"errors"
	"slices"
	"time"
)

// What a commit does. The first column is how the session was opened, the
// second what the handler did.
//
//	never opened   -                      nothing: no call, no cookie, no Vary
//	new            nothing, or ends empty nothing
//	new            changes, Login         Create; cookie set
//	loaded         nothing                Touch if it is due; cookie set if it carries the data
//	loaded         changes                Save; cookie set if it carries the data
//	loaded         Renew, Login           Renew; cookie set
//	loaded         SetPersistent          Renew; cookie set: an old token sent again could arrive late
//	persistent     SetTimeouts            the same, for its Max-Age
//	loaded         Invalidate             Delete; cookie cleared
//	loaded         Invalidate, changes    Create, then Delete; cookie set
//	rejected       Invalidate             cookie cleared; else as new
//	superseded     nothing                nothing
//	superseded     changes, Invalidate    ErrSuperseded
//	superseded     Login                  Create; cookie set
//	from fallback  nothing, changes       Create; cookie set
//	from fallback  Login                  Create, then Delete in the fallback; both cookies
//	from fallback  Invalidate             Delete in the fallback; both cookies cleared
//
// A Login or an Invalidate where there are fallbacks also leaves a tombstone, so
// that the old cookie is not adopted again. Create comes before Delete: a crash
// between them leaves the old session or both, never none.
func (s *Session) plan(now time.Time) (Op, error) {
	switch s.origin.kind {
	case fromSuperseded:
		switch {
		case s.has(changeLogin):
			return Create, nil
		case len(s.changes) > 0 || s.clear:
			return 0, ErrSuperseded
		}
	case fromNowhere:
		if s.cur.worthKeeping() {
			return Create, nil
		}
	case fromFallback:
		return Create, nil
	case fromBackend:
		switch {
		case s.has(changeRenew), s.has(changeLogin), s.movesMaxAge():
			return Renew, nil
		case len(s.changes) > 0:
			return Save, nil
		case s.q.f.touchDue(s.cur, now):
			return Touch, nil
		}
	}
	return 0, nil
}

func (s *Session) has(kind changeKind) bool {
	return slices.ContainsFunc(s.changes, func(c change) bool { return c.kind == kind })
}

// movesMaxAge reports whether the browser has to be told until when it keeps the
// cookie: by SetPersistent, or by SetTimeouts for a cookie that outlives it.
func (s *Session) movesMaxAge() bool {
	return slices.ContainsFunc(s.changes, func(c change) bool {
		return c.kind == changePersistent || c.kind == changeTimeouts && c.lifetime != 0 && s.q.f.persistent(s.cur)
	})
}

// commitMode is when a commit happens.
type commitMode uint8

const (
	commitAnswer commitMode = iota // before the first byte of the answer
	commitSave                     // Session.Save
	commitLate                     // after the handler, the header being out
	commitPanic                    // after a panic
)

var errClosed = errors.New("scarab: the handler of this session's request has returned")

// commit saves what the request's session has to save.
func (q *request) commit(ctx context.Context, mode commitMode, status int) error {
	s := q.session()
	if s == nil || mode == commitLate && s.idle() {
		return nil
	}
	if mode != commitPanic {
		q.runHooks(s)
	}
	c := committer{s: s, q: q, f: q.f, mode: mode}
	err := c.locked(ctx, status)
	q.f.emit(ctx, c.events)
	return err
}

// timeout returns that of the next commit.
func (s *Session) timeout() *lazyTimeout {
	if s.writing != nil && s.writing.timeout.parent == nil {
		return &s.writing.timeout
	}
	return new(lazyTimeout)
}

// idle reports whether there is nothing to commit.
func (s *Session) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settleAll()
	return len(s.changes) == 0 && len(s.dead) == 0 && !s.clear && s.fail == nil
}

// runHooks runs what BeforeCreate registered, if a session is to be created.
func (q *request) runHooks(s *Session) {
	q.mu.Lock()
	hook := q.hook
	q.mu.Unlock()
	if hook == nil {
		return
	}
	if s.planned(q.f.now()) != Create {
		return
	}
	q.mu.Lock()
	q.hook = nil
	q.mu.Unlock()
	hook(s)
}

func (s *Session) planned(now time.Time) Op {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settleAll()
	op, _ := s.plan(now)
	return op
}

// leaveMessages takes back the pops of a request that shows no page.
func (s *Session) leaveMessages() {
	s.changes = slices.DeleteFunc(slices.Clone(s.changes), func(c change) bool { return c.kind == changePop })
	if next, dropped, err := replay(s.base, s.changes); err == nil {
		s.cur, s.dropped = next, dropped
	}
}
