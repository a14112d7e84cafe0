package invariants

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/scarabtest"
)

// nextRequestReadsIt reads while the handler that redirects has not returned:
// the first byte of its answer is out, and no more is needed.
func nextRequestReadsIt(e *env) {
	s := e.site()
	b := e.seeded(s)
	sent := newGate(e)
	redirect := b.Start(func(v *Visit) {
		v.S.Set("saved", "yes")
		v.S.Flash("Saved.")
		v.W.Header().Set("Location", "/next")
		v.W.WriteHeader(http.StatusSeeOther)
		http.NewResponseController(v.W).Flush()
		<-sent.opened
	})
	early := redirect.Header()
	b.Take(early)
	if early.Status != http.StatusSeeOther {
		e.breaks("the redirect: %v", early)
	}
	if got := e.sees(b); !strings.Contains(got, "saved=yes") || !strings.Contains(got, "Saved.") {
		e.breaks("the next request reads %q", got)
	}
	sent.open()
	e.ok(redirect.Finish())
}

// A crash is a store of which the first n calls are carried out, and no other.
func crash(s *Site, n int) (crashed func() bool) {
	before := s.Store.Count(scarabtest.Any)
	s.Store.On(scarabtest.Any, 0, func(_ context.Context, _ scarabtest.Call, do func() error) error {
		if s.Store.Count(scarabtest.Any)-before > n {
			return scarabtest.ErrFault
		}
		return do()
	})
	return func() bool { return s.Store.Count(scarabtest.Any)-before > n }
}

func crashLeavesOldOrNew(e *env) {
	for _, c := range []struct {
		op
		new func(scarab.Record, bool) bool // whether a record, or none, is the new state
	}{
		{op{"Renew", (*scarab.Session).Renew}, func(r scarab.Record, there bool) bool { return there && !r.Renewed.IsZero() }},
		{op{"Login", func(s *scarab.Session) { s.Login("bob") }}, func(r scarab.Record, there bool) bool { return there && r.Principal == "bob" }},
		{op{"Invalidate", (*scarab.Session).Invalidate}, func(_ scarab.Record, there bool) bool { return !there }},
		{op{"Invalidate and Set", func(s *scarab.Session) {
			s.Invalidate()
			s.Set("new", 1)
		}}, func(r scarab.Record, there bool) bool { return there && r.Principal == "" }},
		{op{"Invalidate and Login", func(s *scarab.Session) {
			s.Invalidate()
			s.Login("bob")
		}}, func(r scarab.Record, there bool) bool { return there && r.Principal == "bob" }},
	} {
		e.run(c.name, func(e *env) {
			for n := 0; ; n++ {
				s := e.site()
				b := e.loggedIn(s)
				want := e.sees(b)
				before := s.Records()
				crashed := crash(s, n)
				a := b.Clone().Do(doing(c.do))
				s.Store.Heal()
				isNew := c.new(scarab.Record{}, false) && len(s.Records()) == 0
				for handle, r := range s.Records() {
					if old, there := before[handle]; !there || old.Commit != r.Commit {
						isNew = isNew || c.new(r, true)
					}
				}
				if isOld := e.sees(b) == want; !isOld && !isNew {
					e.breaks("a crash after %d calls leaves neither: %v", n, s.Records())
				}
				if a.OK() && !isNew {
					e.breaks("after %d calls it succeeds, and the new state is not there", n)
				}
				if !crashed() {
					e.ok(a)
					if n < 2 {
						e.Errorf("it took only %d calls: is the store used at all?", n)
					}
					return
				}
			}
		})
	}
}

func takenHandle(e *env) {
	s := e.site()
	other := e.seeded(s) // somebody's session, as it was made in the same instant
	var taken scarab.Record
	var tried []scarab.Handle
	s.Store.On(scarabtest.Create, 0, func(ctx context.Context, call scarabtest.Call, do func() error) error {
		if tried = append(tried, call.Handle); len(tried) == 1 {
			taken = s.Records()[e.handle(other)]
			taken.Handle, taken.Version, taken.Commit = call.Handle, 1, [16]byte{1}
			if err := s.inner.Create(ctx, taken); err != nil {
				return err
			}
		}
		return do()
	})
	b := s.Browser()
	e.ok(b.Do(doing(func(s *scarab.Session) { s.Set("mine", 1) })))
	if len(tried) != 2 || tried[0] == tried[1] {
		e.breaks("Create was called for %v", tried)
	}
	if got := e.sees(b); got != "mine=1" {
		e.breaks("the new session is %q", got)
	}
	if r, err := s.Record(tried[0].String()); err != nil || r.Commit != taken.Commit || string(r.Data) != string(taken.Data) {
		e.breaks("the record that was there is %v, %v", r, err)
	}
}

