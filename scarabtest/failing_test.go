package scarabtest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scarab-go/scarab"
)

// With no faults it is as good as the store in it, also one that is a Store
// and nothing more.
func TestFailingStore_keeps(t *testing.T) {
	t.Run("all", func(t *testing.T) {
		TestStore(t, func(t *testing.T) scarab.Store { return NewFailingStore(newBrokenStore("")) }, StoreOptions{})
	})
	t.Run("plain", func(t *testing.T) {
		plain := func(t *testing.T) scarab.Store { return NewFailingStore(struct{ scarab.Store }{newBrokenStore("")}) }
		for _, g := range storeGroups {
			if got, want := g.offered(t.Context(), plain(t)), g.name == "Store" || g.name == "LoadToucher"; got != want {
				t.Errorf("offers %s: %v", g.name, got)
			}
		}
		TestStore(t, plain, StoreOptions{})
	})
}

func TestFailingStore_faults(t *testing.T) {
	ctx := t.Context()
	s := newSubject(NewFailingStore(newBrokenStore("")), time.Now())
	f := s.store.(*FailingStore)
	r := s.record(1, "data")
	second := next(r, "second")

	f.On(Create, 1, Refuse)
	f.On(Save, 2, LoseAnswer)
	for _, step := range []struct {
		what string
		got  error
		want error
	}{
		{"the first Create is refused", f.Create(ctx, r), ErrFault},
		{"and took no effect", s.absent(ctx, r.Handle), nil},
		{"the second works", f.Create(ctx, r), nil},
		{"the first Save works", f.Save(ctx, second), nil},
		{"the answer of the second is lost", f.Save(ctx, next(second, "third")), ErrFault},
		{"and it took effect", f.Save(ctx, next(second, "fourth")), scarab.ErrConflict},
	} {
		if !errors.Is(step.got, step.want) {
			t.Errorf("%s: got %v, want %v", step.what, step.got, step.want)
		}
	}
	if c, v, all := f.Count(Create), f.Count(Save), f.Count(Any); c != 2 || v != 3 || all != 6 {
		t.Errorf("counted %d Creates, %d Saves, %d calls; want 2, 3, 6", c, v, all)
	}

	f.On(Any, 0, Refuse)
	for what, err := range map[string]error{
		"Load":            errOf(f.Load(ctx, r.Handle, s.now)),
		"LoadTouch":       errOf(f.LoadTouch(ctx, r.Handle, r.Secret, s.now, 0)),
		"Touch":           f.Touch(ctx, r.Handle, s.now),
		"Delete":          f.Delete(ctx, r.Handle),
		"Principal":       s.lists(ctx, "anna"),
		"RevokePrincipal": s.revokes(ctx, 0, "anna", s.now),
		"Sweep":           s.sweeps(ctx, 0, s.now, 1),
		"Scan":            errOfScan(s.scan(ctx)),
	} {
		if !errors.Is(err, ErrFault) {
			t.Errorf("%s with all calls refused: got %v", what, err)
		}
	}
	f.Heal()
	if _, err := f.Load(ctx, r.Handle, s.now); err != nil {
		t.Errorf("after Heal: %v", err)
	}
}

func errOfScan(_ map[scarab.Handle]scarab.Record, err error) error { return err }

// The n-th call is counted from where On was called.
func TestFailingStore_fromNowOn(t *testing.T) {
	f := NewFailingStore(newBrokenStore(""))
	f.Delete(t.Context(), scarab.Handle{})
	f.On(Delete, 2, Refuse)
	for i, want := range []error{nil, ErrFault, nil} {
		if err := f.Delete(t.Context(), scarab.Handle{}); !errors.Is(err, want) {
			t.Errorf("call %d: got %v, want %v", i+1, err, want)
		}
	}
}

func TestFailingStore_hang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFailingStore(newBrokenStore(""))
		f.On(Load, 1, Hang)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		_, err := f.Load(ctx, scarab.Handle{}, start)
		if !errors.Is(err, ErrFault) || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Hour {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

// A loop over a list may end early, whatever the fault does then.
func TestFailingStore_break(t *testing.T) {
	s := newSubject(NewFailingStore(newBrokenStore("")), time.Now())
	for n := range byte(3) {
		if err := s.create(t.Context(), s.record(n, "")); err != nil {
			t.Fatal(err)
		}
	}
	f := s.store.(*FailingStore)
	f.On(Scan, 0, LoseAnswer)
	for range f.Scan(t.Context()) {
		break
	}
	n, failed := 0, false
	for _, err := range f.Scan(t.Context()) {
		n++
		failed = errors.Is(err, ErrFault)
	}
	if n != 4 || !failed {
		t.Errorf("got %d items, the last an error: %v; want 3 records and an error", n, failed)
	}
}
