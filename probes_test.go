package scarab_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/invariants"
	"github.com/scarab-go/scarab/memstore"
	"github.com/scarab-go/scarab/scarabtest"
)

// The probes do to scarab what other libraries were seen to fail at. Each is
// named after the library, and its first line says what happens there. A
// straggler is a request that has loaded its session, is held, and goes on when
// another has finished. The one about hostile pickles, pk-1, is in package
// pyramid, as are pickles.

type visit = invariants.Visit

func probeSite(t *testing.T, cfg scarab.Config) *invariants.Site {
	return invariants.NewSite(t, memstore.New(), cfg)
}

// doing is a handler that hands f the session.
func doing(f func(*scarab.Session)) func(*visit) { return func(v *visit) { f(v.S) } }

// straggling is doing, held until the request is finished.
func straggling(f func(*scarab.Session)) func(*visit) {
	return func(v *visit) {
		f(v.S)
		v.Hold()
	}
}

func login(s *scarab.Session) { s.Login("ann") }

func set(key string) func(*scarab.Session) { return func(s *scarab.Session) { s.Set(key, key) } }

func reads(s *scarab.Session) { s.Len() }

// shows is a handler that says who is logged in, and what keys there are.
func shows(v *visit) {
	v.Say(v.S.Principal(), ":")
	for key := range v.S.Keys() {
		if key != "_csrft_" {
			v.Say(" ", key)
		}
	}
}

func expect(t *testing.T, what string, got, want any) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestProbe_scs_A(t *testing.T) {
	// scs: the slow request writes its whole copy, and b is lost.
	b := probeSite(t, scarab.Config{}).Browser()
	b.Do(doing(set("first")))
	slow := b.Begin(straggling(set("a")))
	b.Do(doing(set("b")))
	expect(t, "the straggler", slow.Finish().Status, 200)
	expect(t, "both keys", b.Do(shows).Body, ": first b a")
}

func TestProbe_scs_B(t *testing.T) {
	// scs: the straggler's save creates the session again, and the old token is
	// logged in after the logout.
	b := probeSite(t, scarab.Config{}).Browser()
	b.Do(doing(login))
	old := b.Clone()
	slow := b.Begin(straggling(set("a")))
	b.Do(doing((*scarab.Session).Invalidate))
	a := slow.Finish()
	expect(t, "the straggler", a.Status, 409)
	expect(t, "its cookies", len(a.SetCookie), 0)
	expect(t, "the old token", old.Do(shows).Body, ":")
}

func TestProbe_scs_B2(t *testing.T) {
	// scs: with an idle timeout a straggler that only reads saves too. The token
	// that was renewed away is valid again, and the browser gets it back.
	site := probeSite(t, scarab.Config{IdleTimeout: 20 * time.Minute})
	b := site.Browser()
	b.Do(doing(login))
	old := b.Clone()
	slow := b.Begin(straggling(reads))
	b.Do(doing((*scarab.Session).Renew))
	site.Clock.Advance(5 * time.Minute) // beyond the touch interval
	a := slow.Finish()
	expect(t, "the straggler", a.Status, 200)
	expect(t, "its cookies", len(a.SetCookie), 0)
	expect(t, "the old token", old.Do(shows).Body, ":")
	expect(t, "the new token", b.Do(shows).Body, "ann:")
}

func TestProbe_scs_D(t *testing.T) {
	// scs: Flush sends the header without Set-Cookie.
	site := probeSite(t, scarab.Config{})
	b := site.Browser()
	a := b.Do(func(v *visit) {
		v.S.Set("a", 1)
		v.W.(http.Flusher).Flush()
		io.WriteString(v.W, "streamed")
	})
	expect(t, "Set-Cookie lines", len(a.SetCookie), 1)
	expect(t, "store calls", site.Store.Count(scarabtest.Any), 1)
	expect(t, "the next request", b.Do(shows).Body, ": a")
}

