package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/sqlstore"
)

// scripted is a driver whose statements fail as they are told to, in order, and
// then change one row and find none.
type scripted struct {
	mu     sync.Mutex
	errs   []error
	ran    []string // the first word of each statement that was executed
	begins int
}

func (d *scripted) Connect(context.Context) (driver.Conn, error) { return &conn{d}, nil }
func (d *scripted) Driver() driver.Driver                        { return nil }

type conn struct{ d *scripted }

func (c *conn) Prepare(text string) (driver.Stmt, error) { return &stmt{c.d, text}, nil }
func (c *conn) Close() error                             { return nil }
func (c *conn) Begin() (driver.Tx, error)                { return nil, errors.New("not used") }
func (c *conn) Commit() error                            { return nil }
func (c *conn) Rollback() error                          { return nil }

func (c *conn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) {
	c.d.mu.Lock()
	defer c.d.mu.Unlock()
	c.d.begins++
	return c, nil
}

type stmt struct {
	d    *scripted
	text string
}

func (s *stmt) Close() error  { return nil }
func (s *stmt) NumInput() int { return -1 }

func (s *stmt) Exec([]driver.Value) (driver.Result, error) {
	return driver.RowsAffected(1), s.d.next(s.text)
}
func (s *stmt) Query([]driver.Value) (driver.Rows, error) { return noRows{}, s.d.next(s.text) }

type noRows struct{}

func (noRows) Columns() []string         { return nil }
func (noRows) Close() error              { return nil }
func (noRows) Next([]driver.Value) error { return io.EOF }

func (d *scripted) next(text string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ran = append(d.ran, strings.Fields(text)[0])
	if len(d.errs) == 0 {
		return nil
	}
	err := d.errs[0]
	d.errs = d.errs[1:]
	return err
}

func open(t *testing.T, errs ...error) (*scripted, *sql.DB) {
	d := &scripted{errs: errs}
	db := sql.OpenDB(d)
	t.Cleanup(func() { db.Close() })
	return d, db
}

// Errors as the drivers have them.
type coded struct{ code int }

func (e coded) Error() string { return fmt.Sprintf("error of SQLite (%d)", e.code) }
func (e coded) Code() int     { return e.code }

type stated struct{ state string }

func (e stated) Error() string    { return "ERROR: something (SQLSTATE " + e.state + ")" }
func (e stated) SQLState() string { return e.state }

func numbered(n int) error { return fmt.Errorf("Error %d (HY000): something", n) }

func TestRetry(t *testing.T) {
	for _, tt := range []struct {
		name    string
		dialect sqlstore.Dialect
		err     error
		again   bool
	}{
		{"SQLITE_BUSY", sqlstore.SQLite, coded{5}, true},
		{"SQLITE_BUSY_SNAPSHOT", sqlstore.SQLite, coded{517}, true},
		{"SQLITE_LOCKED", sqlstore.SQLite, coded{6}, true},
		{"SQLITE_BUSY, as text", sqlstore.SQLite, errors.New("database is locked"), true},
		{"SQLITE_FULL", sqlstore.SQLite, coded{13}, false},
		{"serialization failure", sqlstore.PostgreSQL, stated{"40001"}, true},
		{"deadlock", sqlstore.PostgreSQL, fmt.Errorf("wrapped: %w", stated{"40P01"}), true},
		{"disk full", sqlstore.PostgreSQL, stated{"53100"}, false},
		{"connection lost", sqlstore.PostgreSQL, io.ErrUnexpectedEOF, false},
		{"deadlock", sqlstore.MySQL, numbered(1213), true},
		{"lock wait timeout", sqlstore.MySQL, numbered(1205), true},
		{"disk full", sqlstore.MySQL, numbered(1021), false},
		{"text with a number", sqlstore.MySQL, errors.New("row 1213 is odd"), false},
	} {
		t.Run(fmt.Sprint(tt.dialect, " ", tt.name), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, db := open(t, tt.err, tt.err)
				err := sqlstore.New(db, tt.dialect).Delete(t.Context(), scarab.Handle{})
				if tt.again && (err != nil || len(d.ran) != 3) {
					t.Errorf("tried %d times, in the end %v; want 3 times and no error", len(d.ran), err)
				}
				if !tt.again && (!errors.Is(err, tt.err) || len(d.ran) != 1) {
					t.Errorf("tried %d times, in the end %v; want once, and that error", len(d.ran), err)
				}
				db.Close()
			})
		})
	}
}

