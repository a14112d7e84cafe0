package scarabtest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// echo answers with what of a request the tests look at.
func echo(w http.ResponseWriter, r *http.Request) {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	r.ParseForm()
	fmt.Fprintf(w, "%s %s://%s%s cookie=%q site=%s mode=%s origin=%s referer=%s form=%q",
		r.Method, scheme, r.Host, r.URL.Path, r.Header.Get("Cookie"), r.Header.Get("Sec-Fetch-Site"),
		r.Header.Get("Sec-Fetch-Mode"), r.Header.Get("Origin"), r.Header.Get("Referer"), r.PostForm.Encode())
}

func app() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", echo)
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "__Host-id", Value: "1", Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
		http.SetCookie(w, &http.Cookie{Name: "strict", Value: "1", Path: "/", Secure: true, SameSite: http.SameSiteStrictMode})
		http.SetCookie(w, &http.Cookie{Name: "__Host-bad", Value: "1", Path: "/x", Secure: true})
		http.Redirect(w, r, "/home", http.StatusSeeOther)
	})
	mux.HandleFunc("/to", func(w http.ResponseWriter, r *http.Request) {
		code := http.StatusTemporaryRedirect
		fmt.Sscan(r.URL.Query().Get("code"), &code)
		http.Redirect(w, r, r.URL.Query().Get("url"), code)
	})
	mux.HandleFunc("/short", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "the beginn")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	return mux
}

// What the server sees of each kind of request by a logged-in browser.
func TestClient_requests(t *testing.T) {
	c := NewClient(t, app())
	first := c.Get("/login")
	if first.URL != "https://example.com/home" || first.Status != http.StatusOK {
		t.Fatalf("login led to %d %s", first.Status, first.URL)
	}
	if len(first.Refused) != 1 || !strings.Contains(first.Refused[0], "__Host-bad") {
		t.Errorf("refused: %q", first.Refused)
	}
	both := `cookie="__Host-id=1; strict=1"`
	form := url.Values{"a": {"1"}}
	script := func(c *Client, method, url string) *Page {
		req, err := http.NewRequest(method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		p, err := c.Do(req)
		if err != nil {
			t.Error(err)
		}
		return p
	}
	for _, tt := range []struct {
		name string
		page *Page
		want string
	}{
		{"typed", c.Get("/x"),
			`GET https://example.com/x ` + both + ` site=none mode=navigate origin= referer= form=""`},
		{"a link", c.From("https://example.com/y#z").Get("/x"),
			`GET https://example.com/x ` + both + ` site=same-origin mode=navigate origin= referer=https://example.com/y form=""`},
		{"a form", c.PostForm("/x", form),
			`POST https://example.com/x ` + both + ` site=same-origin mode=navigate origin=https://example.com referer=https://example.com/ form="a=1"`},
		{"a script", script(c, "DELETE", "/x"),
			`DELETE https://example.com/x ` + both + ` site=same-origin mode=cors origin=https://example.com referer=https://example.com/ form=""`},
		{"a link elsewhere", c.From("https://evil.example/y").Get("/x"),
			`GET https://example.com/x cookie="__Host-id=1" site=cross-site mode=navigate origin= referer=https://evil.example/ form=""`},
		{"a form elsewhere", c.From("https://evil.example/y").PostForm("/x", form),
			`POST https://example.com/x cookie="" site=cross-site mode=navigate origin=https://evil.example referer=https://evil.example/ form="a=1"`},
		{"a script elsewhere", script(c.From("https://evil.example/"), "GET", "/x"),
			`GET https://example.com/x cookie="" site=cross-site mode=cors origin=https://evil.example referer=https://evil.example/ form=""`},
		{"a form of a sibling", c.From("https://blog.example.com/").PostForm("/x", form),
			`POST https://example.com/x ` + both + ` site=same-site mode=navigate origin=https://blog.example.com referer=https://blog.example.com/ form="a=1"`},
		{"another port", c.From("https://example.com:8443/").PostForm("/x", form),
			`POST https://example.com/x ` + both + ` site=same-site mode=navigate origin=https://example.com:8443 referer=https://example.com:8443/ form="a=1"`},
		{"http, where nothing is told of the site", c.PostForm("http://example.com/x", form),
			`POST http://example.com/x cookie="" site= mode= origin=http://example.com referer=http://example.com/ form="a=1"`},
		{"a redirect that keeps the method", c.PostForm("/to?url=/x", form),
			`POST https://example.com/x ` + both + ` site=same-origin mode=navigate origin=https://example.com referer=https://example.com/ form="a=1"`},
		{"a redirect that does not", c.PostForm("/to?code=302&url=/x", form),
			`GET https://example.com/x ` + both + ` site=same-origin mode=navigate origin= referer=https://example.com/ form=""`},
		{"a redirect by way of a stranger", c.PostForm("https://evil.example/to?url=https://example.com/x", form),
			`POST https://example.com/x cookie="" site=cross-site mode=navigate origin=https://evil.example referer=https://evil.example/ form="a=1"`},
		{"and back again", c.From("https://example.com/").PostForm("https://evil.example/to?url=https://example.com/x", form),
			`POST https://example.com/x ` + both + ` site=cross-site mode=navigate origin=null referer=https://example.com/ form="a=1"`},
	} {
		if tt.page.Body != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, tt.page.Body, tt.want)
		}
	}
	if p := c.NewBrowser().Get("/x"); !strings.Contains(p.Body, `cookie=""`) {
		t.Errorf("another browser has cookies: %s", p.Body)
	}
}

