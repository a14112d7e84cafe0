package scarab_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
)

func TestSession_attributes(t *testing.T) {
	site := newSite(t, scarab.Config{IdleTimeout: 10 * time.Minute, Lifetime: time.Hour})
	b := site.browser()
	type attributes struct {
		IsNew, Started    bool
		Created, Expires  time.Time
		Deadline          time.Time
		Principal, Handle string
	}
	var got attributes
	look := func(s *scarab.Session) {
		got = attributes{s.IsNew(), s.Started(), s.Created(), s.Expires(), s.Deadline(), s.Principal(), s.Handle()}
	}
	check := func(name string, want attributes) {
		t.Helper()
		if got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, want)
		}
	}
	at := func(minutes time.Duration) time.Time { return noon.Add(minutes * time.Minute) }

	b.visit(look)
	check("a visitor who only looks", attributes{IsNew: true, Created: noon, Expires: at(10), Deadline: at(60)})
	b.visit(func(s *scarab.Session) { s.Set("a", 1); look(s) })
	check("one who starts a session", attributes{IsNew: true, Started: true, Created: noon, Expires: at(10), Deadline: at(60)})
	b.visit(look)
	handle := got.Handle
	if len(handle) != 32 {
		t.Errorf("Handle = %q", handle)
	}
	check("the next request", attributes{Started: true, Created: noon, Expires: at(10), Deadline: at(60), Handle: handle})
	site.clock.Advance(5 * time.Minute)
	b.visit(look)
	check("five minutes later", attributes{Started: true, Created: noon, Expires: at(15), Deadline: at(60), Handle: handle})
	for range 7 {
		site.clock.Advance(7 * time.Minute)
		b.visit(look)
	}
	check("use extends up to the deadline", attributes{Started: true, Created: noon, Expires: at(60), Deadline: at(60), Handle: handle})
	site.clock.Advance(6 * time.Minute)
	b.visit(look)
	check("after the deadline", attributes{IsNew: true, Created: at(60), Expires: at(70), Deadline: at(120)})
	b.visit(func(s *scarab.Session) { s.Login("ann"); look(s) })
	check("after a login", attributes{IsNew: true, Started: true, Created: at(60), Expires: at(70), Deadline: at(120), Principal: "ann"})
	b.visit(func(s *scarab.Session) { s.Invalidate(); look(s) })
	check("after Invalidate", attributes{IsNew: true, Created: at(60), Expires: at(70), Deadline: at(120)})
}

// Handle is there as soon as the session is saved, and stays.
func TestSession_Handle(t *testing.T) {
	b := newSite(t, scarab.Config{}).browser()
	var handles []string
	b.visit(func(s *scarab.Session) {
		s.Set("a", 1)
		if err := s.Save(t.Context()); err != nil {
			t.Error(err)
		}
		handles = append(handles, s.Handle())
	})
	for _, f := range []func(*scarab.Session){(*scarab.Session).Renew, func(s *scarab.Session) { s.Login("ann") }, func(*scarab.Session) {}} {
		b.visit(func(s *scarab.Session) { f(s); handles = append(handles, s.Handle()) })
	}
	if slices.Sort(handles); handles[0] == "" || handles[0] != handles[len(handles)-1] {
		t.Errorf("handles %q", handles)
	}
	c := newCookieSite(t, scarab.Config{}).browser()
	c.visit(func(s *scarab.Session) { s.Set("a", 1) })
	c.visit(func(s *scarab.Session) {
		if s.Handle() != "" {
			t.Errorf("a cookie has the handle %q", s.Handle())
		}
	})
}

