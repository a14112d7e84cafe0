package scarab_test

import (
	"errors"
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

func TestProbe_gor_1(t *testing.T) {
	// gorilla: CookieStore sets SameSite=None and no HttpOnly, for 30 days;
	// FilesystemStore, and gin after a change of one option, no attribute at all.
	for _, tt := range []struct {
		name   string
		cookie scarab.Cookie
		want   string
	}{
		{"nothing configured", scarab.Cookie{}, "; Path=/; Secure; HttpOnly; SameSite=Lax"},
		{"one thing configured", scarab.Cookie{Path: "/app"}, "; Path=/app; Secure; HttpOnly; SameSite=Lax"},
	} {
		b := probeSite(t, scarab.Config{Cookie: tt.cookie}).Browser()
		a := b.Do(doing(set("a")))
		if len(a.SetCookie) != 1 {
			t.Fatalf("%s: %q", tt.name, a.SetCookie)
		}
		_, got, _ := strings.Cut(a.SetCookie[0], ";")
		expect(t, tt.name, ";"+got, tt.want)
	}
}

func TestProbe_gor_2(t *testing.T) {
	// gorilla, gin: Save after the first Write returns nil and saves nothing.
	b := probeSite(t, scarab.Config{}).Browser()
	late := func(v *visit) {
		io.WriteString(v.W, "page")
		v.S.Set("a", 1)
		err := v.S.Save(v.R.Context())
		if v.S.IsNew() != errors.Is(err, scarab.ErrHeaderSent) {
			t.Errorf("Save of a session that is new %v: %v", v.S.IsNew(), err)
		}
	}
	expect(t, "cookies of a new session", len(b.Do(late).SetCookie), 0)
	b.Do(doing(set("b")))
	b.Do(late) // needs no cookie
	expect(t, "the next request", b.Do(shows).Body, ": b a")
}

func TestProbe_gor_3(t *testing.T) {
	// gorilla: a cookie that was copied before the logout is logged in after it.
	// A cookie alone cannot do better; a deny list can.
	for _, denied := range []bool{false, true} {
		var opts []scarab.CookieOption
		want := "ann:"
		if denied {
			opts, want = append(opts, scarab.DenyList(memstore.New())), ":"
		}
		b := invariants.NewSiteOn(t, scarab.InCookie(signedCodec(t), opts...), scarab.Config{}).Browser()
		b.Do(doing(login))
		copied := b.Clone()
		b.Do(doing((*scarab.Session).Invalidate))
		expect(t, "the browser", b.Do(shows).Body, ":")
		expect(t, "the copy", copied.Do(shows).Body, want)
	}
}

func TestProbe_gor_4(t *testing.T) {
	// gorilla: FilesystemStore writes the straggler's file again, and the old
	// cookie is logged in.
	b := probeSite(t, scarab.Config{}).Browser()
	b.Do(doing(login))
	old := b.Clone()
	slow := b.Begin(func(v *visit) {
		v.S.Set("a", 1)
		v.Hold()
		if err := v.S.Save(v.R.Context()); !errors.Is(err, scarab.ErrEnded) {
			t.Errorf("Save: %v", err)
		}
	})
	b.Do(doing((*scarab.Session).Invalidate))
	expect(t, "the straggler", slow.Finish().Status, 409)
	expect(t, "the old cookie", old.Do(shows).Body, ":")
}

func TestProbe_gor_5(t *testing.T) {
	// gorilla: FilesystemStore with MaxAge 0, a cookie until the browser closes,
	// sets an empty cookie and drops the data, without an error.
	b := probeSite(t, scarab.Config{Persistent: false}).Browser()
	a := b.Do(doing(func(s *scarab.Session) {
		s.SetPersistent(false)
		s.SetTimeouts(0, 0) // keeps what there is
		s.Set("a", 1)
	}))
	if len(a.SetCookie) != 1 || strings.Contains(a.SetCookie[0], "Max-Age") {
		t.Errorf("Set-Cookie: %q", a.SetCookie)
	}
	expect(t, "the next request", b.Do(shows).Body, ": a")
}

func TestProbe_gor_6(t *testing.T) {
	// gorilla: FilesystemStore refuses a value of 4 KiB, because a codec for
	// cookies encodes its files: "the value is too long: 7432".
	b := probeSite(t, scarab.Config{}).Browser()
	large := func(s *scarab.Session) {
		s.Set("essay", strings.Repeat("x", 4<<10))
		s.Set("small", 1)
	}
	expect(t, "4 KiB in a store", b.Do(doing(large)).Status, 200)
	expect(t, "the next request", b.Do(shows).Body, ": essay small")

	// In a cookie it cannot be; the error says what to change.
	b = invariants.NewSiteOn(t, scarab.InCookie(signedCodec(t)), scarab.Config{}).Browser()
	a := b.Do(doing(large))
	expect(t, "4 KiB in a cookie", a.Status, 500)
	var tooLarge *scarab.TooLargeError
	if !errors.As(a.Failed, &tooLarge) || tooLarge.Limit != 4064 || tooLarge.Size <= 4064 || tooLarge.Largest[0] != "essay" {
		t.Errorf("the error: %v", a.Failed)
	}
}

func TestProbe_gor_7(t *testing.T) {
	// gorilla: with the error handling of its README a stale cookie is answered
	// 500, again and again.
	site := probeSite(t, scarab.Config{})
	for _, stale := range []string{"stale", strings.Repeat("A", 64), "a=b", `"quoted"`, strings.Repeat("x", 8000)} {
		b := site.Browser()
		b.SetCookie(invariants.CookieName, stale)
		expect(t, "a read", b.Do(doing(reads)).Status, 200)
		expect(t, "a change", b.Do(doing(set("a"))).Status, 200)
		expect(t, "the next request", b.Do(shows).Body, ": a")
	}
}

func TestProbe_gin_1(t *testing.T) {
	// gin: MaxAge 1 is for the browser to obey; a copy is accepted later.
	for name, b := range map[string]scarab.Backend{
		"store":  scarab.Stored(memstore.New()),
		"cookie": scarab.InCookie(signedCodec(t)),
	} {
		site := invariants.NewSiteOn(t, b, scarab.Config{Lifetime: time.Second, IdleTimeout: time.Second, Persistent: true})
		b := site.Browser()
		a := b.Do(doing(login))
		if len(a.SetCookie) != 1 || !strings.Contains(a.SetCookie[0], "Max-Age=1;") {
			t.Errorf("%s: %q", name, a.SetCookie)
		}
		expect(t, name+": at once", b.Do(shows).Body, "ann:")
		site.Clock.Advance(2500 * time.Millisecond)
		expect(t, name+": after 2.5 s", b.Do(shows).Body, ":")
	}
}

func TestProbe_fib_1(t *testing.T) {
	// fiber: the first GET sets a cookie and writes to the store, though nobody
	// has changed the session.
	site := probeSite(t, scarab.Config{})
	a := site.Browser().Do(doing(func(s *scarab.Session) {
		s.Get("user")
		s.PopFlash()
		s.Has("cart")
	}))
	expect(t, "Set-Cookie lines", len(a.SetCookie), 0)
	expect(t, "store calls", site.Store.Count(scarabtest.Any), 0)
}

func TestProbe_fib_2(t *testing.T) {
	// fiber: 100 GETs that only read are 100 writes.
	site := probeSite(t, scarab.Config{}) // an hour; touched every 6 minutes
	b := site.Browser()
	b.Do(doing(login))
	h, err := scarab.ParseHandle(b.Do(func(v *visit) { v.Say(v.S.Handle()) }).Body)
	if err != nil {
		t.Fatal(err)
	}
	calls := site.Store.Count(scarabtest.Any)
	touches, last := 0, time.Time{}
	for range 100 {
		site.Clock.Advance(10 * time.Second)
		b.Do(doing(reads))
		r, err := site.Record(h.String())
		if err != nil {
			t.Fatal(err)
		}
		if !r.Seen.Equal(last) {
			touches, last = touches+1, r.Seen
		}
	}
	expect(t, "store calls", site.Store.Count(scarabtest.Any)-calls, 100)
	expect(t, "calls of LoadTouch", site.Store.Count(scarabtest.LoadTouch), 101)
	expect(t, "times it was extended in 17 minutes", touches-1, 2)
}

func TestProbe_fib_3(t *testing.T) {
	// fiber: a straggler that only reads saves, and the old id is logged in
	// after the logout.
	site := probeSite(t, scarab.Config{})
	b := site.Browser()
	b.Do(doing(login))
	old := b.Clone()
	slow := b.Begin(straggling(reads))
	site.Clock.Advance(10 * time.Minute) // it will be touched
	b.Do(doing((*scarab.Session).Invalidate))
	a := slow.Finish()
	expect(t, "the straggler", a.Status, 200)
	expect(t, "its cookies", len(a.SetCookie), 0)
	expect(t, "the old token", old.Do(shows).Body, ":")
	expect(t, "sessions in the store", len(site.Records()), 0)
}

func TestProbe_fib_4(t *testing.T) {
	// fiber: a stream that sets a value panics: its session was put back into a
	// pool.
	b := probeSite(t, scarab.Config{}).Browser()
	b.Do(doing(set("a")))
	stream := func(v *visit) {
		for i := range 3 {
			io.WriteString(v.W, "chunk ")
			http.NewResponseController(v.W).Flush()
			v.S.Set("position", i)
			if err := v.S.Save(v.R.Context()); err != nil {
				t.Errorf("Save: %v", err)
			}
		}
		v.S.Set("done", true) // saved when the handler returns
	}
	expect(t, "the stream", b.Do(stream).Body, "chunk chunk chunk ")
	a := b.Do(func(v *visit) { v.Say(v.S.Get("position"), v.S.Get("done")) })
	expect(t, "the next request", a.Body, "2 true")

	// After the handler, a goroutine it left behind reads and changes nothing.
	var left *scarab.Session
	b.Do(func(v *visit) { left = v.S })
	left.Set("late", 1)
	expect(t, "a read after the handler", left.Get("position"), any(int64(2)))
	if err := left.Save(t.Context()); err == nil {
		t.Error("Save after the handler: no error")
	}
	expect(t, "the next request", b.Do(shows).Body, ": a position done")
}
