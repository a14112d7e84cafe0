package scarabtest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/scarab-go/scarab"
)

// A FailingStore passes calls on to another store, except for those that it was
// told to treat with a [Fault]. It counts all of them.
//
// It has the methods of every optional interface. If the store in it has no
// LoadTouch, a Load and a Touch take its place; what else it has not is
// answered with [errors.ErrUnsupported].
//
// Methods may be called by any number of goroutines.
type FailingStore struct {
	store scarab.Store

	mu     sync.Mutex
	counts map[Method]int
	faults []planned
}

var (
	_ scarab.Store          = (*FailingStore)(nil)
	_ scarab.LoadToucher    = (*FailingStore)(nil)
	_ scarab.PrincipalStore = (*FailingStore)(nil)
	_ scarab.Sweeper        = (*FailingStore)(nil)
	_ scarab.Scanner        = (*FailingStore)(nil)
)

// NewFailingStore returns a FailingStore around s that fails nothing yet.
func NewFailingStore(s scarab.Store) *FailingStore {
	return &FailingStore{store: s, counts: make(map[Method]int)}
}

// A Method is one of a store.
type Method string

// The methods of a store, those of its optional interfaces included.
const (
	Any             Method = ""
	Load            Method = "Load"
	LoadTouch       Method = "LoadTouch"
	Create          Method = "Create"
	Save            Method = "Save"
	Touch           Method = "Touch"
	Delete          Method = "Delete"
	Principal       Method = "Principal"
	RevokePrincipal Method = "RevokePrincipal"
	Sweep           Method = "Sweep"
	Scan            Method = "Scan"
)

// A Call is one call of a store.
type Call struct {
	Method Method
	N      int           // 1 is the first call of this method
	Handle scarab.Handle // of Load, LoadTouch, Create, Save, Touch and Delete
}

// A Fault stands between a call and the store. It calls do, once, to pass the
// call on; the caller gets the error that the Fault returns. It may wait: for
// a channel, to hold a call back before or after it takes effect.
//
// The records of Principal and Scan go to the caller while do runs.
type Fault func(ctx context.Context, call Call, do func() error) error

// ErrFault is what the faults below fail with. It matches no error of package
// scarab: the store itself has failed.
var ErrFault = errors.New("scarabtest: the store failed, as it was told to")

// Refuse is the [Fault] of a store that is not reached: nothing takes effect.
func Refuse(context.Context, Call, func() error) error { return ErrFault }

// LoseAnswer is the [Fault] of a connection that breaks when the store has done
// what it was to do.
func LoseAnswer(_ context.Context, _ Call, do func() error) error {
	do()
	return ErrFault
}

// Hang is the [Fault] of a store that does not answer, and is not reached. It
// lasts until the call's context ends.
func Hang(ctx context.Context, _ Call, _ func() error) error {
	<-ctx.Done()
	return fmt.Errorf("%w: %w", ErrFault, ctx.Err())
}

// planned is a Fault with the calls it is for.
type planned struct {
	method Method
	n      int // 0: every one
	fault  Fault
}

// On treats the n-th call of m from now on with f; the first is 1, and 0 means
// every one. [Any] counts calls of whatever method. Of several faults for one
// call the one told last applies.
func (s *FailingStore) On(m Method, n int, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n > 0 {
		n += s.counts[m]
	}
	s.faults = append(s.faults, planned{m, n, f})
}

// Heal forgets all faults. Calls that they hold back stay with them.
func (s *FailingStore) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Count returns how many calls of m there were; of [Any], of all methods.
func (s *FailingStore) Count(m Method) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[m]
}

// call counts a call and passes it on, through its fault if it has one.
func (s *FailingStore) call(ctx context.Context, m Method, h scarab.Handle, do func() error) error {
	s.mu.Lock()
	s.counts[m]++
	s.counts[Any]++
	var fault Fault
	for _, p := range s.faults {
		if (p.method == m || p.method == Any) && (p.n == 0 || p.n == s.counts[p.method]) {
			fault = p.fault
		}
	}
	call := Call{m, s.counts[m], h}
	s.mu.Unlock()
	if fault == nil {
		return do()
	}
	return fault(ctx, call, do)
}

// Load implements [scarab.Store].
func (s *FailingStore) Load(ctx context.Context, h scarab.Handle, now time.Time) (r scarab.Record, err error) {
	err = s.call(ctx, Load, h, func() (err error) {
		r, err = s.store.Load(ctx, h, now)
		return err
	})
	return orNone(r, err)
}

