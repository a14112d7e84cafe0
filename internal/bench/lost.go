package main

import (
	"fmt"
	"strings"
	"sync"

	"github.com/scarab-go/scarab/internal/bench/app"
)

// A toll is what became of some visits to one session at the same time. Each
// increments a counter, sets a key of its own and leaves a message.
type toll struct {
	refused                 int // visits that were told so
	counter, keys, messages int // lost of those that were answered
}

// visit sends n visits to a session of a library at once. If together is set,
// no visit changes anything before all have loaded the session.
func visit(l app.Library, o app.Options, n int, together bool) (toll, error) {
	o.Sample = app.Sample{Name: "empty", Values: []app.Value{{Key: "counter", Value: 0}}}
	var meeting sync.WaitGroup
	if together {
		meeting.Add(n)
		o.Meet = func() {
			meeting.Done()
			meeting.Wait()
		}
	}
	a, err := l.Open(o)
	if err != nil {
		return toll{}, err
	}
	defer a.Close()
	c := a.NewClient()
	if err := c.Start(); err != nil {
		return toll{}, err
	}
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		t     toll
		start = make(chan struct{})
	)
	for i := range n {
		visitor := c.Fork(i)
		wg.Go(func() {
			<-start
			err := visitor.Do(app.Visit)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.refused++
				return
			}
			c.SetCookie(visitor.Cookie()) // the browser keeps what comes last
		})
	}
	close(start)
	wg.Wait()
	if err := c.Do(app.Tally); err != nil {
		return t, err
	}
	var counter, keys, messages int
	if _, err := fmt.Sscan(string(c.Body()), &counter, &keys, &messages); err != nil {
		return t, fmt.Errorf("tally %q: %w", c.Body(), err)
	}
	answered := n - t.refused
	t.counter, t.keys, t.messages = answered-counter, answered-keys, answered-messages
	return t, nil
}

// lost counts what 64 parallel requests lose, with every library.
func (r *run) lost() error {
	defer r.bed.mark()()
	defer func() { r.redis, r.postgres = "", "" }()
	for _, l := range app.Libraries {
		if l.CSRF || l.Place == app.Nowhere || strings.HasPrefix(l.Name, "limit/") {
			continue
		}
		for _, together := range []bool{false, true} {
			f := &Fact{Part: "lost", Library: l.Name, Work: "as they come", More: map[string]float64{}}
			if together {
				f.Work = "all loaded first"
			}
			more := map[string][]float64{}
			for range r.passes(9) {
				o, err := r.options(l.Place, app.S)
				if err != nil {
					return err
				}
				t, err := visit(l, o, clients, together)
				if err != nil {
					return fmt.Errorf("%s: %w", l.Name, err)
				}
				for name, n := range map[string]int{"refused": t.refused, "counter": t.counter, "keys": t.keys, "messages": t.messages} {
					more[name] = append(more[name], float64(n))
				}
			}
			for name, values := range more {
				f.More[name] = median(values)
			}
			r.add(f)
		}
	}
	return nil
}
