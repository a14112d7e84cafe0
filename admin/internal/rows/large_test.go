package rows

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/scarab-go/scarab/admin/internal/schema"
	"github.com/scarab-go/scarab/admin/internal/testdb"
)

// big makes a table with rows numbered from 1, an index on one column with
// many equal values, and one on a column of which every third value is NULL.
func big(t testing.TB, k testdb.Kind, rows int) (*DB, *schema.Table) {
	t.Helper()
	numbers := fmt.Sprintf("SELECT i FROM generate_series(1, %d) AS n (i)", rows)
	switch k.Dialect {
	case schema.SQLite:
		numbers = fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n", rows)
	case schema.MySQL:
		numbers = fmt.Sprintf("SELECT seq AS i FROM seq_1_to_%d", rows)
	}
	i := "i * 7919 % 1000003"
	if k.Dialect == schema.PostgreSQL {
		i = "i::bigint * 7919 % 1000003"
	}
	db, s := openOn(t, k, `CREATE TABLE big (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, at INTEGER, v VARCHAR(20) NOT NULL);
		INSERT INTO big SELECT i, i % 5, CASE WHEN i % 3 > 0 THEN `+i+` END, CONCAT('v', i) FROM (`+numbers+`) AS n;
		CREATE INDEX big_kind ON big (kind, id);
		CREATE INDEX big_at ON big (at, id);`)
	analyze := map[schema.Dialect]string{schema.SQLite: "ANALYZE", schema.PostgreSQL: "VACUUM ANALYZE big", schema.MySQL: "ANALYZE TABLE big"}
	if _, err := db.SQL.Exec(analyze[k.Dialect]); err != nil {
		t.Fatal(err)
	}
	return db, s.Tables[0]
}

// deepQueries are pages of big at its beginning, in the middle and at its end.
func deepQueries(table *schema.Table, rows int) map[string]Query {
	middle := []any{int64(rows / 2)}
	kind, at := table.Column("kind"), table.Column("at")
	noAt := []any{int64(rows / 2 / 3 * 3)} // its at is NULL
	q := map[string]Query{
		"the first page":          {},
		"the last page":           {Last: true},
		"a page in the middle":    {After: middle},
		"the page before it":      {Before: middle},
		"in the middle, backward": {After: middle, Desc: true},
	}
	for _, c := range []*schema.Column{kind, at} {
		for _, desc := range []bool{false, true} {
			name := fmt.Sprintf("by %s, descending %t: ", c.Name, desc)
			q[name+"the first page"] = Query{Sort: c, Desc: desc}
			q[name+"the last page"] = Query{Sort: c, Desc: desc, Last: true}
			q[name+"in the middle"] = Query{Sort: c, Desc: desc, After: middle}
			q[name+"before the middle"] = Query{Sort: c, Desc: desc, Before: middle}
			q[name+"among NULL"] = Query{Sort: c, Desc: desc, After: noAt}
			q[name+"before that"] = Query{Sort: c, Desc: desc, Before: noAt}
		}
	}
	q["those of one kind"] = Query{Filters: []Filter{{kind, Equal, "3"}}, After: middle}
	for name, query := range q {
		query.Table, query.Limit = table, 50
		q[name] = query
	}
	return q
}

