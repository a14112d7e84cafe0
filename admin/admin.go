// Package admin is a web interface over an SQL database: list, create, edit
// and delete rows, with flash messages that tell what happened. It reads the
// schema; there are no models to write. It also shows sessions at work.
//
//	interface, err := admin.New(db, admin.Config{Prefix: "/admin"})
//	mux.Handle("/admin/", interface)
//	http.ListenAndServe(addr, sessions.Wrap(mux))
//
// Pages need no script, and work by keyboard, in light and dark, and on narrow
// screens. Every form carries a CSRF token, and every answer a strict
// Content-Security-Policy.
package admin

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
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

// hiddenPrefix begins the names of scarab's own tables, which the interface
// never shows: who could edit a session could be anyone.
const hiddenPrefix = "scarab_"

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

func (c *Config) complete() error {
	if c.Title == "" {
		c.Title = "scarab"
	}
	c.Prefix = strings.TrimSuffix(c.Prefix, "/")
	if c.Prefix != "" && (!strings.HasPrefix(c.Prefix, "/") || strings.ContainsAny(c.Prefix, "?#%{} ") || strings.Contains(c.Prefix, "//")) {
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
	s.Tables = slices.DeleteFunc(s.Tables, func(t *schema.Table) bool {
		return strings.HasPrefix(strings.ToLower(t.Name), hiddenPrefix)
	})
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
