package scarab

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"
)

// Info is what lists of sessions show. It never has a token or a value. AuthTime
// is zero if nobody is logged in, Expires if the session never expires.
type Info struct {
	Handle, Principal, Label         string
	Created, AuthTime, Seen, Expires time.Time
}

// store returns the store of a backend that has one.
func (f *Factory) store() (Store, bool) {
	switch b := f.backend.(type) {
	case *stored:
		return b.store, true
	case *inCookie:
		return b.denied, b.denied != nil
	}
	return nil, false
}

var errNobody = errors.New("scarab: no principal is given; sessions of nobody are not found by principal")

func unsupported(what string) error {
	return fmt.Errorf("scarab: %s: this backend cannot: %w", what, errors.ErrUnsupported)
}

// Sessions visits the live sessions of principal. It reads no data. The error
// is errors.ErrUnsupported on a backend that does not find them.
func (f *Factory) Sessions(ctx context.Context, principal string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		b, _ := f.backend.(*stored)
		var ps PrincipalStore
		if b != nil {
			ps, _ = b.store.(PrincipalStore)
		}
		if ps == nil {
			yield(Info{}, unsupported("Sessions"))
			return
		}
		if principal == "" {
			yield(Info{}, errNobody)
			return
		}
		now := f.now()
		for rec, err := range ps.Principal(ctx, principal) {
			if err == nil && rec.Expired(now) {
				continue
			}
			if !yield(info(rec), err) || err != nil {
				return
			}
		}
	}
}

func info(rec Record) Info {
	return Info{
		Handle: rec.Handle.String(), Principal: rec.Principal, Label: rec.Label,
		Created: rec.Created, AuthTime: rec.AuthTime, Seen: rec.Seen, Expires: rec.Expires,
	}
}

// Revoke ends the session with this handle; that there is none is no error.
// Requests under way keep nothing they change. With a deny list, cookies can be
// revoked too.
//
// The caller checks that whoever asks may end it: a handle is public.
func (f *Factory) Revoke(ctx context.Context, handle string) error {
	h, err := ParseHandle(handle)
	if err != nil {
		return err
	}
	store, ok := f.store()
	if !ok {
		return unsupported("Revoke")
	}
	if b, ok := f.backend.(*inCookie); ok {
		err = b.end(ctx, f.now(), h, time.Time{})
	} else if err = store.Delete(ctx, h); err == nil {
		if err = f.endTwins(ctx, f.now(), handle, time.Time{}, false); err == nil {
			err = f.bury(ctx, f.now(), handle, time.Time{})
		}
	}
	if err != nil {
		return &StoreError{Op: Delete.String(), Err: err}
	}
	f.emit(ctx, []Event{{Kind: EventRevoked, Handle: handle}})
	return nil
}

// RevokePrincipal ends every session of principal but those to keep, and
// returns how many. A login that is under way is caught too, unless it is of a
// session to keep. Call it when a password changes or a user is locked out.
//
// Sessions that are still in a fallback are ended where that is [Stored] too; in
// a cookie, or a format of somebody else's, they cannot be found by principal and
// last until they are adopted or expire.
//
// Source: OWASP ASVS 5.0, 7.4.2 and 7.4.3.
func (f *Factory) RevokePrincipal(ctx context.Context, principal string, keep ...*Session) (int, error) {
	b, ok := f.backend.(*stored)
	if !ok {
		return 0, unsupported("RevokePrincipal")
	}
	ps, ok := b.store.(PrincipalStore)
	if !ok {
		return 0, unsupported("RevokePrincipal")
	}
	if principal == "" {
		return 0, errNobody
	}
	now := f.now()
	var kept []Handle
	for _, s := range keep {
		if h, err := ParseHandle(s.Handle()); err == nil {
			kept = append(kept, h)
		}
	}
	adopted := make(map[string]time.Time) // the deadlines
	if len(f.cfg.Fallbacks) > 0 {
		for rec, err := range ps.Principal(ctx, principal) {
			if err != nil {
				return 0, &StoreError{Op: Delete.String(), Err: err}
			}
			adopted[rec.Handle.String()] = rec.Deadline
		}
	}
	n, err := ps.RevokePrincipal(ctx, principal, now, kept...)
	if err != nil {
		return n, &StoreError{Op: Delete.String(), Err: err}
	}
	for _, s := range keep {
		s.loginAfter(principal, now)
		delete(adopted, s.Handle())
	}
	for h, deadline := range adopted {
		if err := f.bury(ctx, now, h, deadline); err != nil {
			return n, &StoreError{Op: Delete.String(), Err: err}
		}
	}
	for _, fallback := range f.cfg.Fallbacks { // those that nobody has adopted yet
		b, _ := fallback.Backend.(*stored)
		if b == nil {
			continue
		}
		ps, ok := b.store.(PrincipalStore)
		if !ok {
			continue
		}
		more, err := ps.RevokePrincipal(ctx, principal, now)
		if n += more; err != nil {
			return n, &StoreError{Op: Delete.String(), Err: err}
		}
	}
	f.emit(ctx, []Event{{Kind: EventRevoked, Principal: principal}})
	return n, nil
}

// loginAfter moves a login of s that is not committed yet behind a revocation
// that is to spare it.
func (s *Session) loginAfter(principal string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.changes {
		if c := &s.changes[i]; c.kind == changeLogin && c.key == principal && !c.at.After(at) {
			c.at = at.Add(time.Microsecond)
			s.cur.AuthTime = c.at
		}
	}
}

// How sweeping goes about it.
const (
	sweepBatch    = 1000
	sweepInterval = time.Minute
	sweepMargin   = 5 * time.Minute // clocks differ: a record is swept when nobody thinks it live
)

// Sweep removes the sessions that have expired, in batches, and returns how
// many. Stores that expire by themselves have nothing to sweep and return
// errors.ErrUnsupported.
func (f *Factory) Sweep(ctx context.Context) (int, error) {
	store, _ := f.store()
	sweeper, ok := store.(Sweeper)
	if !ok {
		return 0, unsupported("Sweep")
	}
	total := 0
	for {
		n, err := sweeper.Sweep(ctx, f.now().Add(-sweepMargin), sweepBatch)
		total += n
		if err != nil || n < sweepBatch {
			return total, err
		}
	}
}

// Run sweeps about once a minute until ctx ends, and returns ctx's error. A
// sweep that fails is an event, and the next one tries again. Several processes
// may run it on one store. It returns at once, with errors.ErrUnsupported, where
// there is nothing to sweep.
func (f *Factory) Run(ctx context.Context) error {
	for {
		switch _, err := f.Sweep(ctx); {
		case errors.Is(err, errors.ErrUnsupported):
			return err
		case err != nil && ctx.Err() == nil:
			f.emit(ctx, []Event{{Kind: EventFailed, Reason: "sweep", Err: err}})
		}
		// Jitter keeps processes that started together from sweeping together.
		timer := time.NewTimer(sweepInterval/2 + rand.N(sweepInterval))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}
