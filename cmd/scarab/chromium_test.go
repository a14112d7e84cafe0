package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/scarab-go/scarab/admin"
	"github.com/scarab-go/scarab/admin/shop"
	"github.com/scarab-go/scarab/cmd/scarab/internal/browser"
	"github.com/scarab-go/scarab/internal/testserver"
)

// The tests in this file press the buttons of the real command in a real
// browser.

var chromium struct {
	sync.Mutex
	*browser.Browser
}

func closeChromium() {
	if chromium.Browser != nil {
		chromium.Close()
	}
}

// A page is a tab that a test looks at. Its methods fail the test.
type page struct {
	*browser.Tab
	t *testing.T
}

// newWindow opens a window with no cookies, in the browser that all tests
// share.
func newWindow(t *testing.T) *page {
	t.Helper()
	chromium.Lock()
	defer chromium.Unlock()
	if chromium.Browser == nil {
		b, err := browser.Start(context.Background())
		if errors.Is(err, browser.ErrMissing) {
			testserver.Missing(t, "Chromium", "chromium")
		}
		if err != nil {
			t.Fatal(err)
		}
		chromium.Browser = b
	}
	tab, err := chromium.Window()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tab.Close)
	return &page{tab, t}
}

func (p *page) must(err error) {
	p.t.Helper()
	if err != nil {
		text, _ := p.Text()
		address, _ := p.URL()
		p.t.Fatalf("%v\nat %s:\n%s", err, address, text)
	}
}

func (p *page) open(address string, want int) {
	p.t.Helper()
	status, err := p.Open(address)
	p.must(err)
	if status != want {
		p.t.Errorf("%s: status %d, want %d", address, status, want)
	}
}

func (p *page) click(selector string, want int) {
	p.t.Helper()
	status, err := p.Click(selector)
	p.must(err)
	if status != want {
		p.t.Errorf("%s: status %d, want %d", selector, status, want)
	}
}

func (p *page) fill(selector, text string) {
	p.t.Helper()
	p.must(p.Type(selector, text))
}

func (p *page) shows(want bool, text string) {
	p.t.Helper()
	got, err := p.Text()
	p.must(err)
	if strings.Contains(got, text) != want {
		p.t.Errorf("shows %q: %t, want %t\n%s", text, !want, want, got)
	}
}

func (p *page) logIn(s *process) {
	p.t.Helper()
	p.open(s.link, http.StatusOK)
	p.click("button.primary", http.StatusOK)
	p.shows(true, "Welcome, admin.")
}

func ask[T any](p *page, script string) T {
	p.t.Helper()
	v, err := browser.Evaluate[T](p.Tab, script)
	p.must(err)
	return v
}

