package admin_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/scarab-go/scarab/admin"
	"github.com/scarab-go/scarab/admin/internal/rows"
	"github.com/scarab-go/scarab/admin/internal/schema"
	"github.com/scarab-go/scarab/admin/internal/testdb"
	"github.com/scarab-go/scarab/scarabtest"
	"github.com/scarab-go/scarab/sqlstore"
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

const script = "<script>alert(3)</script>"

// hostileTables are a table of a hostile name with a hostile value in each type
// of column that can hold one, and a table that points at it.
func hostileTables(k testdb.Kind) string {
	q := k.Dialect.Quote
	name, value := `x"><script>alert(2)</script>`, "'"+strings.ReplaceAll(evil, "'", "''")+"'"
	columns := map[admin.Dialect][]string{
		admin.SQLite:     {q(name) + " TEXT DEFAULT 'd'", "name VARCHAR(200)", "n INTEGER", "dec DECIMAL(5,2)", "r REAL", "b BOOLEAN", "d DATE", "dt DATETIME", "ti TIME", "j JSON", "u UUID", "bl BLOB", "anything"},
		admin.PostgreSQL: {q(name) + " TEXT DEFAULT '" + script + "'", "name VARCHAR(200)", "c CHAR(90)", "j JSON", "jb JSONB", "a TEXT[]", "bl BYTEA", "x XML", "ts TSVECTOR", "dom hostile_domain"},
		admin.MySQL:      {q(name) + " VARCHAR(99) DEFAULT '" + script + "'", "name VARCHAR(200)", "c CHAR(90)", "j JSON", "bl BLOB", "long_one LONGTEXT", "vb VARBINARY(99)"},
	}[k.Dialect]
	special := map[string]string{"j": `'{"x": "` + script + `"}'`, "jb": `'{"x": "` + script + `"}'`, "a": "ARRAY[" + value + "]", "x": "'<a>&lt;script></a>'", "ts": "'" + script + "'"}
	var values []string
	for _, c := range columns {
		v, ok := special[strings.Fields(c)[0]]
		if !ok || k.Dialect == admin.SQLite {
			v = value
		}
		values = append(values, v)
	}
	enum, before := "e TEXT CHECK (e IN ('"+script+"'))", ""
	switch k.Dialect {
	case admin.PostgreSQL:
		before, enum = "CREATE TYPE hostile AS ENUM ('"+script+"'); CREATE DOMAIN hostile_domain AS TEXT;", "e hostile"
	case admin.MySQL:
		enum = "e ENUM('" + script + "')"
	}
	return fmt.Sprintf(`%[1]s CREATE TABLE %[2]s (id INTEGER PRIMARY KEY, %[3]s, %[4]s); INSERT INTO %[2]s VALUES (1, %[5]s, '%[6]s');
		CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER, name VARCHAR(99), CONSTRAINT %[7]s CHECK (name <> 'x'), FOREIGN KEY (parent) REFERENCES %[2]s (id)); INSERT INTO child VALUES (1, 1, 'c');
		CREATE VIEW %[8]s AS SELECT * FROM %[2]s;`, before, q(name), strings.Join(columns, ", "), enum, strings.Join(values, ", "), script, q("c"+script), q("v"+script))
}

