package integration

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/sqlstore"
)

// Sweeps find a session by the hour in which it expires, which therefore
// follows every way to move the expiry.
func TestSQLStore_expiresHour(t *testing.T) {
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			store, _ := newSQLStore(t, d.open(t), d.dialect)
			ctx := t.Context()
			saved, touched := record("saved"), record("touched")
			old, later := saved.Expires, saved.Expires.Add(3*time.Hour)
			must(t, store.Create(ctx, saved), store.Create(ctx, touched))

			saved = next(saved, "moved")
			saved.Expires = later
			must(t, store.Save(ctx, saved), store.Touch(ctx, touched.Handle, old.Add(-time.Millisecond)))
			must(t, store.Touch(ctx, touched.Handle, old.Add(59*time.Minute)))

			sweep := func(before time.Time, want int) {
				t.Helper()
				if n, err := store.Sweep(ctx, before, 10); err != nil || n != want {
					t.Errorf("a sweep of what expired %v later removes %d, %v, want %d", before.Sub(old), n, err, want)
				}
			}
			sweep(old.Add(time.Hour), 0)
			if r, err := store.Load(ctx, saved.Handle, old.Add(time.Hour)); err != nil || !r.Expires.Equal(later) || string(r.Data) != "moved" {
				t.Errorf("the session is loaded as %+v, %v", r, err)
			}
			sweep(old.Add(2*time.Hour), 1) // the one that was touched
			sweep(later.Add(time.Microsecond), 1)
			if _, err := store.Load(ctx, saved.Handle, old); !errors.Is(err, scarab.ErrNoSession) {
				t.Errorf("what was swept is loaded: %v", err)
			}
		})
	}
}

// Whoever is looked for by name is found without reading every session.
func TestSQLStore_principalIndex(t *testing.T) {
	db := openSQLite(t, "journal_mode(wal)")
	_, table := newSQLStore(t, db, sqlstore.SQLite)
	for _, statement := range []string{"SELECT handle FROM " + table, "DELETE FROM " + table} {
		rows, err := db.Query("EXPLAIN QUERY PLAN "+statement+" WHERE principal = ?", "ann")
		must(t, err)
		defer rows.Close()
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var detail string
			must(t, rows.Scan(&id, &parent, &unused, &detail))
			plan = append(plan, detail)
		}
		if all := strings.Join(plan, "; "); !strings.Contains(all, "_principal") {
			t.Errorf("%s: %s, not by the index", statement, all)
		}
	}
}

// A save goes to its session, and not through all that have the same principal:
// visitors who are not logged in have one, too. A planner without statistics takes
// one index for as good as the other.
func TestSQLStore_savesByHandle(t *testing.T) {
	db := openPostgres(t)
	db.SetMaxOpenConns(1) // whose statistics are asked for
	store, table := newSQLStore(t, db, sqlstore.PostgreSQL)
	var r scarab.Record
	for range 50 {
		r = record("anonymous")
		must(t, store.Create(t.Context(), r))
	}
	const saves = 10
	for range saves {
		r = next(r, "saved")
		must(t, store.Save(t.Context(), r))
	}
	_, err := db.Exec("SELECT pg_stat_force_next_flush()")
	must(t, err)
	read := func(index string) (n int) {
		t.Helper()
		must(t, db.QueryRow("SELECT idx_tup_read FROM pg_stat_user_indexes WHERE relname = $1 AND indexrelname = $2", table, table+index).Scan(&n))
		return n
	}
	if n := read("_principal"); n != 0 {
		t.Errorf("%d saves read %d entries of the index of principals", saves, n)
	}
	if n := read("_pkey"); n < saves {
		t.Errorf("%d saves read %d entries of the primary key", saves, n)
	}
}
