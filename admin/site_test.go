package admin_test

import (
	"bytes"
	"context"
	"database/sql"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/admin"
	"github.com/scarab-go/scarab/admin/internal/testdb"
	"github.com/scarab-go/scarab/admin/state"
	"github.com/scarab-go/scarab/memstore"
	"github.com/scarab-go/scarab/scarabtest"
)

// A site is an interface over a database, with a browser that is logged in.
type site struct {
	*scarabtest.Client
	t       testing.TB
	db      *sql.DB
	kind    testdb.Kind
	links   *admin.Links
	handler http.Handler
	factory *scarab.Factory
	state   *state.DB
}

func TestMain(m *testing.M) { testdb.Main(m) }

// newSite serves a database that the statements make.
func newSite(t testing.TB, statements string, change ...func(*admin.Config)) *site {
	t.Helper()
	return newSiteOn(t, testdb.Lite, statements, change...)
}

func newSiteOn(t testing.TB, k testdb.Kind, statements string, change ...func(*admin.Config)) *site {
	t.Helper()
	db := k.Open(t)
	if statements != "" {
		if _, err := db.Exec(statements); err != nil {
			t.Fatal(err)
		}
	}
	return serve(t, k, db, change...)
}

// newShop serves the sample database.
func newShop(t testing.TB, change ...func(*admin.Config)) *site {
	t.Helper()
	return newShopOn(t, testdb.Lite, change...)
}

func newShopOn(t testing.TB, k testdb.Kind, change ...func(*admin.Config)) *site {
	t.Helper()
	return serve(t, k, k.Shop(t), change...)
}

func serve(t testing.TB, k testdb.Kind, db *sql.DB, change ...func(*admin.Config)) *site {
	t.Helper()
	links, events, store := new(admin.Links), new(admin.Events), memstore.New()
	factory, err := scarab.New(scarab.Stored(store), scarab.Config{OnEvent: events.Record})
	if err != nil {
		t.Fatal(err)
	}
	cfg := admin.Config{
		Prefix: "/admin", Links: links, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Sessions: &admin.Sessions{Factory: factory, Store: store, Events: events},
	}
	for _, f := range change {
		f(&cfg)
	}
	h, err := admin.New(db, cfg)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/admin/", h)
	handler := factory.Wrap(mux)
	s := &site{Client: scarabtest.NewClient(t, handler), t: t, db: db, kind: k, links: links, handler: handler, factory: factory, state: cfg.State}
	s.logIn("admin")
	return s
}

