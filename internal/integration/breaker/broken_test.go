package breaker

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/memstore"
)

// A broken store breaks one sentence of the contract.
type broken struct {
	*memstore.Store
	defect string

	mu      sync.Mutex
	saved   map[scarab.Handle]scarab.Record // as they were saved last
	deletes int
}

func (b *broken) is(defect string) bool { return b.defect == defect }

func (b *broken) note(r scarab.Record) (before scarab.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.saved == nil {
		b.saved = make(map[scarab.Handle]scarab.Record)
	}
	before, b.saved[r.Handle] = b.saved[r.Handle], r
	return before
}

func (b *broken) Create(ctx context.Context, r scarab.Record) error {
	b.note(r)
	if b.is("Create replaces") {
		_ = b.Store.Delete(ctx, r.Handle)
	}
	return b.Store.Create(ctx, r)
}

func (b *broken) Save(ctx context.Context, r scarab.Record) error {
	before := b.note(r)
	current, err := b.Store.Load(ctx, r.Handle, time.Unix(1, 0))
	switch {
	case err != nil && b.is("Save creates what is gone"):
		return b.Store.Create(ctx, r)
	case err == nil && current.Version != r.Version-1 && b.is("Save ignores the version"):
		return b.replace(ctx, r)
	case err == nil && current.Version == r.Version-1 && b.is("Save loses every fifth") && r.Version%5 == 0:
		return nil
	case err == nil && current.Version == r.Version-1 && b.is("Save loses what another one pushed") && current.Version > 2:
		return b.replaceData(ctx, r, before.Data)
	case err == nil && current.Version == r.Version-1 && b.is("Save keeps the old secret"):
		r.Secret = current.Secret
	case err == nil && current.Version == r.Version-1 && b.is("Save moves the deadline"):
		r.Deadline = r.Deadline.Add(time.Second)
	}
	return b.Store.Save(ctx, r)
}

// replace puts r there, whatever was.
func (b *broken) replace(ctx context.Context, r scarab.Record) error {
	return errors.Join(b.Store.Delete(ctx, r.Handle), b.Store.Create(ctx, r))
}

// replaceData saves r with data from before.
func (b *broken) replaceData(ctx context.Context, r scarab.Record, data []byte) error {
	r.Data = data
	return b.Store.Save(ctx, r)
}

func (b *broken) Touch(ctx context.Context, h scarab.Handle, now time.Time) error {
	b.mu.Lock()
	r, known := b.saved[h]
	b.mu.Unlock()
	err := b.Store.Touch(ctx, h, now)
	switch {
	case errors.Is(err, scarab.ErrNoSession) && known && b.is("Touch creates"):
		return b.Store.Create(ctx, r)
	case err == nil && b.is("Touch passes the deadline"):
		return b.late(ctx, h, now)
	}
	return err
}

// late extends a record beyond its deadline.
func (b *broken) late(ctx context.Context, h scarab.Handle, now time.Time) error {
	r, err := b.Store.Load(ctx, h, now)
	if err != nil || r.Idle == scarab.Never || now.Add(r.Idle).Before(r.Expires) {
		return err
	}
	r.Expires = now.Add(r.Idle)
	return b.replace(ctx, r)
}

func (b *broken) LoadTouch(ctx context.Context, h scarab.Handle, secret [32]byte, now time.Time, every time.Duration) (scarab.Record, error) {
	switch {
	case b.is("LoadTouch extends for any token"):
		_ = b.Store.Touch(ctx, h, now)
	case b.is("Load returns what has expired"):
		now = time.Unix(1, 0)
	}
	before, _ := b.Store.Load(ctx, h, now)
	r, err := b.Store.LoadTouch(ctx, h, secret, now, every)
	if err == nil && !r.Seen.Equal(before.Seen) && b.is("Touch passes the deadline") {
		if err = b.late(ctx, h, now); err == nil {
			return b.Store.Load(ctx, h, now)
		}
	}
	return r, err
}

func (b *broken) Delete(ctx context.Context, h scarab.Handle) error {
	r, err := b.Store.Load(ctx, h, time.Unix(1, 0))
	b.mu.Lock()
	b.deletes++
	undone := err == nil && b.deletes%2 == 0 && b.is("Delete is undone")
	b.mu.Unlock()
	if undone {
		defer b.Store.Create(ctx, r)
	}
	return b.Store.Delete(ctx, h)
}

