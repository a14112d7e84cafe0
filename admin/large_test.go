package admin_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab/admin"
	"github.com/scarab-go/scarab/admin/internal/testdb"
)

// numbered makes a table of n rows, and one that points at it.
func numbered(k testdb.Kind, n int) string {
	numbers := fmt.Sprintf("SELECT i FROM generate_series(1, %d) AS n (i)", n)
	switch k.Dialect {
	case admin.SQLite:
		numbers = fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n", n)
	case admin.MySQL:
		numbers = fmt.Sprintf("SELECT seq AS i FROM seq_1_to_%d", n)
	}
	return `CREATE TABLE many (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL, v INTEGER);
		INSERT INTO many SELECT i, CONCAT('name ', i), i * 7919 % 10007 FROM (` + numbers + `) AS n;
		CREATE TABLE child (id INTEGER PRIMARY KEY, many INTEGER, FOREIGN KEY (many) REFERENCES many (id));
		INSERT INTO child VALUES (1, 7), (2, 7);`
}

// Pages far into a table: by Next and Previous as far as one likes, by their
// number up to a bound, and the visitor is told.
func TestList_deepPages(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		s := newSiteOn(t, k, numbered(k, 12_000))
		if page := s.Get("/admin/t/many"); !strings.Contains(page.Body, "more than 10,000 rows") || strings.Contains(page.Body, "Page 1 of") {
			t.Errorf("the first page: status %d", page.Status)
		}
		if page := s.Get("/admin/t/many?page=201"); page.Status != http.StatusOK || !strings.Contains(page.Body, ">name 10001<") {
			t.Errorf("page 201: status %d", page.Status)
		}
		for _, number := range []string{"202", "100000", "9223372036854775807"} {
			if page := s.Get("/admin/t/many?page=" + number); page.Status != http.StatusBadRequest || !strings.Contains(page.Body, "Pages this far in are not reached by their number") {
				t.Errorf("page %s: status %d\n%s", number, page.Status, page.Body)
			}
		}
		page := s.Get("/admin/t/many?page=235&after=11700")
		if page.Status != http.StatusOK || !strings.Contains(page.Body, ">name 11701<") || !strings.Contains(page.Body, "Page 235") {
			t.Errorf("by Next: status %d", page.Status)
		}
		if page := s.Get("/admin/t/many?last=1"); !strings.Contains(page.Body, ">name 12000<") || !strings.Contains(page.Body, "Last page") {
			t.Errorf("the last: status %d", page.Status)
		}
		// Sorted by another column, the place is told by a row; if it is gone,
		// by its number, and if that is too far in, it cannot be told.
		if page := s.Get("/admin/t/many?sort=v&page=3&after=99999"); page.Status != http.StatusOK || !strings.Contains(page.Body, "Page 3") {
			t.Errorf("behind a row that is gone: status %d", page.Status)
		}
		if page := s.Get("/admin/t/many?sort=v&page=1000&after=99999"); page.Status != http.StatusBadRequest {
			t.Errorf("behind a row that is gone, far in: status %d", page.Status)
		}
	})
}

// What takes the database too long is stopped, and the visitor is told what to
// do; what a page can do without is left out.
func TestList_tooSlow(t *testing.T) {
	slow := map[admin.Dialect]string{
		admin.SQLite:     "CREATE VIEW slow AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT max(i) AS i FROM n",
		admin.PostgreSQL: "CREATE VIEW slow AS SELECT pg_sleep(60)::text AS i",
		admin.MySQL:      "CREATE VIEW slow AS SELECT sleep(60) AS i",
	}
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		s := newSiteOn(t, k, "CREATE TABLE quick (id INTEGER PRIMARY KEY); INSERT INTO quick VALUES (1);"+slow[k.Dialect], func(c *admin.Config) { c.Timeout = 3 * time.Second })
		began := time.Now()
		page := s.Get("/admin/t/slow")
		if took := time.Since(began); page.Status != http.StatusGatewayTimeout || !strings.Contains(page.Body, "Narrow it down with a filter") || took > 20*time.Second {
			t.Errorf("status %d after %v", page.Status, took)
		}
		// The first page can do without the number, and does not wait for it as
		// long as a page may take.
		s = serve(t, k, s.db, func(c *admin.Config) { c.Timeout = time.Hour })
		if page := s.Get("/admin/"); page.Status != http.StatusOK || !strings.Contains(page.Body, "1 row") {
			t.Errorf("the first page: status %d\n%s", page.Status, page.Body)
		}
	})
}

