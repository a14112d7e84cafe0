package main

import (
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/scarab-go/scarab/internal/bench/app"
)

// A work is what one measurement repeats.
type work struct {
	name string
	ops  []app.Op
}

var (
	untouched = work{"untouched", []app.Op{app.Untouched}}
	read      = work{"read", []app.Op{app.Read}}
	write     = work{"write", []app.Op{app.Write}}
	login     = work{"login", []app.Op{app.Forget, app.Fill, app.Login}} // a session is started, then somebody logs in
	flash     = work{"flash", []app.Op{app.Flash, app.Messages}}         // a post that redirects, and the page after it
	page      = work{"page", []app.Op{app.Page}}
	form      = work{"form", []app.Op{app.Form}}
	script    = work{"script", []app.Op{app.Script}}
	commit    = work{name: "commit"} // of SQLite, alone
)

// by reports whether an application can do the work.
func (w work) by(a *app.App) bool {
	return !slices.ContainsFunc(w.ops, func(op app.Op) bool { return !a.Does(op) })
}

// A cell is a library doing one kind of work.
type cell struct {
	fact   *Fact
	do     func() error // the work, once
	client *app.Client  // whose it is, if it is one's
	n      int          // how often in a pass
	more   map[string][]float64
}

// repeat does the work n times.
func (c *cell) repeat(n int) (time.Duration, error) {
	start := time.Now()
	for range n {
		if err := c.do(); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

// warm does the work until it is known how often it fits into a budget. What
// counts is the fastest of several tries: others may use the processor too.
func (c *cell) warm(budget time.Duration) error {
	best := math.Inf(1)
	for n, total := 1, time.Duration(0); ; n *= 2 {
		took, err := c.repeat(n)
		if err != nil {
			return err
		}
		best = min(best, float64(took)/float64(n))
		if total += took; best*float64(n) > float64(budget)/4 || total > 10*budget {
			c.n = max(1, int(float64(budget)/best))
			return nil
		}
	}
}

func (c *cell) pass() error {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu := cpuTime()
	took, err := c.repeat(c.n)
	if err != nil {
		return err
	}
	cpu = cpuTime() - cpu
	runtime.ReadMemStats(&after)
	c.fact.Passes = append(c.fact.Passes, float64(took)/float64(c.n))
	if c.more == nil {
		c.more = map[string][]float64{}
	}
	for name, total := range map[string]float64{
		"allocs": float64(after.Mallocs - before.Mallocs),
		"bytes":  float64(after.TotalAlloc - before.TotalAlloc),
		"cpu":    float64(cpu), // the collector's included; other programs do not disturb it
	} {
		c.more[name] = append(c.more[name], total/float64(c.n))
	}
	return nil
}

// cellsOf opens one application of a library for each kind of work it can do.
func (r *run) cellsOf(part string, l app.Library, o app.Options, works ...work) (cells []*cell, err error) {
	for _, w := range works {
		a, err := l.Open(o)
		if err != nil {
			return nil, err
		}
		r.bed.Cleanup(a.Close)
		if !w.by(a) {
			continue
		}
		client := a.NewClient()
		switch err := client.Start(); {
		case err != nil && l.Place == app.Cookie:
			continue // it does not fit: gorilla's cookies refuse L
		case err != nil:
			return nil, err
		}
		cells = append(cells, &cell{
			fact:   &Fact{Part: part, Library: l.Name, Work: w.name + " " + o.Sample.Name},
			do:     func() error { return client.DoAll(w.ops) },
			client: client,
		})
	}
	return cells, nil
}

// byWork orders what is measured so that what is compared comes one after the
// other: a machine that changes its speed then changes it for all of them.
func byWork(a, b *Fact) int { return strings.Compare(a.Work, b.Work) }

// measureCells lets every cell take its turn in every pass.
func (r *run) measureCells(cells []*cell, passes int, budget time.Duration) error {
	slices.SortStableFunc(cells, func(a, b *cell) int { return byWork(a.fact, b.fact) })
	for _, c := range cells {
		if err := c.warm(budget); err != nil {
			return err
		}
	}
	for range passes {
		tidy()
		for _, c := range cells {
			if err := r.ctx.Err(); err != nil {
				return err
			}
			if err := c.pass(); err != nil {
				return err
			}
		}
	}
	for _, c := range cells {
		c.fact.More = map[string]float64{}
		for name, values := range c.more {
			c.fact.More[name] = median(values)
		}
		if c.client != nil {
			_, value, _ := strings.Cut(c.client.Cookie(), "=")
			c.fact.More["cookie"] = float64(len(value))
		}
		r.add(c.fact)
	}
	return nil
}

// process measures requests without a network.
func (r *run) process() error {
	defer r.bed.mark()()
	var cells []*cell
	for _, sample := range []app.Sample{app.S, app.L} {
		for _, l := range app.Libraries {
			works := []work{untouched, read, write, login, flash}
			switch {
			case l.CSRF && sample.Name == app.L.Name, l.Place > app.Memory:
				continue
			case l.CSRF:
				works = []work{page, form, script, read}
			}
			more, err := r.cellsOf("process", l, app.Options{Sample: sample}, works...)
			if err != nil {
				return err
			}
			cells = append(cells, more...)
		}
	}
	return r.measureCells(cells, r.passes(25), r.budget(15*time.Millisecond))
}
