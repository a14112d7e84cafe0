package main

import (
	"bytes"
	"context"
	crand "crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/bench/app"
)

// memory weighs sessions that are kept in the process, each number of them in a
// process of its own.
func (r *run) memory() error {
	most := map[string]int{"scs/memstore": 1_000_000, "limit/memory": 1_000_000, "limit/slabs": 1_000_000, "scarab/memstore": 10_000_000}
	for _, name := range []string{"scs/memstore", "limit/memory", "limit/slabs", "scarab/memstore"} {
		for n := 1000; n <= most[name]; n *= 10 {
			if r.quick && n > 100_000 {
				break
			}
			out, err := r.child("weigh", nil, name, strconv.Itoa(n), r.budget(500*time.Millisecond).String())
			if err != nil {
				return fmt.Errorf("%d sessions of %s: %w", n, name, err)
			}
			var f Fact
			if err := json.Unmarshal(out, &f); err != nil {
				return err
			}
			f.Part, f.Library, f.Work, f.X = "memory", name, "write", float64(n)
			r.add(&f)
		}
	}
	return nil
}

// weigh fills the memory of this process with sessions and says what they weigh,
// how long a full collection takes, and what a request costs with them there.
func weigh(ctx context.Context, args []string) error {
	l, _ := app.Find(args[0])
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	budget, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	o := app.Options{Sample: app.S}
	var store scarab.Store
	o.Store = func(s scarab.Store) scarab.Store { store = s; return s }
	a, err := l.Open(o)
	if err != nil {
		return err
	}
	defer a.Close()
	cs, err := newCookies(a, n)
	if err != nil {
		return err
	}
	empty := heap()
	if err := cs.grow(ctx, a, store, n); err != nil {
		return err
	}
	full := heap()
	pauses := make([]float64, 5)
	used := make([]float64, len(pauses))
	for i := range pauses {
		start, before := time.Now(), collectorCPU()
		runtime.GC()
		pauses[i], used[i] = float64(time.Since(start)), collectorCPU()-before
	}
	f := &Fact{More: map[string]float64{
		"heap":   float64(full.HeapAlloc-empty.HeapAlloc) / float64(n),
		"object": float64(full.HeapObjects-empty.HeapObjects) / float64(n),
		"gc":     median(pauses),
		"gccpu":  median(used),
	}}
	if store != nil {
		if f.More["record"], err = recordSize(ctx, store); err != nil {
			return err
		}
	}
	got, err := cs.visit(ctx, a, runtime.GOMAXPROCS(0), budget)
	if err != nil {
		return err
	}
	f.Passes = []float64{got.rate()}
	f.More["p50"], f.More["p99"], f.More["p999"] = float64(got.quantile(0.5)), float64(got.quantile(0.99)), float64(got.quantile(0.999))
	return json.NewEncoder(os.Stdout).Encode(f)
}

// collectorCPU returns the nanoseconds of processor time that collections have
// taken.
func collectorCPU() float64 {
	s := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}}
	metrics.Read(s)
	return s[0].Value.Float64() * 1e9
}

func heap() (m runtime.MemStats) {
	runtime.GC()
	runtime.GC() // what finalizers freed
	runtime.ReadMemStats(&m)
	return m
}

// recordSize returns the bytes of a record's fields laid end to end.
func recordSize(ctx context.Context, s scarab.Store) (float64, error) {
	scanner, ok := s.(scarab.Scanner)
	if !ok {
		return 0, fmt.Errorf("%T cannot scan", s)
	}
	for rec, err := range scanner.Scan(ctx) {
		const times, duration = 6 * 8, 8
		return float64(len(rec.Handle) + len(rec.Secret) + 8 + len(rec.Commit) + times + duration +
			len(rec.Principal) + len(rec.Label) + len(rec.Data)), err
	}
	return 0, fmt.Errorf("the store is empty")
}

// cookies are those of many sessions, end to end: a string for each would be
// most of what the collector sees.
type cookies struct {
	text  []byte
	width int
	n     int // filled
}

func newCookies(a *app.App, most int) (*cookies, error) {
	c := a.NewClient()
	if err := c.Start(); err != nil {
		return nil, err
	}
	cs := &cookies{width: len(c.Cookie())}
	cs.text = bytes.Repeat([]byte(" "), cs.width*most) // in memory before the first weighing
	return cs, nil
}

func (cs *cookies) at(i int) string { return unsafe.String(&cs.text[i*cs.width], cs.width) }

