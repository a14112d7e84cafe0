// Package admin is a web interface over an SQL database: list, create, edit
// and delete rows, with flash messages that tell what happened. It reads the
// schema; there are no models to write. It also shows sessions at work.
//
//	pages, err := admin.New(db, admin.Config{Prefix: "/admin"})
//	mux.Handle("/admin/", pages)
//	http.ListenAndServe(addr, sessions.Wrap(mux))
//
// Pages need no script, and work by keyboard, in light and dark, and on narrow
// screens. Every form carries a CSRF token, and every answer a strict
// Content-Security-Policy.
//
// # Mounting
//
// The handler is served inside Wrap of the application's own [scarab.Factory],
// under any [Config.Prefix], and whoever the application logs in with
// [scarab.Session.Login] is logged in here. [Config.Access] says what he may
// do, or [Config.State], which also has users with passwords, and the audit
// log. With an Access of your own, restrict it: the default without State lets
// everyone who is logged in do everything.
//
// Logins are counted by the address in [http.Request.RemoteAddr], and sessions
// are labelled with it. Behind a proxy that is the proxy's: put what the proxy
// says there, in a handler outside of this one.
//
// # What can be edited
//
// Tables with a primary key, also of several columns. Views, and tables
// without a key, whose rows cannot be told apart, are read only. Columns that
// the database computes are shown. scarab's own tables are neither listed nor
// edited, whatever they are called.
//
// A row is saved if nobody else has changed it since its form was shown;
// otherwise the form comes back with both versions. Changing several rows at
// once replaces the fields that are ticked, whatever is in them.
//
// A deletion can be undone for ten minutes by whoever deleted, with the rows
// that the database took along, up to 500 of them and 8 MiB. They are kept in
// the memory of this process: behind several processes, send a visitor always
// to the same one, or an undo may not be found.
//
// # Large tables
//
// A page of a list costs what looking up its first row in an index costs,
// however far in it is, if the list is sorted by the primary key or by a column
// that has an index; in PostgreSQL with many equal values, one of that column
// and the key. Next and Previous go by the key of a row; by its number alone a
// page is reached up to row 10,000, and further in the visitor is told to use
// them. Rows are counted up to 10,000. Numbers and choices, which a page can do
// without, have two seconds together and are left out after that.
//
// Measured on two cores, with a table of 10 million rows (BenchmarkList of
// package rows says how), for 50 rows:
//
//	                                   SQLite    PostgreSQL   MariaDB
//	the first page                     0.25 ms   0.16 ms      0.29 ms
//	a page in the middle               0.30 ms   0.15 ms      0.43 ms
//	the last page                      0.27 ms   0.14 ms      0.41 ms
//	in the middle, by one of 5 values  0.44 ms   0.26 ms      0.83 ms
//	in the middle, by a nullable one   0.74 ms   0.30 ms      1.14 ms
//	how many rows there are            0.80 ms   0.72 ms      3.23 ms
//
// MariaDB may read more of an index than it shows where a list is filtered by
// one value, or sorted backward into NULL: what has that value up to the page.
//
// Searching, filtering and sorting by what has no index reads the whole table.
// That is bounded by [Config.Timeout], and the visitor is told to narrow it
// down. MariaDB and MySQL go on with a statement that nobody waits for any
// more: set max_statement_time, or max_execution_time, for this user of theirs.
package admin

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/admin/internal/rows"
	"github.com/scarab-go/scarab/admin/internal/schema"
	"github.com/scarab-go/scarab/admin/state"
	"github.com/scarab-go/scarab/csrf"
)

// A Dialect is a family of SQL databases.
type Dialect = schema.Dialect

// The dialects. MySQL is MariaDB too.
const (
	SQLite     = schema.SQLite
	PostgreSQL = schema.PostgreSQL
	MySQL      = schema.MySQL
)

// A Permission is what someone may do with a table, or with one of the areas
// that package state names.
type Permission = state.Permission

// The permissions. Who has None does not see that it exists.
const (
	None  = state.None
	Read  = state.Read
	Write = state.Write
)