func TestClient_manualRedirects(t *testing.T) {
	c := NewClient(t, app())
	c.ManualRedirects = true
	p := c.Get("/login")
	if p.Status != http.StatusSeeOther || p.Header.Get("Location") != "/home" || len(p.SetCookies()) != 3 {
		t.Errorf("got %d to %q with %d cookies", p.Status, p.Header.Get("Location"), len(p.SetCookies()))
	}
}

func TestClient_redirectLoop(t *testing.T) {
	c := NewClient(t, http.RedirectHandler("/", http.StatusFound))
	req, _ := http.NewRequest("GET", "/", nil)
	if _, err := c.Do(req); err == nil {
		t.Error("a loop of redirects came to an end")
	}
}

// What came of an answer that was cut short is there, beside an error.
func TestClient_cutShort(t *testing.T) {
	req, _ := http.NewRequest("GET", "/short", nil)
	p, err := NewClient(t, app()).Do(req)
	if err == nil || p.Body != "the beginn" {
		t.Errorf("got %q and %v", p.Body, err)
	}
}

func TestClient_header(t *testing.T) {
	c := NewClient(t, app())
	c.Header = http.Header{"Sec-Fetch-Site": nil, "Origin": {"https://old.example"}}
	if p := c.PostForm("/x", nil); !strings.Contains(p.Body, " site= ") || !strings.Contains(p.Body, "origin=https://old.example ") {
		t.Errorf("got %s", p.Body)
	}
}

func TestClient_cookies(t *testing.T) {
	clock := NewClock(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	c := NewClient(t, app())
	c.Now = clock.Now
	if refused := c.SetCookie("https://evil.example.com/", "__Host-id=planted; Domain=example.com; Secure; Path=/"); refused == "" {
		t.Error("a neighbour has planted a cookie with a __Host- name")
	}
	if refused := c.SetCookie("https://evil.example.com/", "id=planted; Domain=example.com; Path=/; Max-Age=60; Secure"); refused != "" {
		t.Error(refused)
	}
	c.Get("/login")
	if got := c.Cookie("/", "id") + c.Cookie("/", "__Host-id") + c.Cookie("/", "none"); got != "planted1" {
		t.Errorf("got %q", got)
	}
	clock.Advance(time.Minute)
	if got := c.Cookie("/", "id"); got != "" {
		t.Errorf("the cookie is there after its time: %q", got)
	}
	if n := len(c.Cookies("/")); n != 2 {
		t.Errorf("%d cookies, want 2", n)
	}
	c.Restart()
	if n := len(c.Cookies("/")); n != 0 {
		t.Errorf("%d cookies after a restart, want 0", n)
	}
}

func TestPage_Field(t *testing.T) {
	p := Page{Body: `<form><input name="q"> <INPUT type='hidden'
		value="a&amp;b>c" Name='csrf_token'/><input value=plain name=x><input name="csrf_token" value="second">`}
	for name, want := range map[string]string{"csrf_token": "a&b>c", "x": "plain", "q": "", "none": ""} {
		if got := p.Field(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
