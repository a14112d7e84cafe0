package scarab_test

import (
	"errors"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
)

// Reload shows what others did, with this request's own changes on top.
func TestSession_Reload(t *testing.T) {
	site := newSite(t, scarab.Config{})
	b := site.browser()
	b.visit(func(s *scarab.Session) { s.Set("a", 1) })
	b.visit(func(s *scarab.Session) {
		s.Set("mine", 1)
		b.clone().visit(func(s *scarab.Session) { s.Set("theirs", 2) })
		if err := s.Reload(t.Context()); err != nil {
			t.Error(err)
		}
		if got := contents(s); got != "a=1 theirs=2 mine=1" {
			t.Error(got)
		}
	})
	if got := b.sees(); got != "a=1 theirs=2 mine=1" {
		t.Error(got)
	}
	for name, end := range map[string]func(*scarab.Session){
		"invalidated":          (*scarab.Session).Invalidate,
		"revoked":              func(s *scarab.Session) { _ = site.factory.Revoke(t.Context(), s.Handle()) },
		"logged in by another": func(s *scarab.Session) { s.Login("mallory") },
	} {
		b := site.browser()
		b.visit(func(s *scarab.Session) { s.Set("a", 1) })
		b.visit(func(s *scarab.Session) {
			b.clone().visit(end)
			if err := s.Reload(t.Context()); !errors.Is(err, scarab.ErrEnded) {
				t.Errorf("%s: Reload: %v", name, err)
			}
		})
	}
	site.browser().visit(func(s *scarab.Session) { // nothing to read yet
		s.Set("a", 1)
		if err := s.Reload(t.Context()); err != nil || s.Get("a") != int64(1) {
			t.Errorf("new: %v", err)
		}
	})
	b.visit(func(s *scarab.Session) {
		site.clock.Advance(25 * time.Hour)
		if err := s.Reload(t.Context()); !errors.Is(err, scarab.ErrEnded) {
			t.Errorf("expired: Reload: %v", err)
		}
	})
}
