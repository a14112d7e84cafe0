package scarab_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/memstore"
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
		{"from fallback", "nothing", nothing, "Load Create", isSet, isSet, 0},
		{"from fallback", "changes", set, "Load Create", isSet, isSet, 0},
		{"from fallback", "Login", login, "Load Create Create", "old cleared, session set", "old cleared, session set", 0},
		{"from fallback", "Invalidate", invalidate, "Load Create", "old cleared, session cleared", "old cleared, session cleared", 0},
		{"from fallback", "Invalidate, changes", anew, "Load Create Create", "old cleared, session set", "old cleared, session set", 0},
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