// Whatever is in the database is text on a page, in names as in values, in
// every type of column.
func TestXSS(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		s := newSiteOn(t, k, hostileTables(k), withState(t))
		if k.Dialect == admin.PostgreSQL {
			if _, err := s.db.Exec(`CREATE SCHEMA "s<script>"; CREATE TABLE "s<script>"."t" (id INTEGER PRIMARY KEY)`); err != nil {
				t.Fatal(err)
			}
			s.submit(s.Get("/admin/"), "/schema", nil)
		}
		home := s.Get("/admin/")
		harmless(t, "/admin/", home.Body)
		slugs := s.hrefs(home, "/admin/t/~")
		if want := map[bool]int{true: 3, false: 2}[k.Dialect == admin.PostgreSQL]; len(slugs) != want {
			t.Fatalf("listed are %q:\n%s", slugs, home.Body)
		}
		seen := 0
		for _, slug := range slugs {
			for _, path := range []string{slug, slug + "?q=" + url.QueryEscape(evil), slug + "?sort=" + url.QueryEscape(evil), slug + "?o." + url.QueryEscape(evil) + "=is&f." + url.QueryEscape(evil) + "=1",
				slug + "/new", slug + "/row/1", slug + "/row/1/delete", slug + "/new?clone=1"} {
				page := s.Get(path)
				seen += strings.Count(page.Body, "alert(1)")
				harmless(t, path, page.Body)
				if page.Status >= 500 || page.Status == 200 && !strings.Contains(page.Body, "</html>") {
					t.Errorf("%s: status %d\n%s", path, page.Status, page.Body)
				}
			}
		}
		if seen < 10 {
			t.Errorf("the values are seen %d times only", seen)
		}
		for _, path := range []string{"/t/child", "/t/child/row/1", "/t/" + url.PathEscape(evil), "/login/link?token=" + url.QueryEscape(evil), "/sessions", "/session"} {
			harmless(t, path, s.Get("/admin"+path).Body)
		}
		// What comes back: a refusal with the name of a check in it, a search
		// that finds nothing, a device that is none, the audit log.
		page := s.submit(s.Get("/admin/t/child/row/1"), "/row/1", url.Values{"v.name": {"x"}})
		if page.Status != http.StatusUnprocessableEntity {
			t.Errorf("a check: status %d", page.Status)
		}
		harmless(t, "a check", page.Body)
		harmless(t, "a search", s.Get("/admin/t/child?q="+url.QueryEscape(evil)).Body)
		harmless(t, "a message", s.submit(s.Get("/admin/t/child/row/1"), "/row/1", url.Values{"v.name": {evil}}).Body)
		harmless(t, "a deletion", s.submit(s.Get("/admin/t/child/row/1/delete"), "/row/1/delete", nil).Body)
		other := s.another()
		other.Header = http.Header{"User-Agent": {evil}}
		harmless(t, "a welcome", other.submit(other.Get("/admin"+s.links.New(evil)), "", nil).Body)
		for _, path := range []string{"/sessions", "/session", "/audit", "/sessions?user=" + url.QueryEscape(evil)} {
			page := s.Get("/admin" + path)
			harmless(t, path, page.Body)
			if path != "/session" && !strings.Contains(page.Body, "alert(1)") {
				t.Errorf("%s does not show it", path)
			}
		}
	})
}

// hrefs are the addresses in a page that begin so, each once.
func (s *site) hrefs(page *scarabtest.Page, prefix string) (out []string) {
	s.t.Helper()
	root, err := html.Parse(strings.NewReader(page.Body))
	if err != nil {
		s.t.Fatal(err)
	}
	for n := range root.Descendants() {
		if href := attr(n, "href"); n.Data == "a" && strings.HasPrefix(href, prefix) && !slices.Contains(out, href) && !strings.HasSuffix(href, "/new") {
			out = append(out, href)
		}
	}
	return out
}

