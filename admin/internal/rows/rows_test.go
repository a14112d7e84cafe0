package rows

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/scarab-go/scarab/admin/internal/schema"
	"github.com/scarab-go/scarab/admin/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

func openOn(t testing.TB, k testdb.Kind, statements string) (*DB, *schema.Schema) {
	t.Helper()
	conn := k.Open(t)
	if _, err := conn.Exec(statements); err != nil {
		t.Fatal(err)
	}
	s, err := schema.Read(t.Context(), conn, k.Dialect)
	if err != nil {
		t.Fatal(err)
	}
	return &DB{conn, k.Dialect}, s
}

// Going through a table page by page, in any order and either direction, shows
// every row once, in the order in which the database sorts them.
func TestList_walk(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		statements := `CREATE TABLE t (a INTEGER, b VARCHAR(20), n INTEGER, x VARCHAR(20), m VARCHAR(20) NOT NULL, PRIMARY KEY (a, b))`
		values := []any{nil, nil, 1, 2, "1", "2", "", "a", "B", "b"}
		if k.Dialect == schema.SQLite {
			// A column without a type, in which every row may have another.
			statements = `CREATE TABLE t (a INTEGER, b TEXT, n INTEGER, x, m TEXT NOT NULL, PRIMARY KEY (a, b)) WITHOUT ROWID`
			values = []any{nil, nil, 1, 2, 2.5, "2", "", "a", "B", []byte("a")}
		}
		db, s := openOn(t, k, statements)
		r := rand.New(rand.NewPCG(1, 2))
		insert := "INSERT INTO t VALUES ("
		for i := range 5 {
			insert += strings.Repeat(", ", min(i, 1)) + k.Dialect.Placeholder(i+1)
		}
		for i := range 120 {
			x := values[r.IntN(len(values))]
			if n, ok := x.(int); ok && k.Dialect != schema.SQLite {
				x = fmt.Sprint(n)
			}
			if _, err := db.SQL.Exec(insert+")", i%7, fmt.Sprint("k", i), values[r.IntN(4)], x, fmt.Sprint(r.IntN(5))); err != nil {
				t.Fatal(err)
			}
		}
		table := s.Tables[0]
		for _, sort := range []*schema.Column{nil, table.Columns[0], table.Columns[1], table.Columns[2], table.Columns[3], table.Columns[4]} {
			for _, desc := range []bool{false, true} {
				name := fmt.Sprint("by the key, descending ", desc)
				if sort != nil {
					name = fmt.Sprint("by ", sort.Name, ", descending ", desc)
				}
				t.Run(name, func(t *testing.T) {
					q := Query{Table: table, Sort: sort, Desc: desc, Limit: 1000}
					all, err := db.List(t.Context(), q)
					if err != nil || len(all.Rows) != 120 || all.Before || all.After {
						t.Fatalf("all: %d rows, %v", len(all.Rows), err)
					}
					q.Limit = 13
					if got := walk(t, db, q, false); !slices.Equal(got, keys(all)) {
						t.Errorf("forward: %v\nwant     %v", got, keys(all))
					}
					if got := walk(t, db, q, true); !slices.Equal(got, keys(all)) {
						t.Errorf("backward: %v\nwant      %v", got, keys(all))
					}
				})
			}
		}
	})
}

func keys(p *Page) (out []string) {
	for _, r := range p.Rows {
		out = append(out, r.Key)
	}
	return out
}

func walk(t *testing.T, db *DB, q Query, backward bool) (out []string) {
	t.Helper()
	q.Last = backward
	for range 50 {
		p, err := db.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if backward {
			out = append(keys(p), out...)
		} else {
			out = append(out, keys(p)...)
		}
		more, edge := p.After, len(p.Rows)-1
		if backward {
			more, edge = p.Before, 0
		}
		if !more {
			return out
		}
		key, err := DecodeKey(q.Table, p.Rows[edge].Key)
		if err != nil {
			t.Fatal(err)
		}
		q.Last, q.After, q.Before = false, nil, nil
		if backward {
			q.Before = key
		} else {
			q.After = key
		}
	}
	t.Fatal("the pages do not end")
	return nil
}

