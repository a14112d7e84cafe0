package main

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"testing"

	"github.com/scarab-go/scarab/admin"
	"github.com/scarab-go/scarab/admin/shop"
	"github.com/scarab-go/scarab/internal/testserver"
)

// Shops start the command over the sample database in each kind of database.
// SQLite's is the one that the command makes by itself.
var shops = map[string]func(t *testing.T) *process{
	"sqlite":   func(t *testing.T) *process { return start(t, t.TempDir(), "--sessions", "memory:") },
	"postgres": func(t *testing.T) *process { return serveShop(t, postgresShop(t)) },
	"mysql":    func(t *testing.T) *process { return serveShop(t, mysqlShop(t)) },
}

func serveShop(t *testing.T, address string) *process {
	t.Helper()
	return start(t, t.TempDir(), "--sessions", "memory:", "--db", address)
}

func postgresShop(t *testing.T) (address string) {
	t.Helper()
	server := testserver.SharedPostgres(t)
	name := fmt.Sprintf("scarab_browser_%d", os.Getpid())
	carryOut(t, "pgx", server.DSN, "CREATE DATABASE "+name)
	t.Cleanup(func() { carryOut(t, "pgx", server.DSN, "DROP DATABASE "+name+" WITH (FORCE)") })
	address = inDatabase(t, server.URL, name)
	fillShop(t, "pgx", address, admin.PostgreSQL)
	return address
}

func mysqlShop(t *testing.T) (address string) {
	t.Helper()
	server := testserver.SharedMySQL(t)
	name := fmt.Sprintf("scarab_browser_%d", os.Getpid())
	carryOut(t, "mysql", server.DSN, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4")
	t.Cleanup(func() { carryOut(t, "mysql", server.DSN, "DROP DATABASE "+name) })
	address = inDatabase(t, server.URL, name)
	dsn, err := mysqlDSN(address)
	if err != nil {
		t.Fatal(err)
	}
	fillShop(t, "mysql", dsn, admin.MySQL)
	return address
}

// inDatabase is the URL of another database of a server.
func inDatabase(t *testing.T, server, name string) string {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

func carryOut(t *testing.T, driver, dsn, statement string) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err == nil {
		_, err = db.Exec(statement)
		err = cmp.Or(err, db.Close())
	}
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func fillShop(t *testing.T, driver, dsn string, d admin.Dialect) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err == nil {
		err = errors.Join(shop.Create(t.Context(), db, d), db.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}
