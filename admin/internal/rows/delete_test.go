package rows

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/scarab-go/scarab/admin/internal/schema"
	"github.com/scarab-go/scarab/admin/internal/testdb"
)

// family makes tables that are deleted together.
func family(d schema.Dialect) string {
	name, bytes, value, id := "TEXT", "BLOB", "x'00ff'", "INTEGER PRIMARY KEY"
	if d == schema.PostgreSQL {
		bytes, value, id = "BYTEA", `'\x00ff'`, "INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
	}
	override := ""
	if d == schema.PostgreSQL {
		override = "OVERRIDING SYSTEM VALUE"
	}
	return `CREATE TABLE a (id ` + id + `, name ` + name + `, three INTEGER, twice INTEGER GENERATED ALWAYS AS (three * 2) STORED);
	CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER, x ` + bytes + `, FOREIGN KEY (a) REFERENCES a (id) ON DELETE CASCADE);
	CREATE TABLE c (b INTEGER, n INTEGER, PRIMARY KEY (b, n), FOREIGN KEY (b) REFERENCES b (id) ON DELETE CASCADE);
	CREATE TABLE d (id INTEGER PRIMARY KEY, a INTEGER, FOREIGN KEY (a) REFERENCES a (id) ON DELETE SET NULL);
	CREATE TABLE tree (id INTEGER PRIMARY KEY, up INTEGER, FOREIGN KEY (up) REFERENCES tree (id) ON DELETE CASCADE);
	INSERT INTO a (id, name, three) ` + override + ` VALUES (1, 'one', 3), (2, 'two', NULL);
	INSERT INTO b VALUES (1, 1, ` + value + `), (2, 1, NULL), (3, 2, ` + value + `);
	INSERT INTO c VALUES (1, 1), (1, 2), (3, 1);
	INSERT INTO d VALUES (1, 1), (2, 2), (3, 1);
	INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2), (4, 4);`
}

// dump writes all that is in the tables.
func dump(t *testing.T, db *DB, s *schema.Schema) string {
	t.Helper()
	var b strings.Builder
	for _, table := range s.Tables {
		p, err := db.List(t.Context(), Query{Table: table, Limit: 1000, Whole: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range p.Rows {
			fmt.Fprintf(&b, "%s %#v\n", table.Name, r.Values)
		}
	}
	return b.String()
}

// What a deletion took along, over all cascades, comes back as it was.
func TestDelete_andRestore(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		db, s := openOn(t, k, family(k.Dialect))
		tables := s.Slugs()
		for _, tt := range []struct {
			table string
			keys  [][]any
			rows  int
		}{
			{"a", [][]any{{int64(1)}}, 5},
			{"a", [][]any{{int64(1)}, {int64(2)}}, 8},
			{"c", [][]any{{int64(1), int64(2)}}, 1},
			{"tree", [][]any{{int64(1)}}, 3},
			{"tree", [][]any{{int64(4)}}, 1},
			{"tree", [][]any{{int64(3)}, {int64(2)}, {int64(1)}}, 3},
		} {
			before := dump(t, db, s)
			gone, err := db.Delete(t.Context(), s, tables[tt.table], tt.keys, anyTable, nil)
			if err != nil || gone == nil || gone.Rows() != tt.rows {
				t.Fatalf("%s %v: %+v, %v", tt.table, tt.keys, gone, err)
			}
			if dump(t, db, s) == before {
				t.Fatalf("%s %v: nothing is gone", tt.table, tt.keys)
			}
			if err := db.Restore(t.Context(), gone); err != nil {
				t.Fatal(err)
			}
			if after := dump(t, db, s); after != before {
				t.Errorf("%s %v:\n%s\nbecame\n%s", tt.table, tt.keys, before, after)
			}
			if err := db.Restore(t.Context(), gone); err == nil {
				t.Error("the same rows came back twice")
			}
		}
	})
}

// A row that points elsewhere by now keeps pointing there.
func TestRestore_keepsNewLinks(t *testing.T) { testdb.Each(t, testRestorekeepsNewLinks) }

