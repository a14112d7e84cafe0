package scarab_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/scarabtest"
)

// What comes after the header is saved if it needs no cookie; else it is
// refused, and an event says so.
func TestCommit_late(t *testing.T) {
	tests := []struct {
		name  string
		new   bool // no session came
		do    func(*scarab.Session)
		calls string // after the load
		saved string
		event string
		err   error // of Save
	}{
		{"a change", false, func(s *scarab.Session) { s.Set("b", 1) }, "Save", "a=1 b=1", "", nil},
		{"a flash message", false, func(s *scarab.Session) { s.Flash("hi") }, "Save", `a=1 _f_=[]interface {}{"hi"}`, "", nil},
		{"a change that cannot be encoded", false, func(s *scarab.Session) { s.Set("b", func() {}) }, "", "a=1", "session_failed:change", errAny},
		{"nothing", false, func(s *scarab.Session) { s.Get("a") }, "", "a=1", "", nil},
		{"Renew", false, (*scarab.Session).Renew, "", "a=1", "session_header_sent:renew", scarab.ErrHeaderSent},
		{"Login", false, func(s *scarab.Session) { s.Set("b", 1); s.Login("ann") }, "", "a=1", "session_header_sent:renew", scarab.ErrHeaderSent},
		{"SetPersistent", false, func(s *scarab.Session) { s.SetPersistent(true) }, "", "a=1", "session_header_sent:renew", scarab.ErrHeaderSent},
		{"Invalidate", false, (*scarab.Session).Invalidate, "Delete", "", "session_header_sent:cookie", scarab.ErrHeaderSent},
		{"a new session", true, func(s *scarab.Session) { s.Set("b", 1) }, "", "", "session_header_sent:create", scarab.ErrHeaderSent},
		{"a new session that ends empty", true, func(s *scarab.Session) { s.Set("b", 1); s.Clear() }, "", "", "", nil},
	}
	for _, tt := range tests {
		for _, save := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/Save=%t", tt.name, save), func(t *testing.T) {
				b := newPlainSite(t, scarab.Config{}).browser()
				if !tt.new {
					b.visit(func(s *scarab.Session) { s.Set("a", 1) })
				}
				a := b.ask(func(w http.ResponseWriter, r *http.Request) {
					io.WriteString(w, "page")
					s, err := scarab.From(r.Context())
					if err != nil {
						t.Fatal(err)
					}
					tt.do(s)
					if !save {
						return
					}
					err = s.Save(r.Context())
					if tt.err == errAny && err != nil {
						return
					}
					if !errors.Is(err, tt.err) {
						t.Errorf("Save: %v, want %v", err, tt.err)
					}
				})
				calls := strings.TrimSpace("Load " + tt.calls)
				if tt.new {
					calls = tt.calls
				}
				if a.status != http.StatusOK || a.body != "page" || a.set != nil || a.calls != calls {
					t.Errorf("%d %q, Set-Cookie %q, store calls %q, want %q", a.status, a.body, a.set, a.calls, calls)
				}
				got := strings.Join(slices.DeleteFunc(kinds(a.events), func(k string) bool { return k == "session_invalidated" }), " ")
				if got != tt.event && !(save && got == tt.event+" "+tt.event) { // Save, then the end of the handler
					t.Errorf("events %s, want %s", got, tt.event)
				}
				if got := b.sees(); got != tt.saved {
					t.Errorf("left %s, want %s", got, tt.saved)
				}
			})
		}
	}
}

var errAny = errors.New("any error")

// A cookie cannot take what comes after the header; that a touch could not be
// sent hurts nobody.
func TestCommit_lateInCookie(t *testing.T) {
	site := newCookieSite(t, scarab.Config{})
	b := site.browser()
	b.visit(func(s *scarab.Session) { s.Set("a", 1) })
	late := func(do func(*scarab.Session)) answer {
		site.clock.Advance(7 * time.Minute) // a touch is due
		return b.ask(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "page")
			opened(t, do)(w, r)
		})
	}
	a := late(func(s *scarab.Session) { s.Get("a") })
	if a.status != http.StatusOK || a.events != nil {
		t.Errorf("a session that was only read: %d, events %v", a.status, kinds(a.events))
	}
	a = late(func(s *scarab.Session) {
		if err := s.Save(t.Context()); err != nil {
			t.Errorf("Save of nothing: %v", err)
		}
	})
	if a.status != http.StatusOK || a.events != nil {
		t.Errorf("Save of nothing: %d, events %v", a.status, kinds(a.events))
	}
	a = late(func(s *scarab.Session) { s.Set("a", 2) })
	if got := kinds(a.events); a.status != http.StatusOK || !slices.Equal(got, []string{"session_header_sent:cookie"}) {
		t.Errorf("a change: %d, events %v", a.status, got)
	}
	if got := b.sees(); got != "a=1" {
		t.Errorf("left %s", got)
	}
}

