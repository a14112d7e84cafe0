package integration

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/testserver"
	"github.com/scarab-go/scarab/scarabtest"
	"github.com/scarab-go/scarab/sqlstore"
)

func testSQLStore(t *testing.T, db *sql.DB, d sqlstore.Dialect, opts ...sqlstore.Option) {
	t.Helper()
	store, table := newSQLStore(t, db, d, opts...)
	scarabtest.TestStore(t, func(t *testing.T) scarab.Store {
		for _, name := range []string{table, table + "_revoked"} { // faster than new tables
			if _, err := db.Exec("DELETE FROM " + name); err != nil {
				t.Fatal(err)
			}
		}
		return store
	}, scarabtest.StoreOptions{})
}

func TestSQLStore(t *testing.T) {
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) { testSQLStore(t, d.open(t), d.dialect) })
	}
}

// A pool of one connection is enough: no method waits for a second one.
func TestSQLStore_oneConnection(t *testing.T) {
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			db := d.open(t)
			db.SetMaxOpenConns(1)
			testSQLStore(t, db, d.dialect)
		})
	}
}

// Settings of drivers and servers that change what they answer.
func TestSQLStore_settings(t *testing.T) {
	postgres := func(name, value string) func(*testing.T) *sql.DB {
		return func(t *testing.T) *sql.DB { return openPostgresWith(t, name, value) }
	}
	mysql := func(setting string) func(*testing.T) *sql.DB {
		return func(t *testing.T) *sql.DB { return open(t, "mysql", testserver.SharedMySQL(t).DSN+"?"+setting) }
	}
	for _, s := range []struct {
		name    string
		dialect sqlstore.Dialect
		open    func(*testing.T) *sql.DB
		opts    []sqlstore.Option
	}{
		{"SQLite, another journal", sqlstore.SQLite, func(t *testing.T) *sql.DB {
			return openSQLite(t, "journal_mode(delete)", "synchronous(off)", "busy_timeout(0)")
		}, nil},
		{"SQLite, in memory", sqlstore.SQLite, func(t *testing.T) *sql.DB {
			db := open(t, "sqlite", ":memory:")
			db.SetMaxOpenConns(1)
			return db
		}, nil},
		{"PostgreSQL, unlogged", sqlstore.PostgreSQL, openPostgres, []sqlstore.Option{sqlstore.Unlogged()}},
		{"PostgreSQL, behind a pooler", sqlstore.PostgreSQL, postgres("default_query_exec_mode", "exec"), []sqlstore.Option{sqlstore.Unprepared()}},
		{"PostgreSQL, simple protocol", sqlstore.PostgreSQL, postgres("default_query_exec_mode", "simple_protocol"), []sqlstore.Option{sqlstore.Unprepared()}},
		{"PostgreSQL, serializable", sqlstore.PostgreSQL, postgres("default_transaction_isolation", "serializable"), nil},
		{"PostgreSQL, backslashes", sqlstore.PostgreSQL, postgres("standard_conforming_strings", "off"), nil},
		{"PostgreSQL, lib/pq", sqlstore.PostgreSQL, func(t *testing.T) *sql.DB {
			return open(t, "postgres", testserver.SharedPostgres(t).DSN)
		}, nil},
		{"MariaDB, rows found", sqlstore.MySQL, mysql("clientFoundRows=true&tx_isolation=%27READ-COMMITTED%27&sql_mode=%27%27"), nil},
		{"MariaDB, text", sqlstore.MySQL, mysql("interpolateParams=true&tx_isolation=%27SERIALIZABLE%27&sql_mode=%27ANSI%27"), []sqlstore.Option{sqlstore.Unprepared()}},
	} {
		t.Run(s.name, func(t *testing.T) { testSQLStore(t, s.open(t), s.dialect, s.opts...) })
	}
}

func TestSQLStore_CreateTable(t *testing.T) {
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			db := d.open(t)
			// Of eight processes that start at once, none fails.
			_, name := newSQLStore(t, db, d.dialect)
			for _, table := range []string{name, name + "_of_all"} {
				errs := make(chan error)
				for range 8 {
					go func() { errs <- sqlstore.New(db, d.dialect, sqlstore.Table(table)).CreateTable(t.Context()) }()
				}
				for range 8 {
					if err := <-errs; err != nil {
						t.Errorf("table %s: %v", table, err)
					}
				}
			}
			drop(t, db, name+"_of_all", name+"_of_all_revoked")
		})
	}
}

