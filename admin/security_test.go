package admin_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/scarab-go/scarab/admin"
	"github.com/scarab-go/scarab/admin/internal/schema"
	"github.com/scarab-go/scarab/admin/internal/testdb"
)

func TestForgedPosts_areRefused(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		s := newShopOn(t, k)
		page := s.Get("/admin/t/tags/row/1/delete")
		form := s.find(page, "/row/1/delete").values
		for _, tt := range []struct {
			name string
			from string
			form url.Values
		}{
			{"the page of a stranger, with a stolen token", "https://evil.example/", form},
			{"another host of the site, with a stolen token", "https://other.example.com/", form},
			{"the right page, without a token", page.URL, url.Values{}},
			{"the right page, with a made-up token", page.URL, url.Values{"csrf_token": {strings.Repeat("0", 40)}}},
		} {
			if got := s.From(tt.from).PostForm("/admin/t/tags/row/1/delete", tt.form); got.Status != http.StatusForbidden {
				t.Errorf("%s: status %d", tt.name, got.Status)
			}
		}
		if n := s.value("SELECT count(*) FROM tags WHERE id = 1"); n != int64(1) {
			t.Error("the row is gone")
		}
	})
}

// Every form that writes carries a token.
func TestForms_carryATokenEach(t *testing.T) {
	s := newShop(t)
	for _, path := range []string{"/", "/t/tags", "/t/tags/new", "/t/tags/row/1", "/t/tags/row/1/delete", "/session"} {
		page := s.Get("/admin" + path)
		root, err := html.Parse(strings.NewReader(page.Body))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for node := range root.Descendants() {
			if node.Data != "form" || attr(node, "method") != "post" {
				continue
			}
			n++
			if readForm(node).values.Get("csrf_token") == "" {
				t.Errorf("%s: the form to %s has no token", path, attr(node, "action"))
			}
		}
		if n == 0 {
			t.Errorf("%s: no form at all, not even to log out", path)
		}
	}
}

const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>'`

