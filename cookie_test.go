package scarab_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
)

// The attributes of the cookie, for each setting.
func TestCookie_attributes(t *testing.T) {
	tests := []struct {
		name string
		cfg  scarab.Config
		want string // after the value
	}{
		{"__Host-session", scarab.Config{}, "; Path=/; Secure; HttpOnly; SameSite=Lax"},
		{"session", scarab.Config{Insecure: true}, "; Path=/; HttpOnly; SameSite=Lax"},
		{"session", scarab.Config{Cookie: scarab.Cookie{Path: "/app"}}, "; Path=/app; Secure; HttpOnly; SameSite=Lax"},
		{"session", scarab.Config{Cookie: scarab.Cookie{Domain: "example.com"}}, "; Path=/; Domain=example.com; Secure; HttpOnly; SameSite=Lax"},
		{"session", scarab.Config{Cookie: scarab.Cookie{Domain: ".example.com"}}, "; Path=/; Domain=example.com; Secure; HttpOnly; SameSite=Lax"},
		{"__Secure-id", scarab.Config{Cookie: scarab.Cookie{Name: "__Secure-id", Domain: "example.com"}}, "; Path=/; Domain=example.com; Secure; HttpOnly; SameSite=Lax"},
		{"__Host-Http-id", scarab.Config{Cookie: scarab.Cookie{Name: "__Host-Http-id"}}, "; Path=/; Secure; HttpOnly; SameSite=Lax"},
		{"__Host-session", scarab.Config{Cookie: scarab.Cookie{SameSite: http.SameSiteStrictMode}}, "; Path=/; Secure; HttpOnly; SameSite=Strict"},
		{"__Host-session", scarab.Config{Cookie: scarab.Cookie{SameSite: http.SameSiteDefaultMode}}, "; Path=/; Secure; HttpOnly; SameSite=Lax"},
		{"__Host-session", scarab.Config{Cookie: scarab.Cookie{SameSite: http.SameSiteNoneMode, Partitioned: true}}, "; Path=/; Secure; HttpOnly; SameSite=None; Partitioned"},
		{"__Host-session", scarab.Config{Cookie: scarab.Cookie{AllowScriptAccess: true}}, "; Path=/; Secure; SameSite=Lax"},
		{"__Host-session", scarab.Config{Persistent: true}, "; Max-Age=86400; Path=/; Secure; HttpOnly; SameSite=Lax"},
		{"__Host-session", scarab.Config{Persistent: true, Lifetime: scarab.Never}, "; Max-Age=34560000; Path=/; Secure; HttpOnly; SameSite=Lax"},
		{"__Host-session", scarab.Config{Persistent: true, Lifetime: 10 * time.Second}, "; Max-Age=10; Path=/; Secure; HttpOnly; SameSite=Lax"},
	}
	for _, tt := range tests {
		t.Run(tt.name+tt.want, func(t *testing.T) {
			site := newSite(t, tt.cfg)
			site.name = tt.name
			b := site.browser()
			a := b.visit(func(s *scarab.Session) { s.Set("a", 1) })
			if want := tt.name + "=" + b.token() + tt.want; len(a.set) != 1 || a.set[0] != want || len(b.token()) != 64 {
				t.Errorf("Set-Cookie\n got %q\nwant %q", a.set, want)
			}
			a = b.visit((*scarab.Session).Invalidate)
			want := tt.name + "=; Max-Age=0" + tt.want[strings.Index(tt.want, "; Path"):]
			if len(a.set) != 1 || a.set[0] != want {
				t.Errorf("cleared\n got %q\nwant %q", a.set, want)
			}
		})
	}
}

// At most one cookie of a name leaves, and other cookies stay.
func TestCookie_others(t *testing.T) {
	b := newSite(t, scarab.Config{}).browser()
	a := b.ask(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "other", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "__Host-session", Value: "mine"})
		http.SetCookie(w, &http.Cookie{Name: "__Host-session2", Value: "2"})
		s, _ := scarab.From(r.Context())
		s.Set("a", 1)
		_ = s.Save(r.Context())
		s.Login("ann")
	})
	if got := cookieActions(a.set); got != "__Host-session set, __Host-session2 set, other set" || b.cookies["__Host-session"] == "mine" {
		t.Errorf("%s: %q", got, a.set)
	}
	if got := b.sees(); got == "" {
		t.Error("the session's cookie does not open it")
	}
}

