package scarab_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/invariants"
	"github.com/scarab-go/scarab/memstore"
	"github.com/scarab-go/scarab/scarabtest"
)

// listedSite keeps sessions in signed cookies, with a deny list.
func listedSite(t *testing.T) (*invariants.Site, *scarabtest.FailingStore) {
	list := scarabtest.NewFailingStore(memstore.New())
	return invariants.NewSiteOn(t, scarab.InCookie(signedCodec(t), scarab.DenyList(list)), scarab.Config{}), list
}

// A cookie that does not fit must not log anybody out: the old one is denied
// when the new one is there.
func TestDenyList_tooLarge(t *testing.T) {
	for name, renewal := range map[string]func(*scarab.Session){"Login": login, "Renew": (*scarab.Session).Renew} {
		site, _ := listedSite(t)
		b := site.Browser()
		b.Do(doing(login))
		a := b.Do(doing(func(s *scarab.Session) {
			renewal(s)
			s.Set("essay", strings.Repeat("x", 5000))
		}))
		if a.Status != 500 || !errors.Is(a.Failed, scarab.ErrTooLarge) {
			t.Errorf("%s: %v", name, a)
		}
		expect(t, name+": the cookie from before", b.Do(shows).Body, "ann:")
	}
}

// A request with a cookie that was renewed away a moment ago must not overwrite
// the one of the login.
func TestDenyList_superseded(t *testing.T) {
	site, _ := listedSite(t)
	b := site.Browser()
	b.Do(doing(set("cart")))
	old := b.Clone()
	b.Do(doing(login))
	for _, step := range []time.Duration{0, 59 * time.Second} {
		site.Clock.Advance(step)
		for what, f := range map[string]func(*scarab.Session){"a change": set("a"), "a logout": (*scarab.Session).Invalidate} {
			a := old.Do(doing(f))
			if a.Status != http.StatusConflict || !errors.Is(a.Failed, scarab.ErrSuperseded) || len(a.SetCookie) > 0 {
				t.Errorf("%s after %v: %v", what, step, a)
			}
		}
		expect(t, "a read", old.Do(shows).Body, ":")
	}
	site.Clock.Advance(2 * time.Second)
	expect(t, "after a minute, as any unknown cookie", old.Do(doing(set("a"))).Status, 200)
	expect(t, "the session of the login", b.Do(shows).Body, "ann: cart")
}

// Of several renewals at once one wins: there is one live cookie.
func TestDenyList_renewals(t *testing.T) {
	site, list := listedSite(t)
	b := site.Browser()
	b.Do(doing(login))
	var tabs []*invariants.Request
	for range 8 {
		tabs = append(tabs, b.Begin(straggling((*scarab.Session).Renew)))
	}
	creates := list.Count(scarabtest.Create)
	live := 0
	for _, a := range invariants.FinishAll(tabs) {
		tab := site.Browser()
		if tab.Take(a); a.OK() && tab.Do(shows).Body == "ann:" {
			live++
		} else if a.Status != http.StatusConflict || len(a.SetCookie) > 0 {
			t.Errorf("a tab that came too late: %v", a)
		}
	}
	expect(t, "live cookies", live, 1)
	if list.Count(scarabtest.Create) == creates {
		t.Error("nothing was denied")
	}
}

// Two renewals that both found the cookie good: the one whose entry in the list
// comes second is too late. A logout that comes second is not.
func TestDenyList_renewedMeanwhile(t *testing.T) {
	for name, second := range map[string]func(*scarab.Session){"Renew": (*scarab.Session).Renew, "Invalidate": (*scarab.Session).Invalidate} {
		site, list := listedSite(t)
		b := site.Browser()
		b.Do(doing(login))
		reached, open := make(chan struct{}), make(chan struct{})
		list.On(scarabtest.Create, 1, func(_ context.Context, _ scarabtest.Call, do func() error) error {
			close(reached)
			<-open
			return do()
		})
		slow := b.Clone().Start(doing(second))
		<-reached
		a := b.Do(doing((*scarab.Session).Renew))
		close(open)
		late := slow.Finish()
		if !a.OK() {
			t.Errorf("%s: the first renewal: %v", name, a)
		}
		if name == "Renew" {
			expect(t, "the second", late.Status, http.StatusConflict)
			expect(t, "the renewed session", b.Do(shows).Body, "ann:")
		} else {
			expect(t, "the logout", late.Status, http.StatusOK)
			expect(t, "the renewed session", b.Do(shows).Body, ":")
		}
	}
}

// What is denied stays denied for as long as its cookie could live, which may be
// longer than the session that came after it.
func TestDenyList_deadlines(t *testing.T) {
	const day = 24 * time.Hour
	site, _ := listedSite(t)
	b := site.Browser()
	b.Do(doing(func(s *scarab.Session) {
		s.Set("a", 1)
		s.SetTimeouts(30*day, 30*day)
	}))
	first := b.Clone()
	b.Do(doing(login)) // from here on, a day
	second := b.Clone()
	b.Do(doing((*scarab.Session).Invalidate))
	for range 29 {
		site.Clock.Advance(day)
		if n, err := site.Factory.Sweep(t.Context()); err != nil {
			t.Fatal(n, err)
		}
		expect(t, "the cookie from before the login", first.Clone().Do(shows).Body, ":")
		expect(t, "the cookie from before the logout", second.Clone().Do(shows).Body, ":")
	}
}

// Save and Invalidate in one request end what Save has made.
func TestDenyList_twice(t *testing.T) {
	site, _ := listedSite(t)
	b := site.Browser()
	b.Do(doing(login))
	old := b.Clone()
	var saved *invariants.Browser
	a := b.Do(func(v *visit) {
		v.S.Renew()
		if err := v.S.Save(v.R.Context()); err != nil {
			t.Error(err)
		}
		saved = site.Browser()
		saved.Take(invariants.Answer{SetCookie: v.W.Header()["Set-Cookie"]})
		v.S.Set("a", 1)
		if err := v.S.Save(v.R.Context()); err != nil {
			t.Error(err)
		}
		v.S.Invalidate()
	})
	if !a.OK() || b.Token() != "" {
		t.Errorf("%v, the browser has %q", a, b.Token())
	}
	if saved.Token() == "" {
		t.Error("Save set no cookie")
	}
	expect(t, "the first cookie", old.Do(shows).Body, ":")
	expect(t, "the cookie of Save", saved.Do(shows).Body, ":")
}

// A cookie from before there was a deny list ends with its session.
func TestDenyList_turnedOn(t *testing.T) {
	codec := signedCodec(t)
	old := newSiteOn(t, scarab.InCookie(codec), scarab.Config{}).browser()
	old.visit(func(s *scarab.Session) { s.Login("ann") })
	b := &browser{newSiteOn(t, scarab.InCookie(codec, scarab.DenyList(memstore.New())), scarab.Config{}), old.cookies}
	first := b.clone()
	b.visit(func(s *scarab.Session) { s.Set("a", 1) })
	second := b.clone()
	b.visit((*scarab.Session).Invalidate)
	for name, thief := range map[string]*browser{"from before the list": first, "from before the logout": second} {
		if got := principal(thief); got != "" {
			t.Errorf("the cookie %s opens a session of %q", name, got)
		}
	}
}
