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
	deadline time.Time

	mu     sync.Mutex
	timed  context.Context // nil until needed
	cancel context.CancelFunc
}

func withTimeout(parent context.Context, d time.Duration) *lazyTimeout {
	return &lazyTimeout{parent: parent, deadline: time.Now().Add(d)}
}

func (c *lazyTimeout) started() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed == nil {
		return nil
	}
	return c.timed
}

func (c *lazyTimeout) start() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed == nil {
		c.timed, c.cancel = context.WithDeadline(c.parent, c.deadline)
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
	if d, ok := c.parent.Deadline(); ok && d.Before(c.deadline) {
		return d, true
	}
	return c.deadline, true
}

// Done implements context.Context.
func (c *lazyTimeout) Done() <-chan struct{} { return c.start().Done() }

// Err implements context.Context.
func (c *lazyTimeout) Err() error {
	if timed := c.started(); timed != nil {
		return timed.Err()
	}
	if err := c.parent.Err(); err != nil {
		return err
	}
	if !time.Now().Before(c.deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// Value implements context.Context. Once started it asks the timed context, so
// that contexts derived from it need no goroutine to watch it.
func (c *lazyTimeout) Value(key any) any {
	if timed := c.started(); timed != nil {
		return timed.Value(key)
	}
	return c.parent.Value(key)
}
