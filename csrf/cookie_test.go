package csrf_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/csrf"
)

// newCookieSite is a site without sessions.
func newCookieSite(t *testing.T, cfg csrf.Config, more ...func(*csrf.Protection, *http.ServeMux)) *site {
	t.Helper()
	if cfg.Codec == nil {
		cfg.Codec = codec("k")
	}
	s := &site{}
	var err error
	if s.p, err = csrf.New(cfg); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	page(mux, "GET /form", func(_ http.ResponseWriter, r *http.Request) (string, error) {
		field, err := csrf.Field(r.Context())
		return string(field), err
	})
	page(mux, "GET /token", func(_ http.ResponseWriter, r *http.Request) (string, error) { return csrf.Token(r.Context()) })
	page(mux, "/new-token", func(_ http.ResponseWriter, r *http.Request) (string, error) { return csrf.NewToken(r.Context()) })
	page(mux, "/save", func(http.ResponseWriter, *http.Request) (string, error) { return "saved", nil })
	for _, add := range more {
		add(s.p, mux)
	}
	if cfg.Insecure {
		s.Server = httptest.NewServer(s.p.Wrap(mux))
	} else {
		s.Server = httptest.NewTLSServer(s.p.Wrap(mux))
	}
	t.Cleanup(s.Close)
	s.browser = s.visitor(t)
	return s
}

func TestCookie(t *testing.T) {
	s := newCookieSite(t, csrf.Config{})
	if h := s.do("POST", "/save", nil, sameOrigin).header; h.Get("Set-Cookie") != "" {
		t.Errorf("a request that shows no token: %v", h)
	}
	a := s.get("/form")
	set, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	if set.Name != "__Host-csrf" || !set.Secure || !set.HttpOnly || set.Path != "/" || set.Domain != "" || set.SameSite != http.SameSiteLaxMode || set.MaxAge != 0 {
		t.Errorf("Set-Cookie: %v", set)
	}
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Vary") != "Cookie" {
		t.Errorf("%v", a.header)
	}
	one := fieldPattern.FindStringSubmatch(a.body)[1]
	two := s.form("/form")
	if one == two || one == noSession {
		t.Errorf("tokens %q, %q", one, two)
	}
	if h := s.get("/form").header; h.Get("Set-Cookie") != "" || h.Get("Cache-Control") != "no-store" {
		t.Errorf("the second page: %v", h)
	}
	for _, token := range []string{one, two, s.get("/token").body} {
		s.post("/save", token).want(t, http.StatusOK, "saved")
	}
	for _, token := range []string{"", noSession, strings.Repeat("0", 40), set.Value, one[:len(one)-1]} {
		if a := s.post("/save", token); a.status != http.StatusForbidden {
			t.Errorf("%q: %d", token, a.status)
		}
	}

	// Another visitor's token, and another visitor's cookie.
	other := s.visitor(t)
	other.post("/save", one).want(t, http.StatusForbidden, "no session")
	foreign := other.form("/form")
	s.post("/save", foreign).want(t, http.StatusForbidden, "wrong token")
	other.post("/save", foreign).want(t, http.StatusOK, "saved")

	fresh := s.post("/new-token", one).body
	s.post("/save", one).want(t, http.StatusForbidden, "wrong token")
	s.post("/save", fresh).want(t, http.StatusOK, "saved")
}

