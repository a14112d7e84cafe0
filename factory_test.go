package scarab_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/memstore"
	"github.com/scarab-go/scarab/scarabtest"
)

// A handler that fails commits nothing.
func TestFactory_HandlerFunc(t *testing.T) {
	broken := errors.New("broken")
	tests := []struct {
		name   string
		do     func(http.ResponseWriter, *scarab.Session) error
		status int
		body   string
		left   string
		event  string
	}{
		{"no error", func(w http.ResponseWriter, s *scarab.Session) error {
			s.Set("a", 2)
			_, err := io.WriteString(w, "page")
			return err
		}, 200, "page", "a=2", ""},
		{"an error", func(w http.ResponseWriter, s *scarab.Session) error {
			s.Set("a", 2)
			s.Login("ann")
			w.Header().Set("X-Page", "1")
			return broken
		}, 500, "Internal Server Error\n", "a=1", ""},
		{"an error after Invalidate", func(w http.ResponseWriter, s *scarab.Session) error {
			s.Invalidate()
			s.Set("b", 2)
			return broken
		}, 500, "Internal Server Error\n", "a=1", ""},
		{"an error after the first byte", func(w http.ResponseWriter, s *scarab.Session) error {
			s.Set("a", 2)
			io.WriteString(w, "page")
			s.Set("a", 3)
			return broken
		}, 200, "page", "a=2", "session_failed:handler"},
		{"an error after the first byte and an Invalidate", func(w http.ResponseWriter, s *scarab.Session) error {
			io.WriteString(w, "page")
			s.Invalidate()
			return broken
		}, 200, "page", "a=1", "session_failed:handler"},
		{"the error of a commit that failed", func(w http.ResponseWriter, s *scarab.Session) error {
			s.Set("a", func() {})
			_, err := io.WriteString(w, "page")
			return err
		}, 500, "Internal Server Error\n", "a=1", "session_failed:change session_failed:handler"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site := newSite(t, scarab.Config{})
			b := site.browser()
			b.visit(func(s *scarab.Session) { s.Set("a", 1) })
			a := b.ask(site.factory.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *scarab.Session) error { return tt.do(w, s) }).ServeHTTP)
			if a.status != tt.status || a.body != tt.body || a.status == 500 && (a.set != nil || a.header.Get("X-Page") != "") {
				t.Errorf("%d %q, header %v", a.status, a.body, a.header)
			}
			if got := strings.Join(kinds(a.events), " "); got != tt.event {
				t.Errorf("events %s, want %s", got, tt.event)
			}
			if got := b.sees(); got != tt.left {
				t.Errorf("left %s, want %s", got, tt.left)
			}
		})
	}
	t.Run("the store fails", func(t *testing.T) {
		site := newSite(t, scarab.Config{})
		b := site.browser()
		b.visit(func(s *scarab.Session) { s.Set("a", 1) })
		site.store.On(scarabtest.Any, 0, scarabtest.Refuse)
		a := b.ask(site.factory.HandlerFunc(func(http.ResponseWriter, *http.Request, *scarab.Session) error {
			t.Error("the handler runs")
			return nil
		}).ServeHTTP)
		if a.status != http.StatusServiceUnavailable || !slices.Equal(kinds(a.events), []string{"session_failed:load"}) {
			t.Errorf("%d, events %q", a.status, kinds(a.events))
		}
	})
	t.Run("outside Wrap", func(t *testing.T) {
		f, err := scarab.New(scarab.Stored(memstore.New()), scarab.Config{})
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		f.HandlerFunc(func(http.ResponseWriter, *http.Request, *scarab.Session) error { return nil }).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != http.StatusInternalServerError {
			t.Errorf("%d", w.Code)
		}
	})
}

// From says the same for the rest of the request.
func TestFrom_errors(t *testing.T) {
	if _, err := scarab.From(t.Context()); !errors.Is(err, scarab.ErrNoMiddleware) {
		t.Errorf("outside Wrap: %v", err)
	}
	site := newSite(t, scarab.Config{})
	if _, err := site.factory.From(t.Context()); !errors.Is(err, scarab.ErrNoMiddleware) {
		t.Errorf("Factory.From outside Wrap: %v", err)
	}
	b := site.browser()
	b.visit(func(s *scarab.Session) { s.Set("a", 1) })
	site.store.On(scarabtest.LoadTouch, 1, scarabtest.Refuse)
	a := b.ask(func(w http.ResponseWriter, r *http.Request) {
		_, first := scarab.From(r.Context())
		_, second := scarab.From(r.Context())
		var failed *scarab.StoreError
		if first != second || !errors.As(first, &failed) || failed.Op != "load" || !errors.Is(first, scarabtest.ErrFault) {
			t.Errorf("errors %v, %v", first, second)
		}
		w.WriteHeader(scarab.StatusOf(first))
	})
	if a.status != http.StatusServiceUnavailable || a.calls != "" || a.set != nil {
		t.Errorf("%d, store calls %q, Set-Cookie %q", a.status, a.calls, a.set)
	}
	if got := b.sees(); got != "a=1" {
		t.Errorf("left %s", got)
	}
}

