package scarab_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/memstore"
	"github.com/scarab-go/scarab/scarabtest"
)

// A move is a site that has another store now, and the browser of somebody who
// logged in before.
type move struct {
	*site
	old    *memstore.Store
	before *site
	b      *browser
}

func newMove(t *testing.T, cookieName string) *move {
	m := &move{old: memstore.New()}
	m.before = newSiteOn(t, scarab.Stored(m.old), scarab.Config{Cookie: scarab.Cookie{Name: cookieName}})
	first := m.before.browser()
	first.visit(func(s *scarab.Session) { s.Login("ann"); s.Set("a", 1) })
	m.site = newSite(t, scarab.Config{Fallbacks: []scarab.Fallback{{Backend: scarab.Stored(m.old), CookieName: cookieName}}})
	m.b = &browser{m.site, first.cookies}
	return m
}

// copy is what `scarab migrate` does with a record that is not there yet.
func (m *move) copy(t *testing.T) {
	t.Helper()
	for r, err := range m.old.Scan(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		_ = m.store.Create(t.Context(), r)
	}
}

// principal is who the session of b belongs to.
func principal(b *browser) (who string) {
	b.visit(func(s *scarab.Session) { who = s.Principal() })
	return who
}

// A session that was moved ends in both stores, whatever cookie the browser has
// by then, and whenever the records are copied.
func TestFallback_ends(t *testing.T) {
	for how, end := range map[string]func(*move){
		"Invalidate": func(m *move) { m.b.visit((*scarab.Session).Invalidate) },
		"Revoke": func(m *move) {
			m.b.visit(func(s *scarab.Session) {
				if err := m.factory.Revoke(context.Background(), s.Handle()); err != nil {
					m.t.Error(err)
				}
			})
		},
		"RevokePrincipal": func(m *move) {
			if _, err := m.factory.RevokePrincipal(context.Background(), "ann"); err != nil {
				m.t.Error(err)
			}
		},
		"Login": func(m *move) { m.b.visit(func(s *scarab.Session) { s.Login("ann") }) },
	} {
		for _, name := range []string{"__Host-session", "old"} {
			for _, copied := range []string{"never", "before the move", "before the end", "after the end"} {
				t.Run(how+"/"+name+"/copied "+copied, func(t *testing.T) {
					m := newMove(t, name)
					thief := m.b.clone()
					if copied == "before the move" {
						m.copy(t)
					}
					if got := principal(m.b); got != "ann" {
						t.Fatalf("moved, it is of %q", got)
					}
					if copied == "before the end" {
						m.copy(t)
					}
					end(m)
					if copied == "after the end" {
						m.copy(t)
					}
					if got := principal(thief); got != "" {
						t.Errorf("the token from before opens a session of %q", got)
					}
					if got := principal(&browser{m.before, thief.cookies}); got != "" {
						t.Errorf("in the old store it opens a session of %q", got)
					}
				})
			}
		}
	}
}

