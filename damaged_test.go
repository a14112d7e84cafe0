package scarab_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/scarab-go/scarab"
)

// A deployment halfway must not wipe what the other half wrote.
func TestKey_undecodable(t *testing.T) {
	tests := []struct {
		name string
		do   func(*scarab.Session)
	}{
		{"Update", func(s *scarab.Session) { scarab.Key[int]("cart").Update(s, func(int) int { return 1 }) }},
		{"Edit", func(s *scarab.Session) { *scarab.Key[[]string]("cart").Edit(s) = nil }},
		{"Edit that changes nothing", func(s *scarab.Session) { scarab.Key[[]string]("cart").Edit(s) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newSite(t, scarab.Config{}).browser()
			b.visit(func(s *scarab.Session) { s.Set("cart", cart{Items: []string{"tea"}}) })
			a := b.visit(func(s *scarab.Session) { s.Set("other", 1); tt.do(s) })
			if a.status != http.StatusInternalServerError || a.calls != "LoadTouch" || len(a.failures) != 1 || !strings.Contains(a.failures[0].Error(), `"cart" is no `) {
				t.Errorf("%d, store calls %s, errors %v", a.status, a.calls, a.failures)
			}
			if got := b.sees(); got != `cart=map[string]interface {}{"Items":[]interface {}{"tea"}}` {
				t.Errorf("left %s", got)
			}
		})
	}
}

// A value that got damaged in the store reads as absent, and the rest works.
func TestKey_damaged(t *testing.T) {
	site := newSite(t, scarab.Config{})
	b := site.browser()
	b.visit(func(s *scarab.Session) { s.SetAll(map[string]any{"a": "fine", "b": "bad", "c": "fine"}) })
	site.edit(b, func(r *scarab.Record) { r.Data = []byte(strings.Replace(string(r.Data), `"bad"`, `{oops`, 1)) })

	const key = scarab.Key[string]("b")
	a := b.visit(func(s *scarab.Session) {
		if v, ok := s.Lookup("b"); v != nil || ok || s.Get("b") != nil || key.Get(s) != "" {
			t.Errorf("Lookup = %v, %t", v, ok)
		}
		if _, err := key.Lookup(s); err == nil || errors.Is(err, scarab.ErrNoValue) {
			t.Errorf("Key.Lookup: %v", err)
		}
		if got := contents(s); got != `a="fine" c="fine"` {
			t.Error(got)
		}
		s.Set("c", "better")
	})
	if a.status != http.StatusOK {
		t.Errorf("%d", a.status)
	}
	for _, change := range []func(*scarab.Session){
		func(s *scarab.Session) { key.Update(s, strings.ToUpper) },
		func(s *scarab.Session) { *key.Edit(s) = "x" },
	} {
		if a := b.visit(change); a.status != http.StatusInternalServerError {
			t.Errorf("%d", a.status)
		}
	}
	site.edit(b, func(r *scarab.Record) {
		if !strings.Contains(string(r.Data), `{oops`) {
			t.Errorf("the damaged value is gone: %q", r.Data)
		}
	})
	if a := b.visit(func(s *scarab.Session) { key.Set(s, "new") }); a.status != http.StatusOK {
		t.Errorf("%d", a.status)
	}
	if got := b.sees(); got != `a="fine" b="new" c="better"` {
		t.Error(got)
	}
}

// edit changes the record of b's session behind scarab's back.
func (s *site) edit(b *browser, f func(*scarab.Record)) {
	s.t.Helper()
	var handle string
	b.visit(func(s *scarab.Session) { handle = s.Handle() })
	h, err := scarab.ParseHandle(handle)
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := s.store.Load(s.t.Context(), h, s.clock.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	f(&r)
	r.Version++
	if err := s.store.Save(s.t.Context(), r); err != nil {
		s.t.Fatal(err)
	}
}
