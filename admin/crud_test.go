package admin_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab/admin"
	"github.com/scarab-go/scarab/admin/internal/testdb"
	"github.com/scarab-go/scarab/scarabtest"
)

// A message is shown on the page that the redirect leads to, and not when that
// is loaded again.
func TestFlash_onceAfterEveryOperation(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		s := newShopOn(t, k)
		steps := []struct {
			name, page, action string
			set                url.Values
			want               string
		}{
			{"create", "/admin/t/tags/new", "/t/tags/new", url.Values{"v.name": {"fragrant"}}, "success: The row was added to tags."},
			{"edit", "/admin/t/tags/row/13", "/row/13", url.Values{"v.color": {"#123456"}}, "success: The row was saved."},
			{"edit nothing", "/admin/t/tags/row/13", "/row/13", nil, "warning: Nothing was changed."},
			{"delete", "/admin/t/tags/row/13/delete", "/row/13/delete", nil, "success: “fragrant” was deleted from tags."},
			{"delete what others point at", "/admin/t/customers/row/1/delete", "/row/1/delete", nil,
				"error: “Daria Bergström” was not deleted. Rows of other tables point at this one, so the database keeps it."},
			{"renew", "/admin/session", "/session/renew", nil, "success: The session has a new token; everything else is as before."},
		}
		for _, step := range steps {
			page := s.submit(s.Get(step.page), step.action, step.set)
			if got := flashes(t, page); page.Status != http.StatusOK || !slices.Equal(got, []string{step.want}) {
				t.Errorf("%s: status %d, messages %q, want %q", step.name, page.Status, got, step.want)
			}
			if got := flashes(t, s.Get(page.URL)); len(got) > 0 {
				t.Errorf("%s: after a reload there still is %q", step.name, got)
			}
		}
	})
}

func TestCreate_andReadBack(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		s := newShopOn(t, k)
		page := s.submit(s.Get("/admin/t/products/new"), "/t/products/new", url.Values{
			"v.sku": {"NEW-1"}, "v.name": {"Ünïcode 名前 <b>"}, "v.price": {"12.5"}, "v.attributes": {`{"a": 1}`}, "then": {"edit"},
		})
		if page.Status != http.StatusOK || !strings.HasSuffix(page.URL, "/t/products/row/121") {
			t.Fatalf("status %d at %s\n%s", page.Status, page.URL, page.Body)
		}
		f := s.find(page, "/row/121").values
		for name, want := range map[string]string{"v.sku": "NEW-1", "v.name": "Ünïcode 名前 <b>", "v.price": "12.50", "v.in_stock": "0", "v.active": "true", "v.attributes": `{"a": 1}`, "v.released_on": ""} {
			if got := f.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if f.Get("n.description") != "1" {
			t.Error("a description that was not given is not NULL")
		}
	})
}

// NULL and the empty text are different, and which one a field holds is kept.
func TestNull_andEmpty(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		s := newSiteOn(t, k, `CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT, n INTEGER, must TEXT NOT NULL);
		INSERT INTO t VALUES (1, NULL, '', NULL, '')`)
		quote := func(column string) any {
			text := "CAST(" + column + " AS CHAR(9))"
			if k.Dialect != admin.MySQL {
				text = "CAST(" + column + " AS TEXT)"
			}
			switch v := s.value("SELECT " + text + " FROM t"); {
			case v == nil:
				return "NULL"
			case column == "n":
				return v
			default:
				return "'" + v.(string) + "'"
			}
		}
		state := func() [3]any { return [3]any{quote("a"), quote("b"), quote("n")} }
		edit := func(set url.Values) {
			t.Helper()
			if page := s.submit(s.Get("/admin/t/t/row/1"), "/row/1", set); page.Status != http.StatusOK {
				t.Fatalf("status %d\n%s", page.Status, page.Body)
			}
		}
		for _, step := range []struct {
			name string
			set  url.Values
			want [3]any
		}{
			{"untouched", nil, [3]any{"NULL", "''", "NULL"}},
			{"the box unchecked: empty", url.Values{"n.a": nil}, [3]any{"''", "''", "NULL"}},
			{"the box checked: NULL", url.Values{"n.b": {"1"}}, [3]any{"''", "NULL", "NULL"}},
			{"a text typed while the box says NULL", url.Values{"v.b": {"x"}, "n.b": {"1"}}, [3]any{"''", "'x'", "NULL"}},
			{"the box checked while the field has its text", url.Values{"n.b": {"1"}}, [3]any{"''", "NULL", "NULL"}},
			{"a number", url.Values{"v.n": {" 7 "}}, [3]any{"''", "NULL", "7"}},
			{"no number: NULL", url.Values{"v.n": {""}}, [3]any{"''", "NULL", "NULL"}},
		} {
			edit(step.set)
			if got := state(); got != step.want {
				t.Errorf("%s: %v, want %v", step.name, got, step.want)
			}
		}
	})
}

