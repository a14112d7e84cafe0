package schema

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
)

// A Dialect is a family of SQL databases.
type Dialect string

// The dialects. MySQL is MariaDB too.
const (
	SQLite     Dialect = "sqlite"
	PostgreSQL Dialect = "postgres"
	MySQL      Dialect = "mysql"
)

// Dialects are all of them.
var Dialects = []Dialect{SQLite, PostgreSQL, MySQL}

// Detect asks the database what it is.
func Detect(ctx context.Context, db *sql.DB) (Dialect, error) {
	var v string
	for _, try := range []struct {
		dialect Dialect
		query   string
		prefix  string
	}{
		{SQLite, "SELECT 'sqlite ' || sqlite_version()", "sqlite "},
		{PostgreSQL, "SELECT version()", "PostgreSQL "},
		{MySQL, "SELECT CONCAT('mysql ', @@version)", "mysql "},
	} {
		err := db.QueryRowContext(ctx, try.query).Scan(&v)
		if err == nil && strings.HasPrefix(v, try.prefix) {
			return try.dialect, nil
		}
	}
	if err := db.PingContext(ctx); err != nil {
		return "", err
	}
	return "", errors.New("the database is neither SQLite nor PostgreSQL nor MySQL or MariaDB: set the dialect")
}

// Quote quotes an identifier that the schema has named.
func (d Dialect) Quote(name string) string {
	if d == MySQL {
		return "`" + strings.ReplaceAll(name, "`", "``") + "`"
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// Table quotes the name of a table.
func (d Dialect) Table(t *Table) string {
	if t.Schema == "" {
		return d.Quote(t.Name)
	}
	return d.Quote(t.Schema) + "." + d.Quote(t.Name)
}

// Placeholder stands for the nth parameter, counted from 1.
func (d Dialect) Placeholder(n int) string {
	if d == PostgreSQL {
		return "$" + strconv.Itoa(n)
	}
	return "?"
}

// NullsFirst reports whether NULL is sorted before other values in ascending
// order.
func (d Dialect) NullsFirst() bool { return d != PostgreSQL }

// Slug is what stands for t in a URL: one path segment of letters, digits,
// hyphens, underscores, dots and tildes.
func (t *Table) Slug() string {
	name := t.Name
	if t.Schema != "" {
		name = t.Schema + "." + t.Name
	}
	if plain(t.Name) && (t.Schema == "" || plain(t.Schema)) {
		return name
	}
	return "~" + base64.RawURLEncoding.EncodeToString([]byte(t.Schema+"\x00"+t.Name))
}

// Slug is what stands for c in the names of form fields: browsers change
// quotes and line ends there.
func (c *Column) Slug() string {
	if plain(c.Name) {
		return c.Name
	}
	return "~" + base64.RawURLEncoding.EncodeToString([]byte(c.Name))
}

func plain(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && r != '-' && (r < '0' || '9' < r) && (r < 'A' || 'Z' < r) && (r < 'a' || 'z' < r)
	})
}