// After a login the cookie from before opens nothing, also when the session has
// expired and its record is gone.
func TestFallback_afterLogin(t *testing.T) {
	codec := signedCodec(t)
	old := newSiteOn(t, scarab.InCookie(codec), scarab.Config{Cookie: scarab.Cookie{Name: "old"}}).browser()
	old.visit(func(s *scarab.Session) { s.Login("ann") })
	site := newSite(t, scarab.Config{Fallbacks: []scarab.Fallback{{Backend: scarab.InCookie(codec), CookieName: "old"}}})
	b := &browser{site, old.cookies}
	thief := b.clone()
	b.visit(func(s *scarab.Session) { s.Login("ann"); s.SetTimeouts(5*time.Minute, 0) })
	for _, when := range []string{"at once", "when the session has expired", "when it was swept"} {
		if got := principal(thief.clone()); got != "" {
			t.Errorf("%s the old cookie opens a session of %q", when, got)
		}
		site.clock.Advance(10 * time.Minute)
		if _, err := site.factory.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// Pyramid's cookies have no deadline. The one that a session gets when it is
// adopted is the same each time its cookie comes.
func TestFallback_deadline(t *testing.T) {
	forever := scarab.Config{Cookie: scarab.Cookie{Name: "old"}, IdleTimeout: scarab.Never, Lifetime: scarab.Never}
	codec := signedCodec(t)
	old := newSiteOn(t, scarab.InCookie(codec), forever).browser()
	old.visit(func(s *scarab.Session) { s.Set("user", "ann") })
	site := newSite(t, scarab.Config{IdleTimeout: scarab.Never, Lifetime: 24 * time.Hour, Fallbacks: []scarab.Fallback{{Backend: scarab.InCookie(codec), CookieName: "old"}}})
	for day, want := range []string{`user="ann"`, "", ""} {
		if got := (&browser{site, old.cookies}).clone().sees(); got != want {
			t.Errorf("on day %d: %q, want %q", day, got, want)
		}
		site.clock.Advance(25 * time.Hour)
		if _, err := site.factory.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// A request that was under way with the token from before a login in the old
// half of a site reaches the new half.
func TestFallback_superseded(t *testing.T) {
	for _, name := range []string{"__Host-session", "old"} {
		m := newMove(t, name)
		late := m.b.clone()
		(&browser{m.before, m.b.cookies}).visit(func(s *scarab.Session) { s.Login("ann") })
		a := late.visit(func(s *scarab.Session) { s.Flash("hello") })
		if a.status != http.StatusConflict || a.set != nil {
			t.Errorf("cookie %s: %d, Set-Cookie %q", name, a.status, a.set)
		}
	}
}

// A browser heeds no Set-Cookie that breaks the rule of the name's prefix.
func TestFallback_clears(t *testing.T) {
	for name, want := range map[string]string{
		"__Host-session":   "__Host-session=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax",
		"__Secure-session": "__Secure-session=; Max-Age=0; Path=/app; Domain=example.com; Secure; HttpOnly; SameSite=Lax",
		"old":              "old=; Max-Age=0; Path=/app; Domain=example.com; SameSite=Lax",
	} {
		store := memstore.New()
		old := newSiteOn(t, scarab.Stored(store), scarab.Config{Cookie: scarab.Cookie{Name: name}}).browser()
		old.visit(func(s *scarab.Session) { s.Login("ann") })
		site := newSite(t, scarab.Config{
			Insecure: true, Cookie: scarab.Cookie{Name: "session", Domain: "example.com", Path: "/app", AllowScriptAccess: true},
			Fallbacks: []scarab.Fallback{{Backend: scarab.Stored(store), CookieName: name}},
		})
		a := (&browser{site, old.cookies}).visit((*scarab.Session).Invalidate)
		if got := strings.Join(a.set, "\n"); !strings.Contains(got, want) {
			t.Errorf("Set-Cookie %q, want %q among them", got, want)
		}
	}
}

// What was carried out before a fallback failed is not carried out again.
func TestFallback_fails(t *testing.T) {
	fallback := scarabtest.NewFailingStore(memstore.New())
	old := newSiteOn(t, scarab.Stored(fallback), scarab.Config{Cookie: scarab.Cookie{Name: "old"}}).browser()
	old.visit(func(s *scarab.Session) { s.Set("a", 1) })
	store := memstore.New()
	site := newSiteOn(t, scarab.Stored(store), scarab.Config{Fallbacks: []scarab.Fallback{{Backend: scarab.Stored(fallback), CookieName: "old"}}})
	b := &browser{site, old.cookies}
	count := scarab.Key[int]("n")
	b.visit(func(s *scarab.Session) { count.Set(s, 0) })
	fallback.On(scarabtest.Delete, 0, scarabtest.Refuse)
	a := b.visit(func(s *scarab.Session) {
		count.Update(s, func(n int) int { return n + 1 })
		s.Login("ann")
		if err := s.Save(context.Background()); err == nil {
			t.Error("Save has not failed")
		}
		fallback.Heal()
	})
	if a.status != http.StatusServiceUnavailable {
		t.Errorf("%d", a.status)
	}
	if store.Len() != 1 {
		t.Fatalf("%d records", store.Len())
	}
	for r := range store.Scan(t.Context()) {
		values, err := r.Values()
		for _, v := range values {
			if v.Key == "n" && string(v.JSON) != "1" {
				t.Errorf("one update made %s, %v", v.JSON, err)
			}
		}
	}
}