// Only what this codec made for this cookie counts, once.
func TestCookieForged(t *testing.T) {
	s := newCookieSite(t, csrf.Config{})
	const secret = "0c0262c3be7e818e1babb162a39a8f0fc472019a"
	value := func(key codec, name, payload string) string {
		v, _ := key.Encode(name, []byte(payload))
		return v
	}
	good := value("k", "__Host-csrf", secret)
	other := value("k", "__Host-csrf", strings.Repeat("1", 40))
	for name, tt := range map[string]struct {
		cookie string
		status int
	}{
		"good":                  {"__Host-csrf=" + good, http.StatusOK},
		"twice the same":        {"__Host-csrf=" + good + "; __Host-csrf=" + good, http.StatusOK},
		"two":                   {"__Host-csrf=" + good + "; __Host-csrf=" + other, http.StatusForbidden},
		"two, the other first":  {"__Host-csrf=" + other + "; __Host-csrf=" + good, http.StatusForbidden},
		"three":                 {"__Host-csrf=" + good + "; __Host-csrf=" + good + "; __Host-csrf=" + good, http.StatusForbidden},
		"none":                  {"a=b", http.StatusForbidden},
		"plain":                 {"__Host-csrf=" + secret, http.StatusForbidden},
		"empty":                 {"__Host-csrf=", http.StatusForbidden},
		"another key":           {"__Host-csrf=" + value("x", "__Host-csrf", secret), http.StatusForbidden},
		"made for another name": {"__Host-csrf=" + value("k", "__Host-session", secret), http.StatusForbidden},
		"under another name":    {"csrf=" + good, http.StatusForbidden},
		"signed, and empty":     {"__Host-csrf=" + value("k", "__Host-csrf", ""), http.StatusForbidden},
		"signed, and too short": {"__Host-csrf=" + value("k", "__Host-csrf", "short"), http.StatusForbidden},
		"signed, and too long":  {"__Host-csrf=" + value("k", "__Host-csrf", strings.Repeat("x", 200)), http.StatusForbidden},
	} {
		b := s.visitor(t)
		b.client.Jar = nil
		for _, token := range []string{secret, ""} {
			status := tt.status
			if token == "" {
				status = http.StatusForbidden
			}
			a := b.do("POST", "/save", url.Values{"csrf_token": {token}}, sameOrigin, "Cookie: "+tt.cookie)
			if a.status != status {
				t.Errorf("%s, token %q: %d %s", name, token, a.status, a.body)
			}
		}
		// A page gives whoever has no good cookie a new one.
		a := b.do("GET", "/form", nil, "Cookie: "+tt.cookie)
		if fresh := a.header.Get("Set-Cookie") != ""; fresh != (tt.status != http.StatusOK) {
			t.Errorf("%s: a new cookie: %v", name, fresh)
		}
	}
}

// One answer sets the cookie once, whatever its handler does, and also if it
// writes nothing or sends early hints.
func TestCookieIsSetOnce(t *testing.T) {
	must := func(token string, err error) string {
		if err != nil {
			t.Error(err)
		}
		return token
	}
	s := newCookieSite(t, csrf.Config{}, func(p *csrf.Protection, mux *http.ServeMux) {
		mux.HandleFunc("GET /many", func(w http.ResponseWriter, r *http.Request) {
			must(csrf.Token(r.Context()))
			must(csrf.NewToken(r.Context()))
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() { must(csrf.Token(r.Context())) })
			}
			wg.Wait()
			io.WriteString(w, must(csrf.NewToken(r.Context())))
		})
		mux.HandleFunc("GET /nothing", func(_ http.ResponseWriter, r *http.Request) { must(csrf.Token(r.Context())) })
		mux.Handle("GET /inner", p.Wrap(p.Require(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { must(csrf.Token(r.Context())) }))))
		mux.HandleFunc("GET /redirect", func(w http.ResponseWriter, r *http.Request) {
			must(csrf.Token(r.Context()))
			http.Redirect(w, r, "/", http.StatusSeeOther)
		})
		mux.HandleFunc("GET /hints", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			must(csrf.Token(r.Context()))
			w.WriteHeader(http.StatusOK)
		})
		mux.HandleFunc("GET /copy", func(w http.ResponseWriter, r *http.Request) {
			must(csrf.Token(r.Context()))
			io.Copy(w, strings.NewReader("copied"))
		})
		mux.HandleFunc("GET /flush", func(w http.ResponseWriter, r *http.Request) {
			must(csrf.Token(r.Context()))
			w.(http.Flusher).Flush()
		})
		mux.HandleFunc("GET /public", func(w http.ResponseWriter, r *http.Request) {
			must(csrf.Token(r.Context()))
			w.Header().Set("Cache-Control", "public")
			io.WriteString(w, "x")
		})
	})
	for _, path := range []string{"/many", "/nothing", "/inner", "/redirect", "/hints", "/copy", "/flush", "/public"} {
		a := s.visitor(t).do("GET", path, nil)
		if set := a.header["Set-Cookie"]; len(set) != 1 || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %q, %v", path, set, a.header)
		}
	}
	token := s.get("/many").body
	s.post("/save", token).want(t, http.StatusOK, "saved")
}

