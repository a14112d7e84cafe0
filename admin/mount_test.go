package admin_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/admin"
	"github.com/scarab-go/scarab/admin/internal/testdb"
	"github.com/scarab-go/scarab/memstore"
	"github.com/scarab-go/scarab/scarabtest"
)

// The interface works under any prefix, behind the login of the application and
// with its session factory, and no link of it leads out of the prefix.
func TestMount(t *testing.T) {
	for _, prefix := range []string{"", "/", "/admin", "/admin/", "/a/b.c/~d", "/управление"} {
		t.Run(prefix, func(t *testing.T) {
			db := testdb.Lite.Open(t)
			if _, err := db.Exec("CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT NOT NULL)"); err != nil {
				t.Fatal(err)
			}
			h, err := admin.New(db, admin.Config{Prefix: prefix, LoginURL: "/site/login"})
			if err != nil {
				t.Fatal(err)
			}
			factory, err := scarab.New(scarab.Stored(memstore.New()), scarab.Config{Cookie: scarab.Cookie{Name: "__Host-site"}})
			if err != nil {
				t.Fatal(err)
			}
			root := strings.TrimSuffix(prefix, "/")
			mux := http.NewServeMux()
			mux.Handle(root+"/", h)
			mux.Handle("GET /site/login", factory.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *scarab.Session) error {
				s.Login("eve")
				return nil
			}))
			s := &site{Client: scarabtest.NewClient(t, factory.Wrap(mux)), t: t, db: db, kind: testdb.Lite}
			if page := s.Get(root + "/t/books"); page.URL != "https://example.com/site/login" { // which logs in at once
				t.Fatalf("a stranger was led to %s", page.URL)
			}
			page := s.submit(s.Get(root+"/t/books/new"), "/t/books/new", url.Values{"v.title": {"Emma"}, "then": {"edit"}})
			if got := flashes(t, page); page.Status != http.StatusOK || len(got) != 1 || s.value("SELECT title FROM books") != "Emma" {
				t.Errorf("a new row: status %d, %q", page.Status, got)
			}
			escaped := (&url.URL{Path: root}).String()
			for _, path := range []string{"/", "/t/books", "/t/books/row/1", "/session"} {
				body, err := html.Parse(strings.NewReader(s.Get(root + path).Body))
				if err != nil {
					t.Fatal(err)
				}
				for n := range body.Descendants() {
					for _, name := range []string{"href", "src", "action"} {
						if to := attr(n, name); to != "" && !strings.HasPrefix(to, "#") && !strings.HasPrefix(to, root+"/") && !strings.HasPrefix(to, escaped+"/") && !strings.HasPrefix(strings.ToLower(to), strings.ToLower(escaped)+"/") {
							t.Errorf("%s: %s leads to %s", path, name, to)
						}
					}
				}
			}
			if page := s.Get(root + "/static/style.css"); page.Status != http.StatusOK || !strings.Contains(page.Header.Get("Content-Type"), "css") {
				t.Errorf("the stylesheet: status %d", page.Status)
			}
			if page := s.Get(root + "/nothing"); page.Status != http.StatusNotFound {
				t.Errorf("a page that is not there: status %d", page.Status)
			}
		})
	}
}

func TestNew_refuses(t *testing.T) {
	db := testdb.Lite.Open(t)
	for name, cfg := range map[string]admin.Config{
		"a prefix without a slash": {Prefix: "admin"}, "with a query": {Prefix: "/a?b"}, "with a pattern": {Prefix: "/{x}"}, "with dots": {Prefix: "/a/../b"}, "with a tab": {Prefix: "/a\tb"},
		"with a line": {Prefix: "/a\r\nb"}, "with two slashes": {Prefix: "//evil.example"}, "a timeout in the past": {Timeout: -1}, "less than nothing to upload": {MaxUpload: -1}, "an unknown dialect": {Dialect: "oracle"},
	} {
		if _, err := admin.New(db, cfg); err == nil || !strings.HasPrefix(err.Error(), "admin: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := admin.New(nil, admin.Config{}); err == nil {
		t.Error("without a database")
	}
}

// Outside of a session factory, the interface says what is missing and shows
// nothing.
func TestNew_withoutFactory(t *testing.T) {
	h, err := admin.New(testdb.Lite.Open(t), admin.Config{})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "https://example.com/", nil))
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "Tables") {
		t.Errorf("status %d\n%s", w.Code, w.Body)
	}
}