func TestList_filterAndSearch(t *testing.T) { testdb.Each(t, testFilterAndSearch) }

func testFilterAndSearch(t *testing.T, k testdb.Kind) {
	untyped := "VARCHAR(9)"
	if k.Dialect == schema.SQLite {
		untyped = ""
	}
	db, s := openOn(t, k, `CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(20), n INTEGER, x `+untyped+`);
		INSERT INTO t VALUES (1, 'ab%c', 10, '-1'), (2, 'ab_c', 20, '1'), (3, 'ABC', NULL, '1.5'), (4, NULL, 30, NULL), (5, '', 5, 'x')`)
	if k.Dialect == schema.SQLite {
		if _, err := db.SQL.Exec("UPDATE t SET x = 1 WHERE id = 1; UPDATE t SET x = 1.5 WHERE id = 3"); err != nil {
			t.Fatal(err)
		}
	}
	table := s.Tables[0]
	name, n, x := table.Columns[1], table.Columns[2], table.Columns[3]
	for _, tt := range []struct {
		name string
		q    Query
		want []string
	}{
		{"search takes no wildcards", Query{Search: "b%"}, []string{"1"}},
		{"search ignores case", Query{Search: "abc"}, []string{"3"}},
		{"search finds the number of a row", Query{Search: "4"}, []string{"4"}},
		{"is", Query{Filters: []Filter{{name, Equal, "ABC"}}}, []string{"3"}},
		{"is, of a number", Query{Filters: []Filter{{n, Equal, "20"}}}, []string{"2"}},
		{"is, of a column without a type", Query{Filters: []Filter{{x, Equal, "1"}}}, []string{map[bool]string{true: "1", false: "2"}[k.Dialect == schema.SQLite]}},
		{"is not leaves out NULL", Query{Filters: []Filter{{name, NotEqual, "ABC"}}}, []string{"1", "2", "5"}},
		{"contains", Query{Filters: []Filter{{name, Contains, "_"}}}, []string{"2"}},
		{"begins", Query{Filters: []Filter{{name, Begins, "ab"}}}, []string{"1", "2", "3"}},
		{"less, as numbers", Query{Filters: []Filter{{n, Less, "10"}}}, []string{"5"}},
		{"at most and more than", Query{Filters: []Filter{{n, AtMost, "30"}, {n, Greater, "10"}}}, []string{"2", "4"}},
		{"is NULL", Query{Filters: []Filter{{name, Null, ""}}}, []string{"4"}},
		{"is not NULL", Query{Filters: []Filter{{n, NotNull, ""}}}, []string{"1", "2", "4", "5"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.q.Table, tt.q.Limit = table, 10
			p, err := db.List(t.Context(), tt.q)
			if err != nil {
				t.Fatal(err)
			}
			if got := keys(p); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if count, exact, err := db.Count(t.Context(), tt.q); count != len(tt.want) || !exact || err != nil {
				t.Errorf("count %d, exact %t, %v", count, exact, err)
			}
		})
	}
}

func TestCount_stops(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		db, table := big(t, k, CountLimit+1)
		q := Query{Table: table}
		if n, exact, err := db.Count(t.Context(), q); n != CountLimit || exact || err != nil {
			t.Errorf("10001 rows: %d, exact %t, %v", n, exact, err)
		}
		if _, err := db.SQL.Exec("DELETE FROM big WHERE id = 1"); err != nil {
			t.Fatal(err)
		}
		if n, exact, err := db.Count(t.Context(), q); n != CountLimit || !exact || err != nil {
			t.Errorf("10000 rows: %d, exact %t, %v", n, exact, err)
		}
	})
}

func TestWrite_refusals(t *testing.T) { testdb.Each(t, testWriteRefusals) }

