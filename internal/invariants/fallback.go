package invariants

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/cookiecodec"
	"github.com/scarab-go/scarab/scarabtest"
)

const oldCookie = "__Host-old"

// signed is Pyramid's format.
func (e *env) signed() scarab.Codec {
	e.Helper()
	if e.codec != nil {
		return e.codec
	}
	codec, err := cookiecodec.NewSigned(cookiecodec.SignedConfig{Secrets: [][]byte{
		[]byte("sixty-four characters are as much as HMAC-SHA-512 takes from it.")}})
	if err != nil {
		e.Fatal(err)
	}
	return codec
}

// movedSite returns a site with sessions in cookies, and the one that it is
// replaced by, which has them as its fallback.
func (e *env) movedSite(edits ...func(*scarab.Config)) (old, s *Site) {
	e.Helper()
	b := scarab.InCookie(e.signed())
	cfg := scarab.Config{Cookie: scarab.Cookie{Name: oldCookie}}
	for _, edit := range edits {
		edit(&cfg)
	}
	old = NewSiteOn(e, b, cfg)
	s = e.site(append(edits, func(c *scarab.Config) {
		c.Fallbacks = []scarab.Fallback{{Backend: b, CookieName: oldCookie}}
		c.Clock = old.Clock.Now
	})...)
	s.Clock = old.Clock
	return old, s
}

func notAdoptedAgain(e *env) {
	// again brings the old cookie alone, as one who has copied it.
	again := func(e *env, s *Site, old *Browser) {
		e.Helper()
		for _, step := range []time.Duration{0, 2 * time.Minute, 20 * time.Minute} {
			s.Clock.Advance(step)
			thief := old.On(s)
			if got := e.sees(thief); got != "" {
				e.breaks("the old cookie opens %q", got)
			}
			e.ok(thief.Do(doing(func(s *scarab.Session) { s.Set("new", 1) })))
			if got := e.sees(thief); got != "new=1" {
				e.breaks("beside the old cookie, a new session is %q", got)
			}
		}
	}
	for _, c := range []struct {
		name   string
		keeper keeper
		end    func(e *env, s *Site, b *Browser)
	}{
		{"Invalidate at first sight", byCookie, func(e *env, s *Site, b *Browser) {
			a := e.ok(b.Do(doing((*scarab.Session).Invalidate)))
			if b.Cookie(oldCookie) != "" {
				e.breaks("the old cookie is not cleared: %v", a)
			}
		}},
		{"adopted, then Invalidate", byCookie, func(e *env, s *Site, b *Browser) {
			e.ok(b.Do(doing(reads)))
			e.ok(b.Do(doing((*scarab.Session).Invalidate)))
		}},
		{"adopted, then Invalidate without the old cookie", byCookie, func(e *env, s *Site, b *Browser) {
			e.ok(b.Do(doing(reads)))
			b.SetCookie(oldCookie, "")
			e.ok(b.Do(doing((*scarab.Session).Invalidate)))
		}},
		{"adopted, then Revoke", byCookie, func(e *env, s *Site, b *Browser) {
			e.ok(b.Do(doing(reads)))
			if err := s.Factory.Revoke(e.Context(), e.handle(b)); err != nil {
				e.Fatal(err)
			}
		}},
		{"adopted, then RevokePrincipal", byStore, func(e *env, s *Site, b *Browser) {
			e.ok(b.Do(doing(reads)))
			if n, err := s.Factory.RevokePrincipal(e.Context(), "ann"); n != 1 || err != nil {
				e.Fatalf("RevokePrincipal: %d, %v", n, err)
			}
		}},
		{"Login at first sight", byCookie, func(e *env, s *Site, b *Browser) {
			e.ok(b.Do(doing(func(s *scarab.Session) { s.Login("bob") })))
		}},
		{"adopted, then Login", byCookie, func(e *env, s *Site, b *Browser) {
			e.ok(b.Do(doing(reads)))
			e.ok(b.Do(doing(func(s *scarab.Session) { s.Login("bob") })))
		}},
		{"Renew at first sight", byCookie, func(e *env, s *Site, b *Browser) {
			e.ok(b.Do(doing((*scarab.Session).Renew)))
		}},
		{"adopted, then Renew", byCookie, func(e *env, s *Site, b *Browser) {
			e.ok(b.Do(doing(reads)))
			e.ok(b.Do(doing((*scarab.Session).Renew)))
		}},
		{"adopted by a slow request, renewed by another", byStore, func(e *env, s *Site, b *Browser) {
			renewal := b.Begin(holding((*scarab.Session).Renew))
			e.ok(b.Clone().Do(doing(reads)))
			b.Take(e.ok(renewal.Finish()))
		}},
		{"Invalidate during a slow adoption", byCookie, func(e *env, s *Site, b *Browser) {
			read := b.Clone().Begin(holding(reads))
			write := b.Clone().Begin(holding(func(s *scarab.Session) { s.Set("slow", 1) }))
			e.ok(b.Do(doing((*scarab.Session).Invalidate)))
			if a := write.Finish(); a.Status != http.StatusConflict || !errors.Is(a.Failed, scarab.ErrEnded) || len(a.SetCookie) > 0 {
				e.breaks("a slow adopter with changes: %v", a)
			}
			if a := read.Finish(); a.Status != http.StatusOK || len(a.SetCookie) > 0 {
				e.breaks("a slow adopter without changes: %v", a)
			}
		}},
		{"Invalidate while the adoption is saved", byStore, func(e *env, s *Site, b *Browser) {
			g := newGate(e)
			s.Store.On(scarabtest.Create, 1, g.before)
			slow := b.Clone().Start(doing(func(s *scarab.Session) { s.Set("slow", 1) }))
			<-g.reached
			e.ok(b.Do(doing((*scarab.Session).Invalidate)))
			g.open()
			if a := slow.Finish(); a.OK() || len(a.SetCookie) > 0 {
				e.breaks("a slow adopter: %v", a)
			}
		}},
	} {
		if c.keeper <= e.keeper {
			e.run(c.name, func(e *env) {
				old, s := e.movedSite()
				b := e.loggedIn(old)
				first := b.Clone()
				b = b.On(s)
				c.end(e, s, b)
				again(e, s, first)
			})
		}
	}
	e.run("cookies that outlive the Lifetime", func(e *env) {
		old, s := e.movedSite()
		b := e.loggedIn(old)
		e.ok(b.Do(doing(func(s *scarab.Session) { s.SetTimeouts(30*24*time.Hour, 30*24*time.Hour) })))
		first := b.Clone()
		b = b.On(s)
		e.ok(b.Do(doing(reads)))
		e.ok(b.Do(doing((*scarab.Session).Invalidate)))
		s.Clock.Advance(25 * time.Hour)
		if _, err := s.Factory.Sweep(e.Context()); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			e.Error(err)
		}
		again(e, s, first)
	})
	if e.keeper == byStore {
		e.run("adopted once", adoptedOnce)
		e.run("from another store", adoptedFromStore)
	}
}