func (b *broken) RevokePrincipal(ctx context.Context, p string, at time.Time, keep ...scarab.Handle) (int, error) {
	switch {
	case b.is("RevokePrincipal spares one"):
		for r := range b.Store.Principal(ctx, p) {
			keep = append(keep, r.Handle)
			break
		}
	case b.is("RevokePrincipal is soon forgotten"):
		at = time.Unix(1, 0)
	}
	return b.Store.RevokePrincipal(ctx, p, at, keep...)
}

func (b *broken) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	if b.is("Sweep takes the living") {
		before = before.Add(20 * time.Minute)
	}
	return b.Store.Sweep(ctx, before, limit)
}

// Every defect is found, within the number of checks that TestBreaker spends on
// a store in memory.
func TestBreaker_finds(t *testing.T) {
	checks := stores[0].checks
	setFlag(t, "rapid.steps", "80")
	setFlag(t, "rapid.nofailfile", "true")
	setFlag(t, "rapid.shrinktime", "0s")
	setFlag(t, "rapid.seed", "1")
	for _, c := range []struct{ defect, invariant string }{
		{"", ""},
		{"Save creates what is gone", "I9"},
		{"Save ignores the version", "I"},
		{"Save loses every fifth", "I"},
		{"Save loses what another one pushed", "I"},
		{"Save keeps the old secret", "I11"},
		{"Save moves the deadline", "I17"},
		{"Create replaces", "I"},
		{"Touch creates", "I8"},
		{"Touch passes the deadline", "I18"},
		{"LoadTouch extends for any token", "I"},
		{"Load returns what has expired", "I"},
		{"Delete is undone", "I8"},
		{"RevokePrincipal spares one", "I8"},
		{"RevokePrincipal is soon forgotten", "I26"},
		{"Sweep takes the living", "I22"},
	} {
		t.Run(c.defect, func(t *testing.T) {
			checks := checks
			if c.defect == "" { // the store without a defect, which TestBreaker tests at length
				checks = 50
			}
			setFlag(t, "rapid.checks", fmt.Sprint(checks))
			said := failureOf(func(tb rapid.TB) {
				rapid.Check(tb, func(rt *rapid.T) {
					breakIt(t, rt, storeKind{fast: true}, &broken{Store: memstore.New(), defect: c.defect})
				})
			})
			first, _, _ := strings.Cut(said, "\n")
			t.Log(first)
			if found := said != ""; found != (c.defect != "") || !strings.Contains(said, "broken: "+c.invariant) && found {
				t.Errorf("the breaker says %q in %d checks; the store breaks %s", said, checks, c.invariant)
			}
		})
	}
}

// failureOf runs a test that may fail, and returns the errors it reports.
func failureOf(f func(rapid.TB)) string {
	r := new(recorder)
	done := make(chan bool)
	go func() {
		defer close(done)
		f(r)
	}()
	<-done
	return strings.Join(r.errors, "\n")
}

// A recorder keeps what a failing test reports to itself.
type recorder struct {
	mu     sync.Mutex
	errors []string
	failed bool
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
	r.errors = append(slices.Clip(r.errors), fmt.Sprintf(format, args...))
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *recorder) Fail() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

func (r *recorder) FailNow()                          { r.Fail(); runtime.Goexit() }
func (r *recorder) Fatalf(format string, args ...any) { r.Errorf(format, args...); r.FailNow() }
func (r *recorder) Fatal(args ...any)                 { r.Fatalf("%s", fmt.Sprint(args...)) }
func (r *recorder) Error(args ...any)                 { r.Errorf("%s", fmt.Sprint(args...)) }
func (r *recorder) SkipNow()                          { runtime.Goexit() }
func (r *recorder) Skip(...any)                       { r.SkipNow() }
func (r *recorder) Skipf(string, ...any)              { r.SkipNow() }
func (*recorder) Helper()                             {}
func (*recorder) Name() string                        { return "recorder" }
func (*recorder) Log(...any)                          {}
func (*recorder) Logf(string, ...any)                 {}
