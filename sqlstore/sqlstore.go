// Package sqlstore keeps sessions in an SQL database, through database/sql:
// SQLite, PostgreSQL, MySQL and MariaDB.
//
// It imports no driver. Open the database with the one the application uses
// anyway, and make the table once:
//
//	db, err := sql.Open("sqlite", "app.db?_pragma=journal_mode(wal)&_pragma=synchronous(normal)&_pragma=busy_timeout(5000)")
//	// ...
//	store := sqlstore.New(db, sqlstore.SQLite)
//	if err := store.CreateTable(ctx); err != nil {
//		// ...
//	}
//	sessions, err := scarab.New(scarab.Stored(store), scarab.Config{})
//
// It is tested with modernc.org/sqlite, github.com/jackc/pgx/v5/stdlib,
// github.com/lib/pq and github.com/go-sql-driver/mysql.
//
// # What is in the table
//
// One row a session, with its handle as the key, and one row in a second,
// small table for each principal that [Store.RevokePrincipal] was called for; with
// PostgreSQL also for each that has logged in since the last sweep.
// Handles are binary; so are principals and labels, but in SQLite, whose text
// takes every byte. Times are whole microseconds since 1970, UTC; one that is
// not set is that of the zero time.Time, except that expires, deadline and idle
// have 9223372036854775807 for "never"; expires_hour is expires in whole hours,
// for the index by which expired rows are found. Nothing in either table opens a
// session.
//
// # Round trips
//
// Load, Touch and Delete take one. LoadTouch takes one, and a second one when
// the session is extended. Create and Save take one (in SQLite, where that is a
// call, a Save that moves the expiry into another hour takes three). With MySQL
// those that log a principal in, and a Save that renews a session of one, take a
// transaction of 5: they must not slip past a RevokePrincipal that runs at the
// same time. A Save that finds another version takes one more, to fetch it; a
// login to a session that a process whose clock is ahead used just before takes
// two more. RevokePrincipal takes 2, and 7 with MySQL.
//
// With pgx, statements outside a transaction go to the driver's connections past
// most of database/sql, which saves a fifth of the processor time of a load. They
// are sent with their text, as by [Unprepared], and pgx prepares them unless its
// settings say otherwise. With other drivers for PostgreSQL a Create or a Save is not
// prepared by database/sql, which may send it again when a connection breaks, also
// if it has run: unless the driver knows a way, it takes a trip more.
//
// The store must talk to the primary: a replica that lags behind shows
// sessions that were ended.
//
// # SQLite
//
// Open the file in WAL mode (PRAGMA journal_mode=wal): readers and the writer
// then do not wait for each other. With synchronous=normal a commit survives a
// crash of the program but not always one of the machine; synchronous=full
// costs an fsync for each commit and survives both. Set busy_timeout when other
// programs write to the same file. Within one Store, writers wait in line and
// never see SQLITE_BUSY for each other. An in-memory database needs
// db.SetMaxOpenConns(1), or each connection has a database of its own.
//
// # Compatibility
//
// A table made by a released version is read and written by every later one
// with the same major version.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/scarab-go/scarab"
)

// A Store keeps sessions in two tables of a database. Make it with [New].
type Store struct {
	db      *sql.DB
	dialect *dialect
	queries queries

	table      string
	unlogged   bool
	unprepared bool

	talksDirectly bool // and then nothing is prepared here

	writer chan struct{} // nil, or holds a token while nobody writes
	err    error         // what was wrong with the arguments of New
}

var (
	_ scarab.Store          = (*Store)(nil)
	_ scarab.LoadToucher    = (*Store)(nil)
	_ scarab.PrincipalStore = (*Store)(nil)
	_ scarab.Sweeper        = (*Store)(nil)
	_ scarab.Scanner        = (*Store)(nil)
)

// An Option changes what [New] makes.
type Option func(*Store)