// Names that need quotes, and names with a schema.
func TestSQLStore_Table(t *testing.T) {
	for _, d := range databases {
		schema := map[sqlstore.Dialect]string{sqlstore.SQLite: "main", sqlstore.PostgreSQL: "public", sqlstore.MySQL: "test"}[d.dialect]
		for _, table := range []string{"order", "Select", schema + ".group", strings.Repeat("x", 48)} {
			t.Run(d.name+" "+table, func(t *testing.T) {
				db := d.open(t)
				store := sqlstore.New(db, d.dialect, sqlstore.Table(table))
				quote := `"`
				if d.dialect == sqlstore.MySQL {
					quote = "`"
				}
				quoted := quote + strings.ReplaceAll(table, ".", quote+"."+quote)
				defer drop(t, db, quoted+quote, quoted+"_revoked"+quote)
				ctx, r := t.Context(), of(record("data"), "ann")
				must(t, store.CreateTable(ctx), store.Create(ctx, r), store.Save(ctx, next(r, "more")))
				n, err := store.RevokePrincipal(ctx, "ann", time.Now())
				if n != 1 || err != nil {
					t.Errorf("RevokePrincipal: %d, %v", n, err)
				}
			})
		}
	}
}

// What an operator finds in the table.
func TestSQLStore_columns(t *testing.T) {
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			db := d.open(t)
			const table = "columns_of_sessions"
			store := sqlstore.New(db, d.dialect, sqlstore.Table(table))
			must(t, store.CreateTable(t.Context()))
			defer drop(t, db, table, table+"_revoked")
			r := of(record(`{"a":1}`), "ann")
			r.Label = "Firefox on Linux"
			never := record("")
			never.Expires, never.Deadline, never.Idle = time.Time{}, time.Time{}, scarab.Never
			must(t, store.Create(t.Context(), r), store.Create(t.Context(), never))

			var principal, label, data string
			var seen, expires, idle int64
			must(t, db.QueryRow("SELECT principal, label, data, seen, expires, idle FROM "+table+" WHERE principal = 'ann'").
				Scan(&principal, &label, &data, &seen, &expires, &idle))
			got := fmt.Sprint(principal, label, data, seen, expires, idle)
			if want := fmt.Sprint("ann", r.Label, `{"a":1}`, r.Seen.UnixMicro(), r.Expires.UnixMicro(), int64(3_600_000_000)); got != want {
				t.Errorf("the row has %s, want %s", got, want)
			}
			var deadline, authTime int64
			must(t, db.QueryRow("SELECT auth_time, expires, deadline, idle FROM "+table+" WHERE principal = ''").
				Scan(&authTime, &expires, &deadline, &idle))
			const forever = 1<<63 - 1
			if expires != forever || deadline != forever || idle != forever || authTime != -62135596800000000 {
				t.Errorf("never and not set are %d, %d, %d, %d", expires, deadline, idle, authTime)
			}
		})
	}
}

func TestSQLStore_unlogged(t *testing.T) {
	db := openPostgres(t)
	for want, opts := range map[string][]sqlstore.Option{"p": nil, "u": {sqlstore.Unlogged()}} {
		store := sqlstore.New(db, sqlstore.PostgreSQL, append(opts, sqlstore.Table("kind_"+want))...)
		must(t, store.CreateTable(t.Context()))
		defer drop(t, db, "kind_"+want, "kind_"+want+"_revoked")
		var sessions, revoked string
		const query = "SELECT relpersistence FROM pg_class WHERE relname = $1"
		must(t, db.QueryRow(query, "kind_"+want).Scan(&sessions), db.QueryRow(query, "kind_"+want+"_revoked").Scan(&revoked))
		if sessions != want || revoked != "p" {
			t.Errorf("the tables are of kind %s and %s, want %s and p", sessions, revoked, want)
		}
	}
}

