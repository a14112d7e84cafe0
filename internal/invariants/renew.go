package invariants

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/scarabtest"
)

func tokenKnownBeforeLogin(e *env) {
	login := func(s *scarab.Session) {
		s.Login("ann")
		s.Set("private", "of ann")
	}
	before := func(e *env, thief *Browser) string {
		e.Helper()
		return e.sees(thief.Clone())
	}
	e.run("polls and slow requests", func(e *env) {
		s := e.site()
		b := e.seeded(s)
		thief := b.Clone()
		anonymous := before(e, thief)
		slowRead := thief.Clone().Begin(func(v *Visit) {
			tell(v)
			v.Hold()
		})
		slowWrite := thief.Clone().Begin(holding(func(s *scarab.Session) { s.Set("planted", 1) }))
		r := b.Begin(holding(login))
		if got := before(e, thief); got != anonymous {
			e.breaks("before the login is saved the old token opens %q", got)
		}
		b.Take(e.ok(r.Finish()))
		want := e.sees(b)
		for _, step := range []time.Duration{0, 59 * time.Second, 2 * time.Second, 30 * time.Minute} {
			s.Clock.Advance(step)
			if got := before(e, thief); got != "" {
				e.breaks("after the login the old token opens %q", got)
			}
		}
		if a := slowWrite.Finish(); a.Status != http.StatusConflict {
			e.breaks("the thief's slow request writes: %v", a)
		}
		if a := slowRead.Finish(); a.Body != anonymous {
			e.breaks("the thief's slow request reads %q", a.Body)
		}
		if got := e.sees(b); got != want {
			e.breaks("the thief changed what ann sees: %q", got)
		}
	})
	e.run("a login over a login", func(e *env) {
		for _, principal := range []string{"ann", "bob"} {
			b := e.loggedIn(e.site())
			thief := b.Clone()
			e.ok(b.Do(doing(func(s *scarab.Session) { s.Login(principal) })))
			if b.Token() == thief.Token() {
				e.breaks("%s logs in over ann: the token stays", principal)
			}
			if got := e.sees(thief); got != "" {
				e.breaks("%s logs in over ann: the old token opens %q", principal, got)
			}
		}
	})
	if e.keeper != byStore {
		return
	}
	for _, reached := range []bool{false, true} {
		e.run(fmt.Sprintf("a poll while the login is being saved, %v", reached), func(e *env) {
			s := e.site()
			b := e.seeded(s)
			thief := b.Clone()
			anonymous := before(e, thief)
			g := newGate(e)
			if reached {
				s.Store.On(scarabtest.Save, 1, g.after)
				anonymous = ""
			} else {
				s.Store.On(scarabtest.Save, 1, g.before)
			}
			r := b.Start(doing(login))
			<-g.reached
			if got := before(e, thief); got != anonymous {
				e.breaks("the old token opens %q", got)
			}
			g.open()
			e.ok(r.Finish())
			if got := before(e, thief); got != "" {
				e.breaks("after the login the old token opens %q", got)
			}
		})
	}
}

func supersededOpensNothing(e *env) {
	s := e.site()
	b := e.loggedIn(s)
	handle := e.handle(b)
	old := b.Clone()
	e.ok(b.Do(doing((*scarab.Session).Renew)))
	record, err := s.Record(handle)
	if err != nil {
		e.Fatal(err)
	}
	for range 50 { // beyond the idle timeout, if nothing extends it
		a := e.ok(old.Clone().Do(func(v *Visit) {
			if v.S.Started() || v.S.Len() > 0 || v.S.Principal() != "" || v.S.Handle() != "" {
				v.Say("something")
			}
		}))
		if a.Body != "" || len(a.SetCookie) > 0 {
			e.breaks("%v after the renewal: %v", s.Clock.Now().Sub(Start), a)
		}
		if r, err := s.Record(handle); err == nil && (!r.Seen.Equal(record.Seen) || !r.Expires.Equal(record.Expires)) {
			e.breaks("it has extended the session from %v to %v", record.Expires, r.Expires)
		}
		s.Clock.Advance(90 * time.Second)
	}
	if _, err := s.Record(handle); !errors.Is(err, scarab.ErrNoSession) {
		e.breaks("the session should have expired: %v", err)
	}
}