// A token that needs a cookie when the header is out is an error, not a form
// that will fail.
func TestCookieTooLate(t *testing.T) {
	var errs []error
	s := newCookieSite(t, csrf.Config{}, func(_ *csrf.Protection, mux *http.ServeMux) {
		mux.HandleFunc("GET /late", func(w http.ResponseWriter, r *http.Request) {
			errs = nil
			io.WriteString(w, "<html>")
			token, err := csrf.Token(r.Context())
			errs = append(errs, err)
			io.WriteString(w, token)
			_, err = csrf.NewToken(r.Context())
			errs = append(errs, err)
		})
		mux.HandleFunc("GET /hijacked", func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_, err = csrf.Token(r.Context())
			errs = []error{err}
			fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		})
	})
	s.get("/late")
	if len(errs) != 2 || !errors.Is(errs[0], scarab.ErrHeaderSent) || !errors.Is(errs[1], scarab.ErrHeaderSent) {
		t.Errorf("%v", errs)
	}
	s.get("/hijacked")
	if len(errs) != 1 || !errors.Is(errs[0], scarab.ErrHeaderSent) {
		t.Errorf("%v", errs)
	}
	s.form("/form") // brings the cookie
	token, _ := strings.CutPrefix(s.get("/late").body, "<html>")
	if len(errs) != 2 || errs[0] != nil || !errors.Is(errs[1], scarab.ErrHeaderSent) {
		t.Errorf("with the cookie: %v", errs)
	}
	s.post("/save", token).want(t, http.StatusOK, "saved")
}

// Over plain http there is neither Secure nor a prefix, and nothing else is
// different.
func TestCookieInsecure(t *testing.T) {
	s := newCookieSite(t, csrf.Config{Insecure: true})
	a := s.get("/form")
	if set := a.header.Get("Set-Cookie"); !strings.HasPrefix(set, "csrf=") || strings.Contains(set, "Secure") || !strings.Contains(set, "HttpOnly") {
		t.Errorf("Set-Cookie: %s", set)
	}
	s.post("/save", s.form("/form")).want(t, http.StatusOK, "saved")
}

// The writer of a site with a codec keeps what net/http's can do.
func TestCookieWriter(t *testing.T) {
	s := newCookieSite(t, csrf.Config{CookieName: "__Host-form"}, func(_ *csrf.Protection, mux *http.ServeMux) {
		mux.HandleFunc("GET /able", func(w http.ResponseWriter, _ *http.Request) {
			var _ = []any{w.(http.Flusher), w.(http.Hijacker), w.(io.ReaderFrom)}
			c := http.NewResponseController(w)
			if err := c.Flush(); err != nil {
				t.Error(err)
			}
			conn, rw, err := c.Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			var _ *bufio.ReadWriter = rw
			conn.Close()
		})
	})
	r, _ := http.NewRequest("GET", s.URL+"/able", nil)
	if resp, err := s.client.Do(r); err == nil {
		resp.Body.Close()
	}
	if set := s.get("/form").header.Get("Set-Cookie"); !strings.HasPrefix(set, "__Host-form=") {
		t.Errorf("Set-Cookie: %s", set)
	}
}
