package schema

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite"
)

func readTest(t *testing.T, statements string) *Schema {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "t.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.Exec(statements); err != nil {
		t.Fatal(err)
	}
	if d, err := Detect(t.Context(), db); d != SQLite || err != nil {
		t.Fatalf("detected %q, %v", d, err)
	}
	s, err := Read(t.Context(), db, SQLite)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// describe writes what was read of a table, a line for each column.
func describe(t *Table) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s view=%t writable=%t", t.Name, t.View, t.Writable())
	for _, c := range t.Key {
		b.WriteString(" key=" + c.Name)
	}
	b.WriteString("\n")
	for _, c := range t.Columns {
		fmt.Fprintf(&b, "  %s: %v", c.Name, c.Kind)
		if c.Auto {
			b.WriteString(" auto")
		}
		if c.NotNull {
			b.WriteString(" notnull")
		}
		if c.Unique {
			b.WriteString(" unique")
		}
		if c.Generated {
			b.WriteString(" generated")
		}
		if c.Loose {
			b.WriteString(" loose")
		}
		if c.Size > 0 {
			fmt.Fprintf(&b, " size=%d", c.Size)
		}
		if c.Scale > 0 {
			fmt.Fprintf(&b, " scale=%d", c.Scale)
		}
		if c.Default != nil {
			b.WriteString(" default=" + *c.Default)
		}
		if c.Choices != nil {
			fmt.Fprintf(&b, " choices=%q", c.Choices)
		}
		if fk := t.Ref(c); fk != nil {
			fmt.Fprintf(&b, " -> %s.%s %s", fk.Table.Name, fk.To[0].Name, fk.OnDelete)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestRead_SQLite(t *testing.T) {
	s := readTest(t, `
		CREATE TABLE parent (id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(40) NOT NULL UNIQUE);
		CREATE TABLE child (
			a INT NOT NULL, b TEXT NOT NULL,
			p INTEGER REFERENCES parent ON DELETE CASCADE,
			q INTEGER REFERENCES PARENT (ID),
			gone INTEGER REFERENCES nowhere (id),
			price DECIMAL(10, 2) DEFAULT 1.50,
			big VARCHAR(4000),
			state TEXT DEFAULT 'new' CHECK (state IN ('new', 'it''s')),
			"odd name" CHAR(1) CHECK("odd name" in ('x')),
			flag BOOLEAN NOT NULL DEFAULT 0,
			at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
			f DOUBLE PRECISION, j JSON, u UUID, bl BLOB, any_thing, strange GEOMETRY,
			double_a INT AS (a * 2), stored_a INT AS (a * 3) STORED,
			PRIMARY KEY (b, a),
			FOREIGN KEY (a, b) REFERENCES pair (x, y) ON DELETE SET NULL
		);
		CREATE TABLE pair (x INT, y TEXT, PRIMARY KEY (x, y)) WITHOUT ROWID;
		CREATE TABLE keyless (x);
		CREATE UNIQUE INDEX on_expression ON keyless (lower(x));
		CREATE TABLE "or" (id TEXT PRIMARY KEY);
		CREATE VIEW v AS SELECT id, name FROM parent;
		CREATE VIRTUAL TABLE search USING fts5(text);
	`)
	want := `child view=false writable=true key=b key=a
  a: integer notnull
  b: long text notnull
  p: integer -> parent.id CASCADE
  q: integer -> parent.id 
  gone: integer
  price: decimal scale=2 default=1.50
  big: long text size=4000
  state: enumeration default='new' choices=["new" "it's"]
  odd name: enumeration size=1 choices=["x"]
  flag: boolean notnull default=0
  at: date and time default=CURRENT_TIMESTAMP
  f: float
  j: JSON
  u: UUID
  bl: binary loose
  any_thing: other loose
  strange: other
  double_a: integer generated
  stored_a: integer generated
keyless view=false writable=false
  x: other loose
or view=false writable=true key=id
  id: long text unique
pair view=false writable=true key=x key=y
  x: integer notnull
  y: long text notnull
parent view=false writable=true key=id
  id: integer auto
  name: text notnull unique size=40
search view=false writable=false
  text: other loose
v view=true writable=false
  id: integer
  name: text size=40
`
	var got strings.Builder
	for _, table := range s.Tables {
		got.WriteString(describe(table))
	}
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
	child := s.Slugs()["child"]
	var composite []string
	for _, fk := range child.Refs {
		if len(fk.Columns) == 2 {
			composite = append(composite, fk.Columns[0].Name, fk.Columns[1].Name, fk.Table.Name, fk.OnDelete)
		}
	}
	if !slices.Equal(composite, []string{"a", "b", "pair", "SET NULL"}) {
		t.Errorf("composite reference: %q", composite)
	}
	var dependants []string
	for _, d := range s.Dependants(s.Slugs()["parent"]) {
		dependants = append(dependants, d.Table.Name+"."+d.Columns[0].Name)
	}
	slices.Sort(dependants)
	if !slices.Equal(dependants, []string{"child.p", "child.q"}) {
		t.Errorf("dependants of parent: %q", dependants)
	}
}

// A name is quoted so that it stays one, whatever it holds.
func TestQuote(t *testing.T) {
	for _, tt := range []struct {
		d          Dialect
		name, want string
	}{
		{SQLite, `select "; drop`, `"select ""; drop"`},
		{PostgreSQL, `a"b`, `"a""b"`},
		{MySQL, "a`b\"c", "`a``b\"c`"},
	} {
		if got := tt.d.Quote(tt.name); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.d, got, tt.want)
		}
	}
}

// No two tables have one slug, and a slug is one plain segment of a path.
func TestSlug(t *testing.T) {
	seen := map[string]string{}
	for _, schema := range []string{"", "a", "a.b", "~", "A"} {
		for _, name := range []string{"a", "b", "a.b", ".", "..", "", "~", "~YQ", "a/b", "%", "A", "ü"} {
			table := &Table{Schema: schema, Name: name}
			slug := table.Slug()
			if other, ok := seen[slug]; ok {
				t.Errorf("%q and %q.%q have the slug %q", other, schema, name, slug)
			}
			seen[slug] = schema + " . " + name
			if slug == "" || slug == "." || slug == ".." || strings.ContainsFunc(slug, func(r rune) bool {
				return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~", r)
			}) {
				t.Errorf("%q.%q has the slug %q", schema, name, slug)
			}
		}
	}
}