// A factory that is wrapped twice is wrapped once; one of another name has its
// own session; one of the same name is a mistake.
func TestFactory_Wrap(t *testing.T) {
	wrapped := func(outer, inner *site) *site {
		outer.serve(func(h http.Handler) http.Handler {
			return outer.factory.Wrap(inner.factory.Wrap(http.StripPrefix("", h)))
		})
		return outer
	}
	t.Run("twice", func(t *testing.T) {
		site := newSite(t, scarab.Config{})
		a := wrapped(site, site).browser().visit(func(s *scarab.Session) { s.Set("a", 1) })
		if a.status != http.StatusOK || len(a.set) != 1 || a.calls != "Create" {
			t.Errorf("%d, Set-Cookie %q, store calls %s", a.status, a.set, a.calls)
		}
	})
	t.Run("twice, with a writer between", func(t *testing.T) {
		site := newSite(t, scarab.Config{})
		site.serve(func(h http.Handler) http.Handler {
			return site.factory.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				site.factory.Wrap(h).ServeHTTP(unwrapper{w}, r)
			}))
		})
		a := site.browser().ask(func(w http.ResponseWriter, r *http.Request) {
			s, _ := scarab.From(r.Context())
			s.Set("a", 1)
			io.WriteString(w, "page")
		})
		if a.status != http.StatusOK || a.body != "page" || len(a.set) != 1 {
			t.Errorf("%d, Set-Cookie %q", a.status, a.set)
		}
	})
	t.Run("two names", func(t *testing.T) {
		outer := newSite(t, scarab.Config{Cookie: scarab.Cookie{Name: "outer"}})
		inner := newCookieSite(t, scarab.Config{Cookie: scarab.Cookie{Name: "inner"}})
		b := wrapped(outer, inner).browser()
		a := b.ask(func(w http.ResponseWriter, r *http.Request) {
			s, err := scarab.From(r.Context()) // the innermost
			o, errOuter := outer.factory.From(r.Context())
			i, errInner := inner.factory.From(r.Context())
			if err = errors.Join(err, errOuter, errInner); err != nil || s != i || s == o {
				t.Fatalf("%v; inner %p, outer %p, From %p", err, i, o, s)
			}
			i.Set("in", 1)
			o.Set("out", 1)
			io.WriteString(w, "page")
		})
		if a.status != http.StatusOK || a.body != "page" || cookieActions(a.set) != "inner set, outer set" || a.header.Get("Vary") != "Cookie" {
			t.Errorf("%d, Set-Cookie %q", a.status, a.set)
		}
		b.ask(func(w http.ResponseWriter, r *http.Request) {
			i, _ := scarab.From(r.Context())
			o, _ := outer.factory.From(r.Context())
			if contents(i) != "in=1" || contents(o) != "out=1" {
				t.Errorf("inner %s, outer %s", contents(i), contents(o))
			}
		})
		// If the outer one cannot be saved, its OnError answers, and that is all.
		outer.store.On(scarabtest.Save, 0, scarabtest.Refuse)
		outer.store.On(scarabtest.Load, 0, scarabtest.Refuse)
		a = b.ask(func(w http.ResponseWriter, r *http.Request) {
			o, _ := outer.factory.From(r.Context())
			o.Set("out", 2)
			io.WriteString(w, "page")
		})
		if a.status != http.StatusServiceUnavailable || strings.Contains(a.body, "page") {
			t.Errorf("%d %q", a.status, a.body)
		}
	})
	t.Run("one name", func(t *testing.T) {
		outer, inner := newSite(t, scarab.Config{}), newSite(t, scarab.Config{})
		wrapped(outer, inner).browser().ask(func(w http.ResponseWriter, r *http.Request) {
			if _, err := scarab.From(r.Context()); err == nil || !strings.Contains(err.Error(), `two factories around this handler use the cookie "__Host-session"`) {
				t.Errorf("From: %v", err)
			}
			if _, err := outer.factory.From(r.Context()); err != nil {
				t.Errorf("the outer one: %v", err)
			}
		})
	})
}

// BeforeCreate runs when a session is saved for the first time, and only then.
func TestBeforeCreate(t *testing.T) {
	tests := []struct {
		name  string
		new   bool
		do    func(*scarab.Session)
		runs  int
		saved string
	}{
		{"a new session", true, func(s *scarab.Session) { s.Set("a", 1) }, 1, "a=1 hook=1"},
		{"a visitor who only looks", true, func(s *scarab.Session) { s.Get("a") }, 0, ""},
		{"a session that is there", false, func(s *scarab.Session) { s.Set("a", 2) }, 0, "a=2"},
		{"one after Invalidate", false, func(s *scarab.Session) { s.Invalidate(); s.Set("b", 1) }, 1, "b=1 hook=1"},
		{"saved twice", true, func(s *scarab.Session) { s.Set("a", 1); _ = s.Save(t.Context()); s.Set("b", 1) }, 1, "a=1 hook=1 b=1"},
		{"not saved at all", true, func(s *scarab.Session) { s.Set("a", func() {}) }, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newSite(t, scarab.Config{}).browser()
			if !tt.new {
				b.visit(func(s *scarab.Session) { s.Set("a", 1) })
			}
			runs := 0
			b.ask(func(w http.ResponseWriter, r *http.Request) {
				scarab.BeforeCreate(r.Context(), func(s *scarab.Session) {
					runs++
					s.Set("hook", runs)
				})
				opened(t, tt.do)(w, r)
			})
			if got := b.sees(); runs != tt.runs || got != tt.saved {
				t.Errorf("ran %d times, left %s; want %d, %s", runs, got, tt.runs, tt.saved)
			}
		})
	}
	scarab.BeforeCreate(t.Context(), func(*scarab.Session) {}) // outside Wrap: nothing
}
