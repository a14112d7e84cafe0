package invariants

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/scarabtest"
)

// ways are how a session of ann's ends.
func (e *env) ways() map[string]func(*env, *Site, *Browser) {
	ways := map[string]func(*env, *Site, *Browser){
		"Invalidate": func(e *env, s *Site, b *Browser) { e.ok(b.Clone().Do(doing((*scarab.Session).Invalidate))) },
		"Revoke": func(e *env, s *Site, b *Browser) {
			if err := s.Factory.Revoke(e.Context(), e.handle(b)); err != nil {
				e.Fatal(err)
			}
		},
	}
	if e.keeper == byStore {
		ways["RevokePrincipal"] = func(e *env, s *Site, b *Browser) {
			if n, err := s.Factory.RevokePrincipal(e.Context(), "ann"); err != nil || n != 1 {
				e.Fatalf("RevokePrincipal: %d, %v", n, err)
			}
		}
	}
	return ways
}

// loggedIn returns a browser with a session of ann's.
func (e *env) loggedIn(s *Site) *Browser {
	e.Helper()
	b := e.seeded(s)
	e.ok(b.Do(doing(func(s *scarab.Session) { s.Login("ann") })))
	return b
}

// everyWay runs f for each way in which a session can end.
func (e *env) everyWay(f func(e *env, s *Site, b *Browser, end func())) {
	for name, way := range e.ways() {
		e.run(name, func(e *env) {
			s := e.site()
			b := e.loggedIn(s)
			f(e, s, b, func() { way(e, s, b) })
		})
	}
}

func neverSeenAgain(e *env) {
	e.everyWay(func(e *env, s *Site, b *Browser, end func()) {
		old := b.Clone()
		gone := func(after string) {
			e.Helper()
			if got := e.sees(old.Clone()); got != "" {
				e.breaks("after %s its token opens %q", after, got)
			}
		}
		slow := []*Request{b.Clone().Begin(holding(reads))}
		for _, op := range changes {
			slow = append(slow, b.Clone().Begin(holding(op.do)))
		}
		s.Clock.Advance(10 * time.Minute) // the slow reader has to touch it
		end()
		gone("the end")
		for i, r := range slow {
			a := r.Finish()
			if i == 0 {
				gone("a slow reader")
				continue
			}
			gone("a slow " + changes[i-1].name)
			b.Take(a)
		}
		if got := e.sees(b); got != "" {
			e.breaks("the cookies of the slow requests open %q", got)
		}
		if _, err := s.Factory.Sweep(e.Context()); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			e.Error(err)
		}
		gone("a sweep")
		s.Clock.Advance(2 * time.Minute)
		gone("two minutes")
	})
	if e.keeper == byStore {
		e.run("a save that was under way", savesUnderWay)
	}
}

// A save that has not reached the store yet, and one whose answer is on its
// way, are too late.
func savesUnderWay(e *env) {
	for _, op := range changes {
		for _, reached := range []bool{false, true} {
			s := e.site()
			b := e.loggedIn(s)
			handle := e.handle(b)
			g := newGate(e)
			if reached {
				s.Store.On(scarabtest.Save, 1, g.after)
			} else {
				s.Store.On(scarabtest.Save, 1, g.before)
			}
			slow := b.Start(doing(op.do))
			<-g.reached
			if err := s.Factory.Revoke(e.Context(), handle); err != nil {
				e.Fatal(err)
			}
			g.open()
			a := slow.Finish()
			if !reached && a.Status != http.StatusConflict {
				e.breaks("%s, saved after the end: %v", op.name, a)
			}
			b.Take(a)
			if got := e.sees(b); got != "" {
				e.breaks("%s: the session is there again: %q", op.name, got)
			}
			if records := s.Records(); len(records) > 0 {
				e.breaks("%s: records in the store: %v", op.name, records)
			}
		}
	}
}

func slowRequestCannotBringBack(e *env) {
	e.everyWay(func(e *env, s *Site, b *Browser, end func()) {
		handle := e.handle(b)
		var slow []*Request
		for _, op := range changes {
			slow = append(slow, b.Clone().Begin(holding(op.do)))
		}
		end()
		for i, r := range slow {
			if a := r.Finish(); a.Status != http.StatusConflict || !errors.Is(a.Failed, scarab.ErrEnded) {
				e.breaks("%s on an ended session: %v", changes[i].name, a)
			}
		}
		if e.keeper == byStore {
			if r, err := s.Record(handle); !errors.Is(err, scarab.ErrNoSession) {
				e.breaks("the record is there again: %v, %v", r, err)
			}
		}
		if got := e.sees(b); got != "" {
			e.breaks("its token opens %q", got)
		}
	})
}

