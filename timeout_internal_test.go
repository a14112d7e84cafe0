package scarab

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// It is a context like any other, though its timer starts late.
func TestLazyTimeout(t *testing.T) {
	type key struct{}
	synctest.Test(t, func(t *testing.T) {
		parent, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "v"))
		defer cancel()
		start := time.Now()
		check := func(what string, c *lazyTimeout, want error) {
			t.Helper()
			if err := c.Err(); !errors.Is(err, want) {
				t.Errorf("%s: Err = %v, want %v", what, err, want)
			}
			if c.Value(key{}) != "v" {
				t.Errorf("%s: the parent's value is gone", what)
			}
		}
		c := new(lazyTimeout).start(parent, time.Second)
		check("at first", c, nil)
		if d, ok := c.Deadline(); !ok || !d.Equal(start.Add(time.Second)) {
			t.Errorf("Deadline = %v", d)
		}
		time.Sleep(time.Second)
		check("too late, nobody waits", c, context.DeadlineExceeded)

		c = new(lazyTimeout).start(parent, time.Second)
		time.Sleep(time.Second / 2)
		<-c.Done() // counts from the start, not from here
		if got := time.Since(start); got != 2*time.Second {
			t.Errorf("Done after %v", got)
		}
		check("too late", c, context.DeadlineExceeded)
		c.stop()

		c = c.start(parent, time.Second)
		check("started again", c, nil)
		child, stop := context.WithCancel(c)
		defer stop()
		c.stop()
		<-child.Done()
		if !errors.Is(child.Err(), context.Canceled) {
			t.Errorf("a context derived from it: %v", child.Err())
		}

		c = new(lazyTimeout).start(parent, time.Hour)
		cancel()
		check("the parent has ended", c, context.Canceled)
		<-c.Done()

		soon, cancelSoon := context.WithTimeout(t.Context(), time.Second)
		defer cancelSoon()
		c = new(lazyTimeout).start(soon, time.Hour)
		if d, _ := c.Deadline(); !d.Equal(time.Now().Add(time.Second)) {
			t.Errorf("Deadline = %v, want the parent's", d)
		}
	})
}
