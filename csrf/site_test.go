package csrf_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/csrf"
)

// A site is a real server with sessions and a protection, and the browser of
// one visitor.
type site struct {
	*httptest.Server
	*browser
	p     *csrf.Protection
	store *mapStore
	saved atomic.Int64 // how often POST /save was served

	mu     sync.Mutex
	events []scarab.Event // of the protection
}

// newSite serves over TLS unless cfg is Insecure. Its pages are those that the
// tests need; more adds to them.
func newSite(t testing.TB, cfg csrf.Config, more ...func(*site, *http.ServeMux)) *site {
	t.Helper()
	store := &mapStore{}
	s := newSiteOn(t, scarab.Stored(store), cfg, more...)
	s.store = store
	return s
}

// newSiteOn is newSite with sessions elsewhere.
func newSiteOn(t testing.TB, backend scarab.Backend, cfg csrf.Config, more ...func(*site, *http.ServeMux)) *site {
	t.Helper()
	s := new(site)
	cfg.OnEvent = func(_ context.Context, e scarab.Event) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.events = append(s.events, e)
	}
	var err error
	if s.p, err = csrf.New(cfg); err != nil {
		t.Fatal(err)
	}
	sessions, err := scarab.New(backend, scarab.Config{Insecure: cfg.Insecure})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	page(mux, "GET /form", func(_ http.ResponseWriter, r *http.Request) (string, error) {
		field, err := csrf.Field(r.Context())
		return `<form method="post" action="/save">` + string(field) + `</form>`, err
	})
	page(mux, "GET /token", func(_ http.ResponseWriter, r *http.Request) (string, error) { return csrf.Token(r.Context()) })
	page(mux, "GET /plain", func(_ http.ResponseWriter, r *http.Request) (string, error) {
		session, err := scarab.From(r.Context())
		if err != nil {
			return "", err
		}
		return session.CSRFToken(), nil
	})
	page(mux, "POST /new-token", func(_ http.ResponseWriter, r *http.Request) (string, error) { return csrf.NewToken(r.Context()) })
	page(mux, "/start", func(_ http.ResponseWriter, r *http.Request) (string, error) {
		session, err := scarab.From(r.Context())
		if err == nil {
			session.Set("started", true)
		}
		return "started", err
	})
	page(mux, "POST /login", func(_ http.ResponseWriter, r *http.Request) (string, error) {
		session, err := scarab.From(r.Context())
		if err == nil {
			session.Login("ann")
		}
		return "logged in", err
	})
	page(mux, "POST /logout", func(_ http.ResponseWriter, r *http.Request) (string, error) {
		session, err := scarab.From(r.Context())
		if err == nil {
			session.Invalidate()
		}
		return "logged out", err
	})
	page(mux, "/save", func(http.ResponseWriter, *http.Request) (string, error) {
		s.saved.Add(1)
		return "saved", nil
	})
	page(mux, "GET /{$}", func(http.ResponseWriter, *http.Request) (string, error) { return "home", nil })
	for _, add := range more {
		add(s, mux)
	}
	h := sessions.Wrap(s.p.Wrap(mux))
	s.Server = httptest.NewUnstartedServer(h)
	s.Server.Config.ErrorLog = log.New(io.Discard, "", 0) // of clients that go away
	if cfg.Insecure {
		s.Start()
	} else {
		s.StartTLS()
	}
	t.Cleanup(s.Close)
	s.browser = s.visitor(t)
	return s
}

// page serves what f returns, and its error as the factory would.
func page(mux *http.ServeMux, pattern string, f func(http.ResponseWriter, *http.Request) (string, error)) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		text, err := f(w, r)
		if err != nil {
			scarab.DefaultOnError(w, r, err)
			return
		}
		io.WriteString(w, text)
	})
}

// kinds returns the events since the last call, as "kind reason".
func (s *site) kinds() (kinds []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		kinds = append(kinds, strings.TrimSpace(string(e.Kind)+" "+e.Reason))
	}
	s.events = nil
	return kinds
}

// A browser keeps cookies and does not follow redirects.
type browser struct {
	t      testing.TB
	client *http.Client
	base   string
}

// visitor is another browser.
func (s *site) visitor(t testing.TB) *browser {
	jar, _ := cookiejar.New(nil)
	return &browser{t: t, base: s.URL, client: &http.Client{
		Transport: s.Client().Transport, Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// An answer is a response that was read.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request with a form, if it is not nil, and headers as "Name: value".
// "Host: value" is the Host header.
func (b *browser) do(method, path string, form url.Values, headers ...string) answer {
	b.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
		headers = append(headers, "Content-Type: application/x-www-form-urlencoded")
	}
	return b.send(method, path, body, headers...)
}

func (b *browser) send(method, path string, body io.Reader, headers ...string) answer {
	b.t.Helper()
	r, err := http.NewRequest(method, b.base+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Add(name, value)
	}
	resp, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

// get fetches a page.
func (b *browser) get(path string) answer {
	b.t.Helper()
	a := b.do("GET", path, nil)
	if a.status != http.StatusOK {
		b.t.Fatalf("GET %s: %d %s", path, a.status, a.body)
	}
	return a
}

var fieldPattern = regexp.MustCompile(`<input type="hidden" name="csrf_token" value="([^"]*)">`)

// form fetches the page at path and returns the token in its form.
func (b *browser) form(path string) string {
	b.t.Helper()
	m := fieldPattern.FindStringSubmatch(b.get(path).body)
	if m == nil {
		b.t.Fatalf("%s has no token field", path)
	}
	return m[1]
}

// post sends a form with a token, as a browser of today does from a page of the
// site.
func (b *browser) post(path, token string) answer {
	b.t.Helper()
	return b.do("POST", path, url.Values{"csrf_token": {token}}, sameOrigin)
}

const (
	sameOrigin = "Sec-Fetch-Site: same-origin"
	crossSite  = "Sec-Fetch-Site: cross-site"
)

// want checks an answer's status and that its body contains text.
func (a answer) want(t testing.TB, status int, text string) {
	t.Helper()
	if a.status != status || !strings.Contains(a.body, text) {
		t.Errorf("the answer is %d %q; want %d %q", a.status, a.body, status, text)
	}
}
