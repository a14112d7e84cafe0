// Package state is the database that the interface keeps for itself: who may
// log in, who may do what, and who changed which row. It is an SQLite database
// of its own, so that nobody edits it through the interface.
package state

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"time"
)

// A DB is such a database. Methods may be called by any number of goroutines.
type DB struct {
	sql   *sql.DB
	slots chan struct{} // how many passwords are hashed at a time
	now   func() time.Time
}

//go:embed tables.sql
var tables string

// Open makes the tables that are missing in db, which stays the caller's.
func Open(ctx context.Context, db *sql.DB) (*DB, error) {
	if _, err := db.ExecContext(ctx, tables); err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	return &DB{sql: db, slots: make(chan struct{}, hashesAtOnce), now: time.Now}, nil
}

// A Permission is what someone may do with a table, or with an area of the
// interface.
type Permission uint8

// The permissions. Who has None does not see that it exists.
const (
	None Permission = iota
	Read
	Write
)

func (p Permission) String() string { return [...]string{"none", "read", "write"}[min(p, Write)] }

// The areas of the interface that are no tables. Their names stand in grants
// and in calls of Access like those of tables.
const (
	Sessions = "scarab:sessions" // Read: to see all sessions; Write: to end them
	Values   = "scarab:values"   // Read: to see what sessions hold
	Audit    = "scarab:audit"    // Read: to see who changed what
)

// Errors to match.
var (
	ErrNoUser = errors.New("there is no such user")
	ErrTaken  = errors.New("there is a user of that name already")
)
