package scarab_test

import (
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/invariants"
	"github.com/scarab-go/scarab/memstore"
)

// A goroutine of the request may save while the handler writes.
func TestSave_besideWrite(t *testing.T) {
	b := probeSite(t, scarab.Config{}).Browser()
	b.Do(doing(set("a")))
	for range 100 {
		a := b.Do(func(v *visit) {
			var wg sync.WaitGroup
			wg.Go(func() {
				for range 10 {
					v.S.Set("b", 1)
					if err := v.S.Save(v.R.Context()); err != nil {
						t.Error(err)
					}
				}
			})
			for range 10 {
				v.W.Header().Set("X-Page", "of the handler")
				io.WriteString(v.W, "x")
			}
			wg.Wait()
		})
		if !a.OK() || a.Header.Get("Vary") != "Cookie" {
			t.Fatal(a, a.Header)
		}
	}
}

// A logout that comes after the header cannot clear the cookie, and ends the
// session all the same, whatever else the request wants.
func TestSave_lateLogout(t *testing.T) {
	for _, store := range []scarab.Backend{
		scarab.Stored(memstore.New()),
		scarab.InCookie(signedCodec(t), scarab.DenyList(memstore.New())),
	} {
		for name, also := range map[string]func(*scarab.Session){"nothing": reads, "a message": set("a"), "a login": login} {
			for _, save := range []bool{false, true} {
				b := invariants.NewSiteOn(t, store, scarab.Config{}).Browser()
				b.Do(doing(login))
				b.Do(func(v *visit) {
					io.WriteString(v.W, "page")
					v.S.Invalidate()
					also(v.S)
					if !save {
						return
					}
					if err := v.S.Save(v.R.Context()); !errors.Is(err, scarab.ErrHeaderSent) {
						t.Errorf("%s: Save: %v", name, err)
					}
				})
				expect(t, "the session, with "+name, b.Do(shows).Body, ":")
			}
		}
	}
}

// What a cookie cannot take any more is not saved, however often one asks.
func TestSave_lateInCookie(t *testing.T) {
	b := invariants.NewSiteOn(t, scarab.InCookie(signedCodec(t)), scarab.Config{}).Browser()
	b.Do(doing(set("a")))
	b.Do(func(v *visit) {
		io.WriteString(v.W, "page")
		v.S.Set("b", 1)
		for range 2 {
			if err := v.S.Save(v.R.Context()); !errors.Is(err, scarab.ErrHeaderSent) {
				t.Errorf("Save: %v", err)
			}
		}
	})
	expect(t, "the next request", b.Do(shows).Body, ": a")
}

// A Save that needs a cookie may run while the handler writes its header.
func TestSave_besideHeader(t *testing.T) {
	for _, failing := range []bool{false, true} {
		b := invariants.NewSiteOn(t, scarab.Stored(memstore.New()), scarab.Config{}).Browser()
		b.Do(func(v *visit) {
			v.S.Set("a", 1)
			done := make(chan error)
			go func() { done <- v.S.Save(v.R.Context()) }()
			for range 1000 {
				v.W.Header().Set("X-Page", "of the handler")
			}
			if err := <-done; err != nil {
				t.Error(err)
			}
			if failing {
				v.S.Set("b", func() {})
			}
		})
		if b.Token() == "" {
			t.Errorf("failing %v: no cookie", failing)
		}
		expect(t, "the next request", b.Do(shows).Body, ": a")
	}
}

// A line of the header that somebody keeps stays as it is when another Save
// sends another cookie.
func TestSave_keptLine(t *testing.T) {
	b := invariants.NewSiteOn(t, scarab.Stored(memstore.New()), scarab.Config{}).Browser()
	b.Do(func(v *visit) {
		v.S.Set("a", 1)
		if err := v.S.Save(v.R.Context()); err != nil {
			t.Error(err)
			return
		}
		kept := v.W.Header()["Set-Cookie"]
		before := kept[0]
		v.W.Header().Del("Set-Cookie")
		v.S.Renew()
		if err := v.S.Save(v.R.Context()); err != nil {
			t.Error(err)
			return
		}
		if now := v.W.Header().Get("Set-Cookie"); now == before || kept[0] != before {
			t.Errorf("the line was %q, the next is %q, and the first has become %q", before, now, kept[0])
		}
	})
}