// Save commits at once, whatever becomes of the answer.
func TestSession_Save(t *testing.T) {
	t.Run("once and again", func(t *testing.T) {
		site := newPlainSite(t, scarab.Config{})
		b := site.browser()
		a := b.visit(func(s *scarab.Session) {
			for i := range 3 {
				s.Set("n", i)
				if err := s.Save(t.Context()); err != nil {
					t.Error(err)
				}
			}
			if err := s.Save(t.Context()); err != nil {
				t.Error(err)
			}
		})
		if a.calls != "Create Save Save" || len(a.set) != 1 || b.sees() != "n=2" {
			t.Errorf("store calls %s, Set-Cookie %q", a.calls, a.set)
		}
	})
	t.Run("then the handler fails", func(t *testing.T) {
		site := newPlainSite(t, scarab.Config{})
		b := site.browser()
		a := b.ask(site.factory.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *scarab.Session) error {
			w.Header().Set("X-Page", "1")
			s.Set("paid", true)
			if err := s.Save(r.Context()); err != nil {
				t.Error(err)
			}
			s.Set("later", 1)
			return errors.New("out of paper")
		}).ServeHTTP)
		if a.status != http.StatusInternalServerError || a.calls != "Create" || cookieActions(a.set) != "__Host-session set" || a.header.Get("X-Page") != "" {
			t.Errorf("%d, store calls %s, header %v", a.status, a.calls, a.header)
		}
		if got := b.sees(); got != "paid=true" {
			t.Errorf("left %s", got)
		}
	})
	t.Run("then the commit fails", func(t *testing.T) {
		site := newPlainSite(t, scarab.Config{})
		b := site.browser()
		a := b.visit(func(s *scarab.Session) {
			s.Set("paid", true)
			if err := s.Save(t.Context()); err != nil {
				t.Error(err)
			}
			s.Set("later", func() {})
		})
		if a.status != http.StatusInternalServerError || cookieActions(a.set) != "__Host-session set" || b.sees() != "paid=true" {
			t.Errorf("%d, Set-Cookie %q", a.status, a.set)
		}
	})
	t.Run("fails", func(t *testing.T) {
		site := newSite(t, scarab.Config{})
		b := site.browser()
		b.visit(func(s *scarab.Session) { s.Set("a", 1) })
		a := b.visit(func(s *scarab.Session) {
			s.Set("a", 2)
			site.store.On(scarabtest.Any, 0, scarabtest.Refuse)
			var failed *scarab.StoreError
			if err := s.Save(t.Context()); !errors.As(err, &failed) || failed.Op != "save" || !errors.Is(err, scarabtest.ErrFault) {
				t.Errorf("Save: %v", err)
			}
			site.store.Heal()
		})
		// Nobody knows whether it was saved: to commit again could count an
		// Update twice.
		if a.status != http.StatusServiceUnavailable || b.sees() != "a=1" {
			t.Errorf("%d, left %s", a.status, b.sees())
		}
	})
	t.Run("a context that has ended", func(t *testing.T) {
		b := newSite(t, scarab.Config{}).browser()
		b.visit(func(s *scarab.Session) {
			s.Set("a", 1)
			ctx := canceled()
			if err := s.Save(ctx); err != nil { // a commit is not undone by a hang-up
				t.Error(err)
			}
		})
	})
	t.Run("the session has ended", func(t *testing.T) {
		b := newSite(t, scarab.Config{}).browser()
		b.visit(func(s *scarab.Session) { s.Set("a", 1) })
		a := b.visit(func(s *scarab.Session) {
			b.clone().visit((*scarab.Session).Invalidate)
			s.Set("a", 2)
			if err := s.Save(t.Context()); !errors.Is(err, scarab.ErrEnded) {
				t.Errorf("Save: %v", err)
			}
		})
		if a.status != http.StatusConflict || a.set != nil {
			t.Errorf("%d, Set-Cookie %q", a.status, a.set)
		}
	})
}

// DropOnError holds for what comes after the header, too.
func TestConfig_DropOnError_late(t *testing.T) {
	for status, want := range map[int]string{500: "a=1", 200: "a=2"} {
		b := newSite(t, scarab.Config{DropOnError: true}).browser()
		b.visit(func(s *scarab.Session) { s.Set("a", 1) })
		b.ask(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			opened(t, func(s *scarab.Session) { s.Set("a", 2) })(w, r)
		})
		if got := b.sees(); got != want {
			t.Errorf("after a %d: %s, want %s", status, got, want)
		}
	}
}
