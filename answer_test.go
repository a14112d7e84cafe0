package scarab_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/scarabtest"
)

// OnError answers: by default in plain text, with a status for each kind.
func TestConfig_OnError(t *testing.T) {
	ended := func(b *browser, s *scarab.Session) { b.clone().visit((*scarab.Session).Invalidate); s.Set("a", 2) }
	failing := func(b *browser, s *scarab.Session) {
		s.Set("a", 2)
		b.site.store.On(scarabtest.Any, 0, scarabtest.Refuse)
	}
	unencodable := func(b *browser, s *scarab.Session) { s.Set("a", func() {}) }
	tooLarge := func(b *browser, s *scarab.Session) { s.Set("a", strings.Repeat("x", 70_000)) }
	popped := func(b *browser, s *scarab.Session) {
		scarab.Key[int]("a").Pop(s)
		b.clone().visit(func(s *scarab.Session) { scarab.Key[int]("a").Pop(s) })
	}
	unknown := func(b *browser, s *scarab.Session) {
		s.Set("a", 2)
		b.site.store.On(scarabtest.Save, 0, scarabtest.LoseAnswer)
		b.site.store.On(scarabtest.Load, 0, scarabtest.Refuse)
	}
	tests := []struct {
		name   string
		do     func(*browser, *scarab.Session)
		status int
		body   string
		err    error
	}{
		{"ended", ended, 409, "Conflict: your session changed in another tab or window. Reload the page and try again.\n", scarab.ErrEnded},
		{"popped", popped, 409, "Conflict: your session changed in another tab or window. Reload the page and try again.\n", scarab.ErrPopped},
		{"the store fails", failing, 503, "Service Unavailable: please try again in a moment.\n", scarabtest.ErrFault},
		{"outcome unknown", unknown, 503, "Service Unavailable: please try again in a moment.\n", scarab.ErrOutcomeUnknown},
		{"not encodable", unencodable, 500, "Internal Server Error\n", errAny},
		{"too large", tooLarge, 500, "Internal Server Error\n", scarab.ErrTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newSite(t, scarab.Config{}).browser()
			b.visit(func(s *scarab.Session) { s.Set("a", 1) })
			a := b.ask(func(w http.ResponseWriter, r *http.Request) {
				s, err := scarab.From(r.Context())
				if err != nil {
					t.Fatal(err)
				}
				tt.do(b, s)
				io.WriteString(w, "page")
			})
			if a.status != tt.status || a.body != tt.body || a.header.Get("Content-Type") != "text/plain; charset=utf-8" || a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%d %q, header %v", a.status, a.body, a.header)
			}
			if len(a.failures) != 1 || !errors.Is(a.failures[0], tt.err) && tt.err != errAny || scarab.StatusOf(a.failures[0]) != tt.status {
				t.Errorf("OnError called with %v", a.failures)
			}
		})
	}
	t.Run("one of one's own", func(t *testing.T) {
		var opened *scarab.Session
		site := newSite(t, scarab.Config{OnError: func(w http.ResponseWriter, r *http.Request, err error) {
			opened, _ = scarab.From(r.Context()) // may look at the session
			w.Header().Set("X-Error", "1")
			w.WriteHeader(http.StatusTeapot)
			fmt.Fprint(w, "sorry: ", err)
		}})
		a := site.browser().visit(func(s *scarab.Session) { s.Set("f", func() {}) })
		if a.status != http.StatusTeapot || !strings.HasPrefix(a.body, `sorry: scarab: the value for key "f"`) || a.header.Get("X-Error") == "" || opened == nil {
			t.Errorf("%d %q, header %v", a.status, a.body, a.header)
		}
	})
	t.Run("one that only writes a log", func(t *testing.T) {
		for _, tt := range tests {
			b := newSite(t, scarab.Config{OnError: func(http.ResponseWriter, *http.Request, error) {}}).browser()
			b.visit(func(s *scarab.Session) { s.Set("a", 1) })
			a := b.ask(func(w http.ResponseWriter, r *http.Request) {
				opened(t, func(s *scarab.Session) { tt.do(b, s) })(w, r)
				io.WriteString(w, "page")
				w.Header().Set("X-Later", "1")
			})
			if a.status != tt.status || a.body != "" || a.header.Get("X-Later") != "" {
				t.Errorf("%s: %d %q, want %d", tt.name, a.status, a.body, tt.status)
			}
		}
	})
	t.Run("one that panics", func(t *testing.T) {
		site := newSite(t, scarab.Config{OnError: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }})
		b := site.browser()
		if a, err := b.try(opened(t, func(s *scarab.Session) { s.Set("f", func() {}) })); err == nil {
			t.Errorf("%d %q", a.status, a.body)
		}
	})
}
