package csrf_test

import (
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/csrf"
)

const noSession = "no-session" // the marker

// A visitor who only looks at a form costs nothing: no session, no cookie, no
// store call; and what he posts is accepted.
func TestVisitorWithoutSession(t *testing.T) {
	s := newSite(t, csrf.Config{})
	for range 3 {
		if token := s.form("/form"); token != noSession {
			t.Errorf("the form holds %q", token)
		}
	}
	a := s.get("/token")
	if a.body != noSession || a.header.Get("Set-Cookie") != "" || a.header.Get("Vary") != "Cookie" {
		t.Errorf("%q, %v", a.body, a.header)
	}
	if n, sessions := s.store.count(), s.store.all(); n != 0 || len(sessions) != 0 {
		t.Errorf("%d store calls, sessions %v", n, sessions)
	}
	s.post("/save", noSession).want(t, http.StatusOK, "saved")
	s.do("POST", "/save", nil, sameOrigin, "X-CSRF-Token: "+noSession).want(t, http.StatusOK, "saved")
	if n := s.store.count(); n != 0 {
		t.Errorf("%d store calls", n)
	}
}

// The marker is no secret, so the browser must say where the request is from.
func TestMarkerNeedsEvidence(t *testing.T) {
	for _, mode := range []csrf.Mode{csrf.OriginAndToken, csrf.TokenOnly} {
		s := newSite(t, csrf.Config{Mode: mode, TrustedOrigins: []string{"https://pay.example.org"}})
		form := url.Values{"csrf_token": {noSession}}
		for header, status := range map[string]int{
			sameOrigin:                          http.StatusOK,
			"Origin: " + s.URL:                  http.StatusOK,
			"Referer: " + s.URL + "/form":       http.StatusOK,
			"Origin: https://pay.example.org":   http.StatusOK,
			"Sec-Fetch-Site: none":              http.StatusForbidden,
			"X-None: 1":                         http.StatusForbidden,
			crossSite:                           http.StatusForbidden,
			"Sec-Fetch-Site: same-site":         http.StatusForbidden,
			"Origin: null":                      http.StatusForbidden,
			"Origin: https://evil.example":      http.StatusForbidden,
			"Referer: https://evil.example/a/b": http.StatusForbidden,
		} {
			if a := s.do("POST", "/save", form, header); a.status != status {
				t.Errorf("%v, %s: %d, want %d", mode, header, a.status, status)
			}
		}
	}
}

// A form from before the session was started in another tab has to be loaded
// again: who has a session has something to lose.
func TestMarkerWithSession(t *testing.T) {
	s := newSite(t, csrf.Config{})
	token := s.form("/form")
	s.get("/start")
	s.post("/save", token).want(t, http.StatusForbidden, "marker too old")
	s.post("/save", s.form("/form")).want(t, http.StatusOK, "saved")
}

// An attacker who plants a dead cookie does not turn a live session into none,
// and a dead one does not lock the visitor out.
func TestMarkerWithDeadCookie(t *testing.T) {
	s := newSite(t, csrf.Config{})
	s.do("POST", "/save", url.Values{"csrf_token": {noSession}}, sameOrigin, "Cookie: __Host-session=forged").want(t, http.StatusOK, "saved")
	s.get("/start")
	s.do("POST", "/save", url.Values{"csrf_token": {noSession}}, sameOrigin, "Cookie: __Host-session=forged").want(t, http.StatusForbidden, "marker too old")
}

// A page that renders a form and then starts the session is a mistake that
// would show only when the form is sent, so an event says it.
func TestMarkerThenSession(t *testing.T) {
	render := func(r *http.Request) (string, error) {
		field, err := csrf.Field(r.Context())
		return string(field), err
	}
	start := func(r *http.Request) error {
		session, err := scarab.From(r.Context())
		if err == nil {
			session.Set("started", true)
		}
		return err
	}
	s := newSite(t, csrf.Config{}, func(_ *site, mux *http.ServeMux) {
		page(mux, "GET /wrong", func(_ http.ResponseWriter, r *http.Request) (string, error) {
			text, err := render(r)
			if err == nil {
				err = start(r)
			}
			return text, err
		})
		page(mux, "GET /right", func(_ http.ResponseWriter, r *http.Request) (string, error) {
			if err := start(r); err != nil {
				return "", err
			}
			return render(r)
		})
	})
	token := s.form("/wrong")
	if got, want := s.kinds(), []string{"csrf_marker_outdated marker too old"}; !slices.Equal(got, want) {
		t.Errorf("events: %q, want %q", got, want)
	}
	s.post("/save", token).want(t, http.StatusForbidden, "start the session first")
	s.kinds()

	s.browser = s.visitor(t)
	s.post("/save", s.form("/right")).want(t, http.StatusOK, "saved")
	if got := s.kinds(); got != nil {
		t.Errorf("events: %q", got)
	}
}

