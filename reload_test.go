package scarab_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/scarabtest"
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

func TestSession_Reload_fails(t *testing.T) {
	site := newSite(t, scarab.Config{})
	b := site.browser()
	b.visit(func(s *scarab.Session) { s.Set("a", 1) })
	a := b.visit(func(s *scarab.Session) {
		s.Set("b", 1)
		site.store.On(scarabtest.Load, 1, scarabtest.Refuse)
		var failed *scarab.StoreError
		if err := s.Reload(t.Context()); !errors.As(err, &failed) || failed.Op != "load" || !errors.Is(err, scarabtest.ErrFault) {
			t.Errorf("the store fails: %v", err)
		}
		if contents(s) != "a=1 b=1" { // it goes on with what it has
			t.Errorf("then it has %s", contents(s))
		}
	})
	if a.status != http.StatusOK || b.sees() != "a=1 b=1" {
		t.Errorf("%d, left %s", a.status, b.sees())
	}
	a = b.visit(func(s *scarab.Session) {
		scarab.Key[int]("a").Update(s, func(n int) int { return n + 1 })
		b.clone().visit(func(s *scarab.Session) { s.Set("a", "text") })
		if err := s.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), `"a" is no int`) {
			t.Errorf("a change that fits no more: %v", err)
		}
	})
	if a.status != http.StatusInternalServerError || b.sees() != `a="text" b=1` {
		t.Errorf("%d, left %s", a.status, b.sees())
	}
}

// A cookie does not change under way; it can expire.
func TestSession_Reload_cookie(t *testing.T) {
	site := newCookieSite(t, scarab.Config{})
	b := site.browser()
	b.visit(func(s *scarab.Session) { s.Set("a", 1) })
	b.visit(func(s *scarab.Session) {
		s.Set("b", 2)
		if err := s.Reload(t.Context()); err != nil || contents(s) != "a=1 b=2" {
			t.Errorf("%v, %s", err, contents(s))
		}
		site.clock.Advance(2 * time.Hour)
		if err := s.Reload(t.Context()); !errors.Is(err, scarab.ErrEnded) {
			t.Errorf("expired: %v", err)
		}
	})
}
