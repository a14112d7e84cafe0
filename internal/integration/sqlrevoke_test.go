package integration

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/sqlstore"
)

// A login and a revocation of the same principal wait for each other in
// PostgreSQL, whatever the isolation is that the database is set to: the login
// sees a revocation that it has waited for, and a revocation the login.
func TestSQLStore_loginBesideRevocation(t *testing.T) {
	for _, isolation := range []string{"read committed", "repeatable read", "serializable"} {
		t.Run(isolation, func(t *testing.T) {
			db := openPostgres(t)
			store, table := newSQLStore(t, db, sqlstore.PostgreSQL)
			at := sqlstore.New(openPostgresWith(t, "default_transaction_isolation", isolation), sqlstore.PostgreSQL, sqlstore.Table(table))
			ctx, now := t.Context(), time.Now()
			_, err := store.RevokePrincipal(ctx, "ann", now.Add(-time.Hour)) // makes the row that is locked below
			must(t, err)

			type revocation struct {
				n   int
				err error
			}
			revoked := make(chan revocation, 1)
			revoke := func() {
				n, err := at.RevokePrincipal(ctx, "ann", now.Add(time.Minute))
				revoked <- revocation{n, err}
			}
			done := make(chan error, 1)

			// A revocation that is not through yet, and a login beside it.
			unlock := locks(t, db, "SELECT FROM "+table+"_revoked WHERE principal = 'ann' FOR UPDATE")
			go revoke()
			waits(t, db, table, 1)
			go func() { done <- at.Create(ctx, of(record("data"), "ann")) }()
			waits(t, db, table, 2)
			unlock()
			if r := <-revoked; r != (revocation{}) {
				t.Errorf("the revocation: %+v", r)
			}
			if err := <-done; !errors.Is(err, scarab.ErrNoSession) {
				t.Errorf("a login that was revoked while it waited: %v, want %v", err, scarab.ErrNoSession)
			}

			// A login that is not through yet, and a revocation beside it.
			_, err = db.ExecContext(ctx, "DELETE FROM "+table+"_revoked")
			r := record("data")
			must(t, err, store.Create(ctx, r))
			login := of(next(r, "data"), "ann")
			login.Renewed = login.Seen
			unlock = locks(t, db, "SELECT FROM "+table+" FOR UPDATE")
			go func() { done <- at.Save(ctx, login) }()
			waits(t, db, table, 1)
			go revoke()
			waits(t, db, table, 2)
			unlock()
			if err := <-done; err != nil {
				t.Errorf("a login before a revocation: %v", err)
			}
			if r := <-revoked; r != (revocation{n: 1}) {
				t.Errorf("a revocation that waited for a login: %+v, want 1 session", r)
			}
		})
	}
}

// locks runs a statement in a transaction, and returns what ends that.
func locks(t *testing.T, db *sql.DB, statement string) (unlock func()) {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tx.Rollback() })
	if _, err := tx.Exec(statement); err != nil {
		t.Fatal(err)
	}
	return func() { tx.Rollback() }
}

// waits returns when n connections that use the table wait for a lock.
func waits(t *testing.T, db *sql.DB, table string, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for waiting := -1; waiting != n; time.Sleep(time.Millisecond) {
		err := db.QueryRowContext(ctx, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND position($1 IN query) > 0", table).Scan(&waiting)
		if err != nil {
			t.Fatalf("%d of %d connections wait: %v", waiting, n, err)
		}
	}
}
