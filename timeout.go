package scarab

import (
	"context"
	"slices"
	"sync"
	"time"
)

// A lazyTimeout is a context.WithDeadline for calls that are short. It costs
// nothing until somebody waits for it, and a store in memory never does. What
// waits has a timer, but no entry in the context of the request, which costs more
// than the timer to make and to take back: instead the timer looks now and then
// whether the request was given up. It is used once.
type lazyTimeout struct {
	parent   context.Context
	detached bool // it goes on when parent is canceled
	deadline time.Time

	mu      sync.Mutex
	err     error    // why it ended
	waiting *waiting // nil until somebody waits
}

// waiting is what a lazyTimeout has that somebody waits for.
type waiting struct {
	done  chan struct{}
	timer *time.Timer
	after []*func()
}

// parentsEvery is how often the timer looks.
const parentsEvery = 100 * time.Millisecond

func (c *lazyTimeout) start(parent context.Context, deadline time.Time) *lazyTimeout {
	c.parent, c.deadline = parent, deadline
	return c
}

// startDetached begins one that goes on when parent is canceled.
func (c *lazyTimeout) startDetached(parent context.Context, deadline time.Time) *lazyTimeout {
	c.detached = true
	return c.start(parent, deadline)
}

// stop ends it, for those who still wait and for contexts derived from it.
func (c *lazyTimeout) stop() { c.end(context.Canceled) }

// end ends it because of err, unless it has ended, and returns why it did.
func (c *lazyTimeout) end(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	c.err = err
	if w := c.waiting; w != nil {
		w.timer.Stop()
		close(w.done)
		for _, f := range w.after {
			go (*f)()
		}
		w.after = nil
	}
	return err
}

// over says why it is over at a time, if it is.
func (c *lazyTimeout) over(now time.Time) error {
	if !c.detached {
		if err := c.parent.Err(); err != nil {
			return err
		}
	}
	if d, _ := c.Deadline(); !now.Before(d) {
		return context.DeadlineExceeded
	}
	return nil
}

// Deadline implements context.Context.
func (c *lazyTimeout) Deadline() (time.Time, bool) {
	if d, ok := c.parent.Deadline(); ok && !c.detached && d.Before(c.deadline) {
		return d, true
	}
	return c.deadline, true
}

// Done implements context.Context.
func (c *lazyTimeout) Done() <-chan struct{} {
	c.mu.Lock()
	w := c.waiting
	c.mu.Unlock()
	if w != nil {
		return w.done
	}
	c.Err() // if it is over it ends, for those who only look whether the channel is closed
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting == nil {
		c.waiting = &waiting{done: make(chan struct{})}
		if c.err != nil {
			close(c.waiting.done)
		} else {
			c.waiting.timer = time.AfterFunc(c.untilLook(), c.look)
		}
	}
	return c.waiting.done
}

// untilLook is how long the timer runs.
func (c *lazyTimeout) untilLook() time.Duration {
	d, _ := c.Deadline()
	wait := time.Until(d)
	if !c.detached {
		wait = min(wait, parentsEvery)
	}
	return wait
}

// look is what the timer does.
func (c *lazyTimeout) look() {
	if c.Err() != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.waiting.timer.Reset(c.untilLook())
	}
}

// Err implements context.Context.
func (c *lazyTimeout) Err() error {
	c.mu.Lock()
	err := c.err
	c.mu.Unlock()
	if err != nil {
		return err
	}
	if err := c.over(time.Now()); err != nil {
		return c.end(err)
	}
	return nil
}

// Value implements context.Context.
func (c *lazyTimeout) Value(key any) any {
	if c.detached {
		return context.WithoutCancel(c.parent).Value(key)
	}
	return c.parent.Value(key)
}

// AfterFunc calls f in a goroutine of its own when c has ended, unless stop is
// called first. Package context asks for it, and derives contexts from c without
// a goroutine that waits for each.
func (c *lazyTimeout) AfterFunc(f func()) (stop func() bool) {
	c.Done()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		go f()
		return func() bool { return false }
	}
	w := c.waiting
	w.after = append(w.after, &f)
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		i := slices.Index(w.after, &f)
		if i >= 0 {
			w.after = slices.Delete(w.after, i, i+1)
		}
		return i >= 0
	}
}
