package scarab_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/csrf"
	"github.com/scarab-go/scarab/internal/invariants"
	"github.com/scarab-go/scarab/memstore"
)

// A form is a page of a browser with a session, on a site with csrf.Protection.
type form struct {
	browser *invariants.Browser
	origin  string // of the site
	token   string
}

func newForm(t *testing.T, cfg csrf.Config) *form {
	t.Helper()
	p, err := csrf.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	site := probeSite(t, scarab.Config{})
	site.Serve(func(h http.Handler) http.Handler { return site.Factory.Wrap(p.Wrap(h)) })
	f := &form{browser: site.Browser(), origin: site.URL}
	f.browser.Do(doing(login))
	f.token = f.read(t)
	return f
}

func (f *form) read(t *testing.T) string {
	return f.browser.Do(func(v *visit) {
		token, err := csrf.Token(v.R.Context())
		if err != nil {
			t.Error(err)
		}
		v.Say(token)
	}).Body
}

// post returns the status of a request with the token and these headers, in
// pairs of name and value.
func (f *form) post(method, token string, headers ...string) int {
	return f.browser.Do(doing(reads), func(r *http.Request) {
		r.Method = method
		if token != "" {
			r.Header.Set("X-CSRF-Token", token)
		}
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
	}).Status
}

func TestProbe_csrf_1(t *testing.T) {
	// gorilla/csrf: with Secure(false), a form of the site's own, on plain http,
	// is "origin invalid".
	p, err := csrf.New(csrf.Config{Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	f, err := scarab.New(scarab.Stored(memstore.New()), scarab.Config{Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(f.Wrap(p.Wrap(f.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *scarab.Session) error {
		w.Header().Set("X-CSRF-Token", s.CSRFToken())
		return nil
	}))))
	defer server.Close()
	page, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	page.Body.Close()
	for origin, want := range map[string]int{server.URL: 200, "http://evil.example": 403} {
		r, err := http.NewRequest("POST", server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", origin)
		r.Header.Set("X-CSRF-Token", page.Header.Get("X-CSRF-Token"))
		for _, c := range page.Cookies() {
			r.AddCookie(c)
		}
		res, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		expect(t, "a form from "+origin, res.StatusCode, want)
	}
}

func TestProbe_csrf_2(t *testing.T) {
	// gorilla/csrf: a trusted origin is a host, whatever the scheme: who listens
	// on the way passes as http://partner.example.
	var mistake *csrf.ConfigError
	if _, err := csrf.New(csrf.Config{TrustedOrigins: []string{"partner.example"}}); !errors.As(err, &mistake) || mistake.Field != "TrustedOrigins[0]" {
		t.Errorf("a host as an origin: %v", err)
	}
	f := newForm(t, csrf.Config{TrustedOrigins: []string{"https://partner.example"}})
	expect(t, "http", f.post("POST", f.token, "Origin", "http://partner.example"), 403)
	expect(t, "another port", f.post("POST", f.token, "Origin", "https://partner.example:8443"), 403)
	expect(t, "https", f.post("POST", f.token, "Origin", "https://partner.example"), 200)
}

func TestProbe_csrf_3(t *testing.T) {
	// gorilla/csrf: a request without Origin and Referer is refused, so that
	// clients which are no browsers have to make one up.
	f := newForm(t, csrf.Config{})
	expect(t, "with the token", f.post("POST", f.token), 200)
	expect(t, "without", f.post("POST", ""), 403)
	expect(t, "with another", f.post("POST", "0123456789012345678901234567890123456789"), 403)
}

func TestProbe_cop_1(t *testing.T) {
	// CrossOriginProtection compares hosts only, and without the user: it lets
	// http://evil@victim.example post to https://victim.example.
	f := newForm(t, csrf.Config{})
	host := f.origin[len("https://"):]
	for _, origin := range []string{"http://evil@" + host, "https://evil@" + host, "http://" + host, "ftp://" + host, "//" + host, host} {
		expect(t, origin, f.post("POST", f.token, "Origin", origin), 403)
	}
	expect(t, f.origin, f.post("POST", f.token, "Origin", f.origin), 200)
}

func TestProbe_cop_2(t *testing.T) {
	// CrossOriginProtection: same-site and null are refused, and TRACE is not
	// safe. So it is here.
	f := newForm(t, csrf.Config{})
	expect(t, "same-site", f.post("POST", f.token, "Sec-Fetch-Site", "same-site"), 403)
	expect(t, "cross-site", f.post("POST", f.token, "Sec-Fetch-Site", "cross-site"), 403)
	expect(t, "same-origin", f.post("POST", f.token, "Sec-Fetch-Site", "same-origin"), 200)
	expect(t, "null", f.post("POST", f.token, "Origin", "null"), 403)
	expect(t, "TRACE", f.post("TRACE", f.token, "Sec-Fetch-Site", "cross-site"), 403)
	for _, safe := range []string{"GET", "HEAD", "OPTIONS"} {
		expect(t, safe, f.post(safe, "", "Sec-Fetch-Site", "cross-site"), 200)
	}
}

func TestProbe_fib_5(t *testing.T) {
	// fiber: the token is the same text on every page, which compression can
	// leak.
	f := newForm(t, csrf.Config{})
	second := f.read(t)
	if f.token == second {
		t.Errorf("two pages show the token %s", second)
	}
	for _, token := range []string{f.token, second, f.token} {
		expect(t, "a form with either", f.post("POST", token, "Sec-Fetch-Site", "same-origin"), 200)
	}
}