func TestProbe_scs_E(t *testing.T) {
	// scs: 103 Early Hints counts as the header: no commit, no Set-Cookie.
	b := probeSite(t, scarab.Config{}).Browser()
	a := b.Do(func(v *visit) {
		v.W.Header().Set("Link", "</style.css>; rel=preload; as=style")
		v.W.WriteHeader(http.StatusEarlyHints)
		v.S.Set("a", 1)
		io.WriteString(v.W, "page")
	})
	expect(t, "status", a.Status, 200)
	expect(t, "Set-Cookie lines", len(a.SetCookie), 1)
	expect(t, "the next request", b.Do(shows).Body, ": a")
}

func TestProbe_scs_F(t *testing.T) {
	// scs: nothing is committed when the connection is taken over.
	b := probeSite(t, scarab.Config{}).Browser()
	a := b.Do(func(v *visit) {
		v.S.Set("a", 1)
		conn, rw, err := v.W.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(rw, "HTTP/1.1 200 OK\r\nConnection: close\r\n") // or 101, with a protocol to switch to
		v.W.Header().Write(rw)
		io.WriteString(rw, "\r\nmine")
		rw.Flush()
	})
	expect(t, "the answer", a.Body, "mine")
	expect(t, "Set-Cookie lines", len(a.SetCookie), 1)
	expect(t, "the next request", b.Do(shows).Body, ": a")
}

func TestProbe_scs_G(t *testing.T) {
	// scs: a message popped after the first byte is shown again on the next page.
	b := probeSite(t, scarab.Config{}).Browser()
	b.Do(doing(func(s *scarab.Session) { s.Flash("once") }))
	page := func(v *visit) {
		io.WriteString(v.W, "<!doctype html>")
		fmt.Fprint(v.W, v.S.PopFlash())
	}
	expect(t, "the first page", b.Do(page).Body, "<!doctype html>[once]")
	expect(t, "the second page", b.Do(page).Body, "<!doctype html>[]")
}

func TestProbe_scs_H(t *testing.T) {
	// scs: with hashed tokens, the revocation of its README reports success and
	// destroys nothing.
	site := probeSite(t, scarab.Config{})
	laptop, phone := site.Browser(), site.Browser()
	laptop.Do(doing(login))
	phone.Do(doing(login))
	handle := phone.Do(func(v *visit) { v.Say(v.S.Handle()) }).Body
	found := 0
	for info, err := range site.Factory.Sessions(t.Context(), "ann") {
		if err != nil {
			t.Fatal(err)
		}
		if found++; info.Handle == handle {
			if err := site.Factory.Revoke(t.Context(), info.Handle); err != nil {
				t.Fatal(err)
			}
		}
	}
	expect(t, "sessions of ann", found, 2)
	expect(t, "the phone", phone.Do(shows).Body, ":")
	expect(t, "the laptop", laptop.Do(shows).Body, "ann:")
	n, err := site.Factory.RevokePrincipal(t.Context(), "ann")
	expect(t, "revoked", n, 1)
	expect(t, "error", err, nil)
	expect(t, "the laptop", laptop.Do(shows).Body, ":")
}

func TestProbe_scs_I(t *testing.T) {
	// scs: "500", and then the page that was not to be sent.
	site := probeSite(t, scarab.Config{})
	b := site.Browser()
	b.Do(doing(set("a")))
	site.Store.On(scarabtest.Save, 0, scarabtest.Refuse)
	a := b.Do(func(v *visit) {
		v.S.Set("b", 1)
		v.W.Header().Set("X-Secret", "SECRET HEADER")
		v.W.WriteHeader(http.StatusCreated)
		if _, err := io.WriteString(v.W, "SECRET BODY"); !errors.Is(err, scarab.ErrOutcomeUnknown) {
			t.Errorf("Write: %v", err)
		}
	})
	expect(t, "status", a.Status, 503)
	if strings.Contains(a.Body+a.Header.Get("X-Secret"), "SECRET") {
		t.Errorf("something of the handler's answer went out: %v %v", a, a.Header)
	}
}

