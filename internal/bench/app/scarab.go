package app

import (
	"context"
	"database/sql"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/rueidis"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/cookiecodec"
	"github.com/scarab-go/scarab/memstore"
	"github.com/scarab-go/scarab/redisstore"
	"github.com/scarab-go/scarab/sqlstore"
)

var scarabLibraries = []Library{
	scarabLibrary("scarab/memstore", Memory, func(_ *App, o Options) (scarab.Backend, error) {
		return o.stored(memstore.New()), nil
	}),
	scarabLibrary("scarab/signed", Cookie, func(*App, Options) (scarab.Backend, error) {
		codec, err := cookiecodec.NewSigned(cookiecodec.SignedConfig{Secrets: [][]byte{signingKey}})
		return scarab.InCookie(codec), err
	}),
	scarabLibrary("scarab/sealed", Cookie, func(*App, Options) (scarab.Backend, error) {
		codec, err := sealedCodec()
		return scarab.InCookie(codec), err
	}),
	scarabLibrary("scarab/redis", Redis, inRedis(rueidis.ClientOption{DisableCache: true}, redisstore.Config{})),
	scarabLibrary("scarab/redis batched", Redis, inRedis(rueidis.ClientOption{DisableCache: true, MaxFlushDelay: flushDelay}, redisstore.Config{})),
	scarabLibrary("scarab/redis cached", Redis, inRedis(rueidis.ClientOption{}, redisstore.Config{ClientSideCache: true})),
	scarabLibrary("scarab/postgres", Postgres, func(a *App, o Options) (scarab.Backend, error) {
		db, err := sql.Open("pgx", o.Postgres)
		if err != nil {
			return nil, err
		}
		db.SetMaxOpenConns(poolSize)
		db.SetMaxIdleConns(poolSize)
		a.close = append(a.close, func() { db.Close() })
		store := sqlstore.New(db, sqlstore.PostgreSQL)
		return o.stored(store), store.CreateTable(context.Background())
	}),
	scarabLibrary("scarab/sqlite", SQLite, func(a *App, o Options) (scarab.Backend, error) {
		db, err := openSQLite(a, o, "scarab")
		if err != nil {
			return nil, err
		}
		store := sqlstore.New(db, sqlstore.SQLite)
		return o.stored(store), store.CreateTable(context.Background())
	}),
}

// flushDelay is what redisstore's documentation advises for a busy process.
const flushDelay = 100 * time.Microsecond

func inRedis(option rueidis.ClientOption, cfg redisstore.Config) func(*App, Options) (scarab.Backend, error) {
	return func(a *App, o Options) (scarab.Backend, error) {
		client, err := openRueidis(a, o, option)
		return o.stored(redisstore.New(client, cfg)), err
	}
}

func (o Options) stored(s scarab.Store) scarab.Backend {
	if o.Store != nil {
		s = o.Store(s)
	}
	return scarab.Stored(s)
}

func sealedCodec() (*cookiecodec.Sealed, error) {
	key, err := cookiecodec.GenerateKey(256)
	if err != nil {
		return nil, err
	}
	ring, err := cookiecodec.NewKeyring(key)
	if err != nil {
		return nil, err
	}
	return cookiecodec.NewSealed(ring)
}

func scarabLibrary(name string, place Place, open func(*App, Options) (scarab.Backend, error)) Library {
	return Library{Name: name, Place: place, open: func(a *App, o Options) error {
		backend, err := open(a, o)
		if err != nil {
			return err
		}
		factory, err := scarab.New(backend, scarab.Config{MaxSize: 4 << 20})
		if err != nil {
			return err
		}
		scarabHandlers(a, factory.Wrap, o)
		return nil
	}}
}

const (
	userID  = scarab.Key[int64](userKey)
	counter = scarab.Key[int](counterKey)
)

var users atomic.Int64

// newUser returns a name, in 12 characters, that was not logged in here before: who
// has many sessions has a long index.
func newUser() string { return strconv.FormatInt(100_000_000_000+users.Add(1), 10) }

func increment(n int) int { return n + 1 }

func scarabHandlers(a *App, wrap func(http.Handler) http.Handler, o Options) {
	on := func(op Op, f func(w http.ResponseWriter, r *http.Request, s *scarab.Session)) {
		a.handlers[op] = wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, err := scarab.From(r.Context())
			if err != nil {
				fail(w, err)
				return
			}
			f(w, r, s)
		}))
	}
	on(Fill, func(w http.ResponseWriter, r *http.Request, s *scarab.Session) {
		for _, v := range o.Sample.Values {
			s.Set(v.Key, v.Value)
		}
		if o.Sample.CSRF != "" {
			s.CSRFToken()
		}
		if o.Sample.Message != "" {
			s.Flash(o.Sample.Message)
		}
		w.Write(ok)
	})
	a.handlers[Untouched] = wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(ok) }))
	on(Read, func(w http.ResponseWriter, r *http.Request, s *scarab.Session) { check(w, userID.Get(s) == user) })
	on(Write, func(w http.ResponseWriter, r *http.Request, s *scarab.Session) {
		found := userID.Get(s) == user
		counter.Update(s, increment)
		check(w, found)
	})
	on(Login, func(w http.ResponseWriter, r *http.Request, s *scarab.Session) {
		s.Login(newUser())
		userID.Set(s, user)
		w.Write(ok)
	})
	on(Flash, func(w http.ResponseWriter, r *http.Request, s *scarab.Session) {
		s.Flash(o.Sample.Message)
		redirect(w)
	})
	on(Messages, func(w http.ResponseWriter, r *http.Request, s *scarab.Session) { show(w, s.PopFlash()) })
	on(Visit, func(w http.ResponseWriter, r *http.Request, s *scarab.Session) {
		meet(o)
		counter.Update(s, increment)
		s.Set(r.Header.Get(visitorHeader), true)
		s.Flash(r.Header.Get(visitorHeader))
		w.Write(ok)
	})
	on(Tally, func(w http.ResponseWriter, r *http.Request, s *scarab.Session) {
		tally(w, counter.Get(s), slices.Collect(s.Keys()), len(s.PeekFlash()))
	})
}
