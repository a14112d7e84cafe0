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
	"github.com/scarab-go/scarab/memstore"
	"github.com/scarab-go/scarab/scarabtest"
)

// The table of commit.go, row by row: how the session was opened, what the
// handler did; the calls of the store after the load, and what became of the
// cookies, where the state is in a store and where it is in the cookie.
func TestCommit(t *testing.T) {
	nothing := func(s *scarab.Session) { s.Get("a") }
	set := func(s *scarab.Session) { s.Set("b", 1) }
	login := func(s *scarab.Session) { s.Login("ann") }
	persist := func(s *scarab.Session) { s.SetPersistent(true) }
	renew := (*scarab.Session).Renew
	invalidate := (*scarab.Session).Invalidate
	anew := func(s *scarab.Session) { s.Invalidate(); s.Set("b", 1) }
	const (
		kept    = ""
		isSet   = "session set"
		cleared = "session cleared"
	)
	tests := []struct {
		opened, did      string
		do               func(*scarab.Session) // nil: not even opened
		calls            string
		cookie, inCookie string
		status           int // 0: 200
	}{
		{"never", "nothing", nil, "", kept, kept, 0},
		{"new", "nothing", nothing, "", kept, kept, 0},
		{"new", "changes and ends empty", func(s *scarab.Session) { set(s); s.Clear() }, "", kept, kept, 0},
		{"new", "changes", set, "Create", isSet, isSet, 0},
		{"new", "Login", login, "Create", isSet, isSet, 0},
		{"loaded", "nothing", nothing, "", kept, kept, 0},
		{"loaded, a touch is due", "nothing", nothing, "Touch", kept, isSet, 0},
		{"loaded", "changes", set, "Save", kept, isSet, 0},
		{"loaded, a touch is due", "changes", set, "Save", kept, isSet, 0},
		{"loaded", "SetPersistent", persist, "Save", isSet, isSet, 0},
		{"loaded", "Renew", renew, "Save", isSet, isSet, 0},
		{"loaded", "Login", login, "Save", isSet, isSet, 0},
		{"loaded", "Invalidate", invalidate, "Delete", cleared, cleared, 0},
		{"loaded", "Invalidate, changes", anew, "Create Delete", isSet, isSet, 0},
		{"rejected", "nothing", nothing, "", kept, kept, 0},
		{"rejected", "Invalidate", invalidate, "", cleared, cleared, 0},
		{"rejected", "changes", set, "Create", isSet, isSet, 0},
		{"rejected", "Invalidate, changes", anew, "Create", isSet, isSet, 0},
		{"superseded", "nothing", nothing, "", kept, "", 0},
		{"superseded", "changes", set, "", kept, "", 409},
		{"superseded", "Invalidate", invalidate, "", kept, "", 409},
		{"superseded", "Login", login, "Create", isSet, "", 0},
		{"from fallback", "nothing", nothing, "Create", isSet, isSet, 0},
		{"from fallback", "changes", set, "Create", isSet, isSet, 0},
		{"from fallback", "Login", login, "Create", "old cleared, session set", "old cleared, session set", 0},
		{"from fallback", "Invalidate", invalidate, "Create", "old cleared, session cleared", "old cleared, session cleared", 0},
		{"from fallback", "Invalidate, changes", anew, "Create Create", "old cleared, session set", "old cleared, session set", 0},
	}
	for _, tt := range tests {
		t.Run(tt.opened+"/"+tt.did, func(t *testing.T) {
			fallback := []scarab.Fallback{{Backend: scarab.InCookie(signedCodec(t)), CookieName: "old"}}
			cfg := scarab.Config{Cookie: scarab.Cookie{Name: "session"}}
			if tt.opened == "from fallback" {
				cfg.Fallbacks = fallback
			}
			for kind, site := range map[string]*site{"stored": newPlainSite(t, cfg), "in a cookie": newCookieSite(t, cfg)} {
				if kind == "in a cookie" && tt.opened == "superseded" {
					continue // a cookie cannot tell
				}
				b := site.browser()
				loads := "Load"
				switch tt.opened {
				case "never", "new":
					loads = ""
				case "rejected":
					b.cookies["session"] = strings.Repeat("A", 64)
				case "from fallback":
					old := newSiteOn(t, fallback[0].Backend, scarab.Config{Cookie: scarab.Cookie{Name: "old"}}).browser()
					old.visit(func(s *scarab.Session) { s.Set("a", 1) })
					b.cookies = old.cookies
				default:
					b.visit(func(s *scarab.Session) { s.Set("a", 1) })
				}
				switch tt.opened {
				case "loaded, a touch is due":
					site.clock.Advance(7 * time.Minute)
				case "superseded":
					b.clone().visit(renew)
				}
				site.clock.Advance(time.Second)
				before := b.token()

				a := b.ask(func(w http.ResponseWriter, r *http.Request) {
					if tt.do == nil {
						return
					}
					opened(t, tt.do)(w, r)
				})
				want := max(tt.status, 200)
				if a.status != want {
					t.Fatalf("%s: status %d, want %d: %v", kind, a.status, want, a.failures)
				}
				calls := strings.TrimSpace(loads + " " + tt.calls)
				cookie := tt.cookie
				if kind == "in a cookie" {
					calls, cookie = "", tt.inCookie
				}
				if a.calls != calls {
					t.Errorf("%s: store calls %q, want %q", kind, a.calls, calls)
				}
				if got := cookieActions(a.set); got != cookie {
					t.Errorf("%s: %s, want %s\n%q", kind, got, cookie, a.set)
				}
				if cookie == isSet && before == b.token() && tt.did != "SetPersistent" {
					t.Errorf("%s: the cookie is set to what it was", kind)
				}
				vary, cache := "Cookie", "private"
				switch {
				case tt.do == nil:
					vary, cache = "", ""
				case tt.status != 0:
					vary, cache = "", "no-store"
				case cookie != kept:
					cache = "no-store"
				}
				if got := a.header.Get("Vary"); got != vary {
					t.Errorf("%s: Vary: %s, want %s", kind, got, vary)
				}
				if got := a.header.Get("Cache-Control"); got != cache {
					t.Errorf("%s: Cache-Control: %s, want %s", kind, got, cache)
				}
			}
		})
	}
}

