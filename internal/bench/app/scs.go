package app

import (
	"context"
	"database/sql"
	"encoding/json"
	"net/http"
	"path/filepath"
	"time"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/alexedwards/scs/pgxstore"
	"github.com/alexedwards/scs/sqlite3store"
	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite"
)

var scsLibraries = []Library{
	scsLibrary("scs/memstore", Memory, scsMemory, nil),
	scsLibrary("scs/memstore idle", Memory, scsMemory, withIdle),
	scsLibrary("scs/memstore json", Memory, scsMemory, withJSON),
	scsLibrary("scs/redis", Redis, scsRedis, nil),
	scsLibrary("scs/redis idle", Redis, scsRedis, withIdle),
	scsLibrary("scs/redis json", Redis, scsRedis, withJSON),
	scsLibrary("scs/postgres", Postgres, scsPostgres, nil),
	scsLibrary("scs/sqlite", SQLite, scsSQLite, nil),
}

func withIdle(m *scs.SessionManager) { m.IdleTimeout = time.Hour }
func withJSON(m *scs.SessionManager) { m.Codec = jsonCodec{} }

// jsonCodec is what a site writes that has found out about gob.
type jsonCodec struct{}

type jsonSession struct {
	Deadline time.Time
	Values   map[string]any
}

func (jsonCodec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	return json.Marshal(jsonSession{deadline, values})
}

func (jsonCodec) Decode(b []byte) (time.Time, map[string]any, error) {
	var s jsonSession
	err := json.Unmarshal(b, &s)
	return s.Deadline, s.Values, err
}

// The stores run without their cleanup: it comes once in minutes, and its start
// races with its stop.

func scsMemory(*App, Options) (scs.Store, error) { return memstore.NewWithCleanupInterval(0), nil }

func scsRedis(a *App, o Options) (scs.Store, error) {
	client := redis.NewClient(&redis.Options{Addr: o.Redis, PoolSize: poolSize})
	a.close = append(a.close, func() { client.Close() })
	return goredisstore.New(client), nil
}

func scsPostgres(a *App, o Options) (scs.Store, error) {
	pool, err := openPool(a, o)
	if err != nil {
		return nil, err
	}
	_, err = pool.Exec(context.Background(), `CREATE TABLE IF NOT EXISTS sessions (
	token TEXT PRIMARY KEY, data BYTEA NOT NULL, expiry TIMESTAMPTZ NOT NULL);
	CREATE INDEX IF NOT EXISTS sessions_expiry_idx ON sessions (expiry)`)
	return pgxstore.NewWithCleanupInterval(pool, 0), err
}

func scsSQLite(a *App, o Options) (scs.Store, error) {
	db, err := openSQLite(a, o, "scs")
	if err != nil {
		return nil, err
	}
	_, err = db.Exec(`CREATE TABLE sessions (token TEXT PRIMARY KEY, data BLOB NOT NULL, expiry REAL NOT NULL);
	CREATE INDEX sessions_expiry_idx ON sessions(expiry)`)
	return sqlite3store.NewWithCleanupInterval(db, 0), err
}

// poolSize is how many connections a pool has to each server.
const poolSize = 16

func openPool(a *App, o Options) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(o.Postgres)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = poolSize
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err == nil {
		a.close = append(a.close, pool.Close)
	}
	return pool, err
}

func openSQLite(a *App, o Options, name string) (*sql.DB, error) {
	file := filepath.Join(o.Dir, name+".sqlite")
	db, err := sql.Open("sqlite", file+"?_pragma=journal_mode(wal)&_pragma=synchronous(normal)&_pragma=busy_timeout(5000)")
	if err == nil {
		a.close = append(a.close, func() { db.Close() })
	}
	return db, err
}

func scsLibrary(name string, place Place, open func(*App, Options) (scs.Store, error), tune func(*scs.SessionManager)) Library {
	return Library{Name: name, Place: place, open: func(a *App, o Options) error {
		store, err := open(a, o)
		if err != nil {
			return err
		}
		m := scs.New()
		m.Store = store
		m.Cookie.Secure = true
		if tune != nil {
			tune(m)
		}
		scsHandlers(a, m, o)
		return nil
	}}
}

func scsHandlers(a *App, m *scs.SessionManager, o Options) {
	on := func(op Op, f func(ctx context.Context, w http.ResponseWriter, r *http.Request)) {
		a.handlers[op] = m.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			f(r.Context(), w, r)
		}))
	}
	// scs has no flash messages; a list is what its users write.
	push := func(ctx context.Context, text string) {
		m.Put(ctx, flashKey, append(toList(m.Get(ctx, flashKey)), text))
	}
	on(Fill, func(ctx context.Context, w http.ResponseWriter, r *http.Request) {
		for _, v := range o.Sample.Values {
			m.Put(ctx, v.Key, v.Value)
		}
		if o.Sample.CSRF != "" {
			m.Put(ctx, csrfKey, o.Sample.CSRF)
		}
		if o.Sample.Message != "" {
			push(ctx, o.Sample.Message)
		}
		w.Write(ok)
	})
	on(Untouched, func(ctx context.Context, w http.ResponseWriter, r *http.Request) { w.Write(ok) })
	on(Read, func(ctx context.Context, w http.ResponseWriter, r *http.Request) {
		check(w, m.Get(ctx, userKey) != nil)
	})
	on(Write, func(ctx context.Context, w http.ResponseWriter, r *http.Request) {
		found := m.Get(ctx, userKey) != nil
		m.Put(ctx, counterKey, toInt(m.Get(ctx, counterKey))+1)
		check(w, found)
	})
	on(Login, func(ctx context.Context, w http.ResponseWriter, r *http.Request) {
		err := m.RenewToken(ctx)
		m.Put(ctx, userKey, user)
		check(w, err == nil)
	})
	on(Flash, func(ctx context.Context, w http.ResponseWriter, r *http.Request) {
		push(ctx, o.Sample.Message)
		redirect(w)
	})
	on(Messages, func(ctx context.Context, w http.ResponseWriter, r *http.Request) {
		show(w, toList(m.Pop(ctx, flashKey)))
	})
	on(Visit, func(ctx context.Context, w http.ResponseWriter, r *http.Request) {
		meet(o)
		m.Put(ctx, counterKey, toInt(m.Get(ctx, counterKey))+1)
		m.Put(ctx, r.Header.Get(visitorHeader), true)
		push(ctx, r.Header.Get(visitorHeader))
		w.Write(ok)
	})
	on(Tally, func(ctx context.Context, w http.ResponseWriter, r *http.Request) {
		tally(w, toInt(m.Get(ctx, counterKey)), m.Keys(ctx), len(toList(m.Get(ctx, flashKey))))
	})
}