// orNone returns no record with an error: the answer is lost with it.
func orNone(r scarab.Record, err error) (scarab.Record, error) {
	if err != nil {
		return scarab.Record{}, err
	}
	return r, nil
}

// LoadTouch implements [scarab.LoadToucher].
func (s *FailingStore) LoadTouch(ctx context.Context, h scarab.Handle, secret [32]byte, now time.Time, every time.Duration) (r scarab.Record, err error) {
	err = s.call(ctx, LoadTouch, h, func() (err error) {
		if lt, ok := s.store.(scarab.LoadToucher); ok {
			r, err = lt.LoadTouch(ctx, h, secret, now, every)
			return err
		}
		r, err = s.store.Load(ctx, h, now)
		if err != nil || r.Secret != secret || now.Sub(r.Seen) <= every {
			return err
		}
		if err := s.store.Touch(ctx, h, now); err != nil {
			return err
		}
		r, err = s.store.Load(ctx, h, now)
		return err
	})
	return orNone(r, err)
}

// Create implements [scarab.Store].
func (s *FailingStore) Create(ctx context.Context, r scarab.Record) error {
	return s.call(ctx, Create, r.Handle, func() error { return s.store.Create(ctx, r) })
}

// Save implements [scarab.Store].
func (s *FailingStore) Save(ctx context.Context, r scarab.Record) error {
	return s.call(ctx, Save, r.Handle, func() error { return s.store.Save(ctx, r) })
}

// Touch implements [scarab.Store].
func (s *FailingStore) Touch(ctx context.Context, h scarab.Handle, now time.Time) error {
	return s.call(ctx, Touch, h, func() error { return s.store.Touch(ctx, h, now) })
}

// Delete implements [scarab.Store].
func (s *FailingStore) Delete(ctx context.Context, h scarab.Handle) error {
	return s.call(ctx, Delete, h, func() error { return s.store.Delete(ctx, h) })
}

// Principal implements [scarab.PrincipalStore].
func (s *FailingStore) Principal(ctx context.Context, principal string) iter.Seq2[scarab.Record, error] {
	return s.list(ctx, Principal, func() iter.Seq2[scarab.Record, error] {
		if ps, ok := s.store.(scarab.PrincipalStore); ok {
			return ps.Principal(ctx, principal)
		}
		return nil
	})
}

// Scan implements [scarab.Scanner].
func (s *FailingStore) Scan(ctx context.Context) iter.Seq2[scarab.Record, error] {
	return s.list(ctx, Scan, func() iter.Seq2[scarab.Record, error] {
		if sc, ok := s.store.(scarab.Scanner); ok {
			return sc.Scan(ctx)
		}
		return nil
	})
}

// list passes on the list that open returns; nil means that there is none.
func (s *FailingStore) list(ctx context.Context, m Method, open func() iter.Seq2[scarab.Record, error]) iter.Seq2[scarab.Record, error] {
	return func(yield func(scarab.Record, error) bool) {
		ended := false
		err := s.call(ctx, m, scarab.Handle{}, func() error {
			all := open()
			if all == nil {
				return errors.ErrUnsupported
			}
			for r, err := range all {
				if err != nil {
					return err
				}
				if !yield(r, nil) {
					ended = true
					return nil
				}
			}
			return nil
		})
		if err != nil && !ended {
			yield(scarab.Record{}, err)
		}
	}
}

// RevokePrincipal implements [scarab.PrincipalStore].
func (s *FailingStore) RevokePrincipal(ctx context.Context, principal string, at time.Time, keep ...scarab.Handle) (n int, err error) {
	err = s.call(ctx, RevokePrincipal, scarab.Handle{}, func() (err error) {
		ps, ok := s.store.(scarab.PrincipalStore)
		if !ok {
			return errors.ErrUnsupported
		}
		n, err = ps.RevokePrincipal(ctx, principal, at, keep...)
		return err
	})
	return n, err
}

// Sweep implements [scarab.Sweeper].
func (s *FailingStore) Sweep(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = s.call(ctx, Sweep, scarab.Handle{}, func() (err error) {
		sw, ok := s.store.(scarab.Sweeper)
		if !ok {
			return errors.ErrUnsupported
		}
		n, err = sw.Sweep(ctx, before, limit)
		return err
	})
	return n, err
}