// Whatever is in the database is text on a page, in names as in values.
func TestXSS(t *testing.T) {
	name := `x"><script>alert(2)</script>`
	quoted := `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
	s := newSite(t, fmt.Sprintf(`CREATE TABLE %[1]s (id INTEGER PRIMARY KEY, %[1]s TEXT DEFAULT 'd', name VARCHAR(200), n INTEGER, dec DECIMAL(5,2), r REAL, b BOOLEAN, d DATE, dt DATETIME, ti TIME, j JSON, u UUID, bl BLOB, anything, e TEXT CHECK (e IN ('<script>alert(3)</script>')));
		CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES %[1]s (id));`, quoted))
	if _, err := s.db.Exec(`INSERT INTO `+quoted+` VALUES (1, ?1, ?1, ?1, ?1, ?1, ?1, ?1, ?1, ?1, ?1, ?1, ?1, ?1, '<script>alert(3)</script>')`, evil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.Exec(`INSERT INTO child VALUES (1, 1)`); err != nil {
		t.Fatal(err)
	}
	s.Get("/admin/t/child") // makes the schema known
	home := s.Get("/admin/")
	slug := ""
	root, err := html.Parse(strings.NewReader(home.Body))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if href := attr(n, "href"); n.Data == "a" && strings.HasPrefix(href, "/admin/t/~") {
			slug = href
		}
	}
	if slug == "" {
		t.Fatalf("the table is not listed:\n%s", home.Body)
	}
	for _, path := range []string{"/admin/", slug, slug + "?q=" + url.QueryEscape(evil), slug + "?sort=" + url.QueryEscape(evil), slug + "?o." + url.QueryEscape(evil) + "=is&f." + url.QueryEscape(evil) + "=1",
		slug + "/new", slug + "/row/1", slug + "/row/1/delete", "/admin/t/child", "/admin/t/child/row/1", "/admin/t/" + url.PathEscape(evil), "/admin/login/link?token=" + url.QueryEscape(evil)} {
		page := s.Get(path)
		if page.Status >= 500 || page.Status == 200 && !strings.Contains(page.Body, "</html>") {
			t.Errorf("%s: status %d", path, page.Status)
		}
		harmless(t, path, page.Body)
	}
}

// harmless looks for elements and attributes that carry scripts.
func harmless(t *testing.T, path, body string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if n.Data == "script" || n.Data == "style" || n.Data == "iframe" || n.Data == "img" && attr(n, "class") != "mark" {
			t.Errorf("%s has an element %s", path, n.Data)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || strings.HasPrefix(strings.TrimSpace(a.Val), "javascript:") {
				t.Errorf("%s: %s has the attribute %s=%q", path, n.Data, a.Key, a.Val)
			}
		}
	}
}

func TestHeaders(t *testing.T) {
	s := newShop(t)
	for _, path := range []string{"/admin/", "/admin/t/tags", "/admin/nowhere", "/admin/static/style.css"} {
		h := s.Get(path).Header
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: Content-Security-Policy %q", path, csp)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: headers %v", path, h)
		}
	}
}

// Tables may have any name, and each works like any other.
func TestTableNames(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		names := []string{`select "; drop`, `..`, `.`, `a/b`, `a%2fb`, `?x#y`, `~`, ` `, "tab\tand\nline", `O'Brien`, "`", `Ünï`, `new`, `row`}
		var statements strings.Builder
		for _, name := range names {
			if k.Dialect == admin.MySQL && strings.HasSuffix(name, " ") {
				continue // it takes no such names
			}
			q := k.Dialect.Quote(name)
			fmt.Fprintf(&statements, "CREATE TABLE %s (%s VARCHAR(40) PRIMARY KEY, value TEXT);\n", q, q)
		}
		s := newSiteOn(t, k, statements.String())
		for _, name := range names {
			if k.Dialect == admin.MySQL && strings.HasSuffix(name, " ") {
				continue
			}
			q := k.Dialect.Quote(name)
			field := "v." + (&schema.Column{Name: name}).Slug()
			link := ""
			root, err := html.Parse(strings.NewReader(s.Get("/admin/").Body))
			if err != nil {
				t.Fatal(err)
			}
			for n := range root.Descendants() {
				if n.Data == "a" && attr(n, "aria-current") == "" && text(n) == name && n.Parent.Data == "h2" {
					link = attr(n, "href")
				}
			}
			if link == "" {
				t.Errorf("%q is not listed", name)
				continue
			}
			page := s.submit(s.Get(link+"/new"), "/new", url.Values{field: {name}, "v.value": {"first"}, "then": {"edit"}})
			if got := flashes(t, page); page.Status != http.StatusOK || len(got) != 1 {
				t.Errorf("%q: creating: status %d, %q", name, page.Status, got)
				continue
			}
			page = s.submit(page, "", url.Values{"v.value": {"second"}, "then": {"edit"}})
			if got := s.value("SELECT value FROM " + q); got != "second" {
				t.Errorf("%q: editing: status %d, %v", name, page.Status, got)
			}
			page = s.submit(s.Get(page.URL+"/delete"), "/delete", nil)
			if got := s.value("SELECT count(*) FROM " + q); got != int64(0) {
				t.Errorf("%q: deleting: status %d, %v rows", name, page.Status, got)
			}
		}
	})
}

// What a browser sends is never part of a statement.
func TestInjection(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		s := newShopOn(t, k)
		hostile := []string{`'`, `"`, `' OR '1'='1`, `1; DROP TABLE tags; --`, `") ; DROP TABLE tags; --`, `name" DESC; DROP TABLE tags; --`, `(SELECT 1)`, `%`, `_`, `!`, `\`, "\x00", `1e999`, `-1`, `9223372036854775808`, strings.Repeat("9", 400)}
		params := []string{"sort", "dir", "q", "page", "after", "before", "o.name"}
		for _, value := range hostile {
			for _, param := range params {
				q := url.Values{param: {value}}
				if strings.HasPrefix(param, "o.") {
					q.Set("f."+param[2:], value)
				}
				if page := s.Get("/admin/t/tags?" + q.Encode()); page.Status >= 500 {
					t.Errorf("?%s: status %d", q.Encode(), page.Status)
				}
			}
			for op, column := range map[string]string{"is": "id", "not": "name", "has": "color", "begins": "id", "lt": "name", "ge": "id", "null": "name"} {
				q := url.Values{"o." + column: {op}, "f." + column: {value}}
				if page := s.Get("/admin/t/tags?" + q.Encode()); page.Status != http.StatusOK && (k.Dialect != admin.PostgreSQL || page.Status != http.StatusBadRequest) {
					t.Errorf("?%s: status %d", q.Encode(), page.Status)
				}
			}
			for _, path := range []string{"/t/" + url.PathEscape(value), "/t/tags/row/" + url.PathEscape(value), "/t/tags/row/" + url.PathEscape(value) + "/delete"} {
				if page := s.Get("/admin" + path); page.Status != http.StatusNotFound && page.Status != http.StatusOK {
					t.Errorf("%s: status %d", path, page.Status)
				}
			}
		}
		if n := s.value("SELECT count(*) FROM tags"); n != int64(12) {
			t.Errorf("there are %v tags", n)
		}
		if page := s.Get("/admin/t/tags?q=" + url.QueryEscape("%")); !strings.Contains(page.Body, "No row matches") {
			t.Error("a percent sign in the search finds everything")
		}
	})
}