// A page of a large table, wherever it is, costs what looking up its key in an
// index costs: few rows are read beside those that are shown, and none sorted.
func TestList_readsLittle(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		const rows = 30_000
		db, table := big(t, k, rows)
		db.SQL.SetMaxOpenConns(1) // the servers count for each connection
		for name, q := range deepQueries(table, rows) {
			t.Run(name, func(t *testing.T) {
				read := rowsRead(t, db, func() {
					if p, err := db.List(t.Context(), q); err != nil || len(p.Rows) != 50 {
						t.Fatalf("%v, %v", p, err)
					}
				}, q)
				most := 400
				if k.Dialect == schema.MySQL && (strings.Contains(name, "by at") || name == "those of one kind") {
					// MariaDB reads an index by one value of its first column
					// from its beginning, although the second is given, too.
					most += rows / 3
				}
				if read > most {
					t.Errorf("%d rows were read to show 50", read)
				}
			})
		}
		t.Run("a number of rows", func(t *testing.T) {
			read := rowsRead(t, db, func() {
				if n, exact, err := db.Count(t.Context(), Query{Table: table}); n != CountLimit || exact || err != nil {
					t.Errorf("%d, exact %t, %v", n, exact, err)
				}
			}, Query{Table: table, Limit: 1})
			if read > 2*CountLimit+100 { // MariaDB keeps them in a table of its own
				t.Errorf("%d rows were read to count up to %d", read, CountLimit)
			}
		})
		t.Run("by a column without an index", func(t *testing.T) {
			q := Query{Table: table, Limit: 50, Sort: table.Column("v")}
			read := rowsRead(t, db, func() {
				if _, err := db.List(t.Context(), q); err != nil {
					t.Error(err)
				}
			}, q)
			if read < rows {
				t.Errorf("%d rows were read to sort %d: this test does not see what is read", read, rows)
			}
		})
	})
}

// rowsRead is how many rows the database reads for f. SQLite does not count
// them: there, its plan for q says whether it begins at the front or sorts.
func rowsRead(t *testing.T, db *DB, f func(), q Query) (n int) {
	t.Helper()
	if db.Dialect == schema.SQLite {
		f()
		return plannedReads(t, db, q)
	}
	before := counted(t, db)
	f()
	return counted(t, db) - before
}