// Caches keep no answer that was made from a session.
func TestCookie_caching(t *testing.T) {
	const read, set = 1, 2
	tests := []struct {
		name          string
		session       int
		control, vary []string // of the handler
		wantControl   []string
		wantVary      []string
	}{
		{"not opened", 0, nil, nil, nil, nil},
		{"not opened, public", 0, []string{"public, max-age=60"}, []string{"Accept"}, []string{"public, max-age=60"}, []string{"Accept"}},
		{"read", read, nil, nil, []string{"private"}, []string{"Cookie"}},
		{"set", set, nil, nil, []string{"no-store"}, []string{"Cookie"}},
		{"read, no-store", read, []string{"no-store"}, nil, []string{"no-store"}, []string{"Cookie"}},
		{"read, private", read, []string{"Private, max-age=5"}, nil, []string{"Private, max-age=5"}, []string{"Cookie"}},
		{"read, max-age", read, []string{"max-age=5"}, nil, []string{"max-age=5, private"}, []string{"Cookie"}},
		{"read, public", read, []string{"public, max-age=60"}, nil, []string{"max-age=60, private"}, []string{"Cookie"}},
		{"read, public alone", read, []string{"public"}, nil, []string{"private"}, []string{"Cookie"}},
		{"read, for shared caches", read, []string{"max-age=60, S-MaxAge=600"}, nil, []string{"max-age=60, private"}, []string{"Cookie"}},
		{"read, in two lines", read, []string{"public", "max-age=60"}, nil, []string{"max-age=60, private"}, []string{"Cookie"}},
		{"set, public", set, []string{"public, max-age=60"}, nil, []string{"no-store"}, []string{"Cookie"}},
		{"set, private", set, []string{"private"}, nil, []string{"no-store"}, []string{"Cookie"}},
		{"read, Vary", read, nil, []string{"Accept, Accept-Encoding"}, []string{"private"}, []string{"Accept, Accept-Encoding", "Cookie"}},
		{"read, Vary with it", read, nil, []string{"Accept, cookie"}, []string{"private"}, []string{"Accept, cookie"}},
		{"read, Vary: *", read, nil, []string{"*"}, []string{"private"}, []string{"*"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newSite(t, scarab.Config{}).browser()
			b.visit(func(s *scarab.Session) { s.Set("a", 1) })
			a := b.ask(func(w http.ResponseWriter, r *http.Request) {
				if tt.control != nil {
					w.Header()["Cache-Control"] = tt.control
				}
				if tt.vary != nil {
					w.Header()["Vary"] = tt.vary
				}
				if tt.session == 0 {
					return
				}
				s, _ := scarab.From(r.Context())
				if tt.session == set {
					s.Renew()
				}
			})
			if got := a.header["Cache-Control"]; !slices.Equal(got, tt.wantControl) {
				t.Errorf("Cache-Control %q, want %q", got, tt.wantControl)
			}
			if got := a.header["Vary"]; !slices.Equal(got, tt.wantVary) {
				t.Errorf("Vary %q, want %q", got, tt.wantVary)
			}
		})
	}
	t.Run("what is shared stays as it is", func(t *testing.T) {
		b := newSite(t, scarab.Config{}).browser()
		b.visit(func(s *scarab.Session) { s.Set("a", 1) })
		for range 2 {
			a := b.ask(func(w http.ResponseWriter, r *http.Request) {
				_, _ = scarab.From(r.Context())
				w.WriteHeader(http.StatusOK)
				w.Header().Add("Vary", "X-Mine")
				w.Header()["Cache-Control"][0] += ", changed" // after the header: seen by nobody
			})
			if a.header.Get("Vary") != "Cookie" {
				t.Errorf("Vary %q", a.header["Vary"])
			}
		}
		if a := b.visit(func(*scarab.Session) {}); a.header.Get("Cache-Control") != "private" {
			t.Errorf("another answer has Cache-Control %q", a.header["Cache-Control"])
		}
	})
}