func norUnderAnotherHandle(e *env) {
	e.everyWay(func(e *env, s *Site, b *Browser, end func()) {
		slow := []*Request{b.Clone().Begin(holding(reads))}
		for _, op := range changes {
			slow = append(slow, b.Clone().Begin(holding(op.do)))
		}
		s.Clock.Advance(10 * time.Minute)
		end()
		creates := s.Store.Count(scarabtest.Create)
		for i, r := range slow {
			a := r.Finish()
			if i == 0 && a.Status != http.StatusOK {
				e.breaks("an answer without changes does not go out: %v", a)
			}
			if len(a.SetCookie) > 0 {
				e.breaks("a slow request sets %q", a.SetCookie)
			}
		}
		if n := s.Store.Count(scarabtest.Create) - creates; n > 0 {
			e.breaks("slow requests created %d records", n)
		}
		if e.keeper == byStore && len(s.Records()) > 0 {
			e.breaks("records in the store: %v", s.Records())
		}
	})
}

func noCookieFromTheDead(e *env) {
	silent := func(e *env, op string, a Answer) {
		e.Helper()
		if len(a.SetCookie) > 0 {
			e.breaks("%s: %v", op, a)
		}
	}
	ops := append([]op{{"Invalidate", (*scarab.Session).Invalidate}, {"a read", reads}}, changes...)
	e.run("superseded", func(e *env) {
		b := e.loggedIn(e.site())
		old := b.Clone()
		e.ok(b.Do(doing((*scarab.Session).Renew)))
		for _, op := range ops {
			if op.name != "Login" { // which starts a session of its own
				silent(e, op.name, old.Do(func(v *Visit) {
					v.S.SetDefault("list", []string{"first"})
					op.do(v.S)
				}))
				silent(e, op.name+" alone", old.Clone().Do(func(v *Visit) {
					if op.name != "Changed" { // there is no list
						op.do(v.S)
					}
				}))
			}
		}
	})
	e.run("renewed meanwhile", func(e *env) {
		for _, op := range ops {
			if op.name == "Login" || op.name == "Invalidate" {
				continue
			}
			b := e.loggedIn(e.site())
			slow := b.Clone().Begin(holding(op.do))
			e.ok(b.Do(doing((*scarab.Session).Renew)))
			silent(e, op.name, e.ok(slow.Finish()))
		}
	})
	e.everyWay(func(e *env, s *Site, b *Browser, end func()) {
		var slow []*Request
		for _, op := range ops[1:] {
			slow = append(slow, b.Clone().Begin(holding(op.do)))
		}
		end()
		for i, r := range slow {
			silent(e, ops[1:][i].name, r.Finish())
		}
	})
	e.run("ended by another's login", func(e *env) {
		for _, op := range ops {
			if op.name == "Invalidate" {
				continue
			}
			b := e.seeded(e.site())
			slow := b.Clone().Begin(holding(op.do))
			e.ok(b.Do(doing(func(s *scarab.Session) { s.Login("bob") })))
			a := slow.Finish()
			silent(e, op.name, a)
			if op.name != "a read" && a.Status != http.StatusConflict {
				e.breaks("%s: %v", op.name, a)
			}
		}
	})
}

func logoutBeatsRenewal(e *env) {
	for _, renewal := range []op{
		{"Renew", (*scarab.Session).Renew},
		{"Login of the same", func(s *scarab.Session) { s.Login("ann") }},
		{"Login of another", func(s *scarab.Session) { s.Login("bob") }},
		{"Renew twice", nil},
	} {
		for _, logout := range []op{
			{"Invalidate", (*scarab.Session).Invalidate},
			{"Invalidate and a message", func(s *scarab.Session) {
				s.Invalidate()
				s.Flash("Goodbye.")
			}},
		} {
			e.run(renewal.name+", "+logout.name, func(e *env) {
				s := e.site()
				b := e.loggedIn(s)
				old := b.Clone()
				out := b.Clone().Begin(holding(logout.do))
				if renewal.do != nil {
					e.ok(b.Do(doing(renewal.do)))
				} else {
					e.ok(b.Do(doing((*scarab.Session).Renew)))
					e.ok(b.Do(doing((*scarab.Session).Renew)))
				}
				if a := out.Finish(); !a.OK() {
					e.breaks("the logout fails: %v", a)
				}
				for name, b := range map[string]*Browser{"old": old, "renewed": b} {
					if got := e.sees(b); got != "" {
						e.breaks("after the logout the %s token opens %q", name, got)
					}
				}
			})
		}
	}
	e.run("the renewal commits last", func(e *env) {
		b := e.loggedIn(e.site())
		renewal := b.Clone().Begin(holding((*scarab.Session).Renew))
		e.ok(b.Do(doing((*scarab.Session).Invalidate)))
		if a := renewal.Finish(); a.Status != http.StatusConflict || len(a.SetCookie) > 0 {
			e.breaks("a renewal of a session that has ended: %v", a)
		}
	})
	e.run("a stale tab logs out", func(e *env) {
		// Its token is superseded: it is told so, and not that it is logged out.
		b := e.loggedIn(e.site())
		stale := b.Clone()
		e.ok(b.Do(doing((*scarab.Session).Renew)))
		a := stale.Do(doing((*scarab.Session).Invalidate))
		alive := e.sees(b) != ""
		if a.OK() && alive {
			e.breaks("a logout succeeds, and the session lives: %v", a)
		}
		if !a.OK() && !strings.Contains(a.Body, "session") {
			e.breaks("a logout fails without a reason: %v", a)
		}
	})
}