// noSuccessWithoutSaving fails each call of the store in turn, in each way, and
// then all from one on. An answer that is the handler's own must be the truth.
func noSuccessWithoutSaving(e *env) {
	ops := append([]op{
		{"Invalidate", (*scarab.Session).Invalidate},
		{"Login of another", func(s *scarab.Session) { s.Login("bob") }},
	}, changes...)
	faults := map[string]func(*Site, int) func() bool{
		"refused":     single(scarabtest.Refuse),
		"answer lost": single(scarabtest.LoseAnswer),
		"crash":       crash,
	}
	for _, op := range ops {
		for name, fault := range faults {
			e.run(op.name+", "+name, func(e *env) {
				s := e.site()
				want := func() string {
					b := e.loggedIn(s)
					old := b.Clone()
					e.ok(b.Do(doing(op.do)))
					return e.outcome(b, old)
				}()
				for n := 0; n < 20; n++ {
					b := e.loggedIn(s)
					old := b.Clone()
					failed := fault(s, n)
					a := b.Do(doing(op.do))
					done := !failed()
					s.Store.Heal()
					if a.OK() {
						if got := e.outcome(b, old); got != want {
							e.breaks("call %d: it succeeds, but the outcome is %q, not %q", n, got, want)
						}
					} else if a.Status != http.StatusServiceUnavailable {
						e.breaks("call %d: %v", n, a)
					}
					if done {
						return
					}
				}
				e.Error("20 calls of the store, and not done yet")
			})
		}
	}
}

// single fails one call; n counts from 0.
func single(f scarabtest.Fault) func(*Site, int) func() bool {
	return func(s *Site, n int) func() bool {
		before := s.Store.Count(scarabtest.Any)
		s.Store.On(scarabtest.Any, n+1, f)
		return func() bool { return s.Store.Count(scarabtest.Any)-before > n }
	}
}

// outcome is what the cookies of b open after a change, and what the old ones
// open.
func (e *env) outcome(b, old *Browser) string {
	e.Helper()
	a := e.ok(b.Do(func(v *Visit) {
		tell(v)
		v.Say(", expires ", v.S.Expires().Sub(Start), ", ends ", v.S.Deadline().Sub(Start))
	}))
	opens := "the same"
	if old.Token() != b.Token() {
		opens = e.sees(old)
	}
	return randomToken.ReplaceAllString(a.Body+", the old token opens "+opens, "token")
}

var randomToken = regexp.MustCompile("[0-9a-f]{40}")

func outageIsAnError(e *env) {
	s := e.site()
	b := e.loggedIn(s)
	for _, m := range []scarabtest.Method{scarabtest.Load, scarabtest.LoadTouch} {
		s.Store.On(m, 0, scarabtest.Refuse)
	}
	a := b.Raw(func(w http.ResponseWriter, r *http.Request) {
		session, err := scarab.From(r.Context())
		if err == nil || session != nil {
			e.breaks("From returns %v, %v", session, err)
		}
		again, err2 := scarab.From(r.Context())
		if again != nil || !errors.Is(err2, err) {
			e.breaks("and then %v, %v", again, err2)
		}
		w.WriteHeader(scarab.StatusOf(err))
	})
	if a.Status != http.StatusServiceUnavailable || len(a.SetCookie) > 0 {
		e.breaks("the answer: %v", a)
	}
	called := false
	a = b.Raw(func(w http.ResponseWriter, r *http.Request) {
		s.Factory.HandlerFunc(func(http.ResponseWriter, *http.Request, *scarab.Session) error {
			called = true
			return nil
		}).ServeHTTP(w, r)
	})
	if called || a.Status != http.StatusServiceUnavailable || len(a.SetCookie) > 0 {
		e.breaks("a HandlerFunc was called %v: %v", called, a)
	}
	s.Store.Heal()
	if got := e.sees(b); got == "" {
		e.breaks("after the outage the session is gone")
	}
	if a := s.Browser().Do(doing(reads)); !a.OK() {
		e.breaks("a visitor without a cookie: %v", a)
	}
}
