package scarab_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/memstore"
	"github.com/scarab-go/scarab/scarabtest"
)

// Run sweeps about once a minute until it is told to stop, whatever a sweep
// meets.
func TestFactory_Run(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := scarabtest.NewFailingStore(memstore.New())
		store.On(scarabtest.Sweep, 3, scarabtest.Refuse)
		var events []string
		f, err := scarab.New(scarab.Stored(store), scarab.Config{OnEvent: func(_ context.Context, e scarab.Event) {
			events = append(events, kinds([]scarab.Event{e})...)
		}})
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		expired := scarab.Record{Handle: scarab.Handle{1}, Version: 1, Created: now, Seen: now, Expires: now.Add(time.Minute), Idle: time.Minute}
		if err := store.Create(t.Context(), expired); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- f.Run(ctx) }()

		records := func() (n int) {
			for range store.Scan(t.Context()) {
				n++
			}
			return n
		}
		synctest.Wait()
		if n := store.Count(scarabtest.Sweep); n != 1 {
			t.Errorf("%d sweeps at once", n)
		}
		time.Sleep(5 * time.Minute) // expired for four: some clock may be behind
		if n := records(); n != 1 {
			t.Errorf("%d records after five minutes", n)
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if n := records(); n != 0 {
			t.Errorf("%d records after ten minutes", n)
		}
		if n := store.Count(scarabtest.Sweep); n < 7 || n > 21 {
			t.Errorf("%d sweeps in ten minutes", n)
		}
		if !slices.Equal(events, []string{"session_failed:sweep"}) {
			t.Errorf("events %q", events)
		}
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
	f, err := scarab.New(scarab.InCookie(signedCodec(t)), scarab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Run(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Run, with nothing to sweep: %v", err)
	}
}