// What the database refuses comes back at its field, with what was typed.
func TestRefusals_atTheirField(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		s := newSiteOn(t, k, map[admin.Dialect]string{
			admin.SQLite: `CREATE TABLE grades (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
			CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(20) NOT NULL UNIQUE, age INTEGER CHECK (age < 150), grade INTEGER REFERENCES grades (id), born DATE, extra JSON, kind TEXT NOT NULL CHECK (kind IN ('a', 'b')));`,
			admin.PostgreSQL: `CREATE TABLE grades (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
			CREATE TABLE people (id SERIAL PRIMARY KEY, email VARCHAR(20) NOT NULL UNIQUE, age INTEGER CHECK (age < 150), grade INTEGER REFERENCES grades (id), born DATE, extra JSONB, kind TEXT NOT NULL CHECK (kind IN ('a', 'b')));`,
			admin.MySQL: `CREATE TABLE grades (id INTEGER PRIMARY KEY, name VARCHAR(20) UNIQUE);
			CREATE TABLE people (id INTEGER AUTO_INCREMENT PRIMARY KEY, email VARCHAR(20) NOT NULL UNIQUE, age INTEGER CHECK (age < 150), grade INTEGER, born DATE, extra JSON, kind ENUM('a', 'b') NOT NULL, FOREIGN KEY (grade) REFERENCES grades (id));`,
		}[k.Dialect]+`INSERT INTO grades VALUES (1, 'one'); INSERT INTO people (email, kind) VALUES ('taken@example.com', 'a')`)
		for _, tt := range []struct {
			name  string
			set   url.Values
			field string
			want  string
		}{
			{"unique", url.Values{"v.email": {"taken@example.com"}}, "email", "Another row has this value already"},
			{"a check", url.Values{"v.age": {"200"}}, "age", "A check of the database refuses this value"},
			{"not a number", url.Values{"v.age": {"old"}}, "age", "not a whole number"},
			{"too long", url.Values{"v.email": {"far.too.long.for.it@example.com"}}, "email", "At most 20 characters"},
			{"not a date", url.Values{"v.born": {"2026-02-31"}}, "born", "not a date"},
			{"not JSON", url.Values{"v.extra": {"{\n\"a\":\n}"}}, "extra", "line 3"},
			{"not a choice", url.Values{"v.kind": {"c"}}, "kind", "Choose one"},
			{"the key is taken", url.Values{"v.id": {"1"}}, "id", "Another row has this value already"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				s.t = t
				set := url.Values{"v.email": {"new@example.com"}, "v.kind": {"b"}, "v.age": {"33"}}
				for k, v := range tt.set {
					set[k] = v
				}
				page := s.submit(s.Get("/admin/t/people/new"), "/t/people/new", set)
				if page.Status != http.StatusUnprocessableEntity {
					t.Fatalf("status %d\n%s", page.Status, page.Body)
				}
				_, behind, ok := strings.Cut(page.Body, `name="v.`+tt.field+`"`)
				part, _, _ := strings.Cut(behind, `<div class="field`)
				if !ok || !strings.Contains(part, `class="error-text"`) || !strings.Contains(part, tt.want) {
					t.Errorf("field %s does not say %q:\n%s", tt.field, tt.want, page.Body)
				}
				f := s.find(page, "/t/people/new").values
				for name, values := range set {
					if got := f.Get(name); got != values[0] && tt.name != "not a choice" {
						t.Errorf("%s was %q when it was sent, and now is %q", name, values[0], got)
					}
				}
				if n := s.value("SELECT count(*) FROM people"); n != int64(1) {
					t.Errorf("there are %v rows", n)
				}
			})
		}
		s.t = t
		page := s.submit(s.Get("/admin/t/people/new"), "/t/people/new", url.Values{"v.email": {"x@example.com"}, "v.kind": {"a"}, "v.grade": {"9"}})
		want := "There is no such row in the table that this column points at"
		if k.Dialect == admin.SQLite { // which does not say which of the references it is
			want = "points at a row of another table that does not exist"
		}
		if page.Status != http.StatusUnprocessableEntity || !strings.Contains(page.Body, want) {
			t.Errorf("a dangling reference: status %d\n%s", page.Status, page.Body)
		}
	})
}

