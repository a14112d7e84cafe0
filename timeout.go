package scarab

import (
	"context"
	"sync"
	"time"
)

// A lazyTimeout is context.WithTimeout that starts its timer when somebody
// waits for it: a store in memory never does.
type lazyTimeout struct {
	parent   context.Context
	detached bool // it goes on when parent is canceled
	deadline time.Time

	mu     sync.Mutex
	timed  context.Context // nil until needed
	cancel context.CancelFunc
}

// start begins a period of d. What was done with the one before must be over.
func (c *lazyTimeout) start(parent context.Context, d time.Duration) *lazyTimeout {
	return c.startUntil(parent, time.Now().Add(d), false)
}

// startDetached begins a period that goes on when parent is canceled.
func (c *lazyTimeout) startDetached(parent context.Context, deadline time.Time) *lazyTimeout {
	return c.startUntil(parent, deadline, true)
}

func (c *lazyTimeout) startUntil(parent context.Context, deadline time.Time, detached bool) *lazyTimeout {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.parent, c.deadline, c.detached, c.timed, c.cancel = parent, deadline, detached, nil, nil
	return c
}

// from returns what the timed context is derived from.
func (c *lazyTimeout) from() context.Context {
	if c.detached {
		return context.WithoutCancel(c.parent)
	}
	return c.parent
}

func (c *lazyTimeout) running() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed == nil {
		return nil
	}
	return c.timed
}

func (c *lazyTimeout) run() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed == nil {
		c.timed, c.cancel = context.WithDeadline(c.from(), c.deadline)
	}
	return c.timed
}

func (c *lazyTimeout) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil {
		c.cancel()
	}
}

// Deadline implements context.Context.
func (c *lazyTimeout) Deadline() (time.Time, bool) {
	if d, ok := c.parent.Deadline(); ok && !c.detached && d.Before(c.deadline) {
		return d, true
	}
	return c.deadline, true
}

// Done implements context.Context.
func (c *lazyTimeout) Done() <-chan struct{} { return c.run().Done() }

// Err implements context.Context.
func (c *lazyTimeout) Err() error {
	if timed := c.running(); timed != nil {
		return timed.Err()
	}
	if err := c.parent.Err(); err != nil && !c.detached {
		return err
	}
	if !time.Now().Before(c.deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// Value implements context.Context. Once running it asks the timed context, so
// that contexts derived from it need no goroutine to watch it.
func (c *lazyTimeout) Value(key any) any {
	if timed := c.running(); timed != nil {
		return timed.Value(key)
	}
	return c.from().Value(key)
}
