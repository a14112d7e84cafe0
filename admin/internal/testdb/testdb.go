// Package testdb gives tests databases of every kind that the interface is for:
// SQLite in a file, and real servers of PostgreSQL and MariaDB.
package testdb

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/scarab-go/scarab/admin/internal/schema"
	"github.com/scarab-go/scarab/admin/shop"
	"github.com/scarab-go/scarab/internal/leaks"
	"github.com/scarab-go/scarab/internal/testserver"
)

// Main runs the tests of a package, and stops the servers that they started. A
// goroutine that is left behind is a failure.
func Main(m *testing.M) { os.Exit(leaks.Check(testserver.Run(m))) }

// A Kind is a kind of database.
type Kind struct {
	Dialect schema.Dialect
	dsn     func(t testing.TB, name, template string) (driver, dsn string)
}

// Lite is SQLite, which needs no server.
var Lite = Kind{schema.SQLite, liteDSN}

// Maria is MariaDB.
var Maria = Kind{schema.MySQL, mysqlDSN}

// Kinds are all of them.
var Kinds = []Kind{Lite, {schema.PostgreSQL, postgresDSN}, Maria}

// Each runs a test on each kind of database, beside other tests.
func Each(t *testing.T, test func(t *testing.T, k Kind)) {
	t.Parallel()
	for _, k := range Kinds {
		t.Run(string(k.Dialect), func(t *testing.T) {
			t.Parallel()
			test(t, k)
		})
	}
}

var number atomic.Int64

func newName(what string) string {
	return fmt.Sprintf("scarab_%s_%d_%d", what, os.Getpid(), number.Add(1))
}

// Open returns an empty database, until the test ends.
func (k Kind) Open(t testing.TB) *sql.DB {
	t.Helper()
	return connect(t, k, newName("test"), "")
}

// Shop returns the sample database, until the test ends.
func (k Kind) Shop(t testing.TB) *sql.DB {
	t.Helper()
	switch k.Dialect {
	case schema.SQLite:
		image, err := shopFile()
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "shop.sqlite")
		if err := os.WriteFile(file, image, 0o600); err != nil {
			t.Fatal(err)
		}
		return connect(t, k, file, "")
	case schema.PostgreSQL:
		return connect(t, k, newName("test"), postgresShop(t))
	}
	db := k.Open(t)
	if err := shop.Create(t.Context(), db, k.Dialect); err != nil {
		t.Fatal(err)
	}
	return db
}

func connect(t testing.TB, k Kind, name, template string) *sql.DB {
	t.Helper()
	driver, dsn := k.dsn(t, name, template)
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// liteDSN opens a file: name, or one in a folder of the test.
func liteDSN(t testing.TB, name, _ string) (driver, dsn string) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(t.TempDir(), name+".sqlite")
	}
	return "sqlite", "file:" + (&url.URL{Path: name}).EscapedPath() + "?_pragma=foreign_keys(1)&_pragma=busy_timeout(10000)&_txlock=immediate"
}

// shopFile is the file of the sample database: making it takes long.
var shopFile = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "shop")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "shop.sqlite")
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(shop.Create(context.Background(), db, schema.SQLite), db.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
})

// administer carries out a statement on the server itself.
func administer(t testing.TB, driver, dsn, statement string) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err == nil {
		_, err = db.Exec(statement)
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func postgresDSN(t testing.TB, name, template string) (driver, dsn string) {
	server := testserver.SharedPostgres(t)
	administer(t, "pgx", server.DSN, "CREATE DATABASE "+name+" TEMPLATE "+cmp.Or(template, "template0"))
	t.Cleanup(func() { administer(t, "pgx", server.DSN, "DROP DATABASE "+name+" WITH (FORCE)") })
	u, err := url.Parse(server.DSN)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return "pgx", u.String()
}

var (
	templateOnce sync.Mutex
	templateName string
)

// postgresShop returns the name of a database to copy.
func postgresShop(t testing.TB) string {
	t.Helper()
	server := testserver.SharedPostgres(t)
	templateOnce.Lock()
	defer templateOnce.Unlock()
	if templateName != "" {
		return templateName
	}
	name := newName("shop")
	administer(t, "pgx", server.DSN, "CREATE DATABASE "+name)
	u, err := url.Parse(server.DSN)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	db, err := sql.Open("pgx", u.String())
	if err == nil {
		err = errors.Join(shop.Create(t.Context(), db, schema.PostgreSQL), db.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	templateName = name
	return name
}

func mysqlDSN(t testing.TB, name, _ string) (driver, dsn string) {
	server := testserver.SharedMySQL(t)
	administer(t, "mysql", server.DSN, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4")
	t.Cleanup(func() { administer(t, "mysql", server.DSN, "DROP DATABASE "+name) })
	c, err := mysql.ParseDSN(server.DSN)
	if err != nil {
		t.Fatal(err)
	}
	c.DBName, c.MultiStatements = name, true
	return "mysql", c.FormatDSN()
}
