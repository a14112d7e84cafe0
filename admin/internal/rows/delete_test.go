package rows

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/scarab-go/scarab/admin/internal/schema"
)

const family = `CREATE TABLE a (id INTEGER PRIMARY KEY, name TEXT, twice INTEGER AS (id * 2));
	CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a (id) ON DELETE CASCADE, x BLOB);
	CREATE TABLE c (b INTEGER REFERENCES b (id) ON DELETE CASCADE, n INTEGER, PRIMARY KEY (b, n));
	CREATE TABLE d (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a (id) ON DELETE SET NULL);
	CREATE TABLE tree (id INTEGER PRIMARY KEY, up INTEGER REFERENCES tree (id) ON DELETE CASCADE);
	INSERT INTO a (id, name) VALUES (1, 'one'), (2, 'two');
	INSERT INTO b VALUES (1, 1, x'00ff'), (2, 1, NULL), (3, 2, 'text');
	INSERT INTO c VALUES (1, 1), (1, 2), (3, 1);
	INSERT INTO d VALUES (1, 1), (2, 2), (3, 1);
	INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2), (4, 4)`

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
	db, s := open(t, family)
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
		gone, err := db.Delete(t.Context(), s, tables[tt.table], tt.keys, nil)
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
}

// A row that points elsewhere by now keeps pointing there.
func TestRestore_keepsNewLinks(t *testing.T) {
	db, s := open(t, family)
	gone, err := db.Delete(t.Context(), s, s.Slugs()["a"], [][]any{{int64(1)}}, nil)
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
	if err := db.SQL.QueryRow("SELECT group_concat(a, ' ') FROM (SELECT a FROM d ORDER BY id)").Scan(&links); err != nil || links != "2 2 1" {
		t.Errorf("%q, %v", links, err)
	}
}

// All of them or none.
func TestDelete_several(t *testing.T) {
	db, s := open(t, family)
	before := dump(t, db, s)
	if _, err := db.Delete(t.Context(), s, s.Slugs()["a"], [][]any{{int64(2)}, {int64(9)}}, nil); !errors.Is(err, ErrNoRow) {
		t.Errorf("Delete: %v", err)
	}
	if after := dump(t, db, s); after != before {
		t.Errorf("one of two is gone:\n%s", after)
	}
}

// What is too much to keep is deleted all the same, and cannot be brought back.
func TestDelete_tooMuch(t *testing.T) {
	db, s := open(t, family+`; WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 600) INSERT INTO b SELECT i, 1, NULL FROM n`)
	gone, err := db.Delete(t.Context(), s, s.Slugs()["a"], [][]any{{int64(1)}}, nil)
	if err != nil || gone != nil {
		t.Errorf("%v, %v", gone, err)
	}
	var n int
	if err := db.SQL.QueryRow("SELECT count(*) FROM b WHERE a = 1").Scan(&n); err != nil || n != 0 {
		t.Errorf("%d rows are left, %v", n, err)
	}
}