func TestProbe_scs_J(t *testing.T) {
	// scs: a value of a type that this binary does not know fails every request
	// of the session, until its cookie is deleted by hand.
	type cart struct{ Items map[string]int }
	type cartV2 struct{ Items []string }
	b := probeSite(t, scarab.Config{}).Browser()
	b.Do(doing(func(s *scarab.Session) {
		scarab.Key[cart]("cart").Set(s, cart{map[string]int{"tea": 2}})
		s.Set("name", "Ann")
	}))
	a := b.Do(func(v *visit) {
		if _, err := scarab.Key[cartV2]("cart").Lookup(v.S); err == nil || errors.Is(err, scarab.ErrNoValue) {
			t.Errorf("Lookup: %v", err)
		}
		v.Say(scarab.Key[cartV2]("cart").Get(v.S).Items, " ", v.S.Get("name"))
		v.S.Set("seen", true)
	})
	expect(t, "the other version", a.Body, "[] Ann")
	a = b.Do(func(v *visit) {
		scarab.Key[cartV2]("cart").Update(v.S, func(c cartV2) cartV2 { return c })
	})
	expect(t, "an update that would lose the cart", a.Status, 500)
	a = b.Do(func(v *visit) { v.Say(scarab.Key[cart]("cart").Get(v.S).Items, v.S.Get("seen")) })
	expect(t, "the first version", a.Body, "map[tea:2] true")
}

func TestProbe_scs_K(t *testing.T) {
	// scs: each asset costs a load, with an idle timeout also a save and a
	// Set-Cookie, and Vary: Cookie keeps it out of every cache.
	site := probeSite(t, scarab.Config{})
	b := site.Browser()
	b.Do(doing(login))
	calls := site.Store.Count(scarabtest.Any)
	for range 100 {
		site.Clock.Advance(time.Second)
		a := b.Raw(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "body { color: teal }") })
		if a.Status != 200 || len(a.SetCookie) > 0 || a.Header.Get("Vary") != "" || a.Header.Get("Cache-Control") != "" {
			t.Fatalf("%v %v", a, a.Header)
		}
	}
	expect(t, "store calls", site.Store.Count(scarabtest.Any)-calls, 0)
}

func TestProbe_scs_L(t *testing.T) {
	// scs: the writer has no ReadFrom and no WriteString.
	b := probeSite(t, scarab.Config{}).Browser()
	a := b.Do(func(v *visit) {
		_, flusher := v.W.(http.Flusher)
		_, hijacker := v.W.(http.Hijacker)
		from, readerFrom := v.W.(io.ReaderFrom)
		_, stringWriter := v.W.(io.StringWriter)
		if !flusher || !hijacker || !readerFrom || !stringWriter {
			t.Errorf("Flusher %v, Hijacker %v, ReaderFrom %v, StringWriter %v", flusher, hijacker, readerFrom, stringWriter)
			return
		}
		if err := http.NewResponseController(v.W).SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Errorf("SetWriteDeadline: %v", err)
		}
		v.S.Set("a", 1)
		if n, err := from.ReadFrom(strings.NewReader("a file")); n != 6 || err != nil {
			t.Errorf("ReadFrom: %d, %v", n, err)
		}
	})
	expect(t, "the answer", a.Body, "a file")
	expect(t, "the next request", b.Do(shows).Body, ": a")
}

func TestProbe_scs_M(t *testing.T) {
	// scs: a client that hangs up undoes what the handler did: the commit fails
	// with context canceled.
	site := probeSite(t, scarab.Config{})
	b := site.Browser()
	b.Do(doing(set("a")))
	site.Store.On(scarabtest.Save, 0, func(ctx context.Context, _ scarabtest.Call, do func() error) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return do()
	})
	ctx, hangUp := context.WithCancel(t.Context())
	a := b.Do(func(v *visit) {
		hangUp()
		<-v.R.Context().Done()
		v.S.Set("paid", true)
	}, func(r *http.Request) { *r = *r.WithContext(ctx) })
	if !errors.Is(a.Err, context.Canceled) {
		t.Fatalf("the client has not hung up: %v", a)
	}
	expect(t, "the payment", b.Do(shows).Body, ": a paid")
}