func TestSession_SetTimeouts(t *testing.T) {
	const idle, lifetime = time.Hour, 24 * time.Hour // the defaults
	tests := []struct {
		name           string
		idle, lifetime time.Duration
		expires        time.Duration // after noon; 0 is never
		deadline       time.Duration
	}{
		{"shorter idle", time.Minute, 0, time.Minute, lifetime},
		{"longer idle", 3 * time.Hour, 0, 3 * time.Hour, lifetime},
		{"shorter lifetime", 0, 2 * time.Hour, idle, 2 * time.Hour},
		{"a lifetime below idle", 0, time.Minute, time.Minute, time.Minute},
		{"both", time.Minute, time.Hour, time.Minute, time.Hour},
		{"idle never", scarab.Never, 0, lifetime, lifetime},
		{"lifetime never", 0, scarab.Never, idle, 0},
		{"both never", scarab.Never, scarab.Never, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for kind, site := range map[string]*site{"stored": newSite(t, scarab.Config{}), "signed": newCookieSite(t, scarab.Config{})} {
				after := func(d time.Duration) time.Time {
					if d == 0 {
						return time.Time{}
					}
					return noon.Add(d)
				}
				check := func(s *scarab.Session) {
					if s.Expires() != after(tt.expires) || s.Deadline() != after(tt.deadline) {
						t.Errorf("%s: Expires %v, Deadline %v; want %v, %v", kind, s.Expires(), s.Deadline(), after(tt.expires), after(tt.deadline))
					}
				}
				b := site.browser()
				b.visit(func(s *scarab.Session) { s.Set("a", 1) })
				b.visit(func(s *scarab.Session) { s.SetTimeouts(tt.idle, tt.lifetime); check(s) })
				b.visit(check)
				if tt.expires == 0 {
					site.clock.Advance(10 * 365 * 24 * time.Hour)
					if got := b.sees(); got != "a=1" {
						t.Errorf("%s: after ten years: %q", kind, got)
					}
					continue
				}
				site.clock.Advance(tt.expires - time.Second)
				if got := b.clone().sees(); got != "a=1" {
					t.Errorf("%s: a second before it expires: %q", kind, got)
				}
				if tt.deadline == tt.expires {
					site.clock.Advance(time.Second)
					if got := b.sees(); got != "" {
						t.Errorf("%s: at the deadline: %q", kind, got)
					}
				}
			}
		})
	}
}

// The idle timeout of a session is its own from then on.
func TestSession_SetTimeouts_slides(t *testing.T) {
	for kind, site := range map[string]*site{"stored": newSite(t, scarab.Config{}), "signed": newCookieSite(t, scarab.Config{})} {
		b := site.browser()
		b.visit(func(s *scarab.Session) { s.Set("a", 1); s.SetTimeouts(5*time.Minute, 0) })
		for range 10 {
			site.clock.Advance(4 * time.Minute)
			if got := b.sees(); got != "a=1" {
				t.Fatalf("%s: in use, and gone after %v: %q", kind, site.clock.Now().Sub(noon), got)
			}
		}
		site.clock.Advance(6 * time.Minute)
		if got := b.sees(); got != "" {
			t.Errorf("%s: still there after six idle minutes: %q", kind, got)
		}
	}
}

func TestSession_SetPersistent(t *testing.T) {
	tests := []struct {
		name   string
		cfg    scarab.Config
		do     func(*scarab.Session)
		maxAge int // 0: none
	}{
		{"until the deadline", scarab.Config{}, func(s *scarab.Session) { s.SetPersistent(true) }, 24 * 3600},
		{"with a lifetime of its own", scarab.Config{}, func(s *scarab.Session) { s.SetTimeouts(0, 48*time.Hour); s.SetPersistent(true) }, 48 * 3600},
		{"400 days if there is no deadline", scarab.Config{}, func(s *scarab.Session) { s.SetTimeouts(0, scarab.Never); s.SetPersistent(true) }, 400 * 86400},
		{"not, where Config says so", scarab.Config{Persistent: true}, func(s *scarab.Session) { s.SetPersistent(false) }, 0},
		{"as Config says", scarab.Config{Persistent: true}, func(s *scarab.Session) { s.Renew() }, 24 * 3600},
		{"not by default", scarab.Config{}, func(s *scarab.Session) { s.Renew() }, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newSite(t, tt.cfg).browser()
			b.visit(func(s *scarab.Session) { s.Set("a", 1) })
			a := b.visit(tt.do)
			if len(a.set) != 1 {
				t.Fatalf("Set-Cookie %q", a.set)
			}
			if c, _ := http.ParseSetCookie(a.set[0]); c.MaxAge != tt.maxAge {
				t.Errorf("Max-Age %d, want %d", c.MaxAge, tt.maxAge)
			}
			// It stays so for the next cookie.
			a = b.visit((*scarab.Session).Renew)
			if c, _ := http.ParseSetCookie(a.set[0]); c.MaxAge != tt.maxAge {
				t.Errorf("then Max-Age %d, want %d", c.MaxAge, tt.maxAge)
			}
		})
	}
}
