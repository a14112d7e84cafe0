package memstore_test

import (
	"context"
	"fmt"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/memstore"
)

// A store of at most 64 MiB that makes room for new sessions, those of visitors
// who are not logged in first, behind a factory that sweeps it.
func ExampleNew() {
	store := memstore.New(memstore.MaxBytes(64<<20, memstore.Evict))
	sessions, err := scarab.New(scarab.Stored(store), scarab.Config{IdleTimeout: 30 * time.Minute})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	swept := make(chan error)
	go func() { swept <- sessions.Run(ctx) }()
	// Serve, with sessions.Wrap around the handlers.
	stop()
	fmt.Println(<-swept)
	fmt.Println(store.Len(), store.Evicted())
	// Output:
	// context canceled
	// 0 0
}