// withState gives a site users and an audit log, and the administrator "admin".
func withState(t testing.TB) func(*admin.Config) {
	t.Helper()
	own, err := state.Open(t.Context(), testdb.Lite.Open(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := own.AddUser(t.Context(), state.User{Name: "admin", Admin: true}, password); err != nil {
		t.Fatal(err)
	}
	return func(c *admin.Config) { c.State = own }
}

const password = "a sentence that is long"

// another is the same site in another browser.
func (s *site) another() *site {
	other := *s
	other.Client = s.NewBrowser()
	return &other
}

// logInWith uses the form for name and password.
func (s *site) logInWith(name, password string) *scarabtest.Page {
	s.t.Helper()
	return s.submit(s.Get("/admin/login"), "/admin/login", url.Values{"name": {name}, "password": {password}})
}

func (s *site) logIn(name string) {
	s.t.Helper()
	page := s.Get("/admin" + s.links.New(name))
	page = s.submit(page, "", nil)
	if page.Status != http.StatusOK || !strings.Contains(page.Body, "Welcome, "+name) {
		s.t.Fatalf("logging in: status %d\n%s", page.Status, page.Body)
	}
}

// value asks the database.
func (s *site) value(query string, args ...any) any {
	s.t.Helper()
	for i := range args {
		query = strings.Replace(query, "?", s.kind.Dialect.Placeholder(i+1), 1)
	}
	var v any
	if err := s.db.QueryRowContext(context.Background(), query, args...).Scan(&v); err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return v
}

// A form is one of a page, as a browser would send it.
type form struct {
	action, enctype string
	values          url.Values
	buttons         []string // "name=value", and the text for those without
}

// submit sends the form of a page that has the wanted action, or the last one,
// with what set changes: no values at all for a name leave it out.
func (s *site) submit(page *scarabtest.Page, action string, set url.Values) *scarabtest.Page {
	s.t.Helper()
	f := s.find(page, action)
	for name, values := range set {
		_, ok := f.values[name]
		button := slices.ContainsFunc(f.buttons, func(b string) bool { return strings.HasPrefix(b, name+"=") })
		if !ok && !button && len(values) > 0 && !strings.HasPrefix(name, "n.") && !strings.HasPrefix(name, "v.") {
			s.t.Fatalf("the form has no field %q, only %v", name, f.values)
		}
		f.values[name] = values
	}
	to, err := url.Parse(page.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	if to, err = to.Parse(f.action); err != nil {
		s.t.Fatal(err)
	}
	tab := s.From(page.URL)
	if f.enctype != "multipart/form-data" {
		return tab.PostForm(to.String(), f.values)
	}
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	if err := w.WriteField("csrf_token", f.values.Get("csrf_token")); err != nil {
		s.t.Fatal(err)
	}
	for name, values := range f.values {
		if strings.ContainsAny(name, "\"\r\n") {
			s.t.Errorf("browsers do not send the name %q as it is", name)
		}
		for _, v := range values {
			if name != "csrf_token" {
				// Browsers send the ends of lines so.
				if err := w.WriteField(name, strings.ReplaceAll(v, "\n", "\r\n")); err != nil {
					s.t.Fatal(err)
				}
			}
		}
	}
	w.Close()
	return tab.Post(to.String(), w.FormDataContentType(), &body)
}

func (s *site) find(page *scarabtest.Page, action string) *form {
	s.t.Helper()
	root, err := html.Parse(strings.NewReader(page.Body))
	if err != nil {
		s.t.Fatal(err)
	}
	var last *form
	for n := range root.Descendants() {
		if n.Data == "form" && attr(n, "method") == "post" {
			f := readForm(n)
			if action != "" && strings.HasSuffix(f.action, action) {
				return f
			}
			if !strings.HasSuffix(f.action, "/language") {
				last = f
			}
		}
	}
	if action != "" || last == nil { // the form at the foot is asked for by its action
		s.t.Fatalf("page %s (%d) has no form that goes to %q:\n%s", page.URL, page.Status, action, page.Body)
	}
	return last
}

func readForm(n *html.Node) *form {
	f := &form{action: attr(n, "action"), enctype: attr(n, "enctype"), values: url.Values{}}
	for c := range n.Descendants() {
		name := attr(c, "name")
		switch c.Data {
		case "input":
			kind := attr(c, "type")
			if kind == "file" || (kind == "radio" || kind == "checkbox") && !has(c, "checked") {
				continue
			}
			f.values.Add(name, attr(c, "value"))
		case "textarea":
			f.values.Add(name, text(c))
		case "select":
			f.values.Add(name, selected(c))
		case "button":
			f.buttons = append(f.buttons, name+"="+attr(c, "value"))
		}
	}
	return f
}

func selected(n *html.Node) string {
	value, first := "", true
	for o := range n.Descendants() {
		if o.Data == "option" && (first || has(o, "selected")) {
			value, first = attr(o, "value"), false
		}
	}
	return value
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func text(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

// flashes are the messages that a page shows.
func flashes(t testing.TB, page *scarabtest.Page) []string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page.Body))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for n := range root.Descendants() {
		if kind, ok := strings.CutPrefix(attr(n, "class"), "flash "); ok && !strings.Contains(kind, "block") {
			for p := range n.Descendants() {
				if p.Data == "p" {
					out = append(out, kind+": "+text(p))
				}
			}
		}
	}
	return out
}
