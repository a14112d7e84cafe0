package schema_test

import (
	"strings"
	"testing"

	"github.com/scarab-go/scarab/admin/internal/schema"
	"github.com/scarab-go/scarab/admin/internal/testdb"
)

// What only one kind of server has, and what is unusual.
func TestRead_odd(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		odd := map[schema.Dialect]struct{ statements, want string }{
			schema.SQLite: {`CREATE TABLE t (a INTEGER, b TEXT, c INTEGER, PRIMARY KEY (b, a)); CREATE INDEX t_c ON t (c); CREATE INDEX t_a ON t (a) WHERE a > 1;
				CREATE TABLE u (x INTEGER, y TEXT, FOREIGN KEY (y, x) REFERENCES t (b, a) ON DELETE CASCADE); CREATE UNIQUE INDEX u_x ON u (x) WHERE x > 0;`,
				`t key=b key=a label=
  a integer
  b long text indexed
  c integer indexed
u label=
  x integer
  y long text
  (y x) -> t (b a) CASCADE
`},
			schema.PostgreSQL: {`CREATE TYPE mood AS ENUM ('sad', 'it''s fine'); CREATE DOMAIN positive AS INTEGER NOT NULL CHECK (VALUE > 0); CREATE DOMAIN short AS VARCHAR(5);
				CREATE SCHEMA "Other";
				CREATE TABLE t (a INTEGER GENERATED ALWAYS AS IDENTITY, b mood DEFAULT 'sad', c positive, d short, e INTEGER[], f TIMESTAMPTZ(3), g BIGSERIAL, h NUMERIC(6,3), i INTEGER GENERATED ALWAYS AS (a * 2) STORED, "odd "" name" "char", PRIMARY KEY (g, a));
				CREATE INDEX ON t (b, c); CREATE INDEX ON t (c) WHERE a > 1; CREATE INDEX ON t USING hash (d); CREATE INDEX ON t (lower(d)); CREATE UNIQUE INDEX ON t (e) INCLUDE (f);
				CREATE TABLE "Other".u (x INTEGER, y BIGINT, z TEXT CHECK (z IN ('p', 'q')), FOREIGN KEY (y, x) REFERENCES t (g, a) ON DELETE SET NULL);
				CREATE TABLE parts (id INTEGER PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (10);
				CREATE MATERIALIZED VIEW m AS SELECT b FROM t;`,
				`m view
parts key=id label=
  id integer notnull indexed
t key=g key=a label=d
  a integer auto notnull
  b enumeration indexed default='sad' choices=[sad it's fine]
  c integer notnull
  d text size=5
  e other unique indexed
  f date and time
  g integer auto notnull indexed
  h decimal
  i integer generated
  odd " name other
Other.u label=
  x integer
  y integer
  z enumeration choices=[p q]
  (y x) -> t (g a) SET NULL
`},
			schema.MySQL: {"CREATE TABLE t (a INTEGER, b ENUM('sad', 'it''s fine', 'a,b') DEFAULT 'sad', c BIGINT UNSIGNED AUTO_INCREMENT UNIQUE, d VARCHAR(5), e SET('x', 'y'), f DATETIME(3), g BIT(3), h TINYINT(1), i INTEGER AS (a * 2) VIRTUAL, j JSON, `odd `` name` CHAR(2), PRIMARY KEY (b, a), KEY (d(2)), KEY (f), FULLTEXT (d));" +
				`CREATE TABLE u (x INTEGER, y ENUM('sad', 'it''s fine', 'a,b'), z VARCHAR(9) CHECK (z IN ('p', 'q')), FOREIGN KEY (y, x) REFERENCES t (b, a) ON DELETE CASCADE);`,
				`t key=b key=a label=d
  a integer notnull
  b enumeration notnull indexed default='sad' choices=[sad it's fine a,b]
  c integer auto notnull unique indexed
  d text size=5
  e other
  f date and time indexed
  g integer
  h boolean
  i integer generated
  j JSON
  odd ` + "`" + ` name text size=2
u label=
  x integer
  y enumeration indexed choices=[sad it's fine a,b]
  z enumeration choices=[p q]
  (y x) -> t (b a) CASCADE
`},
		}[k.Dialect]
		db := k.Open(t)
		if _, err := db.Exec(odd.statements); err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, table := range read(t, db, k).Tables {
			write(&got, table, true)
			for _, fk := range table.Refs {
				if len(fk.Columns) > 1 {
					got.WriteString("  (" + names(fk.Columns) + ") -> " + fk.Table.Name + " (" + names(fk.To) + ") " + fk.OnDelete + "\n")
				}
			}
		}
		if got.String() != odd.want {
			t.Errorf("got\n%s\nwant\n%s", got.String(), odd.want)
		}
	})
}

func names(columns []*schema.Column) string {
	var out []string
	for _, c := range columns {
		out = append(out, c.Name)
	}
	return strings.Join(out, " ")
}
