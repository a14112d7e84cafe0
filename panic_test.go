package scarab_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/memstore"
	"github.com/scarab-go/scarab/scarabtest"
)

// Without DropOnError an error page is an answer like any other.
func TestConfig_DropOnError(t *testing.T) {
	tests := []struct {
		name   string
		drop   bool
		status int
		do     func(*scarab.Session)
		left   string
		calls  string
	}{
		{"500 keeps", false, 500, func(s *scarab.Session) { s.Set("b", 1) }, "a=1 b=1", "LoadTouch Save"},
		{"500 drops", true, 500, func(s *scarab.Session) { s.Set("b", 1) }, "a=1", "LoadTouch"},
		{"503 drops", true, 503, func(s *scarab.Session) { s.Set("b", 1) }, "a=1", "LoadTouch"},
		{"499 keeps", true, 499, func(s *scarab.Session) { s.Set("b", 1) }, "a=1 b=1", "LoadTouch Save"},
		{"303 keeps", true, 303, func(s *scarab.Session) { s.Set("b", 1) }, "a=1 b=1", "LoadTouch Save"},
		{"a login is dropped", true, 500, func(s *scarab.Session) { s.Login("ann") }, "a=1", "LoadTouch"},
		{"an Edit is dropped", true, 500, func(s *scarab.Session) { *scarab.Key[int]("a").Edit(s) = 2 }, "a=1", "LoadTouch"},
		{"a change that cannot be encoded is dropped", true, 500, func(s *scarab.Session) { s.Set("b", func() {}) }, "a=1", "LoadTouch"},
		{"an Invalidate is not", true, 500, func(s *scarab.Session) { s.Invalidate(); s.Set("b", 1) }, "", "LoadTouch Delete"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newSite(t, scarab.Config{DropOnError: tt.drop}).browser()
			b.visit(func(s *scarab.Session) { s.Set("a", 1) })
			a := b.ask(func(w http.ResponseWriter, r *http.Request) {
				opened(t, tt.do)(w, r)
				w.WriteHeader(tt.status)
				io.WriteString(w, "page")
			})
			if a.status != tt.status || a.body != "page" || a.calls != tt.calls {
				t.Errorf("%d %q, store calls %q, want %q", a.status, a.body, a.calls, tt.calls)
			}
			if got := b.sees(); got != tt.left {
				t.Errorf("left %s, want %s", got, tt.left)
			}
		})
	}
}

// A panic commits nothing, except an Invalidate.
func TestCommit_panic(t *testing.T) {
	tests := []struct {
		name    string
		do      func(*scarab.Session)
		wait    time.Duration
		calls   string // after the load
		left    string
		cleared bool
	}{
		{"a change", func(s *scarab.Session) { s.Set("a", 2) }, 0, "", "a=1", false},
		{"a login", func(s *scarab.Session) { s.Login("ann") }, 0, "", "a=1", false},
		{"a touch that is due", func(s *scarab.Session) { s.Get("a") }, 7 * time.Minute, "", "a=1", false},
		{"Invalidate", (*scarab.Session).Invalidate, 0, "Delete", "", true},
		{"Invalidate and a change", func(s *scarab.Session) { s.Invalidate(); s.Set("a", 2) }, 0, "Delete", "", true},
		{"a change and Invalidate", func(s *scarab.Session) { s.Set("a", 2); s.Invalidate() }, 0, "Delete", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for kind, site := range map[string]*site{"stored": newPlainSite(t, scarab.Config{}), "in a cookie": newCookieSite(t, scarab.Config{})} {
				// A middleware around Wrap that answers panics, as many have.
				site.serve(func(h http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						defer func() {
							if v := recover(); v == http.ErrAbortHandler {
								panic(v)
							} else if v != nil {
								http.Error(w, fmt.Sprint(v), http.StatusInternalServerError)
							}
						}()
						site.factory.Wrap(h).ServeHTTP(w, r)
					})
				})
				b := site.browser()
				b.visit(func(s *scarab.Session) { s.Set("a", 1) })
				site.clock.Advance(tt.wait)
				a := b.ask(func(w http.ResponseWriter, r *http.Request) {
					opened(t, tt.do)(w, r)
					panic("ouch")
				})
				calls := ""
				if kind == "stored" {
					calls = strings.TrimSpace("Load " + tt.calls)
				}
				if a.status != http.StatusInternalServerError || !strings.Contains(a.body, "ouch") || a.calls != calls {
					t.Errorf("%s: %d %q, store calls %q, want %q", kind, a.status, a.body, a.calls, calls)
				}
				if got := cookieActions(a.set); (got == "__Host-session cleared") != tt.cleared || !tt.cleared && got != "" {
					t.Errorf("%s: cookies: %s", kind, got)
				}
				if got := b.sees(); got != tt.left {
					t.Errorf("%s: left %s, want %s", kind, got, tt.left)
				}
				// And where nobody catches it, or it comes after the header.
				if _, err := b.try(func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }); err == nil {
					t.Errorf("%s: an answer after http.ErrAbortHandler", kind)
				}
			}
		})
	}
	t.Run("after the header", func(t *testing.T) {
		site := newPlainSite(t, scarab.Config{})
		b := site.browser()
		b.visit(func(s *scarab.Session) { s.Set("a", 1) })
		a, err := b.try(func(w http.ResponseWriter, r *http.Request) {
			s, _ := scarab.From(r.Context())
			s.Set("b", 1)
			io.WriteString(w, strings.Repeat("page", 10_000))
			s.Set("c", 1)
			panic("ouch")
		})
		if err == nil || a.calls != "Load Save" || b.sees() != "a=1 b=1" {
			t.Errorf("error %v, store calls %s, left %s", err, a.calls, b.sees())
		}
	})
}

