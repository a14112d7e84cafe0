package scarab_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
)

func TestSession_Renew(t *testing.T) {
	site := newSite(t, scarab.Config{})
	b := site.browser()
	b.visit(func(s *scarab.Session) { s.Set("a", 1) })
	thief := b.clone()
	a := b.visit((*scarab.Session).Renew)
	if a.calls != "LoadTouch Save" || len(a.set) != 1 || b.token() == thief.token() {
		t.Errorf("store calls %s, Set-Cookie %q", a.calls, a.set)
	}
	if b.token()[:21] != thief.token()[:21] {
		t.Error("the handle changed")
	}
	if got := b.sees(); got != "a=1" {
		t.Errorf("the new token opens %q", got)
	}
	a = thief.visit(func(s *scarab.Session) {
		if s.Len() != 0 || !s.IsNew() {
			t.Error("the old token opens the session")
		}
	})
	if got := kinds(a.events); !slices.Equal(got, []string{"session_superseded"}) {
		t.Errorf("events within a minute: %q", got)
	}
	site.clock.Advance(time.Minute)
	a = thief.visit(func(s *scarab.Session) {
		if s.Len() != 0 {
			t.Error("the old token opens the session")
		}
	})
	if got := kinds(a.events); !slices.Equal(got, []string{"session_rejected:unknown"}) {
		t.Errorf("events after a minute: %q", got)
	}
}

func TestSession_Login(t *testing.T) {
	login := func(names ...string) func(*scarab.Session) {
		return func(s *scarab.Session) {
			for _, name := range names {
				s.Login(name)
			}
		}
	}
	tests := []struct {
		name          string
		before, login func(*scarab.Session)
		want          string // without the CSRF token
		principal     string
	}{
		{"keeps what an anonymous visitor had", func(s *scarab.Session) { s.Set("cart", 3) }, login("ann"), "cart=3", "ann"},
		{"keeps what the same principal had", func(s *scarab.Session) { s.Login("ann"); s.Set("cart", 3) }, login("ann"), "cart=3", "ann"},
		{"clears what another principal had", func(s *scarab.Session) { s.Login("ann"); s.Set("cart", 3); s.Flash("for ann") }, login("bob"), "", "bob"},
		{"keeps what is set before it in the request", func(s *scarab.Session) { s.Set("cart", 3) },
			func(s *scarab.Session) { s.Set("next", "/"); s.Login("ann") }, `cart=3 next="/"`, "ann"},
		{"keeps what is set after it", func(s *scarab.Session) { s.Login("ann"); s.Set("cart", 3) },
			func(s *scarab.Session) { s.Login("bob"); s.Set("hello", "bob") }, `hello="bob"`, "bob"},
		{"twice in one request", func(s *scarab.Session) { s.Set("cart", 3) }, login("ann", "bob"), "", "bob"},
		{"keeps an Edit under way", func(s *scarab.Session) { s.Set("cart", 3) },
			func(s *scarab.Session) { *scarab.Key[int]("cart").Edit(s) = 4; s.Login("ann") }, "cart=4", "ann"},
		{"keeps an Edit that goes on after it", func(s *scarab.Session) { s.Set("cart", 3) },
			func(s *scarab.Session) { cart := scarab.Key[int]("cart").Edit(s); s.Login("ann"); *cart = 5 }, "cart=5", "ann"},
		{"clears an Edit of another principal's value", func(s *scarab.Session) { s.Login("ann"); s.Set("cart", 3) },
			func(s *scarab.Session) {
				cart, note := scarab.Key[int]("cart").Edit(s), scarab.Key[string]("note").Edit(s)
				*cart = 4
				s.Login("bob")
				*cart, *note = 5, "ann's"
			}, "", "bob"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site := newSite(t, scarab.Config{})
			b := site.browser()
			b.visit(func(s *scarab.Session) { tt.before(s); s.SetLabel("phone"); s.SetPersistent(true) })
			var first, created string
			b.visit(func(s *scarab.Session) { first, created = s.CSRFToken(), s.Created().String() })
			old := b.clone()
			site.clock.Advance(time.Minute)
			a := b.visit(tt.login)
			if a.status != http.StatusOK || len(a.set) != 1 || a.header.Get("Cache-Control") != "no-store" {
				t.Fatalf("%d, Set-Cookie %q", a.status, a.set)
			}
			// What was chosen for this browser is the same person's choice or nobody's.
			label := "phone"
			if !strings.Contains(tt.want, "cart") {
				label = ""
			}
			for info := range site.factory.Sessions(t.Context(), tt.principal) {
				if info.Label != label {
					t.Errorf("label %q, want %q", info.Label, label)
				}
			}
			if strings.Contains(a.set[0], "Max-Age") != (label != "") {
				t.Errorf("Set-Cookie %q", a.set)
			}
			b.visit(func(s *scarab.Session) {
				second, _ := s.Pop("_csrft_")
				if second == first || len(second.(string)) != 40 {
					t.Errorf("CSRF token %v, before the login %s", second, first)
				}
				if got := contents(s); got != tt.want || s.Principal() != tt.principal {
					t.Errorf("%s has %s, want %s", s.Principal(), got, tt.want)
				}
				if s.AuthTime() != noon.Add(time.Minute) || s.Deadline() != noon.Add(time.Minute+24*time.Hour) || s.Created().String() != created {
					t.Errorf("AuthTime %v, Deadline %v, Created %v", s.AuthTime(), s.Deadline(), s.Created())
				}
			})
			old.visit(func(s *scarab.Session) {
				if s.Principal() != "" || s.Len() > 0 {
					t.Error("a token from before the login opens the session after it")
				}
			})
		})
	}
}

