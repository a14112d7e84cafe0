package integration

import (
	"crypto/rand"
	"database/sql"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/scarab-go/scarab/internal/testserver"
	"github.com/scarab-go/scarab/sqlstore"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/lib/pq"
	_ "modernc.org/sqlite"
)

// A database is one that sqlstore runs on.
type database struct {
	name    string
	dialect sqlstore.Dialect
	open    func(t *testing.T) *sql.DB
}

var databases = []database{
	{"SQLite", sqlstore.SQLite, func(t *testing.T) *sql.DB { return openSQLite(t) }},
	{"PostgreSQL", sqlstore.PostgreSQL, openPostgres},
	{"MariaDB", sqlstore.MySQL, openMySQL},
}

// openSQLite opens a new database in a file of its own, with other pragmas than
// usual if some are given.
func openSQLite(t *testing.T, pragmas ...string) *sql.DB {
	t.Helper()
	return openSQLiteFile(t, filepath.Join(t.TempDir(), "sessions.sqlite"), pragmas...)
}

func openSQLiteFile(t *testing.T, file string, pragmas ...string) *sql.DB {
	t.Helper()
	q := url.Values{}
	for _, pragma := range append([]string{"journal_mode(wal)", "synchronous(normal)", "busy_timeout(5000)"}, pragmas...) {
		name, _, _ := strings.Cut(pragma, "(")
		same := func(p string) bool { return strings.HasPrefix(p, name+"(") }
		q["_pragma"] = append(slices.DeleteFunc(q["_pragma"], same), pragma)
	}
	return open(t, "sqlite", "file:"+file+"?"+q.Encode())
}

func openPostgres(t *testing.T) *sql.DB {
	t.Helper()
	return open(t, "pgx", testserver.SharedPostgres(t).DSN)
}

// openPostgresWith opens it with a setting of the driver's or the server's.
func openPostgresWith(t *testing.T, name, value string) *sql.DB {
	t.Helper()
	return open(t, "pgx", withSetting(testserver.SharedPostgres(t).DSN, name+"="+url.PathEscape(value)))
}

// withSetting returns a DSN with one setting more, unless that is empty.
func withSetting(dsn, setting string) string {
	if setting == "" {
		return dsn
	}
	separator := "?"
	if strings.Contains(dsn, "?") {
		separator = "&"
	}
	return dsn + separator + setting
}

func openMySQL(t *testing.T) *sql.DB {
	t.Helper()
	return open(t, "mysql", testserver.SharedMySQL(t).DSN)
}

// through returns the DSN of server, by way of proxy.
func through(server *testserver.Server, proxy *testserver.Proxy) string {
	return strings.Replace(server.DSN, server.Addr, proxy.Addr, 1)
}

func open(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	t.Cleanup(func() { db.Close() })
	return db
}

// newSQLStore returns a store with a table of its own in db, which other tests
// may use too, and the name of the table.
func newSQLStore(t *testing.T, db *sql.DB, d sqlstore.Dialect, opts ...sqlstore.Option) (store *sqlstore.Store, table string) {
	t.Helper()
	table = "s_" + strings.ToLower(rand.Text())
	store = sqlstore.New(db, d, append([]sqlstore.Option{sqlstore.Table(table)}, opts...)...)
	if err := store.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		store.Close()
		drop(t, db, table, table+"_revoked")
	})
	return store, table
}

func drop(t *testing.T, db *sql.DB, tables ...string) {
	t.Helper()
	for _, table := range tables {
		if _, err := db.Exec("DROP TABLE " + table); err != nil {
			t.Error(err)
		}
	}
}