// A Config says how the interface behaves. The zero value serves the root of a
// site over https, to everyone whom the application has logged in with
// [scarab.Session.Login].
type Config struct {
	_ [0]func() // no literals without field names

	// Title is the name at the top of every page; the default is "scarab".
	Title string

	// Prefix is where the interface is mounted, such as "/admin"; the default
	// is the root. The handler expects it in front of every path: do not
	// strip it.
	Prefix string

	// Dialect is asked of the database by default.
	Dialect Dialect

	// CSRF configures the protection that the interface puts around itself.
	// Its OnError defaults to a page in the style of the others.
	CSRF csrf.Config

	// Access says what a principal may do with a table, which is named as in
	// the database, behind its schema and a dot if that is not the default
	// one, or with an area of package state. It is asked at every request. By
	// default State says so; without State, everyone who is logged in may do
	// everything.
	Access func(ctx context.Context, principal, target string) Permission

	// State keeps users with their passwords, and the audit log. Without it
	// there is neither.
	State *state.DB

	// Links lets people in who have a one-time link.
	Links *Links

	// Sessions shows the sessions of the application, and ends them. Without
	// it there is no such page.
	Sessions *Sessions

	// LoginURL is where those go who are not logged in. The default is the
	// interface's own page.
	LoginURL string

	// Timeout bounds what one page may ask of the database. The default is 10
	// seconds.
	Timeout time.Duration

	// MaxUpload bounds the form of a row, files included. The default is 32
	// MiB. Files are held in memory.
	MaxUpload int64

	// Logger gets what the visitor is not told. The default is slog.Default.
	Logger *slog.Logger

	// Clock tells the time; the default is time.Now.
	Clock func() time.Time
}

type handler struct {
	cfg    Config
	db     *rows.DB
	schema atomic.Pointer[tables]
	undos  undos
	logins limiter
	serve  http.Handler
}

// tables is the schema as it was read last.
type tables struct {
	*schema.Schema
	slugs map[string]*schema.Table
	read  time.Time
}

// New reads the schema of db and returns the interface. It has to be served
// inside Wrap of a [scarab.Factory]. The schema is read again when a page asks
// for a table that is not known, and when someone presses the button for it.
//
// db stays the caller's. SQLite needs foreign_keys on in each connection, if
// references are to be kept, and a busy_timeout. MySQL and MariaDB are to
// refuse what does not fit (STRICT_TRANS_TABLES, their default).
//
// New fails if the configuration is wrong, which the error says field by field,
// or if the schema cannot be read within [Config.Timeout].
func New(db *sql.DB, cfg Config) (http.Handler, error) {
	if db == nil {
		return nil, errors.New("admin: New without a database")
	}
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), cfg.Timeout)
	defer cancel()
	if cfg.Dialect == "" {
		d, err := schema.Detect(ctx, db)
		if err != nil {
			return nil, fmt.Errorf("admin: %w", err)
		}
		cfg.Dialect = d
	}
	h := &handler{cfg: cfg, db: &rows.DB{SQL: db, Dialect: cfg.Dialect}}
	if err := h.readSchema(ctx); err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	if h.cfg.CSRF.OnError == nil {
		h.cfg.CSRF.OnError = h.refused
	}
	protection, err := csrf.New(h.cfg.CSRF)
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	h.serve = h.headers(protection.Wrap(h.routes()))
	return h, nil
}

var plainPath = regexp.MustCompile(`^(/[\pL\pN._~@+-]+)+$`)

func (c *Config) complete() error {
	if c.Title == "" {
		c.Title = "scarab"
	}
	c.Prefix = strings.TrimSuffix(c.Prefix, "/")
	if c.Prefix != "" && (path.Clean(c.Prefix) != c.Prefix || !plainPath.MatchString(c.Prefix)) {
		return fmt.Errorf("field Prefix %q: it is a plain path that starts with a slash, such as /admin", c.Prefix)
	}
	if c.Access == nil {
		c.Access = c.stateAccess
	}
	if c.MaxUpload < 0 {
		return fmt.Errorf("field MaxUpload %d: it is not negative", c.MaxUpload)
	}
	if c.MaxUpload == 0 {
		c.MaxUpload = 32 << 20
	}
	if c.LoginURL == "" {
		c.LoginURL = c.Prefix + "/login"
	}
	if c.Timeout < 0 {
		return fmt.Errorf("field Timeout %v: it is not negative", c.Timeout)
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return nil
}

// stateAccess is the default of Access.
func (c *Config) stateAccess(ctx context.Context, principal, target string) Permission {
	if c.State == nil {
		return Write
	}
	p, _, err := c.State.Permission(ctx, principal, target)
	if err != nil {
		c.Logger.ErrorContext(ctx, "admin: permissions", "error", err)
		return None
	}
	return p
}

func (h *handler) readSchema(ctx context.Context) error {
	s, err := schema.Read(ctx, h.db.SQL, h.cfg.Dialect)
	if err != nil {
		return err
	}
	s.Tables = withoutOwn(s.Tables)
	h.schema.Store(&tables{s, s.Slugs(), h.cfg.Clock()})
	return nil
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.serve.ServeHTTP(w, r) }

// headers sets those that every answer has.
func (h *handler) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("X-Frame-Options", "DENY")
		// Not no-referrer, which makes browsers send "Origin: null".
		head.Set("Referrer-Policy", "same-origin")
		head.Set("Cross-Origin-Opener-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// session is that of the request; see [scarab.From].
func session(r *http.Request) (*scarab.Session, error) { return scarab.From(r.Context()) }
