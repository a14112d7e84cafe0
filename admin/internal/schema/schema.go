// Package schema reads what an SQL database says of itself: its tables and
// views, their columns, keys and references.
//
// Everything the interface does with a database goes through what is read
// here. A name that comes from a browser is looked up, never quoted.
package schema

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// A Querier is a *sql.DB, *sql.Conn or *sql.Tx.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// A Schema is the tables and views of a database, sorted by name.
type Schema struct {
	Dialect Dialect
	Tables  []*Table
}

// A Table is a table or a view.
type Table struct {
	Schema  string // empty: the one that names without a schema mean
	Name    string
	View    bool
	Virtual bool // computes its own storage, such as SQLite's full-text tables
	Columns []*Column
	Key     []*Column // of the primary key, in its order; empty: rows cannot be told apart, so they are read only
	Refs    []ForeignKey
	Unique  [][]*Column

	// Constraints are the columns of constraints and unique indexes that
	// errors of the database name.
	Constraints map[string][]*Column
}

// A Column is a column of a table.
type Column struct {
	Name      string
	Type      string // as declared
	Kind      Kind
	NotNull   bool
	Key       bool // part of the primary key
	Auto      bool // the database numbers rows by itself
	Generated bool // computed by the database: never written
	Unique    bool // by itself
	Indexed   bool // an index of the whole table begins with it
	Default   *string
	Size      int      // most characters; 0: no limit known
	Scale     int      // digits behind the point of a Decimal
	Choices   []string // of an enumeration
	Loose     bool     // holds values of any type, as they are given
}

// Hidden is what a foreign key does where the database does not say so to this
// user: anything.
const Hidden = "HIDDEN"

// A ForeignKey says that Columns hold a key of a row of Table.
type ForeignKey struct {
	Columns  []*Column
	Table    *Table
	To       []*Column
	OnDelete string // in capitals, such as "CASCADE"; empty: refused; or Hidden
}

// Read reads the schema that db uses by default.
func Read(ctx context.Context, db Querier, d Dialect) (*Schema, error) {
	read := map[Dialect]func(context.Context, Querier) ([]*Table, error){
		SQLite:     readSQLite,
		PostgreSQL: readPostgres,
		MySQL:      readMySQL,
	}[d]
	if read == nil {
		return nil, fmt.Errorf("schema: unknown dialect %q: use one of %q", d, Dialects)
	}
	tables, err := read(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	slices.SortFunc(tables, func(a, b *Table) int {
		return cmp.Or(strings.Compare(a.Schema, b.Schema), strings.Compare(a.Name, b.Name))
	})
	for _, t := range tables {
		t.finish()
	}
	return &Schema{Dialect: d, Tables: tables}, nil
}

// finish notes in the columns what the keys say of them.
func (t *Table) finish() {
	for i, c := range t.Key {
		c.Key = true
		c.Indexed = c.Indexed || i == 0
	}
	for _, u := range t.Unique {
		if len(u) == 1 {
			u[0].Unique = true
		}
	}
}

// constrain notes that a constraint is about c.
func (t *Table) constrain(name string, c *Column) {
	if t.Constraints == nil {
		t.Constraints = map[string][]*Column{}
	}
	t.Constraints[name] = append(t.Constraints[name], c)
}

// FullName is the name with its schema, for people.
func (t *Table) FullName() string {
	if t.Schema == "" {
		return t.Name
	}
	return t.Schema + "." + t.Name
}

// Writable reports whether rows of t can be changed: it is a table, and its
// rows can be told apart.
func (t *Table) Writable() bool { return !t.View && len(t.Key) > 0 }

// Column returns the column of that name, or nil.
func (t *Table) Column(name string) *Column {
	for _, c := range t.Columns {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// ColumnBySlug returns the column with that slug, or nil.
func (t *Table) ColumnBySlug(slug string) *Column {
	for _, c := range t.Columns {
		if c.Slug() == slug {
			return c
		}
	}
	return nil
}

// Ref returns the foreign key that c alone makes up, or nil.
func (t *Table) Ref(c *Column) *ForeignKey {
	for i := range t.Refs {
		if fk := &t.Refs[i]; len(fk.Columns) == 1 && fk.Columns[0] == c {
			return fk
		}
	}
	return nil
}

// Label returns the column that best names a row for people: the first of
// name, title and the like, else the first short text that is no key. Nil if
// there is none.
func (t *Table) Label() *Column {
	for _, name := range [...]string{"name", "title", "label", "full_name", "display_name", "username", "email", "slug", "code"} {
		for _, c := range t.Columns {
			if strings.EqualFold(c.Name, name) && (c.Kind == Text || c.Kind == LongText) {
				return c
			}
		}
	}
	for _, c := range t.Columns {
		if c.Kind == Text && !c.Key && t.Ref(c) == nil {
			return c
		}
	}
	return nil
}

// Dependants returns the foreign keys of all tables that point at t, each with
// the table it is of.
func (s *Schema) Dependants(t *Table) []Dependant {
	var out []Dependant
	for _, other := range s.Tables {
		for _, fk := range other.Refs {
			if fk.Table == t {
				out = append(out, Dependant{other, fk})
			}
		}
	}
	return out
}

// A Dependant is a table with a foreign key that points at another.
type Dependant struct {
	Table *Table
	ForeignKey
}

// Slugs returns the tables by what stands for them in a URL. It is the name if
// that is plain, else something that URLs do not take for a path: a table may
// be called "..", "a/b" or "".
func (s *Schema) Slugs() map[string]*Table {
	m := make(map[string]*Table, len(s.Tables))
	for _, t := range s.Tables {
		m[t.Slug()] = t
	}
	return m
}