// Of a large table a foreign key is looked for by name, and the form reads no
// more of it than it shows.
func TestFindReference_large(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		s := newSiteOn(t, k, numbered(k, 12_000))
		page := s.Get("/admin/t/child/row/1")
		if strings.Contains(page.Body, "<option") && strings.Count(page.Body, "<option") > 10 || !strings.Contains(page.Body, ">name 7 in many<") {
			t.Errorf("the form: status %d\n%s", page.Status, page.Body)
		}
		if page := s.submit(page, "/row/1", url.Values{"find.many": {"name"}}); !strings.Contains(page.Body, "is found in more than 100 rows") {
			t.Errorf("found too often: status %d", page.Status)
		}
		page = s.submit(page, "/row/1", url.Values{"find.many": {"name 1199"}})
		if !strings.Contains(page.Body, `<option value="11990">name 11990 (11990)</option>`) {
			t.Fatalf("found: status %d\n%s", page.Status, page.Body)
		}
		page = s.submit(page, "/row/1", url.Values{"v.many": {"11990"}})
		if got := s.value("SELECT many FROM child WHERE id = 1"); page.Status != http.StatusOK || got != int64(11990) {
			t.Errorf("status %d, %v", page.Status, got)
		}
		if page := s.Get("/admin/t/many/row/7"); !strings.Contains(page.Body, ">1 in child<") {
			t.Errorf("what points there:\n%s", page.Body)
		}
	})
}

// A foreign key of several columns is chosen as a whole.
func TestFindReference_composite(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		s := newSiteOn(t, k, `CREATE TABLE rooms (house VARCHAR(20), number INTEGER, name VARCHAR(40) NOT NULL, PRIMARY KEY (house, number));
			INSERT INTO rooms VALUES ('east wing', 1, 'library'), ('east wing', 2, 'kitchen'), ('west', 1, 'reading room');
			CREATE TABLE keys_of (id INTEGER PRIMARY KEY, room INTEGER, house VARCHAR(20), FOREIGN KEY (house, room) REFERENCES rooms (house, number));
			INSERT INTO keys_of VALUES (1, 2, 'east wing')`)
		page := s.Get("/admin/t/keys_of/row/1")
		if !strings.Contains(page.Body, `href="/admin/t/rooms/row/~tZWFzdCB3aW5n.2"`) {
			t.Errorf("no link to the room:\n%s", page.Body)
		}
		page = s.submit(page, "/row/1", url.Values{"find.house": {"r"}})
		for _, want := range []string{">library (east wing, 1)<", ">reading room (west, 1)<"} {
			if !strings.Contains(page.Body, want) {
				t.Errorf("no %q to choose:\n%s", want, page.Body)
			}
		}
		page = s.submit(page, "/row/1", url.Values{"pick.house": {"west.1"}})
		if got := s.value("SELECT concat(house, ' ', room) FROM keys_of"); page.Status != http.StatusOK || got != "west 1" {
			t.Errorf("status %d, %v", page.Status, got)
		}
		if page := s.submit(s.Get("/admin/t/keys_of/row/1"), "/row/1", url.Values{"find.house": {"nothing"}}); !strings.Contains(page.Body, "is not found in rooms") {
			t.Errorf("status %d", page.Status)
		}
		if page := s.Get("/admin/t/rooms/row/west.1"); !strings.Contains(page.Body, ">1 in keys_of<") {
			t.Errorf("what points there:\n%s", page.Body)
		}
		if page := s.Get("/admin/t/rooms/row/west.1/delete"); !strings.Contains(page.Body, "stand in the way") {
			t.Errorf("the question:\n%s", page.Body)
		}
	})
}