// A session has its token from the first commit on, so a page that streams can
// show it when the header is out.
func TestTokenInStream(t *testing.T) {
	s := newSite(t, csrf.Config{}, func(_ *site, mux *http.ServeMux) {
		mux.HandleFunc("GET /stream", func(w http.ResponseWriter, r *http.Request) {
			session, err := scarab.From(r.Context())
			if err != nil {
				t.Error(err)
			}
			session.Set("started", true)
			io.WriteString(w, "<html>")
			w.(http.Flusher).Flush()
			field, err := csrf.Field(r.Context())
			if err != nil {
				t.Error(err)
			}
			io.WriteString(w, string(field))
		})
	})
	token := s.form("/stream")
	calls := s.store.count()
	if calls != 1 {
		t.Errorf("%d store calls: the token was not saved with the session", calls)
	}
	s.post("/save", token).want(t, http.StatusOK, "saved")
}

// Forms of several tabs, of any age, work until the token is replaced.
func TestTabs(t *testing.T) {
	s := newSite(t, csrf.Config{})
	s.get("/start")
	var tabs []string
	for range 5 {
		tabs = append(tabs, s.form("/form"))
	}
	tabs = append(tabs, s.get("/token").body, s.get("/plain").body)
	slices.Reverse(tabs)
	for _, token := range tabs {
		s.post("/save", token).want(t, http.StatusOK, "saved")
		s.form("/form") // is rendered again
	}
	for _, token := range tabs {
		s.post("/save", token).want(t, http.StatusOK, "saved")
	}
	slices.Sort(tabs)
	if n := len(slices.Compact(tabs)); n != 7 {
		t.Errorf("%d different tokens of 7", n)
	}
}

// I24: the token changes with login, and the old one is refused; at logout the
// session is gone with it.
func TestI24(t *testing.T) {
	t.Run("stored", func(t *testing.T) { testI24(t, scarab.Stored(&mapStore{})) })
	t.Run("in the cookie", func(t *testing.T) { testI24(t, scarab.InCookie(codec("k"))) })
}

func testI24(t *testing.T, backend scarab.Backend) {
	s := newSiteOn(t, backend, csrf.Config{})
	visitor := s.form("/form")
	s.get("/start")
	before, plain := s.form("/form"), s.get("/plain").body
	s.post("/login", before).want(t, http.StatusOK, "logged in")
	for _, old := range []string{visitor, before, plain} {
		if a := s.post("/save", old); a.status != http.StatusForbidden {
			t.Errorf("%q from before the login: %d", old, a.status)
		}
	}
	during := s.form("/form")
	if s.get("/plain").body == plain {
		t.Error("login keeps the token")
	}
	s.post("/save", during).want(t, http.StatusOK, "saved")
	s.post("/logout", during).want(t, http.StatusOK, "logged out")
	s.post("/save", during).want(t, http.StatusForbidden, "no session")
	s.post("/login", s.form("/form")).want(t, http.StatusOK, "logged in")
	s.post("/save", during).want(t, http.StatusForbidden, "wrong token")
	s.post("/save", s.form("/form")).want(t, http.StatusOK, "saved")
}

// A login by someone without a session gives the new session its token.
func TestLoginOfVisitor(t *testing.T) {
	s := newSite(t, csrf.Config{})
	s.post("/login", s.form("/form")).want(t, http.StatusOK, "logged in")
	s.post("/save", s.form("/form")).want(t, http.StatusOK, "saved")
}

func TestNewToken(t *testing.T) {
	s := newSite(t, csrf.Config{})
	s.get("/start")
	old := s.form("/form")
	fresh := s.post("/new-token", old).body
	s.post("/save", old).want(t, http.StatusForbidden, "wrong token")
	s.post("/save", fresh).want(t, http.StatusOK, "saved")

	s.browser = s.visitor(t) // who has no session gets one
	fresh = s.post("/new-token", s.form("/form")).body
	s.post("/save", fresh).want(t, http.StatusOK, "saved")
}

// A page with a token must not be stored, and one with the marker depends on
// the cookie.
func TestCaching(t *testing.T) {
	s := newSite(t, csrf.Config{})
	for _, path := range []string{"/form", "/token"} {
		if h := s.get(path).header; h.Get("Cache-Control") != "private" || h.Get("Vary") != "Cookie" {
			t.Errorf("%s of a visitor: %v", path, h)
		}
	}
	s.get("/start")
	for _, path := range []string{"/form", "/token", "/plain"} {
		if h := s.get(path).header; h.Get("Cache-Control") != "no-store" || h.Get("Vary") != "Cookie" {
			t.Errorf("%s: %v", path, h)
		}
	}
	if h := s.get("/").header; h.Get("Cache-Control") != "" || h.Get("Vary") != "" {
		t.Errorf("a page without session: %v", h)
	}
}

