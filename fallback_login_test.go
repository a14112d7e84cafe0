package scarab_test

import (
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/memstore"
	"github.com/scarab-go/scarab/scarabtest"
)

// A login to a session that a cookie brings from before a move to cookies with a
// deny list ends the session that was, under the handle it had, and not itself.
func TestFallback_loginWithDenyList(t *testing.T) {
	old := memstore.New()
	for name, tt := range map[string]struct {
		backend scarab.Backend // from before
		first   bool           // another request adopts it
	}{
		"a cookie":                {backend: scarab.InCookie(signedCodec(t))},
		"a cookie, adopted":       {backend: scarab.InCookie(signedCodec(t)), first: true},
		"a store's token":         {backend: scarab.Stored(old)},
		"a store's token adopted": {backend: scarab.Stored(old), first: true},
	} {
		t.Run(name, func(t *testing.T) {
			before := newSiteOn(t, tt.backend, scarab.Config{Cookie: scarab.Cookie{Name: "old"}}).browser()
			before.visit(func(s *scarab.Session) { s.Set("a", 1) })
			site := newSiteOn(t, scarab.InCookie(signedCodec(t), scarab.DenyList(memstore.New())), scarab.Config{
				Fallbacks: []scarab.Fallback{{Backend: tt.backend, CookieName: "old"}},
			})
			b := &browser{site, before.cookies}
			thief := b.clone()
			if tt.first {
				b.visit(func(s *scarab.Session) { s.Set("b", 1) })
				delete(b.cookies, "old")
			}
			b.visit(func(s *scarab.Session) { s.Login("ann") })
			for _, wait := range []time.Duration{0, 2 * time.Minute} { // within the grace for requests under way, and after it
				site.clock.Advance(wait)
				if got := principal(b); got != "ann" {
					t.Errorf("%v after the login: %q", wait, got)
				}
			}
			if n := old.Len(); n != 0 {
				t.Errorf("%d sessions are left in the store from before", n)
			}
			thief.visit(func(s *scarab.Session) {
				if s.Has("a") {
					t.Error("the cookie from before opens a session")
				}
			})
		})
	}
}

// A new visitor who logs in has no session from before: there is nothing to end.
func TestFallback_newLogin(t *testing.T) {
	records := memstore.New()
	old := scarabtest.NewFailingStore(memstore.New())
	site := newSiteOn(t, scarab.Stored(records), scarab.Config{
		Fallbacks: []scarab.Fallback{{Backend: scarab.Stored(old), CookieName: "old"}},
	})
	b := site.browser()
	b.visit(func(s *scarab.Session) { s.Login("ann") })
	if n := old.Count(scarabtest.Delete); n != 0 || records.Len() != 1 {
		t.Errorf("%d deletes in the store from before, %d records; want none and 1", n, records.Len())
	}
}
