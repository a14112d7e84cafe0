package main

import (
	"context"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/scarab-go/scarab/internal/bench/app"
)

// A load is what clients in a closed loop got done together: each sends its
// next request when the last one is answered.
type load struct {
	took      time.Duration
	latencies []time.Duration // sorted
	cpu       time.Duration   // of this process
	failed    int
	err       error // the first failure
}

// rate returns requests a second.
func (l *load) rate() float64 { return float64(len(l.latencies)) / l.took.Seconds() }

// quantile returns the latency that a share q of the requests stayed below.
func (l *load) quantile(q float64) time.Duration {
	if len(l.latencies) == 0 {
		return 0
	}
	return l.latencies[min(len(l.latencies)-1, int(q*float64(len(l.latencies))))]
}

// drive lets every worker repeat do, which says whether it went well, for d.
func drive(ctx context.Context, d time.Duration, workers int, do func(worker, i int) error) *load {
	var (
		wg  sync.WaitGroup
		mu  sync.Mutex
		all load
	)
	tidy()
	cpu, start := cpuTime(), time.Now()
	for worker := range workers {
		wg.Go(func() {
			var mine load
			for last := start; ctx.Err() == nil && last.Sub(start) < d; {
				err := do(worker, len(mine.latencies)+mine.failed)
				now := time.Now()
				if err != nil {
					mine.failed++
					mine.err = err
				} else {
					mine.latencies = append(mine.latencies, now.Sub(last))
				}
				last = now
			}
			mu.Lock()
			defer mu.Unlock()
			all.latencies = append(all.latencies, mine.latencies...)
			all.failed += mine.failed
			if mine.err != nil {
				all.err = mine.err
			}
		})
	}
	wg.Wait()
	all.took, all.cpu = time.Since(start), cpuTime()-cpu
	slices.Sort(all.latencies)
	return &all
}

// cpuTime returns what this process has used of its processors.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A crowd is clients of one application, each with a session of its own.
type crowd struct {
	fact    *Fact
	clients []*app.Client
	ops     []app.Op
	more    map[string][]float64

	// meter reads what the server has used so far, noted for each request under
	// a name.
	meter func(context.Context) (float64, error)
	name  string
}

// newCrowd opens sessions for n clients.
func newCrowd(a *app.App, part string, w work, n int) (*crowd, error) {
	clients := make([]*app.Client, n)
	for i := range clients {
		clients[i] = a.NewClient()
		if err := clients[i].Start(); err != nil {
			return nil, err
		}
	}
	return crowdOf(a, part, w, clients), nil
}

func crowdOf(a *app.App, part string, w work, clients []*app.Client) *crowd {
	return &crowd{
		fact:    &Fact{Part: part, Library: a.Name, Work: w.name},
		clients: clients, ops: w.ops, more: map[string][]float64{},
	}
}

// pass lets the crowd work for d and notes what came of it.
func (c *crowd) pass(ctx context.Context, d time.Duration) error {
	before, err := c.read(ctx)
	if err != nil {
		return err
	}
	l := drive(ctx, d, len(c.clients), func(worker, _ int) error {
		return c.clients[worker].DoAll(c.ops)
	})
	if l.err != nil {
		return l.err
	}
	c.fact.Passes = append(c.fact.Passes, l.rate())
	c.note("p50", float64(l.quantile(0.5)))
	c.note("p99", float64(l.quantile(0.99)))
	c.note("cpu", float64(l.cpu)/float64(len(l.latencies)))
	after, err := c.read(ctx)
	if err == nil && c.meter != nil {
		c.note(c.name, (after-before)/float64(len(l.latencies)))
	}
	return err
}

func (c *crowd) read(ctx context.Context) (float64, error) {
	if c.meter == nil {
		return 0, nil
	}
	return c.meter(ctx)
}

func (c *crowd) note(name string, v float64) { c.more[name] = append(c.more[name], v) }

// done returns the fact.
func (c *crowd) done() *Fact {
	if c.fact.More == nil {
		c.fact.More = map[string]float64{}
	}
	for name, values := range c.more {
		c.fact.More[name] = median(values)
	}
	return c.fact
}