func testWriteRefusals(t *testing.T, k testdb.Kind) {
	id, text, generated := "INTEGER PRIMARY KEY", "TEXT", "GENERATED ALWAYS AS (c + 1) STORED"
	switch k.Dialect {
	case schema.PostgreSQL:
		id = "INTEGER GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"
	case schema.MySQL:
		id, text = "INTEGER AUTO_INCREMENT PRIMARY KEY", "VARCHAR(20)"
	}
	strict := ""
	if k.Dialect == schema.SQLite {
		strict = "STRICT"
	}
	db, s := openOn(t, k, `CREATE TABLE a (id `+id+`, u `+text+` UNIQUE, must `+text+` NOT NULL, c INTEGER CHECK (c > 0), g INTEGER `+generated+`);
		CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER, FOREIGN KEY (a) REFERENCES a (id));
		CREATE TABLE st (id INTEGER PRIMARY KEY, n INTEGER) `+strict+`;
		CREATE TABLE pair (x INTEGER, y INTEGER, PRIMARY KEY (x, y));
		CREATE VIEW v AS SELECT * FROM a; CREATE TABLE keyless (x `+text+`);
		INSERT INTO a (u, must, c) VALUES ('taken', '', 1); INSERT INTO b VALUES (1, 1); INSERT INTO pair VALUES (1, 1)`)
	reference := "a"
	if k.Dialect == schema.SQLite {
		reference = "" // it does not say which
	}
	table := func(name string) *schema.Table {
		for _, t := range s.Tables {
			if t.Name == name {
				return t
			}
		}
		panic(name)
	}
	a, b, st, pair := table("a"), table("b"), table("st"), table("pair")
	ctx := t.Context()
	insert := func(t *schema.Table, pairs ...any) func() error {
		return func() error {
			c := Changes{}
			for i := 0; i < len(pairs); i += 2 {
				c[t.Column(pairs[i].(string))] = pairs[i+1]
			}
			_, err := db.Insert(ctx, t, c)
			return err
		}
	}
	for _, tt := range []struct {
		name    string
		do      func() error
		problem Problem
		column  string
	}{
		{"unique", insert(a, "u", "taken", "must", ""), Taken, "u"},
		{"primary key", insert(a, "id", int64(1), "must", ""), Taken, "id"},
		{"composite key: its first column", insert(pair, "x", int64(1), "y", int64(1)), Taken, "x"},
		{"not null", insert(a, "must", nil), Missing, "must"},
		{"check", insert(a, "must", "", "c", int64(0)), Unfit, "c"},
		{"reference", insert(b, "id", int64(2), "a", int64(9)), Dangling, reference},
		{"type", insert(st, "id", int64(1), "n", "x"), WrongType, "n"},
		{"type of the row's number", insert(a, "id", "x", "must", ""), WrongType, "id"},
		{"generated", insert(a, "g", int64(1)), Generated, "g"},
		{"delete what others point at", func() error { _, err := db.Delete(ctx, s, a, [][]any{{int64(1)}}, anyTable, nil); return err }, InUse, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.do()
			var e *ColumnError
			if !errors.As(err, &e) {
				t.Fatalf("%v", err)
			}
			column := ""
			if e.Column != nil {
				column = e.Column.Name
			}
			if e.Problem != tt.problem || column != tt.column {
				t.Errorf("%q at %q, want %q at %q", e.Problem, column, tt.problem, tt.column)
			}
		})
	}
	for _, name := range []string{"v", "keyless"} {
		if _, err := db.Insert(ctx, table(name), Changes{}); !errors.Is(err, ErrReadOnly) {
			t.Errorf("inserting into %s: %v", name, err)
		}
	}
	if _, err := db.Update(ctx, a, []any{int64(99)}, Changes{a.Columns[1]: "x"}, nil); !errors.Is(err, ErrNoRow) {
		t.Errorf("updating what is not there: %v", err)
	}
	if _, err := db.Delete(ctx, s, a, [][]any{{int64(1 << 40)}}, anyTable, nil); !errors.Is(err, ErrNoRow) {
		t.Errorf("deleting what is not there: %v", err)
	}
}