func supersededSetsNoCookie(e *env) {
	s := e.site()
	b := e.seeded(s)
	old := b.Clone()
	e.ok(b.Do(doing(func(s *scarab.Session) { s.Login("ann") })))
	creates, records := s.Store.Count(scarabtest.Create), len(s.Records())
	for _, step := range []time.Duration{0, 30 * time.Second, 29 * time.Second} {
		s.Clock.Advance(step)
		for _, op := range append([]op{{"Invalidate", (*scarab.Session).Invalidate}}, changes...) {
			switch op.name {
			case "Login", "Delete", "Clear", "Changed", "Key.Pop", "PopFlash", "Renew":
				continue // Login is below; the others are no changes of an empty session
			}
			a := old.Clone().Do(doing(op.do))
			if a.Status != http.StatusConflict || !errors.Is(a.Failed, scarab.ErrSuperseded) || len(a.SetCookie) > 0 {
				e.breaks("%s: %v", op.name, a)
			}
		}
		if a := old.Clone().Do(doing(reads)); a.Status != http.StatusOK || len(a.SetCookie) > 0 {
			e.breaks("a read: %v", a)
		}
	}
	if n := s.Store.Count(scarabtest.Create); n != creates || len(s.Records()) != records {
		e.breaks("%d calls of Create", n-creates)
	}
	if got := e.sees(b); got == "" {
		e.breaks("the session is gone")
	}
	login := old.Clone()
	e.ok(login.Do(doing(func(s *scarab.Session) { s.Login("bob") })))
	if e.sees(login) == "" || e.sees(b) == "" || len(s.Records()) != records+1 {
		e.breaks("a superseded request that logs in gets a session of its own")
	}
	s.Clock.Advance(2 * time.Second) // 61 s: the token is unknown like any other
	e.ok(old.Do(doing(func(s *scarab.Session) { s.Flash("new") })))
	if e.sees(old) != "_f_=[new]" {
		e.breaks("after a minute there is no new session")
	}
}

func parallelRenewals(e *env) {
	const m = 3
	for _, kind := range []op{
		{"Renew", (*scarab.Session).Renew},
		{"Renew and Set", func(s *scarab.Session) {
			s.Renew()
			s.Set("new", "value")
		}},
	} {
		e.run(kind.name, func(e *env) {
			s := e.site()
			for _, commits := range permutations(m) {
				b := e.loggedIn(s)
				old := b.Clone()
				var tabs []*Request
				for range m {
					tabs = append(tabs, b.Begin(holding(kind.do)))
				}
				answers := make([]Answer, m)
				for _, i := range commits {
					s.Clock.Advance(time.Second)
					answers[i] = e.ok(tabs[i].Finish())
				}
				for _, takes := range permutations(m) {
					jar := old.Clone()
					for _, i := range takes {
						jar.Take(answers[i])
					}
					if got := e.sees(jar); got == "" {
						e.breaks("committed in the order %v, taken in %v: the browser has a dead token", commits, takes)
					}
				}
				if got := e.sees(old); got != "" {
					e.breaks("the old token opens %q", got)
				}
			}
		})
	}
	e.run("at once", func(e *env) {
		b := e.loggedIn(e.site())
		var tabs []*Request
		for range 8 {
			tabs = append(tabs, b.Begin(holding((*scarab.Session).Renew)))
		}
		for _, a := range FinishAll(tabs) {
			b.Take(e.ok(a))
		}
		if got := e.sees(b); got == "" {
			e.breaks("the browser has a dead token")
		}
	})
}

// lateAnswers lets two requests of one browser commit in one order and takes
// their answers in the other.
func lateAnswers(e *env) {
	ops := append([]op{{"a read", reads}, {"SetPersistent and Set", func(s *scarab.Session) {
		s.SetPersistent(true)
		s.Set("other", "value")
	}}}, changes...)
	renews := map[string]bool{"Renew": true, "Login": true, "SetPersistent": true, "SetPersistent and Set": true}
	s := e.site()
	for _, first := range ops {
		for _, second := range ops {
			if second.name == "Login" && renews[first.name] {
				continue // the exception
			}
			b := e.loggedIn(s)
			late, early := b.Begin(holding(first.do)), b.Begin(holding(second.do))
			s.Clock.Advance(time.Second)
			lateAnswer := late.Finish()
			s.Clock.Advance(time.Second)
			earlyAnswer := early.Finish()
			b.Take(earlyAnswer)
			b.Take(lateAnswer)
			if got := e.sees(b); got == "" {
				e.breaks("%s commits, then %s; the answers arrive the other way round: the browser has a dead token\n%v\n%v",
					first.name, second.name, lateAnswer, earlyAnswer)
			}
		}
	}
}
