package scarabtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
)

// StoreOptions says what [TestStore] cannot find out by itself. The zero value
// suits most stores.
type StoreOptions struct {
	// Now is the instant around which the suite places its records. The
	// default is time.Now. Every method gets the time it needs as an argument,
	// so that a store with no clock of its own passes at any instant. A store
	// that lets its server expire records needs the server's time here: the
	// suite expects to find no record that has expired by it, and every record
	// that has a minute left.
	Now func() time.Time

	// Timeout bounds each clause. The default is 30 seconds. A method that is
	// still waiting by then is reported as the breach it is.
	Timeout time.Duration
}

func (o StoreOptions) withDefaults() StoreOptions {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	return o
}

// TestStore checks a store against the contract of [scarab.Store], and of
// [scarab.LoadToucher], [scarab.PrincipalStore], [scarab.Sweeper] and
// [scarab.Scanner] as far as it has their methods. Each clause is a subtest.
//
// newStore returns an empty store; it is called for each clause. What
// must be closed afterwards belongs into t.Cleanup.
//
// A wrapper that has the methods of an optional interface while the store in
// it does not may answer [errors.ErrUnsupported]: the clauses of that
// interface do not apply then. Those that did not apply are named in the log.
//
// Run it with the race detector too: clauses about concurrent use then see
// more.
func TestStore(t *testing.T, newStore func(t *testing.T) scarab.Store, opts StoreOptions) {
	opts = opts.withDefaults()
	probe := newStore(t)
	for _, g := range storeGroups {
		if !g.offered(t.Context(), probe) {
			t.Logf("the store is no %s: %d clauses do not apply", g.name, len(g.clauses))
			continue
		}
		for _, c := range g.clauses {
			t.Run(g.name+"/"+c.name, func(t *testing.T) {
				if err := c.run(t.Context(), newStore(t), opts); err != nil {
					t.Errorf("%v\nbroken clause: %s", err, c.clause)
				}
			})
		}
	}
}

// A storeGroup is the clauses of one interface.
type storeGroup struct {
	name    string
	offered func(context.Context, scarab.Store) bool
	clauses []storeClause
}

// A storeClause is one sentence of the contract.
type storeClause struct {
	name   string
	clause string // as in the documentation of the interface, word for word
	check  func(context.Context, *subject) error
}

var storeGroups = []storeGroup{
	{"Store", func(context.Context, scarab.Store) bool { return true }, append(storeClauses, storeRaces...)},
	{"LoadToucher", offersLoadTouch, loadTouchClauses},
	{"PrincipalStore", offersPrincipal, principalClauses},
	{"Sweeper", offersSweep, sweepClauses},
	{"Scanner", offersScan, scanClauses},
}

func offersLoadTouch(ctx context.Context, s scarab.Store) bool {
	lt, ok := s.(scarab.LoadToucher)
	if !ok {
		return false
	}
	_, err := lt.LoadTouch(ctx, scarab.Handle{}, [32]byte{}, time.Unix(0, 0), 0)
	return !errors.Is(err, errors.ErrUnsupported)
}

func offersPrincipal(ctx context.Context, s scarab.Store) bool {
	ps, ok := s.(scarab.PrincipalStore)
	if !ok {
		return false
	}
	for _, err := range ps.Principal(ctx, "nobody") {
		return !errors.Is(err, errors.ErrUnsupported)
	}
	return true
}

func offersSweep(ctx context.Context, s scarab.Store) bool {
	sw, ok := s.(scarab.Sweeper)
	if !ok {
		return false
	}
	_, err := sw.Sweep(ctx, time.Unix(0, 0), 1)
	return !errors.Is(err, errors.ErrUnsupported)
}

func offersScan(ctx context.Context, s scarab.Store) bool {
	sc, ok := s.(scarab.Scanner)
	if !ok {
		return false
	}
	for _, err := range sc.Scan(ctx) {
		return !errors.Is(err, errors.ErrUnsupported)
	}
	return true
}

// run checks c on an empty store. A method that does not come back is an
// error too, and a panic is one with the clause's name on it.
func (c storeClause) run(ctx context.Context, s scarab.Store, opts StoreOptions) error {
	return within(ctx, opts.Timeout, func(ctx context.Context) error {
		return c.check(ctx, newSubject(s, opts.Now()))
	})
}

// within calls f and gives up on it when timeout has passed, whether f looks at
// its context or not.
func within(ctx context.Context, timeout time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Errorf("panic: %v", p)
			}
		}()
		done <- f(ctx)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	// What looks at its context returns now, with a better error.
	select {
	case err := <-done:
		return errors.Join(fmt.Errorf("not done after %v", timeout), err)
	case <-time.After(time.Second):
		return fmt.Errorf("not done after %v, and a method ignores the end of its context", timeout)
	}
}

// sentinels are the errors a store reports what the contract names with.
var sentinels = []error{scarab.ErrNoSession, scarab.ErrExists, scarab.ErrConflict}

// want reports whether err is target, and none of the other sentinels.
func want(what string, err, target error) error {
	if !errors.Is(err, target) {
		return fmt.Errorf("%s: got error %v, want %q", what, quoted(err), target)
	}
	for _, other := range sentinels {
		if other != target && errors.Is(err, other) {
			return fmt.Errorf("%s: the error matches %q as well as %q", what, other, target)
		}
	}
	return nil
}

// noVerdict returns an error if err is a sentinel.
func noVerdict(what string, err error) error {
	for _, s := range sentinels {
		if errors.Is(err, s) {
			return fmt.Errorf("%s: got %q, which says what the store cannot know", what, err)
		}
	}
	return nil
}

func quoted(err error) string {
	if err == nil {
		return "nil"
	}
	return fmt.Sprintf("%q", strings.ReplaceAll(err.Error(), "\n", "; "))
}