// eachShop runs a test on the command over a shop in each kind of database.
func eachShop(t *testing.T, test func(t *testing.T, s *process)) {
	t.Run("sqlite", func(t *testing.T) { test(t, start(t, t.TempDir(), "--sessions", "memory:")) })
	t.Run("postgres", func(t *testing.T) {
		server := testserver.SharedPostgres(t)
		name := fmt.Sprintf("scarab_browser_%d", os.Getpid())
		administer(t, "pgx", server.DSN, "CREATE DATABASE "+name, "DROP DATABASE "+name+" WITH (FORCE)")
		u, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		u.Path = "/" + name
		fillShop(t, "pgx", u.String(), admin.PostgreSQL)
		test(t, start(t, t.TempDir(), "--sessions", "memory:", "--db", u.String()))
	})
	t.Run("mysql", func(t *testing.T) {
		server := testserver.SharedMySQL(t)
		name := fmt.Sprintf("scarab_browser_%d", os.Getpid())
		administer(t, "mysql", server.DSN, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4", "DROP DATABASE "+name)
		u, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		u.Path = "/" + name
		dsn, err := mysqlDSN(u.String())
		if err != nil {
			t.Fatal(err)
		}
		fillShop(t, "mysql", dsn, admin.MySQL)
		test(t, start(t, t.TempDir(), "--sessions", "memory:", "--db", u.String()))
	})
}

// administer carries out a statement now, and another when the test is done.
func administer(t *testing.T, driver, dsn, now, after string) {
	t.Helper()
	do := func(statement string) {
		db, err := sql.Open(driver, dsn)
		if err == nil {
			_, err = db.Exec(statement)
			err = errors.Join(err, db.Close())
		}
		if err != nil {
			t.Errorf("%s: %v", statement, err)
		}
	}
	do(now)
	t.Cleanup(func() { do(after) })
}

func fillShop(t *testing.T, driver, dsn string, d admin.Dialect) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err == nil {
		err = errors.Join(shop.Create(t.Context(), db, d), db.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Log in, create, see the message once, edit with a mistake, two tabs at odds,
// delete and undo.
func TestBrowser_rows(t *testing.T) {
	eachShop(t, func(t *testing.T, s *process) {
		p := newWindow(t)
		p.logIn(s)
		rows(p, s)
	})
}

// All of it works without scripts.
func TestBrowser_withoutScripts(t *testing.T) {
	s := start(t, t.TempDir(), "--sessions", "memory:")
	p := newWindow(t)
	p.must(p.WithoutScripts())
	p.logIn(s)
	rows(p, s)
	p.open(s.base+"/sessions", http.StatusOK)
	p.shows(true, "1 active")
	p.open(s.base+"/session", http.StatusOK)
	p.fill("#message0", "by hand")
	p.click(`button[value="push"]`, http.StatusOK)
	p.shows(true, "1 waiting")
}

func rows(p *page, s *process) {
	p.t.Helper()
	p.open(s.base+"/t/tags/new", http.StatusOK)
	p.fill(`[name="v.name"]`, "fragrant <b>")
	p.click(".row-form .actions .primary", http.StatusOK)
	p.shows(true, "The row was added to tags.")
	p.must(p.Reload())
	p.shows(false, "The row was added to tags.")

	p.open(s.base+"/t/customers/row/2", http.StatusOK)
	p.fill(`[name="v.email"]`, "daria.bergstroem.1@example.com")
	p.fill(`[name="v.city"]`, "Nara")
	p.click(".row-form .actions .primary", http.StatusUnprocessableEntity)
	p.shows(true, "Another row has this value already")
	p.shows(true, "Nothing is saved yet")
	if got := value(p, "v.city"); got != "Nara" {
		p.t.Errorf("what was typed became %q", got)
	}
	if got := ask[string](p, `document.activeElement.tagName + " " + document.querySelector('[name="v.email"]').getAttribute("aria-invalid")`); !strings.HasSuffix(got, " true") {
		p.t.Errorf("the field with the mistake: %q", got)
	}
	p.fill(`[name="v.email"]`, "another@example.com")
	p.click(".row-form .actions .primary", http.StatusOK)
	p.shows(true, "The row was saved.")

	second, err := p.Tab.Tab()
	p.must(err)
	other := &page{second, p.t}
	p.open(s.base+"/t/products/row/5", http.StatusOK)
	other.open(s.base+"/t/products/row/5", http.StatusOK)
	p.fill(`[name="v.name"]`, "First tab")
	p.click(".row-form .actions .primary", http.StatusOK)
	other.fill(`[name="v.name"]`, "Second tab")
	other.click(".row-form .actions .primary", http.StatusConflict)
	other.shows(true, "Someone else has changed this row")
	other.shows(true, "First tab")
	if got := value(other, "v.name"); got != "Second tab" {
		p.t.Errorf("what was typed became %q", got)
	}
	other.click(".row-form .actions .primary", http.StatusOK)
	other.Close()

	p.open(s.base+"/t/orders/row/3", http.StatusOK)
	p.click("a.danger", http.StatusOK)
	p.shows(true, "will be deleted too")
	p.click("form.actions .danger", http.StatusOK)
	p.shows(true, "was deleted from orders")
	p.click(".flash button", http.StatusOK)
	p.shows(true, "back in orders")
	p.open(s.base+"/t/orders/row/3", http.StatusOK)
	p.shows(true, "in order_lines")
}

func value(p *page, name string) string {
	p.t.Helper()
	return ask[string](p, `document.querySelector('[name="`+name+`"]').value`)
}

// A page of another site sends a form here, with the visitor's browser.
func TestBrowser_forgedPost(t *testing.T) {
	s := start(t, t.TempDir(), "--sessions", "memory:")
	p := newWindow(t)
	p.logIn(s)
	p.open(s.base+"/t/tags/row/12/delete", http.StatusOK)
	token := value(p, "csrf_token")
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `<!doctype html><form method="post" action="%s/t/tags/row/12/delete"><input name="csrf_token" value="%s"><button id="go">Win a prize</button></form>`, s.base, token)
	}))
	defer evil.Close()
	// Under another name, it is another site.
	p.open(strings.Replace(evil.URL, "127.0.0.1", "localhost", 1), http.StatusOK)
	p.must(p.Press("#go"))
	p.must(p.Wait(".status-code"))
	p.shows(true, "403")
	p.shows(true, "nothing was changed")
	// From another port of the same name the cookie comes along, and it is
	// another origin all the same.
	p.open(evil.URL, http.StatusOK)
	p.click("#go", http.StatusForbidden)
	p.open(s.base+"/t/tags/row/12", http.StatusOK)
}