func testRestorekeepsNewLinks(t *testing.T, k testdb.Kind) {
	db, s := openOn(t, k, family(k.Dialect))
	gone, err := db.Delete(t.Context(), s, s.Slugs()["a"], [][]any{{int64(1)}}, anyTable, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.SQL.Exec("UPDATE d SET a = 2 WHERE id = 1"); err != nil {
		t.Fatal(err)
	}
	if err := db.Restore(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	var links string
	if err := db.SQL.QueryRow("SELECT concat((SELECT a FROM d WHERE id = 1), ' ', (SELECT a FROM d WHERE id = 2), ' ', (SELECT a FROM d WHERE id = 3))").Scan(&links); err != nil || links != "2 2 1" {
		t.Errorf("%q, %v", links, err)
	}
}

// All of them or none.
func TestDelete_several(t *testing.T) { testdb.Each(t, testDeleteseveral) }

func testDeleteseveral(t *testing.T, k testdb.Kind) {
	db, s := openOn(t, k, family(k.Dialect))
	before := dump(t, db, s)
	if _, err := db.Delete(t.Context(), s, s.Slugs()["a"], [][]any{{int64(2)}, {int64(9)}}, anyTable, nil); !errors.Is(err, ErrNoRow) {
		t.Errorf("Delete: %v", err)
	}
	if after := dump(t, db, s); after != before {
		t.Errorf("one of two is gone:\n%s", after)
	}
}

// What is too much to keep is deleted all the same, and cannot be brought back.
func TestDelete_tooMuch(t *testing.T) { testdb.Each(t, testDeletetooMuch) }

func testDeletetooMuch(t *testing.T, k testdb.Kind) {
	many := ""
	for i := range 600 {
		many += fmt.Sprintf(", (%d, 1, NULL)", i+11)
	}
	db, s := openOn(t, k, family(k.Dialect)+"INSERT INTO b VALUES (10, 1, NULL)"+many)
	gone, err := db.Delete(t.Context(), s, s.Slugs()["a"], [][]any{{int64(1)}}, anyTable, nil)
	if err != nil || gone != nil {
		t.Errorf("%v, %v", gone, err)
	}
	var n int
	if err := db.SQL.QueryRow("SELECT count(*) FROM b WHERE a = 1").Scan(&n); err != nil || n != 0 {
		t.Errorf("%d rows are left, %v", n, err)
	}
}

// What a foreign key does may be hidden from the user who deletes: then it may be
// anything, which needs a permission for the other table and cannot be undone.
func TestDelete_hiddenRule(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		db, s := openOn(t, k, family(k.Dialect)+"INSERT INTO tree VALUES (5, NULL)")
		tables := s.Slugs()
		for _, name := range []string{"b", "c", "tree"} {
			tables[name].Refs[0].OnDelete = schema.Hidden
		}
		remove := func(table string, key int64, may func(*schema.Table) bool) (*Deleted, error) {
			return db.Delete(t.Context(), s, tables[table], [][]any{{key}}, may, nil)
		}
		before := dump(t, db, s)
		for _, forbidden := range []string{"b", "c"} {
			gone, err := remove("a", 1, func(t *schema.Table) bool { return t.Name != forbidden })
			var refused *NotAllowedError
			if !errors.As(err, &refused) || refused.Table.Name != forbidden || gone != nil {
				t.Errorf("without a permission for %s: %v, %v", forbidden, gone, err)
			}
		}
		if after := dump(t, db, s); after != before {
			t.Errorf("refused, but before\n%safter\n%s", before, after)
		}
		if gone, err := remove("a", 1, anyTable); gone != nil || err != nil {
			t.Errorf("with rows that point at it: %v, %v", gone, err)
		}
		if gone, err := remove("tree", 5, anyTable); gone == nil || err != nil {
			t.Errorf("with none: %v, %v", gone, err)
		}
	})
}

func anyTable(*schema.Table) bool { return true }
