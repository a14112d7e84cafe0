package scarabtest_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/memstore"
	"github.com/scarab-go/scarab/scarabtest"
)

// The store does what it is told, and the connection breaks before it can say
// so.
func ExampleFailingStore() {
	ctx, now := context.Background(), time.Now()
	store := scarabtest.NewFailingStore(memstore.New())
	store.On(scarabtest.Create, 1, scarabtest.LoseAnswer)

	err := store.Create(ctx, scarab.Record{Version: 1})
	fmt.Println(err)
	_, err = store.Load(ctx, scarab.Handle{}, now)
	fmt.Println(err)
	// Output:
	// scarabtest: the store failed, as it was told to
	// <nil>
}

// A fault of one's own holds a call back until something else has happened.
func ExampleFault() {
	ctx := context.Background()
	store := scarabtest.NewFailingStore(memstore.New())
	r := scarab.Record{Version: 1}
	deleted := make(chan struct{})
	store.On(scarabtest.Save, 1, func(_ context.Context, _ scarabtest.Call, do func() error) error {
		<-deleted
		return do()
	})

	store.Create(ctx, r)
	saved := make(chan error)
	go func() {
		r.Version++
		saved <- store.Save(ctx, r)
	}()
	store.Delete(ctx, r.Handle)
	close(deleted)
	fmt.Println(errors.Is(<-saved, scarab.ErrNoSession))
	// Output:
	// true
}

func ExampleClock() {
	clock := scarabtest.NewClock(time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC))
	cfg := scarab.Config{Clock: clock.Now}
	clock.Advance(90 * time.Minute)
	fmt.Println(cfg.Clock().Format(time.TimeOnly))
	// Output:
	// 13:30:00
}
