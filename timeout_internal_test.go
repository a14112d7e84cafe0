package scarab

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
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
		begin := func(parent context.Context, d time.Duration) *lazyTimeout {
			return new(lazyTimeout).start(parent, time.Now().Add(d))
		}
		check := func(what string, c context.Context, want error) {
			t.Helper()
			if err := c.Err(); err != want {
				t.Errorf("%s: Err = %v, want %v", what, err, want)
			}
			if c.Value(key{}) != "v" {
				t.Errorf("%s: the parent's value is gone", what)
			}
		}
		start := time.Now()
		c := begin(parent, time.Second)
		check("at first", c, nil)
		if d, ok := c.Deadline(); !ok || !d.Equal(start.Add(time.Second)) {
			t.Errorf("Deadline = %v", d)
		}
		time.Sleep(time.Second)
		check("too late, nobody waits", c, context.DeadlineExceeded)
		<-c.Done()

		c = begin(parent, time.Second)
		time.Sleep(time.Second / 2)
		<-c.Done() // counts from the start, not from here
		if got := time.Since(start); got != 2*time.Second {
			t.Errorf("Done after %v", got)
		}
		check("too late", c, context.DeadlineExceeded)
		c.stop()
		check("stopped too late", c, context.DeadlineExceeded)

		c = begin(parent, time.Second)
		child, stop := context.WithCancel(c)
		defer stop()
		c.stop()
		<-child.Done()
		check("derived from one that was stopped", child, context.Canceled)

		c = begin(parent, time.Second)
		child, stop = context.WithCancel(c)
		defer stop()
		<-child.Done()
		check("derived from one that is over", child, context.DeadlineExceeded)

		soon, cancelSoon := context.WithTimeout(parent, time.Second)
		defer cancelSoon()
		c = begin(soon, time.Hour)
		if d, _ := c.Deadline(); !d.Equal(time.Now().Add(time.Second)) {
			t.Errorf("Deadline = %v, want the parent's", d)
		}
		start = time.Now()
		child, stop = context.WithTimeout(c, time.Minute)
		defer stop()
		<-child.Done()
		if got := time.Since(start); got != time.Second {
			t.Errorf("Done after %v, its parent after a second", got)
		}
		check("the parent's deadline", c, context.DeadlineExceeded)
		check("derived from one whose parent has ended", child, context.DeadlineExceeded)
		for _, c := range []*lazyTimeout{begin(soon, time.Hour), begin(parent, 0)} {
			select {
			case <-c.Done():
			default:
				t.Error("what is over at first is not at once Done")
			}
			check("over at first", c, context.DeadlineExceeded)
		}

		c = begin(parent, time.Hour)
		detached := new(lazyTimeout).startDetached(parent, time.Now().Add(time.Hour))
		inner := begin(c, time.Hour)
		inner.Done()
		detached.Done()
		cancel()
		<-c.Done()
		synctest.Wait()
		detached.stop()
		check("the parent has ended", c, context.Canceled)
		check("the parent's parent has ended", inner, context.Canceled)
	})
}

func TestLazyTimeout_detached(t *testing.T) {
	type key struct{}
	synctest.Test(t, func(t *testing.T) {
		parent, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "v"))
		cancel()
		start := time.Now()
		c := new(lazyTimeout).startDetached(parent, start.Add(time.Hour))
		if d, ok := c.Deadline(); !ok || !d.Equal(start.Add(time.Hour)) || c.Err() != nil || c.Value(key{}) != "v" {
			t.Errorf("Deadline %v, Err %v, Value %v", d, c.Err(), c.Value(key{}))
		}
		child, stop := context.WithTimeout(c, 2*time.Hour)
		defer stop()
		<-child.Done()
		if got := time.Since(start); got != time.Hour || child.Err() != context.DeadlineExceeded || c.Err() != context.DeadlineExceeded {
			t.Errorf("after %v: %v and %v", got, child.Err(), c.Err())
		}
	})
}

// What AfterFunc is given runs once, or never if it was stopped in time.
func TestLazyTimeout_AfterFunc(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := new(lazyTimeout).start(t.Context(), time.Now().Add(time.Second))
		var ran [4]int
		stop := [4]func() bool{}
		for i := range 3 {
			stop[i] = c.AfterFunc(func() { ran[i]++ })
		}
		if !stop[1]() || stop[1]() {
			t.Error("stopped in time, and then again")
		}
		c.stop()
		c.stop()
		stop[3] = c.AfterFunc(func() { ran[3]++ })
		synctest.Wait()
		if ran != [4]int{1, 0, 1, 1} {
			t.Errorf("ran %v times", ran)
		}
		if stop[0]() || stop[3]() {
			t.Error("stopped after it ran")
		}
	})
}

// Whatever is done to it at the same time, it ends once, for everybody.
func TestLazyTimeout_concurrent(t *testing.T) {
	for range 300 {
		parent, cancel := context.WithCancel(t.Context())
		c := new(lazyTimeout).start(parent, time.Now().Add(time.Duration(rand.IntN(200))*time.Microsecond))
		var all, after sync.WaitGroup
		for i := range 12 {
			all.Go(func() {
				switch i % 6 {
				case 0:
					<-c.Done()
					if c.Err() == nil {
						t.Error("Done, and Err is nil")
					}
				case 1:
					child, stop := context.WithTimeout(c, time.Minute)
					defer stop()
					<-child.Done()
				case 2:
					after.Add(1)
					if stop := c.AfterFunc(after.Done); rand.IntN(2) == 0 && stop() {
						after.Done()
					}
				case 3:
					for c.Err() == nil {
						runtime.Gosched()
					}
					<-c.Done()
				case 4:
					cancel()
				case 5:
					c.stop()
				}
			})
		}
		all.Wait()
		after.Wait()
		cancel()
		if c.waiting.timer != nil && c.waiting.timer.Stop() {
			t.Error("the timer still runs")
		}
	}
}