// cookieActions says what Set-Cookie lines do, such as "session set".
func cookieActions(lines []string) string {
	var actions []string
	for _, line := range lines {
		c, err := http.ParseSetCookie(line)
		switch {
		case err != nil:
			actions = append(actions, err.Error())
		case c.MaxAge < 0:
			actions = append(actions, c.Name+" cleared")
		default:
			actions = append(actions, c.Name+" set")
		}
	}
	slices.Sort(actions)
	return strings.Join(actions, ", ")
}

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
		if a.status != http.StatusOK || b.sees() != "a=2" { // the end of the handler tries again
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

// A session that has ended meanwhile takes no changes, under no handle, and the
// answer sets no cookie.
func TestCommit_ended(t *testing.T) {
	tests := []struct {
		name     string
		meantime func(*scarab.Session)
		do       func(*scarab.Session)
		status   int
	}{
		{"invalidated, no changes", (*scarab.Session).Invalidate, func(s *scarab.Session) { s.Get("a") }, 200},
		{"invalidated, changes", (*scarab.Session).Invalidate, func(s *scarab.Session) { s.Set("a", 2) }, 409},
		{"invalidated, Renew", (*scarab.Session).Invalidate, (*scarab.Session).Renew, 409},
		{"invalidated, Login", (*scarab.Session).Invalidate, func(s *scarab.Session) { s.Login("ann") }, 409},
		{"invalidated, Invalidate", (*scarab.Session).Invalidate, (*scarab.Session).Invalidate, 200},
		{"logged in, changes", func(s *scarab.Session) { s.Login("ann") }, func(s *scarab.Session) { s.Set("a", 2) }, 409},
		{"logged in, Login of the same", func(s *scarab.Session) { s.Login("ann") }, func(s *scarab.Session) { s.Login("ann") }, 200},
		{"logged in, Login of another", func(s *scarab.Session) { s.Login("ann") }, func(s *scarab.Session) { s.Login("bob") }, 409},
		{"renewed, changes", (*scarab.Session).Renew, func(s *scarab.Session) { s.Set("a", 2) }, 200},
		{"renewed, Renew", (*scarab.Session).Renew, (*scarab.Session).Renew, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newSite(t, scarab.Config{}).browser()
			b.visit(func(s *scarab.Session) { s.Set("a", 1) })
			a := b.visit(func(s *scarab.Session) {
				b.clone().visit(tt.meantime)
				tt.do(s)
			})
			if a.status != tt.status {
				t.Errorf("%d, want %d: %v", a.status, tt.status, a.failures)
			}
			if a.status == 409 && (!errors.Is(a.failures[0], scarab.ErrEnded) || a.set != nil || !slices.Contains(kinds(a.events), "session_ended:"+opOf(tt.name))) {
				t.Errorf("error %v, Set-Cookie %q, events %q", a.failures[0], a.set, kinds(a.events))
			}
		})
	}
}

func opOf(name string) string {
	if strings.HasSuffix(name, "changes") {
		return "save"
	}
	return "renew"
}

// A backend of one's own may wrap one of ours, which then goes by the defaults.
func TestNew_wrappedBackend(t *testing.T) {
	for kind, b := range map[string]scarab.Backend{
		"stored":      struct{ scarab.Backend }{scarab.Stored(memstore.New())},
		"in a cookie": struct{ scarab.Backend }{scarab.InCookie(signedCodec(t))},
	} {
		site := newSiteOn(t, b, scarab.Config{})
		b := site.browser()
		b.visit(func(s *scarab.Session) { s.Set("a", 1) })
		b.visit(func(s *scarab.Session) { s.Login("ann") })
		b.visit(func(s *scarab.Session) {
			if s.Principal() != "ann" || s.Get("a") != int64(1) {
				t.Errorf("%s: %s of %q", kind, contents(s), s.Principal())
			}
			s.Invalidate()
		})
		if got := b.sees(); got != "" {
			t.Errorf("%s: %s", kind, got)
		}
		if err := site.factory.Revoke(t.Context(), strings.Repeat("0", 32)); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: Revoke: %v", kind, err)
		}
	}
}