// Table names the table of sessions; the default is "scarab_sessions". It may
// be qualified by a schema, as in "web.sessions". The table of revoked
// principals has the same name with "_revoked" at its end.
//
// A name has letters, digits and underscores, starts with no digit, and has at
// most 48 characters.
func Table(name string) Option {
	return func(s *Store) { s.table = name }
}

// Unlogged makes [Store.CreateTable] create an UNLOGGED table, which
// PostgreSQL keeps out of its write-ahead log. Writes are faster; the price is
// that a crash of the server empties the table, so that everyone is logged
// out, and that replicas and base backups never have it. Nothing that was
// ended comes back. An existing table stays as it is.
//
// The table of revoked principals is logged all the same, so that a login is no
// faster.
func Unlogged() Option {
	return func(s *Store) { s.unlogged = true }
}

// Unprepared sends every statement with its text. Use it behind a pooler that
// gives each transaction another connection and knows no prepared statements,
// such as PgBouncer before 1.21. For pgx it changes nothing: that has a setting of
// its own, default_query_exec_mode=exec.
func Unprepared() Option {
	return func(s *Store) { s.unprepared = true }
}

// New returns a store in db, which stays the caller's: open it before, close it
// after. It does no I/O. If an argument is wrong, every method of the store
// reports it, CreateTable first of all.
func New(db *sql.DB, d Dialect, opts ...Option) *Store {
	s := &Store{db: db, table: "scarab_sessions"}
	for _, o := range opts {
		o(s)
	}
	if s.dialect = dialects[d]; s.dialect == nil {
		s.dialect = &sqlite
		s.err = fmt.Errorf("sqlstore: there is no dialect %d: use SQLite, PostgreSQL or MySQL", d)
	}
	if db == nil {
		s.err = errors.New("sqlstore: the database is nil: open it with sql.Open")
	}
	if err := checkTable(s.table); err != nil {
		s.err = err
		s.table = "invalid"
	}
	if s.unlogged && d != PostgreSQL {
		s.err = errors.New("sqlstore: only PostgreSQL has unlogged tables")
	}
	if s.dialect.oneWriter {
		s.writer = make(chan struct{}, 1)
		s.writer <- struct{}{}
	}
	s.queries = s.dialect.queries(s.table)
	if talksDirectly(db, s.dialect) {
		s.talksDirectly, s.unprepared = true, true
	}
	return s
}

var tableName = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*\.)?[A-Za-z_][A-Za-z0-9_]*$`)

func checkTable(name string) error {
	_, table, qualified := strings.Cut(name, ".")
	if !qualified {
		table = name
	}
	switch {
	case !tableName.MatchString(name):
		return fmt.Errorf("sqlstore: table name %q: use letters, digits and underscores, with a schema and a dot in front if need be", name)
	case len(table) > 48:
		return fmt.Errorf("sqlstore: table name %q has %d characters, more than 48", table, len(table))
	}
	return nil
}

// CreateTable creates the two tables and their indexes where they are missing.
// Any number of processes may call it at the same time. An application whose
// schema is managed by a migration tool takes the statements from
// [Store.Schema] instead.
func (s *Store) CreateTable(ctx context.Context) error {
	if s.err != nil {
		return s.err
	}
	err := s.retry(ctx, func() error { return s.createTable(ctx) })
	if err != nil {
		return fmt.Errorf("sqlstore: creating table %s: %w", s.table, err)
	}
	return nil
}

func (s *Store) createTable(ctx context.Context) error {
	unlock, err := s.lockWriter(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	statements := s.dialect.schema(s)
	if s.dialect.lockSchema != "" {
		statements = slices.Insert(statements, 0, s.dialect.lockSchema)
	}
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// Schema returns the statements that CreateTable executes, in order.
func (s *Store) Schema() []string { return s.dialect.schema(s) }

// Close releases the prepared statements. The database stays open.
func (s *Store) Close() error {
	var errs []error
	for _, q := range s.queries.all() {
		if p := q.prepared.Swap(nil); p != nil {
			errs = append(errs, p.Close())
		}
	}
	return errors.Join(errs...)
}
