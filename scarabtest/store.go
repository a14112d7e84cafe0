package scarabtest

import (
	"context"
	"errors"
	"slices"
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
				c.test(t, opts.Timeout, newSubject(newStore(t), opts.Now()))
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

type storeClause = clause[*subject]

var storeGroups = []storeGroup{
	{"Store", func(context.Context, scarab.Store) bool { return true }, slices.Concat(loadClauses, keptClauses, saveClauses, touchClauses, storeRaces)},
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