// A retry begins a new transaction: the old one would see what it saw before.
func TestRetry_newTransaction(t *testing.T) {
	for _, tt := range []struct {
		dialect sqlstore.Dialect
		errs    []error // two times what fails once
		ran     string
		begins  int
	}{
		// All of it is one statement.
		{sqlstore.PostgreSQL, []error{stated{"40001"}, stated{"40001"}}, "WITH WITH WITH", 0},
		{sqlstore.MySQL, []error{nil, numbered(1213), nil, numbered(1213)}, "SELECT INSERT SELECT INSERT SELECT INSERT", 3},
	} {
		synctest.Test(t, func(t *testing.T) {
			d, db := open(t, tt.errs...)
			r := scarab.Record{Version: 1, Principal: "ann"}
			if err := sqlstore.New(db, tt.dialect).Create(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(d.ran, " "); got != tt.ran || d.begins != tt.begins {
				t.Errorf("%v: %d transactions ran %s", tt.dialect, d.begins, got)
			}
			db.Close()
		})
	}
}

// What stays locked is given up: when the caller's time is over, or after ten
// seconds.
func TestRetry_ends(t *testing.T) {
	for _, deadline := range []time.Duration{time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			busy := make([]error, 10_000)
			for i := range busy {
				busy[i] = coded{5}
			}
			_, db := open(t, busy...)
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			start := time.Now()
			err := sqlstore.New(db, sqlstore.SQLite).Delete(ctx, scarab.Handle{})
			want := min(deadline, 10*time.Second)
			if took := time.Since(start); took < want || took > want+time.Second {
				t.Errorf("gave up after %v, want %v", took, want)
			}
			if !errors.As(err, new(coded)) || errors.Is(err, context.DeadlineExceeded) != (deadline == time.Second) {
				t.Errorf("error is %v", err)
			}
			db.Close()
		})
	}
}

// MySQL reports a taken handle as an error, and counts no row that stays as it
// is.
func TestMySQL_answers(t *testing.T) {
	_, db := open(t, numbered(1062))
	err := sqlstore.New(db, sqlstore.MySQL).Create(t.Context(), scarab.Record{Version: 1})
	if !errors.Is(err, scarab.ErrExists) {
		t.Errorf("Create: %v, want %v", err, scarab.ErrExists)
	}
}

