package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"

	_ "modernc.org/sqlite"

	"github.com/scarab-go/scarab/admin"
	"github.com/scarab-go/scarab/admin/shop"
	"github.com/scarab-go/scarab/admin/state"
)

// openSQLite opens a file. Writers wait for each other instead of failing.
func openSQLite(file string, pragmas ...string) (*sql.DB, error) {
	q := url.Values{"_pragma": append([]string{"busy_timeout(10000)", "foreign_keys(1)"}, pragmas...), "_txlock": {"immediate"}}
	path := (&url.URL{Path: file}).EscapedPath()
	db, err := sql.Open("sqlite", "file:"+path+"?"+q.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(8)
	return db, nil
}

// openOwn opens a file of scarab's own. What it holds are personal data: a new
// one is for its owner only.
func openOwn(file string) (*sql.DB, error) {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	return openSQLite(file, "journal_mode(WAL)", "synchronous(NORMAL)")
}

// openState opens the file with the users and the audit log.
func openState(ctx context.Context, file string) (*state.DB, func() error, error) {
	db, err := openOwn(file)
	if err != nil {
		return nil, nil, err
	}
	s, err := state.Open(ctx, db)
	if err != nil {
		db.Close()
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	return s, db.Close, nil
}

// createShop makes the sample database under another name first, so that it is
// there as a whole or not at all.
func createShop(ctx context.Context, file string) error {
	half := file + ".new"
	if err := os.Remove(half); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	db, err := openSQLite(half, "journal_mode(WAL)") // which stays in the file
	if err != nil {
		return err
	}
	err = errors.Join(shop.Create(ctx, db, admin.SQLite), db.Close())
	if err != nil {
		return errors.Join(err, os.Remove(half))
	}
	return os.Rename(half, file)
}

func readable(ctx context.Context, db *sql.DB, file string) error {
	var n int
	err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&n)
	if err != nil && strings.Contains(err.Error(), "not a database") {
		return &hintedError{fmt.Errorf("%s: %w", file, err), "give another file to --db; one that does not exist becomes a sample database"}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}