// An Update whose check refuses changes nothing, and the next writer is not
// held up.
func TestUpdate_check(t *testing.T) { testdb.Each(t, testUpdateCheck) }

func testUpdateCheck(t *testing.T, k testdb.Kind) {
	db, s := openOn(t, k, `CREATE TABLE t (id INTEGER PRIMARY KEY, v VARCHAR(20)); INSERT INTO t VALUES (1, 'old')`)
	table := s.Tables[0]
	refusal := errors.New("no")
	_, err := db.Update(t.Context(), table, []any{int64(1)}, Changes{table.Columns[1]: "new"}, func(current []any) error {
		if !reflect.DeepEqual(current, []any{int64(1), "old"}) {
			t.Errorf("check saw %v", current)
		}
		return refusal
	})
	if !errors.Is(err, refusal) {
		t.Errorf("Update: %v", err)
	}
	key, err := db.Update(t.Context(), table, []any{int64(1)}, Changes{table.Columns[0]: int64(7), table.Columns[1]: "new"}, nil)
	if err != nil || !reflect.DeepEqual(key, []any{int64(7)}) {
		t.Errorf("Update of the key: %v, %v", key, err)
	}
	if got, err := db.Get(t.Context(), table, key); err != nil || !reflect.DeepEqual(got, []any{int64(7), "new"}) {
		t.Errorf("Get: %v, %v", got, err)
	}
}

// Updates that start at the same time wait for each other: each sees what the
// one before it wrote.
func TestUpdate_together(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		db, s := openOn(t, k, `CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO t VALUES (1, 0)`)
		table := s.Tables[0]
		errs := make(chan error)
		const writers = 16
		for range writers {
			go func() {
				set := Changes{table.Columns[1]: nil}
				_, err := db.Update(context.Background(), table, []any{int64(1)}, set, func(current []any) error {
					set[table.Columns[1]] = current[1].(int64) + 1
					return nil
				})
				errs <- err
			}()
		}
		for range writers {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		if got, err := db.Get(t.Context(), table, []any{int64(1)}); err != nil || got[1] != int64(writers) {
			t.Errorf("%v, %v: want %d", got, err, writers)
		}
	})
}

func TestKeys_roundTrip(t *testing.T) {
	table := &schema.Table{Key: []*schema.Column{{Name: "a"}, {Name: "b"}}}
	values := []any{int64(0), int64(-5), int64(1 << 62), "word", "with space", "12", "-", "", "~t", "a.b", "ü", 1.5, -0.25, []byte{}, []byte{0, 255}, true, false}
	seen := map[string]bool{}
	for _, a := range values {
		for _, b := range values {
			text := EncodeKey([]any{a, b})
			if seen[text] {
				t.Errorf("two keys are written %q", text)
			}
			seen[text] = true
			got, err := DecodeKey(table, text)
			if err != nil || !Same(got[0], a) || !Same(got[1], b) {
				t.Errorf("%v, %v became %q and then %v, %v", a, b, text, got, err)
			}
		}
	}
	if got := EncodeKey([]any{int64(1), nil}); got != "" {
		t.Errorf("a key with NULL is %q", got)
	}
}

// Every key has one spelling: what DecodeKey accepts, EncodeKey would have
// written.
func FuzzDecodeKey(f *testing.F) {
	for _, v := range []any{int64(1), "word", "12", 1.5, []byte{1}, true} {
		f.Add(EncodeKey([]any{v}))
	}
	table := &schema.Table{Key: []*schema.Column{{Name: "a"}}}
	f.Fuzz(func(t *testing.T, s string) {
		key, err := DecodeKey(table, s)
		if err != nil {
			return
		}
		if got := EncodeKey(key); got != s {
			t.Errorf("%q and %q are the same key", s, got)
		}
	})
}