func TestNew_refuses(t *testing.T) {
	_, db := open(t)
	for _, tt := range []struct {
		name  string
		store *sqlstore.Store
		want  string
	}{
		{"no database", sqlstore.New(nil, sqlstore.SQLite), "database is nil"},
		{"no dialect", sqlstore.New(db, 0), "no dialect 0"},
		{"an unlogged table elsewhere", sqlstore.New(db, sqlstore.MySQL, sqlstore.Unlogged()), "only PostgreSQL"},
		{"SQL in the name", sqlstore.New(db, sqlstore.SQLite, sqlstore.Table(`s"; DROP TABLE users`)), "letters, digits and underscores"},
		{"an empty name", sqlstore.New(db, sqlstore.SQLite, sqlstore.Table("")), "letters, digits and underscores"},
		{"two dots", sqlstore.New(db, sqlstore.SQLite, sqlstore.Table("a.b.c")), "letters, digits and underscores"},
		{"a digit first", sqlstore.New(db, sqlstore.SQLite, sqlstore.Table("1st")), "letters, digits and underscores"},
		{"a long name", sqlstore.New(db, sqlstore.SQLite, sqlstore.Table("web."+strings.Repeat("x", 49))), "more than 48"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, s := t.Context(), tt.store
			_, load := s.Load(ctx, scarab.Handle{}, time.Now())
			_, loadTouch := s.LoadTouch(ctx, scarab.Handle{}, [32]byte{}, time.Now(), 0)
			_, revoke := s.RevokePrincipal(ctx, "ann", time.Now())
			_, sweep := s.Sweep(ctx, time.Now(), 10)
			var list, scan error
			for _, list = range s.Principal(ctx, "ann") {
			}
			for _, scan = range s.Scan(ctx) {
			}
			for method, err := range map[string]error{
				"CreateTable": s.CreateTable(ctx), "Load": load, "LoadTouch": loadTouch,
				"Create": s.Create(ctx, scarab.Record{}), "Save": s.Save(ctx, scarab.Record{}),
				"Touch": s.Touch(ctx, scarab.Handle{}, time.Now()), "Delete": s.Delete(ctx, scarab.Handle{}),
				"Principal": list, "RevokePrincipal": revoke, "Sweep": sweep, "Scan": scan,
			} {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%s: %v, want an error with %q", method, err, tt.want)
				}
			}
		})
	}
}

func TestTexts(t *testing.T) {
	_, db := open(t)
	s := sqlstore.New(db, sqlstore.SQLite)
	for _, tt := range []struct {
		name string
		r    scarab.Record
		want string
	}{
		{"the longest", scarab.Record{Principal: strings.Repeat("x", 1024), Label: strings.Repeat("x", 1024)}, ""},
		{"a principal too long", scarab.Record{Principal: strings.Repeat("x", 1025)}, "principal has 1025 bytes, more than 1024"},
		{"a label too long", scarab.Record{Label: strings.Repeat("x", 1025)}, "label has 1025 bytes, more than 1024"},
	} {
		for method, err := range map[string]error{"Create": s.Create(t.Context(), tt.r), "Save": s.Save(t.Context(), tt.r)} {
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%s of %s: %v", method, tt.name, err)
			}
		}
	}
	if _, err := s.RevokePrincipal(t.Context(), strings.Repeat("x", 1025), time.Now()); err == nil {
		t.Error("RevokePrincipal of a principal too long succeeds")
	}
}

// The statements of an application that manages its schema itself.
func ExampleStore_Schema() {
	db := sql.OpenDB(&scripted{})
	defer db.Close()
	store := sqlstore.New(db, sqlstore.MySQL, sqlstore.Table("web.sessions"))
	for _, statement := range store.Schema() {
		fmt.Println(statement)
	}
	// Output:
	// CREATE TABLE IF NOT EXISTS `web`.`sessions` (
	// 	handle BINARY(16) NOT NULL PRIMARY KEY,
	// 	secret BINARY(32) NOT NULL,
	// 	version BIGINT NOT NULL,
	// 	commit_id BINARY(16) NOT NULL,
	// 	principal VARBINARY(1024) NOT NULL,
	// 	label VARBINARY(1024) NOT NULL,
	// 	created BIGINT NOT NULL,
	// 	auth_time BIGINT NOT NULL,
	// 	renewed BIGINT NOT NULL,
	// 	seen BIGINT NOT NULL,
	// 	expires BIGINT NOT NULL,
	// 	expires_hour BIGINT NOT NULL,
	// 	deadline BIGINT NOT NULL,
	// 	idle BIGINT NOT NULL,
	// 	data LONGBLOB NOT NULL,
	// 	INDEX `sessions_principal` (principal),
	// 	INDEX `sessions_expires` (expires_hour)
	// ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC
	// CREATE TABLE IF NOT EXISTS `web`.`sessions_revoked` (
	// 	principal VARBINARY(1024) NOT NULL PRIMARY KEY,
	// 	revoked_at BIGINT NOT NULL
	// ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC
}
