package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/scarab-go/scarab/admin"
)

// An application is the database to administer.
type application struct {
	*sql.DB
	dialect admin.Dialect
	where   string // for people, without a password
	beside  string // what the names of scarab's own files begin with
	created bool   // it is a sample database, made just now
}

// openApplication opens what --db names: a file of SQLite, or the URL of a
// database. A file that does not exist becomes a sample database.
func openApplication(ctx context.Context, address string) (*application, error) {
	var driver, dsn string
	a := &application{where: redacted(address), beside: "scarab"}
	switch scheme, rest, isURL := strings.Cut(address, ":"); {
	case isURL && (scheme == "postgres" || scheme == "postgresql"):
		a.dialect, driver, dsn = admin.PostgreSQL, "pgx", address
	case isURL && scheme == "mysql":
		a.dialect, driver = admin.MySQL, "mysql"
		var err error
		if dsn, err = mysqlDSN(address); err != nil {
			return nil, &usageError{fmt.Sprintf("--db %s: %v", a.where, err), "write mysql://USER:PASSWORD@HOST:3306/DATABASE"}
		}
	case isURL && scheme == "sqlite":
		return a.openFile(ctx, rest)
	case isURL && strings.HasPrefix(rest, "//"):
		return nil, &usageError{fmt.Sprintf("--db %q is not known", a.where), "give a file of SQLite, postgres://… or mysql://…"}
	default:
		return a.openFile(ctx, address)
	}
	db, err := sql.Open(driver, dsn)
	if err == nil {
		err = db.PingContext(ctx)
	}
	if err != nil {
		return nil, &hintedError{fmt.Errorf("%s: %w", a.where, err), "is the server running, and are name and password right?"}
	}
	db.SetMaxOpenConns(16)
	a.DB = db
	return a, nil
}

func (a *application) openFile(ctx context.Context, file string) (*application, error) {
	a.dialect, a.where, a.beside = admin.SQLite, file, beside(file)
	_, err := os.Stat(file)
	switch {
	case file == "":
		return nil, &usageError{"--db names no file", "write --db FILE"}
	case errors.Is(err, fs.ErrNotExist):
		if err := createShop(ctx, file); err != nil {
			return nil, err
		}
		a.created = true
	case err != nil:
		return nil, err
	}
	if a.DB, err = openSQLite(file); err != nil {
		return nil, err
	}
	if err := readable(ctx, a.DB, file); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// beside is the beginning of the names of scarab's own files: app.sqlite has
// app-scarab.sqlite beside it.
func beside(db string) string { return strings.TrimSuffix(db, filepath.Ext(db)) + "-scarab" }

// stateFile is where users and the audit log are: what --state names, or a file
// beside the database.
func stateFile(state, db string) string {
	if state != "" {
		return state
	}
	scheme, rest, isURL := strings.Cut(db, ":")
	switch {
	case isURL && scheme == "sqlite":
		return beside(rest) + ".sqlite"
	case isURL && strings.HasPrefix(rest, "//"):
		return "scarab.sqlite"
	}
	return beside(db) + ".sqlite"
}