// Who has no permission does not learn that a table exists.
func TestAccess(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		s := newShopOn(t, k, func(c *admin.Config) {
			c.Access = func(_ context.Context, principal, table string) admin.Permission {
				switch table {
				case "tags":
					return admin.Write
				case "products":
					return admin.Read
				}
				return admin.None
			}
		})
		for path, want := range map[string]int{
			"/t/tags": 200, "/t/tags/new": 200, "/t/tags/row/1": 200, "/t/tags/row/1/delete": 200,
			"/t/products": 200, "/t/products/row/1": 200, "/t/products/new": 403, "/t/products/row/1/delete": 403,
			"/t/orders": 404, "/t/orders/row/1": 404, "/t/orders/new": 404, "/t/sqlite_schema": 404, "/t/nothing": 404,
		} {
			page := s.Get("/admin" + path)
			if page.Status != want {
				t.Errorf("%s: status %d, want %d", path, page.Status, want)
			}
			if strings.Contains(page.Body, "order_lines") || strings.Contains(page.Body, "customers") {
				t.Errorf("%s names a table that is not to be seen", path)
			}
		}
		token := s.Get("/admin/").Field("csrf_token")
		for path, want := range map[string]int{"/t/products/row/1": 403, "/t/products/row/1/delete": 403, "/t/products/new": 403, "/t/orders/row/1/delete": 404} {
			if page := s.PostForm("/admin"+path, url.Values{"csrf_token": {token}}); page.Status != want {
				t.Errorf("POST %s: status %d, want %d", path, page.Status, want)
			}
		}
	})
}

// Sessions kept in the same database are never listed and never edited.
func TestOwnTables_areHidden(t *testing.T) {
	s := newSite(t, `CREATE TABLE scarab_sessions (handle BLOB PRIMARY KEY); CREATE TABLE Scarab_Sessions_revoked (x TEXT PRIMARY KEY); CREATE TABLE mine (id INTEGER PRIMARY KEY)`)
	if body := s.Get("/admin/").Body; strings.Contains(strings.ToLower(body), "scarab_sessions") || !strings.Contains(body, "mine") {
		t.Errorf("the list of tables:\n%s", body)
	}
	if page := s.Get("/admin/t/scarab_sessions"); page.Status != http.StatusNotFound {
		t.Errorf("status %d", page.Status)
	}
}

func TestLoginLinks(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := newShop(t)
	s.links.Clock = func() time.Time { return now }
	stranger := s.another

	link := s.links.New("eve")
	one, two := stranger(), stranger()
	first := one.Get("/admin" + link)
	second := two.Get("/admin" + link)
	if one.Get("/admin/").URL != "https://example.com/admin/login" {
		t.Error("looking at the link logs in")
	}
	if page := one.submit(first, "", nil); page.Status != http.StatusOK || !strings.Contains(page.Body, "Welcome, eve") {
		t.Errorf("the button: status %d\n%s", page.Status, page.Body)
	}
	if page := two.submit(second, "", nil); page.Status != http.StatusForbidden {
		t.Errorf("the button a second time: status %d", page.Status)
	}
	late := s.links.New("eve")
	three := stranger()
	page := three.Get("/admin" + late)
	now = now.Add(admin.LinkLifetime)
	if page := three.submit(page, "", nil); page.Status != http.StatusForbidden {
		t.Errorf("after five minutes: status %d", page.Status)
	}
	if page := stranger().Get("/admin/login/link?token=guess"); page.Status != http.StatusForbidden {
		t.Errorf("a guessed token: status %d", page.Status)
	}
}

// Nothing is shown to those who are not logged in, and nothing done.
func TestStrangers(t *testing.T) {
	s := newShop(t)
	other := s.NewBrowser()
	for _, path := range []string{"/", "/t/tags", "/t/tags/row/1", "/session", "/t/nothing"} {
		if page := other.Get("/admin" + path); page.URL != "https://example.com/admin/login" || strings.Contains(page.Body, "customers") {
			t.Errorf("%s led to %s", path, page.URL)
		}
	}
	if len(other.Cookies("https://example.com/admin/")) != 0 {
		t.Error("looking around got a cookie")
	}
	if page := other.PostForm("/admin/t/tags/row/1/delete", url.Values{}); page.Status != http.StatusForbidden {
		t.Errorf("POST: status %d", page.Status)
	}
}