// Code of the application that panics within a load or a commit ends its own
// request, and leaves nothing locked.
func TestCommit_panicInside(t *testing.T) {
	t.Run("in an Update that runs again", func(t *testing.T) {
		b := newSite(t, scarab.Config{}).browser()
		b.visit(func(s *scarab.Session) { s.Set("n", 1) })
		if _, err := b.try(opened(t, func(s *scarab.Session) {
			scarab.Key[int]("n").Update(s, func(n int) int { return 10 / n })
			b.clone().visit(func(s *scarab.Session) { s.Set("n", 0) })
		})); err == nil {
			t.Error("there is an answer")
		}
		if got := b.sees(); got != "n=0" {
			t.Error(got)
		}
	})
	t.Run("in a load", func(t *testing.T) {
		site := newSiteOn(t, scarab.InCookie(panicking{}), scarab.Config{})
		b := site.browser()
		b.cookies[site.name] = "x"
		if _, err := b.try(opened(t, func(s *scarab.Session) {})); err == nil {
			t.Error("there is an answer")
		}
	})
	t.Run("in BeforeCreate", func(t *testing.T) {
		b := newSite(t, scarab.Config{}).browser()
		if _, err := b.try(func(w http.ResponseWriter, r *http.Request) {
			scarab.BeforeCreate(r.Context(), func(*scarab.Session) { panic("ouch") })
			opened(t, func(s *scarab.Session) { s.Set("a", 1) })(w, r)
		}); err == nil || b.token() != "" {
			t.Errorf("error %v, cookie %q", err, b.token())
		}
	})
	t.Run("in WriteHeader", func(t *testing.T) {
		b := newSite(t, scarab.Config{}).browser()
		b.visit(func(s *scarab.Session) { s.Set("n", 1) })
		if _, err := b.try(func(w http.ResponseWriter, r *http.Request) {
			opened(t, func(s *scarab.Session) { s.Set("n", 2) })(w, r)
			w.WriteHeader(0)
		}); err == nil {
			t.Error("there is an answer")
		}
		if got := b.sees(); got != "n=1" {
			t.Errorf("a panic has saved %s", got)
		}
	})
}

type panicking struct{}

func (panicking) Encode(string, []byte) (string, error) { panic("ouch") }
func (panicking) Decode(string, string) ([]byte, error) { panic("ouch") }

// A session whose Save has panicked in its store is as it was: a message that is
// popped afterwards is not shown again.
func TestSave_panics(t *testing.T) {
	store := scarabtest.NewFailingStore(memstore.New())
	b := newSiteOn(t, scarab.Stored(store), scarab.Config{}).browser()
	b.visit(func(s *scarab.Session) { s.Set("a", 1) })
	store.On(scarabtest.Save, 0, func(context.Context, scarabtest.Call, func() error) error { panic("a mistake in a store") })
	b.visit(func(s *scarab.Session) {
		s.Flash("saved")
		func() {
			defer func() { recover() }()
			s.Save(context.Background())
			t.Error("Save has returned")
		}()
		store.Heal()
		if got := s.PopFlash(); len(got) != 1 {
			t.Errorf("popped %q", got)
		}
	})
	b.visit(func(s *scarab.Session) {
		if got := s.PopFlash(); len(got) > 0 {
			t.Errorf("shown again: %q", got)
		}
	})
}