// Whatever ends a line in a name, a key or a form, no header is made of it.
func TestHeaderInjection(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		name := "a\r\nX-Evil: 1\r\n\r\nb\"; filename=\"x.exe"
		q := k.Dialect.Quote(name)
		bytes := map[admin.Dialect]string{admin.SQLite: "BLOB", admin.PostgreSQL: "BYTEA", admin.MySQL: "BLOB"}[k.Dialect]
		content := map[bool]string{true: `'\x00'`, false: "x'00'"}[k.Dialect == admin.PostgreSQL]
		s := newSiteOn(t, k, "CREATE TABLE "+q+" ("+q+" VARCHAR(90) PRIMARY KEY, file "+bytes+", x VARCHAR(90)); INSERT INTO "+q+" VALUES ('a', "+content+", NULL)")
		s.ManualRedirects = true
		table := (&schema.Table{Name: name}).Slug()
		column := (&schema.Column{Name: name}).Slug()
		check := func(what string, page *scarabtest.Page, status int) {
			t.Helper()
			if page.Status != status || page.Header.Get("X-Evil") != "" {
				t.Errorf("%s: status %d, header %v\n%s", what, page.Status, page.Header, page.Body)
			}
			for _, values := range page.Header {
				for _, v := range values {
					if strings.ContainsAny(v, "\r\n") || strings.Contains(v, "x.exe") {
						t.Errorf("%s: %q", what, v)
					}
				}
			}
		}
		check("an export", s.Get("/admin/t/"+table+"/export/csv"), 200)
		check("a download", s.Get("/admin/t/"+table+"/row/a/file/file"), 200)
		for _, then := range []string{"edit", "list", "x\r\nX-Evil: 1"} {
			key := "k" + then + "\r\nX-Evil: 1\r\n"
			page := s.submit(s.Get("/admin/t/"+table+"/new"), "/new", url.Values{"v." + column: {key}, "then": {then}})
			check("a new row, then "+then, page, http.StatusSeeOther)
		}
		check("a download of that row", s.Get("/admin/t/"+table+"/row/"+rows.EncodeKey([]any{"kedit\nX-Evil: 1\n"})+"/file/file"), http.StatusNotFound)
		check("the session", s.submit(s.Get("/admin/session"), "/language", url.Values{"language": {"en"}, "back": {"/admin/\r\nX-Evil: 1"}}), http.StatusSeeOther)
		check("a language", s.submit(s.Get("/admin/session"), "/language", url.Values{"language": {"en\r\nX-Evil: 1"}}), http.StatusBadRequest)
		check("a login", s.another().Get("/admin/login?x=%0d%0aX-Evil:%201"), 200)
	})
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
		own := n.Data == "script" && strings.HasPrefix(attr(n, "src"), "/admin/static/") && text(n) == ""
		if n.Data == "script" && !own || n.Data == "style" || n.Data == "iframe" || n.Data == "img" && attr(n, "class") != "mark" {
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

// scarab's own tables are never listed and never edited: under any name and in
// any case, in another schema, through a view, and not as what a foreign key
// may point at.
func TestOwnTables_areHidden(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		statements := `CREATE TABLE Scarab_Anything (id INTEGER PRIMARY KEY, name VARCHAR(20)); INSERT INTO Scarab_Anything VALUES (1, 'secret');
			CREATE TABLE mine (id INTEGER PRIMARY KEY, who INTEGER, FOREIGN KEY (who) REFERENCES Scarab_Anything (id)); INSERT INTO mine VALUES (1, 1);`
		d := map[admin.Dialect]sqlstore.Dialect{admin.SQLite: sqlstore.SQLite, admin.PostgreSQL: sqlstore.PostgreSQL, admin.MySQL: sqlstore.MySQL}[k.Dialect]
		names := []string{"scarab_sessions", "web", "WEB_2"}
		if k.Dialect == admin.PostgreSQL {
			statements += "CREATE SCHEMA other;"
			names = append(names, "other.scarab_sessions", "other.web")
		}
		s := newSiteOn(t, k, statements)
		for _, name := range names {
			if err := sqlstore.New(s.db, d, sqlstore.Table(name)).CreateTable(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.db.Exec("CREATE VIEW innocent AS SELECT * FROM web"); err != nil {
			t.Fatal(err)
		}
		s.submit(s.Get("/admin/"), "/schema", nil)
		home := s.Get("/admin/")
		if links := s.hrefs(home, "/admin/t/"); !slices.Equal(links, []string{"/admin/t/mine"}) {
			t.Errorf("listed are %q", links)
		}
		for _, name := range append(names, "web_revoked", "innocent", "scarab_anything", "Scarab_Anything", "SCARAB_SESSIONS") {
			for _, path := range []string{"", "/new", "/row/1", "/export/csv"} {
				if page := s.Get("/admin/t/" + name + path); page.Status != http.StatusNotFound {
					t.Errorf("%s%s: status %d", name, path, page.Status)
				}
			}
		}
		for _, path := range []string{"/t/mine", "/t/mine/row/1", "/t/mine/new"} {
			if page := s.Get("/admin" + path); page.Status != http.StatusOK || strings.Contains(page.Body, "secret") || strings.Contains(strings.ToLower(page.Body), "scarab_anything") {
				t.Errorf("%s shows what it points at: status %d\n%s", path, page.Status, page.Body)
			}
		}
	})
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
