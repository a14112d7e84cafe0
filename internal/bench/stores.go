package main

import (
	"context"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/scarab-go/scarab/internal/bench/app"
	"github.com/scarab-go/scarab/internal/testserver"
)

// clients is how many work at a time where nothing else is said.
const clients = 64

// options returns where an application keeps its sessions, and starts the
// server if it does not run yet.
func (r *run) options(p app.Place, s app.Sample) (o app.Options, err error) {
	o.Sample = s
	switch p {
	case app.Redis:
		if r.redis == "" {
			server, err := r.bed.start(testserver.Redis)
			if err != nil {
				return o, err
			}
			r.redis = server.Addr
		}
		o.Redis = r.redis
	case app.Postgres:
		if r.postgres == "" {
			server, err := r.bed.start(testserver.Postgres, "-c", "max_connections=200", "-c", "shared_buffers=512MB")
			if err != nil {
				return o, err
			}
			r.postgres = server.URL
		}
		o.Postgres = r.postgres
	case app.SQLite:
		o.Dir, err = os.MkdirTemp(r.dir, "sqlite-")
	}
	return o, err
}

// through returns o with a proxy in front of the server.
func (r *run) through(o app.Options) (app.Options, *testserver.Proxy, error) {
	if o.Redis != "" {
		p := testserver.NewProxy(&r.bed, o.Redis)
		o.Redis = p.Addr
		return o, p, nil
	}
	u, err := url.Parse(o.Postgres)
	if err != nil {
		return o, nil, err
	}
	p := testserver.NewProxy(&r.bed, u.Host)
	u.Host = p.Addr
	o.Postgres = u.String()
	return o, p, nil
}

// trips returns round trips and bytes of one request to a, which p counts, when
// connections are open and statements prepared. The session is started with
// another instance of the application: a cache goes round what its own process
// has just written.
func trips(other, a *app.App, p *testserver.Proxy, ops []app.Op, n int) (trips, up, down float64, err error) {
	first := other.NewClient()
	if err := first.Start(); err != nil {
		return 0, 0, 0, err
	}
	c := a.NewClient()
	c.SetCookie(first.Cookie())
	do := func(n int) error {
		for range n {
			if err := c.DoAll(ops); err != nil {
				return err
			}
		}
		return nil
	}
	if err := do(20); err != nil {
		return 0, 0, 0, err
	}
	before := p.RoundTrips()
	upBefore, downBefore := p.Bytes()
	if err := do(n); err != nil {
		return 0, 0, 0, err
	}
	upAfter, downAfter := p.Bytes()
	per := func(total int) float64 { return float64(total) / float64(n) }
	return per(p.RoundTrips() - before), per(upAfter - upBefore), per(downAfter - downBefore), nil
}

func (r *run) redisStores() error {
	return r.stores("redis", app.Redis, r.passes(6), r.budget(350*time.Millisecond))
}

func (r *run) postgresStores() error {
	return r.stores("postgres", app.Postgres, r.passes(6), r.budget(500*time.Millisecond))
}

// stores measures whole requests of many clients against a server, and counts
// round trips of one.
func (r *run) stores(part string, place app.Place, passes int, budget time.Duration) error {
	defer r.bed.mark()()
	if place == app.Redis {
		defer func() { r.redis = "" }()
	} else {
		defer func() { r.postgres = "" }()
	}
	o, err := r.options(place, app.S)
	if err != nil {
		return err
	}
	o2, proxy, err := r.through(o)
	if err != nil {
		return err
	}
	var crowds []*crowd
	for _, l := range app.In(place) {
		a, err := l.Open(o)
		if err != nil {
			return err
		}
		r.bed.Cleanup(a.Close)
		counted, err := l.Open(o2)
		if err != nil {
			return err
		}
		r.bed.Cleanup(counted.Close)
		for _, w := range []work{untouched, read, write, login, flash} {
			if !w.by(a) {
				continue
			}
			c, err := newCrowd(a, part, w, clients)
			if err != nil {
				return err
			}
			n, up, down, err := trips(a, counted, proxy, w.ops, 200)
			if err != nil {
				return err
			}
			if place == app.Redis {
				c.name, c.meter = "server", func(ctx context.Context) (float64, error) { return app.RedisCPU(ctx, o) }
			} else {
				c.name, c.meter = "log", func(ctx context.Context) (float64, error) { return app.PostgresLog(ctx, o) }
			}
			c.fact.More = map[string]float64{"trips": n, "up": up, "down": down}
			if w.name == untouched.name && n == 0 {
				r.add(c.fact) // it does not know the server: no rate of it
				continue
			}
			crowds = append(crowds, c)
		}
	}
	return r.measureCrowds(crowds, passes, budget)
}

// measureCrowds lets every crowd take its turn in every pass.
func (r *run) measureCrowds(crowds []*crowd, passes int, budget time.Duration) error {
	slices.SortStableFunc(crowds, func(a, b *crowd) int { return byWork(a.fact, b.fact) })
	for range passes {
		for _, c := range crowds {
			if err := r.ctx.Err(); err != nil {
				return err
			}
			if err := c.pass(r.ctx, budget); err != nil {
				return err
			}
		}
	}
	for _, c := range crowds {
		r.add(c.done())
	}
	return nil
}

// sqliteStores measures requests of one client, since SQLite has one writer,
// and the commit alone.
func (r *run) sqliteStores() error {
	defer r.bed.mark()()
	var cells []*cell
	for _, l := range app.In(app.SQLite) {
		for _, w := range []work{untouched, read, write, login, flash} {
			o, err := r.options(app.SQLite, app.S) // a file of its own
			if err != nil {
				return err
			}
			more, err := r.cellsOf("sqlite", l, o, w)
			if err != nil {
				return err
			}
			cells = append(cells, more...)
		}
	}
	for _, name := range []string{"scs/sqlite", "limit/sqlite", "scarab/sqlite"} {
		o, err := r.options(app.SQLite, app.S)
		if err != nil {
			return err
		}
		commit, end, err := app.SQLiteCommit(name, o)
		if err != nil {
			return err
		}
		r.bed.Cleanup(end)
		cells = append(cells, &cell{fact: &Fact{Part: "sqlite", Library: name, Work: "commit S"}, do: commit})
	}
	return r.measureCells(cells, r.passes(10), r.budget(100*time.Millisecond))
}