// counted is how many rows and entries of indexes the connection has read.
func counted(t *testing.T, db *DB) (n int) {
	t.Helper()
	query := `SELECT CAST(sum(variable_value) AS INTEGER) FROM information_schema.session_status
		WHERE variable_name IN ('handler_icp_attempts', 'handler_read_first', 'handler_read_key', 'handler_read_last', 'handler_read_next', 'handler_read_prev', 'handler_read_rnd', 'handler_read_rnd_next')`
	if db.Dialect == schema.PostgreSQL {
		if _, err := db.SQL.Exec("SELECT pg_stat_force_next_flush()"); err != nil {
			t.Fatal(err)
		}
		query = `SELECT (SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'big') + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname = 'big')`
	}
	if err := db.SQL.QueryRow(query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// plannedReads guesses from SQLite's plans for q.
func plannedReads(t *testing.T, db *DB, q Query) int {
	t.Helper()
	statements := [][]span{nil}
	a, err := db.anchor(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	backward := q.Last || q.Before != nil
	if a != nil {
		statements = db.split(db.beyond(q.order(), a, q.Desc != backward))
	}
	n := 0
	for _, spans := range statements {
		b := db.statement(q, spans, backward, q.Limit+1)
		plan := explain(t, db, b)
		n += q.Limit
		// Without a condition, reading begins at the end where the page is.
		if strings.Contains(plan, "TEMP B-TREE") || len(spans) > 0 && strings.Contains(plan, "SCAN listed") {
			t.Logf("%s\n%s", b, plan)
			n += 30_000
		}
	}
	return n
}

func explain(t *testing.T, db *DB, b *builder) string {
	t.Helper()
	r, err := db.SQL.Query("EXPLAIN QUERY PLAN "+b.String(), b.args...)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var plan strings.Builder
	for r.Next() {
		var id, parent, unused int
		var detail string
		if err := r.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan.WriteString(detail + "\n")
	}
	return plan.String()
}

// Lists are in the order of the values, and not of how they are written, and
// going through them page by page leaves nothing out.
func TestList_ordersValues(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		types := map[schema.Dialect][]string{
			schema.SQLite:     {"DECIMAL(8,2)", "REAL", "BOOLEAN", "DATE", "TIMESTAMP"},
			schema.PostgreSQL: {"DECIMAL(8,2)", "REAL", "BOOLEAN", "DATE", "TIMESTAMPTZ", "size", "INTERVAL", "DOUBLE PRECISION", "JSONB"},
			schema.MySQL:      {"DECIMAL(8,2)", "FLOAT", "BOOLEAN", "DATE", "DATETIME(6)", "ENUM('small', 'medium', 'large')", "DOUBLE", "YEAR"},
		}[k.Dialect]
		inOrder := map[string][]string{
			"DECIMAL(8,2)": {"-12.50", "-3.10", "0.00", "9.90", "19.40", "100.00"}, "REAL": {"-12.5", "-3.1", "9.9", "19.4"}, "FLOAT": {"-12.5", "-3.1", "9.9", "19.4"},
			"BOOLEAN": {"false", "true"}, "DATE": {"1999-12-31", "2026-01-02"}, "TIMESTAMP": {"2026-01-02 03:04:05", "2026-01-02 03:04:06"},
			"TIMESTAMPTZ": {"2026-01-02 03:04:05.000001+00", "2026-01-02 03:04:05.000002+00"}, "DATETIME(6)": {"2026-01-02 03:04:05.000001", "2026-01-02 03:04:05.000002"},
			"size": {"small", "medium", "large"}, "ENUM('small', 'medium', 'large')": {"small", "medium", "large"}, "INTERVAL": {"00:05:00", "00:50:00", "02:00:00", "10:00:00"},
			"DOUBLE PRECISION": {"-0.1", "0.3", "12345.5"}, "DOUBLE": {"-0.1", "0.3", "12345.5"}, "JSONB": {"1", "9", "10"}, "YEAR": {"1999", "2026"},
		}
		statements := "CREATE TABLE t (id INTEGER PRIMARY KEY"
		if k.Dialect == schema.PostgreSQL {
			statements = "CREATE TYPE size AS ENUM ('small', 'medium', 'large'); " + statements
		}
		for i, typ := range types {
			statements += fmt.Sprintf(", c%d %s", i, typ)
		}
		statements += ");"
		id := 0
		for i, typ := range types {
			for range 3 { // several rows have each value, and several NULL
				for _, v := range inOrder[typ] {
					id++
					v = "'" + v + "'"
					if typ == "BOOLEAN" {
						v = strings.Trim(v, "'")
					}
					statements += fmt.Sprintf("INSERT INTO t (id, c%d) VALUES (%d, %s);", i, id*7919%1009, v)
				}
			}
		}
		db, s := openOn(t, k, statements)
		for i, typ := range types {
			for _, desc := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, descending %t", typ, desc), func(t *testing.T) {
					c := s.Tables[0].Column(fmt.Sprint("c", i))
					q := Query{Table: s.Tables[0], Columns: []*schema.Column{c}, Sort: c, Desc: desc, Limit: 1000}
					all, err := db.List(t.Context(), q)
					if err != nil {
						t.Fatal(err)
					}
					var got []any
					for _, r := range all.Rows {
						if v := r.Values[0]; v != nil && (len(got) == 0 || got[len(got)-1] != v) {
							got = append(got, v)
						}
					}
					want := len(inOrder[typ])
					if len(got) != want || typ == "DECIMAL(8,2)" && desc && (!strings.HasPrefix(fmt.Sprint(got[0]), "100") || !strings.HasPrefix(fmt.Sprint(got[1]), "19.4")) {
						t.Errorf("the order is %v", got)
					}
					for j, v := range got {
						place := j
						if desc {
							place = want - 1 - j
						}
						if text := inOrder[typ][place]; k.Dialect != schema.SQLite && v == any(nil) || !looksLike(v, text) {
							t.Errorf("place %d has %v, want %s", j, v, text)
						}
					}
					q.Limit = 4
					for _, backward := range []bool{false, true} {
						if pages := walk(t, db, q, backward); !reflect.DeepEqual(pages, keys(all)) {
							t.Errorf("page by page, backward %t: %v\nwant %v", backward, pages, keys(all))
						}
					}
				})
			}
		}
	})
}

// looksLike compares a value with how it was given.
func looksLike(v any, text string) bool {
	switch v := v.(type) {
	case int64:
		text = strings.NewReplacer("true", "1", "false", "0", ".00", "").Replace(text)
		return fmt.Sprint(v) == text
	case float64:
		var f float64
		fmt.Sscan(text, &f)
		return v == f
	}
	return fmt.Sprint(v) == text
}