// Lists of sessions show who, where and since when.
func TestSession_SetLabel(t *testing.T) {
	site := newSite(t, scarab.Config{})
	for _, label := range []string{"phone", "laptop"} {
		site.browser().visit(func(s *scarab.Session) { s.Login("ann"); s.SetLabel(label) })
	}
	site.browser().visit(func(s *scarab.Session) { s.Login("bob") })
	var labels []string
	for info, err := range site.factory.Sessions(t.Context(), "ann") {
		if err != nil || info.Principal != "ann" || info.Created != noon || info.AuthTime != noon || len(info.Handle) != 32 {
			t.Errorf("%+v, %v", info, err)
		}
		labels = append(labels, info.Label)
	}
	if slices.Sort(labels); !slices.Equal(labels, []string{"laptop", "phone"}) {
		t.Errorf("labels %q", labels)
	}
}

// What a request did to A's session before it logged in B is not done to a
// session that another request has logged B in to.
func TestSession_Login_beside(t *testing.T) {
	for name, tt := range map[string]struct {
		do   func(*scarab.Session)
		want any
	}{
		"a change before": {func(s *scarab.Session) { s.Set("address", "of A"); s.Login("B") }, nil},
		"a change after":  {func(s *scarab.Session) { s.Login("B"); s.Set("address", "of B") }, "of B"},
	} {
		b := newSite(t, scarab.Config{}).browser()
		b.visit(func(s *scarab.Session) { s.Login("A") })
		slow := b.clone()
		a := slow.visit(func(s *scarab.Session) {
			tt.do(s)
			b.visit(func(s *scarab.Session) { s.Login("B") })
		})
		if a.status != http.StatusOK {
			t.Errorf("%s: %d", name, a.status)
		}
		slow.visit(func(s *scarab.Session) {
			if s.Principal() != "B" || s.Get("address") != tt.want {
				t.Errorf("%s: %q has address %v, want %v", name, s.Principal(), s.Get("address"), tt.want)
			}
		})
	}
}

// Names that databases do not take are refused, or cut.
func TestSession_longNames(t *testing.T) {
	site := newSite(t, scarab.Config{})
	b := site.browser()
	if a := b.visit(func(s *scarab.Session) { s.Login(strings.Repeat("x", 1025)) }); a.status != http.StatusInternalServerError {
		t.Errorf("a principal of 1025 bytes: %d", a.status)
	}
	b.visit(func(s *scarab.Session) {
		s.Login(strings.Repeat("x", 1024))
		s.SetLabel(strings.Repeat("x", 1023) + "é")
	})
	n := 0
	for info, err := range site.factory.Sessions(t.Context(), strings.Repeat("x", 1024)) {
		if n++; err != nil || info.Label != strings.Repeat("x", 1023) {
			t.Errorf("a label of %d bytes, %v", len(info.Label), err)
		}
	}
	if n != 1 {
		t.Errorf("%d sessions", n)
	}
}
