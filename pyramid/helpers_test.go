package pyramid

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/leaks"
	"github.com/scarab-go/scarab/internal/testserver"
)

func TestMain(m *testing.M) { os.Exit(account(leaks.Check(testserver.Run(m)))) }

// An app is a Go application whose clock the test sets.
type app struct {
	t      testing.TB
	f      *scarab.Factory
	now    time.Time
	name   string
	cookie string // what the browser has
	events []scarab.Event
}

// newApp makes an application with cookies as Pyramid sets them; change may
// change the rest.
func newApp(t testing.TB, b scarab.Backend, change ...func(*scarab.Config)) *app {
	t.Helper()
	a := &app{t: t, now: time.Unix(1700000000, 0), name: "session"}
	cfg := scarab.Config{
		Insecure: true, Cookie: scarab.Cookie{Name: a.name},
		IdleTimeout: 20 * time.Minute, Lifetime: scarab.Never, TouchInterval: 1,
		Clock:   func() time.Time { return a.now },
		OnEvent: func(_ context.Context, e scarab.Event) { a.events = append(a.events, e) },
	}
	for _, f := range change {
		f(&cfg)
	}
	a.name = cfg.Cookie.Name
	var err error
	if a.f, err = scarab.New(b, cfg); err != nil {
		t.Fatal(err)
	}
	return a
}

// do handles a request with a Cookie header, and returns the answer. Without a
// handler it does not open its session.
func (a *app) do(header string, h func(w http.ResponseWriter, s *scarab.Session)) *httptest.ResponseRecorder {
	a.t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	if header != "" {
		r.Header.Set("Cookie", header)
	}
	w := httptest.NewRecorder()
	a.f.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h == nil {
			return
		}
		s, err := scarab.From(r.Context())
		if err != nil {
			a.t.Errorf("From: %v", err)
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		h(w, s)
	})).ServeHTTP(w, r)
	return w
}

// visit is a request of a browser that keeps its cookie.
func (a *app) visit(h func(s *scarab.Session)) *httptest.ResponseRecorder {
	a.t.Helper()
	header := ""
	if a.cookie != "" {
		header = a.name + "=" + a.cookie
	}
	w := a.do(header, func(_ http.ResponseWriter, s *scarab.Session) { h(s) })
	if value, ok := a.setCookie(w); ok {
		a.cookie = value
	}
	return w
}

// setCookie returns the value that an answer gives the session's cookie.
func (a *app) setCookie(w *httptest.ResponseRecorder) (value string, ok bool) {
	for _, line := range w.Header()["Set-Cookie"] {
		if rest, found := strings.CutPrefix(line, a.name+"="); found {
			value, _, _ = strings.Cut(rest, ";")
			return value, true
		}
	}
	return "", false
}

// lastCookie returns what WebOb takes out of a Cookie header: the last of a name.
func lastCookie(header, name string) string {
	value := ""
	for _, part := range strings.Split(header, ";") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(part), name+"="); ok {
			value = strings.Trim(v, `"`)
		}
	}
	return value
}