// Saves and touches leave PostgreSQL's indexes as they are: that the index for
// sweeps has hours is for that.
func TestSQLStore_heapOnlyUpdates(t *testing.T) {
	db := openPostgres(t)
	db.SetMaxOpenConns(1) // statistics are of a connection until it is idle
	store, table := newSQLStore(t, db, sqlstore.PostgreSQL)
	ctx, r := t.Context(), record("data")
	r.Expires = r.Seen.Truncate(time.Hour).Add(time.Hour) // and all in the same hour
	must(t, store.Create(ctx, r))
	for range 100 {
		r = next(r, "data")
		r.Expires = r.Expires.Add(time.Second)
		must(t, store.Save(ctx, r))
	}
	if _, err := db.Exec("SELECT pg_stat_force_next_flush()"); err != nil {
		t.Fatal(err)
	}
	var updates, hot int
	must(t, db.QueryRow("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = $1", table).Scan(&updates, &hot))
	if updates != 100 || hot < 90 {
		t.Errorf("%d of %d updates left the indexes as they were, want 90 of 100", hot, updates)
	}
}

func TestSQLStore_roundTrips(t *testing.T) {
	for _, d := range []struct {
		name    string
		dialect sqlstore.Dialect
		driver  string
		server  func(testing.TB) *testserver.Server
		login   int
		revoke  int
	}{
		{"PostgreSQL", sqlstore.PostgreSQL, "pgx", testserver.SharedPostgres, 1, 2},
		{"MariaDB", sqlstore.MySQL, "mysql", testserver.SharedMySQL, 5, 7},
	} {
		t.Run(d.name, func(t *testing.T) {
			server := d.server(t)
			proxy := testserver.NewProxy(t, server.Addr)
			db := open(t, d.driver, through(server, proxy))
			db.SetMaxOpenConns(1)
			store, _ := newSQLStore(t, db, d.dialect)
			ctx, now := t.Context(), time.Now()
			r, of1 := record("data"), of(record("data"), "ann")
			login := of(next(next(r, ""), "data"), "ann")
			login.Renewed = login.Seen
			other := of(next(login, "data"), "bob")
			other.Seen = other.Seen.Add(time.Second)

			warm := record("data") // statements are prepared at first use
			loadTouch := func(r scarab.Record, at time.Time) error {
				_, err := store.LoadTouch(ctx, r.Handle, r.Secret, at, time.Minute)
				return err
			}
			revoke := func() error {
				_, err := store.RevokePrincipal(ctx, "ann", now.Add(-time.Hour))
				return err
			}
			must(t, store.Create(ctx, warm), loadTouch(warm, now.Add(10*time.Minute)), store.Touch(ctx, warm.Handle, now.Add(20*time.Minute)),
				store.Save(ctx, of(next(warm, ""), "ann")), store.Create(ctx, of(record(""), "ann")), revoke(), store.Delete(ctx, warm.Handle))
			for _, step := range []struct {
				name  string
				trips int
				do    func() error
			}{
				{"Create", 1, func() error { return store.Create(ctx, r) }},
				{"LoadTouch", 1, func() error { return loadTouch(r, now) }},
				{"LoadTouch that touches", 2, func() error { return loadTouch(r, now.Add(10*time.Minute)) }},
				{"Touch", 1, func() error { return store.Touch(ctx, r.Handle, now.Add(20*time.Minute)) }},
				{"Save", 1, func() error { return store.Save(ctx, next(r, "")) }},
				{"Save that conflicts", 2, func() error {
					if err := store.Save(ctx, next(r, "late")); !conflictCarries(err, "") {
						return fmt.Errorf("no conflict: %v", err)
					}
					return nil
				}},
				{"Save of a login", d.login, func() error { return store.Save(ctx, login) }},
				{"Save of a login after a clock that is ahead", 2 + d.login, func() error { return store.Save(ctx, other) }},
				{"Create of a login", d.login, func() error { return store.Create(ctx, of1) }},
				{"Delete", 1, func() error { return store.Delete(ctx, r.Handle) }},
				{"RevokePrincipal", d.revoke, revoke},
			} {
				before := proxy.RoundTrips()
				if err := step.do(); err != nil {
					t.Errorf("%s: %v", step.name, err)
				}
				if got := proxy.RoundTrips() - before; got != step.trips {
					t.Errorf("%s takes %d round trips, want %d", step.name, got, step.trips)
				}
			}
		})
	}
}

// conflictCarries reports whether err is a conflict with a record that has data.
func conflictCarries(err error, data string) bool {
	var conflict *scarab.ConflictError[scarab.Record]
	return errors.As(err, &conflict) && conflict.Current != nil && string(conflict.Current.Data) == data
}
