package app

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/redis/rueidis"

	"github.com/scarab-go/scarab/internal/bench/limit"
)

var limitLibraries = []Library{
	limitLibrary("limit/memory", Memory, func(*App, Options) (limit.Backend, error) { return limit.NewMemory(), nil }),
	limitLibrary("limit/slabs", Memory, func(*App, Options) (limit.Backend, error) { return limit.NewSlabs(), nil }),
	limitLibrary("limit/signed", Cookie, func(*App, Options) (limit.Backend, error) { return limit.NewSigned(signingKey), nil }),
	limitLibrary("limit/sealed", Cookie, func(*App, Options) (limit.Backend, error) { return limit.NewSealed(sealingKey) }),
	limitLibrary("limit/redis", Redis, func(a *App, o Options) (limit.Backend, error) {
		client, err := openRueidis(a, o, rueidis.ClientOption{DisableCache: true})
		return limit.NewRedis(client), err
	}),
	limitLibrary("limit/postgres", Postgres, func(a *App, o Options) (limit.Backend, error) {
		pool, err := openPool(a, o)
		if err != nil {
			return nil, err
		}
		return limit.NewPostgres(context.Background(), pool)
	}),
	limitLibrary("limit/sqlite", SQLite, func(a *App, o Options) (limit.Backend, error) {
		db, err := openSQLite(a, o, "limit")
		if err != nil {
			return nil, err
		}
		return limit.NewSQLite(db)
	}),
}

func openRueidis(a *App, o Options, option rueidis.ClientOption) (rueidis.Client, error) {
	option.InitAddress = []string{o.Redis}
	client, err := rueidis.NewClient(option)
	if err == nil {
		a.close = append(a.close, client.Close)
	}
	return client, err
}

func limitLibrary(name string, place Place, open func(*App, Options) (limit.Backend, error)) Library {
	return Library{Name: name, Place: place, open: func(a *App, o Options) error {
		backend, err := open(a, o)
		if err != nil {
			return err
		}
		return limitHandlers(a, backend, o)
	}}
}

func limitHandlers(a *App, backend limit.Backend, o Options) error {
	data, err := limitData(o.Sample)
	if err != nil {
		return err
	}
	on := func(op Op, f func(w http.ResponseWriter, s *limit.Session)) {
		a.handlers[op] = limit.Wrap(backend, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, err := limit.From(r.Context())
			if err != nil {
				fail(w, err)
				return
			}
			f(w, s)
		}))
	}
	on(Fill, func(w http.ResponseWriter, s *limit.Session) {
		s.Set(slices.Clone(data))
		w.Write(ok)
	})
	a.handlers[Untouched] = limit.Wrap(backend, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(ok) }))
	on(Read, func(w http.ResponseWriter, s *limit.Session) { check(w, s.Data().Int(userKey) == user) })
	on(Write, func(w http.ResponseWriter, s *limit.Session) {
		found := s.Data().Int(userKey) == user
		s.Set(s.Data().WithInt(counterKey, s.Data().Int(counterKey)+1))
		check(w, found)
	})
	return nil
}

func limitData(sample Sample) (data limit.Data, err error) {
	add := func(key string, value any) {
		text, bad := json.Marshal(value)
		if bad != nil {
			err = bad
		}
		data = data.Append(key, string(text))
	}
	for _, v := range sample.Values {
		add(v.Key, v.Value)
	}
	if sample.CSRF != "" {
		add(csrfKey, sample.CSRF)
	}
	if sample.Message != "" {
		add(flashKey, []string{sample.Message})
	}
	return data, err
}