// Requests that bring an old cookie at the same time adopt one session.
func adoptedOnce(e *env) {
	old, s := e.movedSite()
	first := e.seeded(old)
	b := first.On(s)
	var slow []*Request
	for _, key := range []string{"one", "two", "three"} {
		slow = append(slow, b.Begin(holding(func(s *scarab.Session) { s.Set(key, key) })))
	}
	cookies := 0
	for _, r := range slow {
		a := e.ok(r.Finish())
		cookies += len(a.SetCookie)
		b.Take(a)
	}
	if cookies != 1 || len(s.Records()) != 1 {
		e.breaks("%d cookies, %d sessions", cookies, len(s.Records()))
	}
	for name, b := range map[string]*Browser{"new": b, "old": first.On(s)} {
		got := e.sees(b)
		for _, want := range []string{"seed=sown", "one=one", "two=two", "three=three"} {
			if !strings.Contains(got, want) {
				e.breaks("the %s cookie opens %q, without %s", name, got, want)
			}
		}
	}
}

func adoptedFromStore(e *env) {
	first := e.newStore(e.T)
	old := NewSite(e, first, scarab.Config{Cookie: scarab.Cookie{Name: oldCookie}})
	s := e.site(func(c *scarab.Config) {
		c.Fallbacks = []scarab.Fallback{{Backend: scarab.Stored(first), CookieName: oldCookie}}
		c.Clock = old.Clock.Now
	})
	s.Clock = old.Clock
	b := e.loggedIn(old)
	before := b.Clone()
	want := e.sees(b)
	b = b.On(s)
	if got := e.sees(b); got != want {
		e.breaks("adopted, it is %q, not %q", got, want)
	}
	e.ok(b.Do(doing((*scarab.Session).Invalidate)))
	if got := e.sees(before.On(s)); got != "" {
		e.breaks("after Invalidate the old cookie opens %q", got)
	}
	if got := e.sees(before); got != "" {
		e.breaks("and at the old site %q", got)
	}
}