// What a check finds in the session it does not change: no token is made, and
// an answer without one may be stored.
func TestCheckStoresNothing(t *testing.T) {
	s := newSite(t, csrf.Config{}, func(_ *site, mux *http.ServeMux) {
		page(mux, "POST /forget", func(_ http.ResponseWriter, r *http.Request) (string, error) {
			session, err := scarab.From(r.Context())
			if err == nil {
				session.Delete("_csrft_")
			}
			return "forgotten", err
		})
		page(mux, "POST /odd", func(_ http.ResponseWriter, r *http.Request) (string, error) {
			session, err := scarab.From(r.Context())
			if err == nil {
				session.Set("_csrft_", r.FormValue("as"))
			}
			return "odd", err
		})
	})
	s.get("/start")
	token := s.form("/form")
	if a := s.post("/save", token); a.header.Get("Cache-Control") == "no-store" {
		t.Errorf("the answer to a form: %v", a.header)
	}
	s.post("/forget", token).want(t, http.StatusOK, "forgotten")
	before := s.store.count()
	s.post("/save", token).want(t, http.StatusForbidden, "wrong token")
	if n := s.store.count() - before; n != 1 {
		t.Errorf("%d store calls", n)
	}
	s.post("/save", s.form("/form")).want(t, http.StatusOK, "saved")

	// A session whose token is none, which another program can have stored,
	// verifies nothing and gets a new one.
	for _, odd := range []string{"", "short", strings.Repeat("x", 500)} {
		s.do("POST", "/odd", url.Values{"csrf_token": {s.form("/form")}, "as": {odd}}, sameOrigin).want(t, http.StatusOK, "odd")
		for _, sent := range []string{odd, "", noSession} {
			if a := s.do("POST", "/save", nil, sameOrigin, "X-CSRF-Token: "+sent); a.status != http.StatusForbidden {
				t.Errorf("%.10q verifies %.10q: %d", odd, sent, a.status)
			}
		}
		s.post("/save", s.form("/form")).want(t, http.StatusOK, "saved")
	}
}

// OriginOnly has no tokens, so pages that would show one stay as they are.
func TestOriginOnly(t *testing.T) {
	s := newSite(t, csrf.Config{Mode: csrf.OriginOnly})
	s.get("/start")
	before := s.store.count()
	if text := s.get("/form").body; text != `<form method="post" action="/save"></form>` {
		t.Errorf("the form is %q", text)
	}
	if a := s.get("/token"); a.body != "" || a.header.Get("Cache-Control") != "" {
		t.Errorf("%q, %v", a.body, a.header)
	}
	s.do("POST", "/new-token", nil, sameOrigin).want(t, http.StatusOK, "")
	s.do("POST", "/save", nil, sameOrigin).want(t, http.StatusOK, "saved")
	s.do("POST", "/save", nil).want(t, http.StatusOK, "saved")
	s.do("POST", "/save", nil, crossSite).want(t, http.StatusForbidden, "cross-site")
	if n := s.store.count() - before; n != 0 {
		t.Errorf("%d store calls", n)
	}
	for _, r := range s.store.all() {
		if strings.Contains(string(r.Data), "_csrft_") {
			t.Errorf("the session has a token: %q", r.Data)
		}
	}
}

// TokenOnly does not look at the origin of what has a token.
func TestTokenOnly(t *testing.T) {
	s := newSite(t, csrf.Config{Mode: csrf.TokenOnly})
	s.get("/start")
	token := s.form("/form")
	for _, from := range []string{sameOrigin, crossSite, "Origin: https://evil.example", "Origin: null", "X-None: 1"} {
		a := s.do("POST", "/save", url.Values{"csrf_token": {token}}, from)
		a.want(t, http.StatusOK, "saved")
		if vary := a.header.Get("Vary"); strings.Contains(vary, "Sec-Fetch-Site") {
			t.Errorf("%s: Vary is %q", from, vary)
		}
		s.do("POST", "/save", nil, from).want(t, http.StatusForbidden, "no token")
	}
}

// Requests, new patterns and the goroutines of a handler run at the same time.
func TestConcurrent(t *testing.T) {
	s := newSite(t, csrf.Config{}, func(_ *site, mux *http.ServeMux) {
		page(mux, "GET /many", func(_ http.ResponseWriter, r *http.Request) (string, error) {
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					if _, err := csrf.Field(r.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			return csrf.Token(r.Context())
		})
	})
	for _, start := range []string{"/form", "/start"} {
		s.get(start)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				s.post("/save", s.get("/many").body).want(t, http.StatusOK, "saved")
				if err := s.p.AddInsecureBypassPattern("POST /free/" + path.Base(start) + string(rune('a'+i))); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
}
