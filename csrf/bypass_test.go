package csrf_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/csrf"
)

// A pattern exempts what it matches and not what the mux would redirect there:
// CVE-2025-47910. So whatever is served without a token is served by the
// handler that is exempt.
func TestBypass(t *testing.T) {
	patterns := []string{"POST /hook", "/files/", "PUT /objects/{id}", "hooks.example.com/", "/deep/{rest...}"}
	served := ""
	s := newSite(t, csrf.Config{}, func(_ *site, mux *http.ServeMux) {
		for _, pattern := range patterns {
			mux.HandleFunc(pattern, func(http.ResponseWriter, *http.Request) { served = pattern })
		}
		mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) { served = "/" })
		mux.HandleFunc("POST /files/secret", func(http.ResponseWriter, *http.Request) { served = "secret" })
	})
	for _, pattern := range patterns {
		if err := s.p.AddInsecureBypassPattern(pattern); err != nil {
			t.Fatal(err)
		}
	}
	exempt := map[string]string{
		"POST /hook":                     "POST /hook",
		"POST /files/":                   "/files/",
		"DELETE /files/a":                "/files/",
		"PUT /objects/1":                 "PUT /objects/{id}",
		"POST //hooks.example.com/x":     "hooks.example.com/",
		"POST /deep/a/b":                 "/deep/{rest...}",
		"POST /hook/":                    "",
		"PUT /hook":                      "",
		"POST /Hook":                     "",
		"POST /files":                    "", // redirected to /files/
		"POST /x/../hook":                "", // redirected to /hook
		"POST /./hook":                   "",
		"POST //hook":                    "",
		"POST /files//a":                 "",
		"POST /files/../save":            "",
		"POST /deep":                     "",
		"POST /deep/a/../../save":        "",
		"PUT /objects/1/2":               "",
		"PUT /objects/":                  "",
		"POST /save":                     "",
		"POST //other.example.com/x":     "",
		"POST /hook%2f..%2fsave":         "",
		"POST /files%2fa":                "",
		"POST //hooks.example.com//x":    "",
		"POST //hooks.example.com/../x/": "",
	}
	for request, want := range exempt {
		method, path, _ := strings.Cut(request, " ")
		headers := []string{crossSite, "Origin: https://evil.example"}
		if host, rest, ok := strings.Cut(strings.TrimPrefix(path, "//"), "/"); ok && strings.HasPrefix(path, "//") && strings.Contains(host, ".") {
			headers = append(headers, "Host: "+host)
			path = "/" + rest
		}
		served = ""
		a := s.do(method, path, nil, headers...)
		if served != want || (a.status == http.StatusForbidden) != (want == "") {
			t.Errorf("%s: %d, served by %q; want %q", request, a.status, served, want)
		}
	}
	// The exempt pattern is wider than the handler, which a pattern can be:
	// Require is for that.
	s.do("POST", "/files/secret", nil, crossSite)
	if served != "secret" {
		t.Errorf("served by %q", served)
	}
	for _, pattern := range []string{"", "hook", "POST", "/{", "POST /hook", "/{a}/{a}", "/objects/{id...}/x"} {
		var bad *csrf.ConfigError
		if err := s.p.AddInsecureBypassPattern(pattern); !errors.As(err, &bad) || bad.Value != pattern {
			t.Errorf("%q: %v", pattern, err)
		}
	}
	s.do("POST", "/hook", nil, crossSite).want(t, http.StatusOK, "")
}

// Require checks what a pattern exempts, and a request once.
func TestRequire(t *testing.T) {
	s := newSite(t, csrf.Config{}, func(s *site, mux *http.ServeMux) {
		if err := s.p.AddInsecureBypassPattern("/api/"); err != nil {
			t.Fatal(err)
		}
		mux.Handle("/api/", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		mux.Handle("/api/keys", s.p.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, r.FormValue("name"))
		})))
		mux.Handle("/keys", s.p.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, r.FormValue("name"))
		})))
	})
	s.get("/start")
	token := s.form("/form")
	s.do("POST", "/api/x", nil, crossSite).want(t, http.StatusOK, "")
	s.do("POST", "/api/keys", nil, crossSite).want(t, http.StatusForbidden, "cross-origin")
	s.do("POST", "/api/keys", nil).want(t, http.StatusForbidden, "no token")
	s.get("/api/keys")
	for _, path := range []string{"/api/keys", "/keys"} {
		a := s.do("POST", path, url.Values{"csrf_token": {token}, "name": {"N"}}, sameOrigin)
		a.want(t, http.StatusOK, "N")
		if vary := a.header["Vary"]; !slices.Contains(vary, "Sec-Fetch-Site, Origin") || len(vary) != 2 {
			t.Errorf("%s: Vary is %q", path, vary)
		}
	}
	if got, want := s.kinds(), []string{"csrf_blocked cross-origin", "csrf_blocked no token"}; !slices.Equal(got, want) {
		t.Errorf("events: %q, want %q", got, want)
	}
}

// Handler by handler, without Wrap: the page and what it posts to.
func TestRequireAlone(t *testing.T) {
	p, err := csrf.New(csrf.Config{})
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := scarab.New(scarab.Stored(&mapStore{}), scarab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/start", sessions.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *scarab.Session) error {
		s.Set("a", 1)
		return nil
	}))
	page(mux, "GET /form", func(_ http.ResponseWriter, r *http.Request) (string, error) {
		field, err := csrf.Field(r.Context())
		return string(field), err
	})
	mux.Handle("POST /save", p.Require(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "saved") })))
	mux.HandleFunc("POST /check", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, p.Check(r)) })
	s := &site{Server: httptest.NewTLSServer(sessions.Wrap(mux))}
	defer s.Close()
	b := s.visitor(t)
	if token := b.form("/form"); token != "no-session" {
		t.Errorf("the token of a visitor is %q", token)
	}
	b.post("/save", "no-session").want(t, http.StatusOK, "saved")
	b.do("POST", "/start", nil).want(t, http.StatusOK, "")
	token := b.form("/form")
	b.post("/save", token).want(t, http.StatusOK, "saved")
	b.post("/save", "").want(t, http.StatusForbidden, "no token")
	b.post("/check", token).want(t, http.StatusOK, "<nil>")
	b.post("/check", "").want(t, http.StatusOK, "csrf: no token")
	b.do("POST", "/check", nil, crossSite).want(t, http.StatusOK, "csrf: cross-origin: Sec-Fetch-Site")
}
