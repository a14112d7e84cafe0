package main

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab/internal/leaks"
	"github.com/scarab-go/scarab/internal/testserver"
	"github.com/scarab-go/scarab/pyramid/internal/peer"
)

func TestMain(m *testing.M) { os.Exit(leaks.Check(testserver.Run(m))) }

// A browser visits the site: it knows one address, and follows redirects.
type browser struct {
	t    *testing.T
	base string
	http *http.Client
}

func newBrowser(t *testing.T, way string) *browser {
	t.Helper()
	target, err := url.Parse(peer.Start(t, "../../testdata/generate/interop_app.py"))
	if err != nil {
		t.Fatal(err)
	}
	site, err := newSite(target, way)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(site)
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, server.URL, &http.Client{Jar: jar, Timeout: 20 * time.Second}}
}

func (b *browser) answer(resp *http.Response, err error) (int, string) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func (b *browser) get(path string) string {
	b.t.Helper()
	status, body := b.answer(b.http.Get(b.base + path))
	if status != 200 {
		b.t.Fatalf("GET %s: status %d\n%s", path, status, body)
	}
	return body
}

func (b *browser) post(path string, pairs ...string) string {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	status, body := b.answer(b.http.PostForm(b.base+path, form))
	if status != 200 {
		b.t.Fatalf("POST %s: status %d\n%s", path, status, body)
	}
	return body
}

// read returns what Pyramid has at a key.
func (b *browser) read(key string) any {
	b.t.Helper()
	var answer struct{ V any }
	if err := json.Unmarshal([]byte(b.get("/get?k="+url.QueryEscape(key))), &answer); err != nil {
		b.t.Fatal(err)
	}
	return answer.V
}

var tokenField = regexp.MustCompile(`name="csrf_token" value="([0-9a-f]+)"`)

func (b *browser) token() string {
	b.t.Helper()
	m := tokenField.FindStringSubmatch(b.get("/account"))
	if m == nil {
		b.t.Fatal("no token on the page")
	}
	return m[1]
}

func (b *browser) shows(page, text string) {
	b.t.Helper()
	if !strings.Contains(html.UnescapeString(page), text) {
		b.t.Errorf("the page does not show %q:\n%s", text, page)
	}
}

// Both applications read and write one session: a login and flash messages
// cross from Go to Pyramid and from Pyramid to Go.
func TestShare(t *testing.T) {
	b := newBrowser(t, "share")
	b.post("/set", "k", "cart", "v", `["tea"]`) // Pyramid's page
	b.shows(b.get("/account"), "You are nobody.")

	// A form that Go rendered is posted to Go; the login is seen by Pyramid.
	b.shows(b.post("/login", "csrf_token", b.token(), "name", "anna"), "Welcome, anna.")
	if got := b.read("auth.userid"); got != "anna" {
		t.Errorf("Pyramid sees %v logged in", got)
	}
	if got := b.read("cart"); len(got.([]any)) != 1 {
		t.Errorf("after the login the cart is %v", got)
	}
	// Pyramid pushes a message, Go shows it; Go's form is posted to Pyramid.
	b.post("/flash", "m", "Your order is on its way.")
	page := b.get("/account")
	b.shows(page, "Your order is on its way.")
	b.shows(page, "You are anna.")
	b.post("/protected", "csrf_token", b.token())

	// The second crossing, the other way round: Pyramid logs somebody else in.
	b.post("/set", "k", "auth.userid", "v", `"bob"`)
	b.shows(b.get("/account"), "You are bob.")
	// Go says good bye, and Pyramid shows it.
	status, _ := b.answer((&http.Client{Jar: b.http.Jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}).PostForm(b.base+"/logout", url.Values{"csrf_token": {b.token()}}))
	if status != http.StatusSeeOther {
		t.Fatalf("logout: status %d", status)
	}
	b.shows(b.get("/pop"), "Good bye.")
	if got := b.read("auth.userid"); got != nil {
		t.Errorf("after the logout Pyramid sees %v", got)
	}
	if got := b.read("cart"); got != nil {
		t.Errorf("after the logout the cart is %v", got)
	}
}

// Go takes the session over, with everything in it, and what it ends does not
// come back with Pyramid's cookie.
func TestAdopt(t *testing.T) {
	b := newBrowser(t, "adopt")
	b.post("/set", "k", "auth.userid", "v", `"anna"`)
	b.post("/flash", "m", "From Pyramid.")
	old := b.cookie("session")
	page := b.get("/account")
	b.shows(page, "You are anna.")
	b.shows(page, "From Pyramid.")
	if b.cookie("id") == "" {
		t.Error("Go has no cookie of its own")
	}
	if strings.Contains(b.get("/account"), "From Pyramid.") {
		t.Error("the message is shown again")
	}
	b.shows(b.post("/logout", "csrf_token", b.token()), "Good bye.")
	b.shows(b.get("/account"), "You are nobody.")

	base, err := url.Parse(b.base)
	if err != nil {
		t.Fatal(err)
	}
	b.http.Jar.SetCookies(base, []*http.Cookie{{Name: "session", Value: old}})
	b.shows(b.get("/account"), "You are nobody.")
}

func (b *browser) cookie(name string) string {
	b.t.Helper()
	base, err := url.Parse(b.base)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.http.Jar.Cookies(base) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func TestNewSite_unknownWay(t *testing.T) {
	if _, err := newSite(&url.URL{}, "sideways"); err == nil {
		t.Error("no error")
	}
}