// The second of two people who edit one row is told, with both versions, and
// can still save.
func TestEdit_conflict(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		s := newShopOn(t, k)
		mine, theirs := s.Get("/admin/t/tags/row/2"), s.Get("/admin/t/tags/row/2")
		if page := s.submit(theirs, "/row/2", url.Values{"v.color": {"#111111"}}); page.Status != http.StatusOK {
			t.Fatalf("the first: status %d", page.Status)
		}
		page := s.submit(mine, "/row/2", url.Values{"v.color": {"#222222"}})
		if page.Status != http.StatusConflict || !strings.Contains(page.Body, "<q>#111111</q>") || s.find(page, "/row/2").values.Get("v.color") != "#222222" {
			t.Fatalf("the second: status %d\n%s", page.Status, page.Body)
		}
		if got := s.value("SELECT color FROM tags WHERE id = 2"); got != "#111111" {
			t.Errorf("the second overwrote the first: %v", got)
		}
		if page = s.submit(page, "/row/2", nil); page.Status != http.StatusOK {
			t.Errorf("saving all the same: status %d", page.Status)
		}
		if got := s.value("SELECT color FROM tags WHERE id = 2"); got != "#222222" {
			t.Errorf("saving all the same wrote %v", got)
		}
	})
}

func TestCompositeKeys(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		s := newShopOn(t, k)
		page := s.submit(s.Get("/admin/t/order_lines/row/1.1"), "/row/1.1", url.Values{"v.quantity": {"77"}})
		if page.Status != http.StatusOK || s.value("SELECT quantity FROM order_lines WHERE order_id = 1 AND line = 1") != int64(77) {
			t.Errorf("status %d\n%s", page.Status, page.Body)
		}
		if n := s.value("SELECT count(*) FROM order_lines WHERE quantity = 77"); n != int64(1) {
			t.Errorf("%v rows were changed", n)
		}
		if page := s.Get("/admin/t/order_lines/row/1"); page.Status != http.StatusNotFound {
			t.Errorf("half a key: status %d", page.Status)
		}
	})
}

func TestViews_areReadOnly(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		s := newShopOn(t, k)
		page := s.Get("/admin/t/sales_by_month")
		if page.Status != http.StatusOK || strings.Contains(page.Body, "/new") || !strings.Contains(page.Body, "2025-03") {
			t.Errorf("status %d\n%s", page.Status, page.Body)
		}
		if page := s.Get("/admin/t/sales_by_month/new"); page.Status != http.StatusForbidden {
			t.Errorf("new row in a view: status %d", page.Status)
		}
	})
}

// A table that has come is found by itself, a column by the button.
func TestSchema_changes(t *testing.T) { testdb.Each(t, testSchemaChanges) }

func testSchemaChanges(t *testing.T, k testdb.Kind) {
	clock := scarabtest.NewClock(time.Now())
	s := newSiteOn(t, k, "CREATE TABLE old (id INTEGER PRIMARY KEY)", func(c *admin.Config) { c.Clock = clock.Now })
	if _, err := s.db.Exec("CREATE TABLE fresh (id INTEGER PRIMARY KEY); ALTER TABLE old ADD COLUMN added TEXT"); err != nil {
		t.Fatal(err)
	}
	clock.Advance(2 * time.Second)
	if page := s.Get("/admin/t/fresh"); page.Status != http.StatusOK {
		t.Errorf("a new table: status %d", page.Status)
	}
	if _, err := s.db.Exec("ALTER TABLE old ADD COLUMN another TEXT"); err != nil {
		t.Fatal(err)
	}
	if page := s.submit(s.Get("/admin/"), "/schema", nil); !slices.Equal(flashes(t, page), []string{"success: The tables were read again."}) {
		t.Errorf("the button: status %d", page.Status)
	}
	if page := s.Get("/admin/t/old/new"); !strings.Contains(page.Body, "v.another") {
		t.Error("a new column is not there")
	}
}
