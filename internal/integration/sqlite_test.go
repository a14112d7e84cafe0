package integration

import (
	"database/sql"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/scarabtest"
	"github.com/scarab-go/scarab/sqlstore"

	_ "modernc.org/sqlite"
)

// openSQLite opens a new database in a file of its own.
func openSQLite(t *testing.T, pragmas ...string) *sql.DB {
	t.Helper()
	q := url.Values{"_pragma": append([]string{"journal_mode(wal)", "synchronous(normal)", "busy_timeout(5000)"}, pragmas...)}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "sessions.sqlite")+"?"+q.Encode())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// newSQLStore returns a store with a table in db.
func newSQLStore(t *testing.T, db *sql.DB, d sqlstore.Dialect, opts ...sqlstore.Option) *sqlstore.Store {
	t.Helper()
	store := sqlstore.New(db, d, opts...)
	if err := store.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func TestSQLite(t *testing.T) {
	scarabtest.TestStore(t, func(t *testing.T) scarab.Store {
		return newSQLStore(t, openSQLite(t), sqlstore.SQLite)
	}, scarabtest.StoreOptions{})
}