// An operator ends a session from a second browser; the page that is open there
// notices by itself.
func TestBrowser_endedFromElsewhere(t *testing.T) {
	s := start(t, emptyDir(t))
	victim := newWindow(t)
	victim.logIn(s)
	victim.open(s.base+"/sessions", http.StatusOK)
	if _, err := io.WriteString(s.in, "\n"); err != nil {
		t.Fatal(err)
	}
	s.readLink()
	operator := newWindow(t)
	operator.logIn(s)
	operator.open(s.base+"/sessions", http.StatusOK)
	operator.shows(true, "2 active")
	// Of two sessions of one user the other is the one without the mark.
	operator.must(operator.Press(`tr:not(:has(.tag)) button[form="end"]`))
	operator.must(operator.Wait(".flash.success"))
	operator.shows(true, "The session was ended.")
	victim.must(victim.Wait("body.door"))
	victim.open(s.base+"/t/nothing", http.StatusOK)
	if address, err := victim.URL(); err != nil || !strings.HasSuffix(address, "/login") {
		t.Errorf("the ended session is at %s, %v", address, err)
	}
}

func TestBrowser_languages(t *testing.T) {
	s := start(t, emptyDir(t), "--sessions", "memory:")
	p := newWindow(t)
	p.logIn(s)
	for language, word := range map[string]string{"ru": "Таблицы", "ja": "テーブル", "en": "Tables"} {
		p.click(`.foot button[value="`+language+`"]`, http.StatusOK)
		p.shows(true, word)
		if got := ask[string](p, "document.documentElement.lang"); got != language {
			t.Errorf("lang=%q, want %q", got, language)
		}
	}
	visitor := newWindow(t)
	visitor.must(visitor.Languages("ja,en;q=0.5"))
	visitor.open(s.base+"/login", http.StatusOK)
	visitor.shows(true, "ログイン")
}

// Everything can be reached and done by keyboard.
func TestBrowser_keyboard(t *testing.T) {
	s := start(t, t.TempDir(), "--sessions", "memory:")
	p := newWindow(t)
	p.open(s.link, http.StatusOK)
	tabTo(p, "button.primary")
	if _, err := p.KeyTo("\r"); err != nil {
		t.Fatal(err)
	}
	p.shows(true, "Welcome, admin.")
	p.open(s.base+"/t/tags", http.StatusOK)
	p.must(p.Key("\t"))
	if got := ask[string](p, "document.activeElement.className"); got != "skip" {
		t.Errorf("the first stop is %q", got)
	}
	tabTo(p, "tbody .row-link")
	if _, err := p.KeyTo("\r"); err != nil {
		t.Fatal(err)
	}
	tabTo(p, `[name="v.color"]`)
	p.must(p.Key("\b\b\b\b\b\b\b\b"))
	p.must(p.Key("#0a0b0c"))
	if _, err := p.KeyTo("\r"); err != nil { // Enter saves, and does nothing else
		t.Fatal(err)
	}
	p.shows(true, "The row was saved.")
	p.shows(true, "#0a0b0c")
}

// tabTo moves the focus as the key does, until it is there.
func tabTo(p *page, selector string) {
	p.t.Helper()
	for range 100 {
		p.must(p.Key("\t"))
		if ask[bool](p, "document.activeElement.matches("+browser.Quote(selector)+")") {
			return
		}
	}
	p.t.Fatalf("the focus never gets to %s", selector)
}