// grow starts sessions until there are n: through the application, or, if a
// store of scarab's is given, with copies of a session in it, which is faster.
func (cs *cookies) grow(ctx context.Context, a *app.App, store scarab.Store, n int) error {
	start := func(c *app.Client) (string, error) {
		c.SetCookie("")
		err := c.Start()
		return c.Cookie(), err
	}
	if store != nil {
		var err error
		if start, err = cs.copier(ctx, a, store); err != nil {
			return err
		}
	}
	var wg sync.WaitGroup
	errs := make([]error, clients)
	for worker := range errs {
		wg.Go(func() {
			c := a.NewClient()
			for i := cs.n + worker; i < n && errs[worker] == nil; i += clients {
				cookie, err := start(c)
				if err == nil && len(cookie) != cs.width {
					err = fmt.Errorf("the cookies of %s differ in length", a.Name)
				}
				errs[worker] = err
				copy(cs.text[i*cs.width:], cookie)
			}
		})
	}
	wg.Wait()
	cs.n = n
	return errors.Join(errs...)
}

// copier returns a function that makes a copy of a session, with a handle and a
// secret of its own, and returns its cookie.
func (cs *cookies) copier(ctx context.Context, a *app.App, store scarab.Store) (func(*app.Client) (string, error), error) {
	c := a.NewClient()
	if err := c.Start(); err != nil {
		return nil, err
	}
	name, value, _ := strings.Cut(c.Cookie(), "=")
	token, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		return nil, err
	}
	first, err := store.Load(ctx, scarab.Handle(token), time.Now())
	if err != nil {
		return nil, err
	}
	return func(*app.Client) (string, error) {
		var token [len(scarab.Handle{}) + sha256.Size]byte
		crand.Read(token[:])
		rec := first
		rec.Handle = scarab.Handle(token[:])
		rec.Secret = sha256.Sum256(token[len(rec.Handle):])
		return name + "=" + base64.RawURLEncoding.EncodeToString(token[:]), store.Create(ctx, rec)
	}, nil
}

// visit lets workers write to sessions picked at random, none to another's.
func (cs *cookies) visit(ctx context.Context, a *app.App, workers int, budget time.Duration) (*load, error) {
	browsers := make([]*app.Client, workers)
	for i := range browsers {
		browsers[i] = a.NewClient()
	}
	l := drive(ctx, budget, workers, func(worker, _ int) error {
		browsers[worker].SetCookie(cs.at(rand.IntN(cs.n/workers)*workers + worker))
		return browsers[worker].Do(app.Write)
	})
	return l, l.err
}

// sessionsCurve measures databases that hold more and more sessions.
func (r *run) sessionsCurve() error {
	defer r.bed.mark()()
	defer func() { r.redis, r.postgres = "", "" }()
	most := 1_000_000
	if r.quick {
		most = 10_000
	}
	for _, name := range []string{"scarab/redis", "scarab/postgres", "scarab/sqlite"} {
		l, _ := app.Find(name)
		workers := clients
		if l.Place == app.SQLite {
			workers = 1
		}
		o, err := r.options(l.Place, app.S)
		if err != nil {
			return err
		}
		a, err := l.Open(o)
		if err != nil {
			return err
		}
		r.bed.Cleanup(a.Close)
		filling := o
		if o.Postgres != "" {
			filling.Postgres += "&options=-csynchronous_commit%3Doff" // filling is not what is measured
		}
		var store scarab.Store
		filling.Store = func(s scarab.Store) scarab.Store { store = s; return s }
		filler, err := l.Open(filling)
		if err != nil {
			return err
		}
		r.bed.Cleanup(filler.Close)
		cs, err := newCookies(a, most)
		if err != nil {
			return err
		}
		for n := 1000; n <= most; n *= 10 {
			if err := cs.grow(r.ctx, filler, store, n); err != nil {
				return err
			}
			f := &Fact{Part: "sessions", Library: name, Work: "write", X: float64(n)}
			for range r.passes(2) {
				l, err := cs.visit(r.ctx, a, workers, r.budget(time.Second))
				if err != nil {
					return err
				}
				f.Passes = append(f.Passes, l.rate())
				f.More = map[string]float64{"p50": float64(l.quantile(0.5)), "p99": float64(l.quantile(0.99))}
			}
			f.More["bytes"], err = r.weight(o)
			if err != nil {
				return err
			}
			f.More["bytes"] /= float64(n)
			r.add(f)
		}
	}
	return nil
}

// weight returns the bytes that a database needs for its sessions.
func (r *run) weight(o app.Options) (float64, error) {
	switch {
	case o.Redis != "":
		return app.RedisMemory(r.ctx, o)
	case o.Postgres != "":
		return app.PostgresSize(r.ctx, o)
	}
	return app.SQLiteSize(r.ctx, o)
}
