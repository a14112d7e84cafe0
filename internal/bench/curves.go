package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/bench/app"
)

// sizeCurve measures how cost grows with the bytes of a session.
func (r *run) sizeCurve() error {
	return r.curve("size", []float64{100, 300, 1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000},
		func(x float64) app.Sample { return app.Sized(int(x)) },
		"scs/memstore", "limit/memory", "scarab/memstore", "scarab/sealed", "scs/redis", "scarab/redis")
}

// keysCurve measures how cost grows with the keys of a session.
func (r *run) keysCurve() error {
	return r.curve("keys", []float64{1, 3, 10, 30, 100, 300, 1000},
		func(x float64) app.Sample { return app.Keyed(int(x)) },
		"scs/memstore", "limit/memory", "scarab/memstore")
}

// curve measures one client of each library with samples of growing size.
func (r *run) curve(part string, xs []float64, sample func(x float64) app.Sample, libraries ...string) error {
	defer r.bed.mark()()
	defer func() { r.redis = "" }()
	var cells []*cell
	for _, name := range libraries {
		l, _ := app.Find(name)
		for _, x := range xs {
			if l.Place == app.Cookie && x > 2500 {
				break // a cookie has 4 KB
			}
			o, err := r.options(l.Place, sample(x))
			if err != nil {
				return err
			}
			more, err := r.cellsOf(part, l, o, read, write)
			if err != nil {
				return err
			}
			for i, w := range []work{read, write} {
				more[i].fact.Work, more[i].fact.X = w.name, x
			}
			cells = append(cells, more...)
		}
	}
	return r.measureCells(cells, r.passes(3), r.budget(30*time.Millisecond))
}

// clientsCurve measures how rate and latency change with the clients at work.
func (r *run) clientsCurve() error {
	defer r.bed.mark()()
	defer func() { r.redis, r.postgres = "", "" }()
	const most = 1024
	var crowds []*crowd
	for _, name := range []string{"scs/redis", "scarab/redis", "scarab/redis batched", "scs/postgres", "scarab/postgres"} {
		l, _ := app.Find(name)
		o, err := r.options(l.Place, app.S)
		if err != nil {
			return err
		}
		a, err := l.Open(o)
		if err != nil {
			return err
		}
		r.bed.Cleanup(a.Close)
		all, err := newCrowd(a, "clients", write, most)
		if err != nil {
			return err
		}
		for n := 1; n <= most; n *= 2 {
			c := crowdOf(a, "clients", write, all.clients[:n])
			c.fact.X = float64(n)
			crowds = append(crowds, c)
		}
	}
	return r.measureCrowds(crowds, r.passes(2), r.budget(400*time.Millisecond))
}

// contentionCurve measures writers of one session that all come at once.
func (r *run) contentionCurve() error {
	defer r.bed.mark()()
	defer func() { r.redis, r.postgres = "", "" }()
	for _, name := range []string{"scarab/memstore", "scarab/redis", "scarab/postgres"} {
		l, _ := app.Find(name)
		o, err := r.options(l.Place, app.S)
		if err != nil {
			return err
		}
		var saves atomic.Int64
		o.Store = func(s scarab.Store) scarab.Store { return countingStore{s, s.(scarab.LoadToucher), &saves} }
		a, err := l.Open(o)
		if err != nil {
			return err
		}
		r.bed.Cleanup(a.Close)
		for n := 1; n <= 256; n *= 2 {
			f, err := r.contend(a, n, &saves)
			if err != nil {
				return err
			}
			r.add(f)
		}
	}
	return nil
}

// A countingStore counts how often sessions are saved.
type countingStore struct {
	scarab.Store
	scarab.LoadToucher
	saves *atomic.Int64
}

func (s countingStore) Save(ctx context.Context, r scarab.Record) error {
	s.saves.Add(1)
	return s.Store.Save(ctx, r)
}

// contend lets n clients write to one session at once, again and again.
func (r *run) contend(a *app.App, n int, saves *atomic.Int64) (*Fact, error) {
	first := a.NewClient()
	if err := first.Start(); err != nil {
		return nil, err
	}
	writers := make([]*app.Client, n)
	for i := range writers {
		writers[i] = first.Fork(i)
	}
	f := &Fact{Part: "contention", Library: a.Name, Work: "write", X: float64(n)}
	for range r.passes(3) {
		var requests, refused int
		var took time.Duration
		before := saves.Load()
		for took < r.budget(200*time.Millisecond) {
			var (
				wg    sync.WaitGroup
				bad   atomic.Int64
				begin = make(chan struct{})
			)
			for _, w := range writers {
				wg.Go(func() {
					<-begin
					if w.Do(app.Write) != nil {
						bad.Add(1)
					}
				})
			}
			start := time.Now()
			close(begin)
			wg.Wait()
			took += time.Since(start)
			requests += n
			refused += int(bad.Load())
		}
		f.Passes = append(f.Passes, float64(requests-refused)/took.Seconds())
		f.More = map[string]float64{
			"saves":   float64(saves.Load()-before) / float64(requests-refused),
			"refused": float64(refused) / float64(requests),
		}
	}
	return f, nil
}
