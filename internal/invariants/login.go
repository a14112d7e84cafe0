package invariants

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/csrf"
	"github.com/scarab-go/scarab/scarabtest"
)

func csrfTokenChangesWithLogin(e *env) {
	s := e.site()
	p, err := csrf.New(csrf.Config{})
	if err != nil {
		e.Fatal(err)
	}
	s.Serve(func(h http.Handler) http.Handler { return s.Factory.Wrap(p.Wrap(h)) })
	b := e.seeded(s)
	form := func() string {
		e.Helper()
		return e.ok(b.Do(func(v *Visit) {
			token, err := csrf.Token(v.R.Context())
			if err != nil {
				e.Error(err)
			}
			v.Say(token)
		})).Body
	}
	post := func(token string) int {
		return b.Clone().Do(doing(reads), func(r *http.Request) {
			r.Method = http.MethodPost
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			r.Header.Set("X-CSRF-Token", token)
		}).Status
	}
	tokens := []string{form()}
	for _, login := range []string{"ann", "ann", "bob"} {
		e.ok(b.Do(doing(func(s *scarab.Session) { s.Login(login) })))
		tokens = append(tokens, form())
		for i, token := range tokens {
			want := http.StatusForbidden
			if i == len(tokens)-1 {
				want = http.StatusOK
			}
			if got := post(token); got != want {
				e.breaks("after %d logins, a form with the token of login %d: %d, not %d", len(tokens)-1, i, got, want)
			}
		}
	}
}

// foundByPrincipal does the same random things each time, on a store that
// fails now and then, and compares the list of each principal with a scan.
func foundByPrincipal(e *env) {
	principals := []string{"ann", "bob", "a name with ' and \x00 and 世界"}
	faults := []scarabtest.Fault{scarabtest.Refuse, scarabtest.LoseAnswer, nil, nil, nil}
	for seed := range uint64(4) {
		e.run(fmt.Sprintf("seed %d", seed), func(e *env) {
			random := rand.New(rand.NewPCG(seed, 0))
			s := e.site()
			browsers := []*Browser{s.Browser(), s.Browser(), s.Browser(), s.Browser()}
			var history []string
			for range 80 {
				b, p := browsers[random.IntN(len(browsers))], principals[random.IntN(len(principals))]
				if fault := faults[random.IntN(len(faults))]; fault != nil {
					s.Store.On(scarabtest.Any, 1+random.IntN(3), fault)
					history = append(history, "fault")
				}
				do := func(name string, f func(*scarab.Session)) {
					b.Do(doing(f))
					history = append(history, name)
				}
				switch random.IntN(9) {
				case 0, 1, 2:
					do("login "+p, func(s *scarab.Session) { s.Login(p) })
				case 3:
					do("logout", (*scarab.Session).Invalidate)
				case 4:
					do("set", func(s *scarab.Session) { s.Set("n", 1) })
				case 5:
					do("renew", (*scarab.Session).Renew)
				case 6:
					slow := b.Clone().Start(holding(func(s *scarab.Session) { s.Login(p) }))
					do("logout during login "+p, (*scarab.Session).Invalidate)
					slow.Finish()
				case 7:
					s.Factory.RevokePrincipal(e.Context(), p)
					history = append(history, "revoke "+p)
				case 8:
					s.Factory.Sweep(e.Context())
					history = append(history, "sweep")
				}
				s.Store.Heal()
				s.Clock.Advance(time.Duration(random.IntN(600)) * time.Second)
				e.compareLists(s, principals, history)
			}
		})
	}
}

func (e *env) compareLists(s *Site, principals, history []string) {
	e.Helper()
	want := map[string][]string{}
	for handle, r := range s.Records() {
		want[r.Principal] = append(want[r.Principal], handle)
	}
	for _, p := range principals {
		var got []string
		for info, err := range s.Factory.Sessions(e.Context(), p) {
			if err != nil {
				e.Fatal(err)
			}
			got = append(got, info.Handle)
		}
		slices.Sort(got)
		slices.Sort(want[p])
		if !slices.Equal(got, want[p]) {
			e.breaks("the list of %q is %q, a scan finds %q\nafter %s", p, got, want[p], strings.Join(history, ", "))
		}
	}
}

func revocationCatchesLogins(e *env) {
	login := func(s *scarab.Session) {
		s.Login("ann")
		s.Set("private", "of ann")
	}
	for _, c := range []struct {
		name  string
		begin func(*env, *Site) *Browser
	}{
		{"in a new session", func(e *env, s *Site) *Browser { return s.Browser() }},
		{"in a session that is there", func(e *env, s *Site) *Browser { return e.seeded(s) }},
		{"over another's", func(e *env, s *Site) *Browser {
			b := e.seeded(s)
			e.ok(b.Do(doing(func(s *scarab.Session) { s.Login("bob") })))
			return b
		}},
		{"over one of the same", func(e *env, s *Site) *Browser { return e.loggedIn(s) }},
	} {
		e.run(c.name, func(e *env) {
			s := e.site()
			b := c.begin(e, s)
			r := b.Begin(holding(login))
			s.Clock.Advance(time.Second)
			if _, err := s.Factory.RevokePrincipal(e.Context(), "ann"); err != nil {
				e.Fatal(err)
			}
			a := r.Finish()
			if a.Status != http.StatusConflict || len(a.SetCookie) > 0 {
				e.breaks("the login under way: %v", a)
			}
			b.Take(a)
			if got := e.sees(b); strings.Contains(got, "ann") {
				e.breaks("the browser sees %q", got)
			}
			for _, r := range s.Records() {
				if r.Principal == "ann" {
					e.breaks("a session of ann's is there: %v", r.Handle)
				}
			}
			s.Clock.Advance(time.Second)
			e.ok(b.Do(doing(login)))
			if got := e.sees(b); !strings.HasPrefix(got, "ann:") {
				e.breaks("a login after the revocation gives %q", got)
			}
		})
	}
	e.run("in a session to keep", func(e *env) {
		s := e.site()
		b := e.loggedIn(s)
		other := e.loggedIn(s)
		e.ok(b.Do(func(v *Visit) { // as a handler does that changes a password
			v.S.Login("ann")
			if n, err := s.Factory.RevokePrincipal(v.R.Context(), "ann", v.S); err != nil || n != 1 {
				e.breaks("RevokePrincipal: %d, %v", n, err)
			}
		}))
		if got := e.sees(b); !strings.HasPrefix(got, "ann:") {
			e.breaks("the session to keep is %q", got)
		}
		if got := e.sees(other); got != "" {
			e.breaks("the other session is %q", got)
		}
	})
}

func twoLoginsAtOnce(e *env) {
	login := func(name string) func(*scarab.Session) {
		return func(s *scarab.Session) {
			s.Set("before "+name, 1)
			s.Login(name)
			s.Set("private", "of "+name)
		}
	}
	bases := map[string]func(*env, *Site) *Browser{
		"anonymous": func(e *env, s *Site) *Browser { return e.seeded(s) },
		"logged in as cy": func(e *env, s *Site) *Browser {
			b := s.Browser()
			e.ok(b.Do(doing(func(s *scarab.Session) {
				s.Login("cy")
				s.Set("private", "of cy")
			})))
			return b
		},
	}
	for name, begin := range bases {
		for _, order := range []string{"ann first", "bob first", "one after the other"} {
			e.run(name+", "+order, func(e *env) {
				b := begin(e, e.site())
				tabs := map[string]*Request{"ann": b.Begin(holding(login("ann")))}
				first, second := "ann", "bob"
				if order == "bob first" {
					first, second = "bob", "ann"
				}
				if order != "one after the other" {
					tabs["bob"] = b.Begin(holding(login("bob")))
				}
				b.Take(e.ok(tabs[first].Finish()))
				if tabs[second] == nil {
					tabs[second] = b.Begin(holding(login(second)))
				}
				a := tabs[second].Finish()
				b.Take(a)
				winner := first
				if order == "one after the other" {
					e.ok(a)
					winner = second
				} else if a.Status != http.StatusConflict || len(a.SetCookie) > 0 {
					e.breaks("the loser: %v", a)
				}
				got := e.sees(b)
				if !strings.HasPrefix(got, winner+":") || !strings.Contains(got, "private=of "+winner) {
					e.breaks("the winner %s sees %q", winner, got)
				}
				for _, other := range []string{"ann", "bob", "cy"} {
					if other != winner && strings.Contains(got, other) {
						e.breaks("the winner %s sees data of %s: %q", winner, other, got)
					}
				}
			})
		}
	}
	e.run("what one has chosen is not for the other", func(e *env) {
		b := e.site().Browser()
		e.ok(b.Do(doing(func(s *scarab.Session) {
			s.Login("ann")
			s.SetTimeouts(30*24*time.Hour, 30*24*time.Hour)
			s.SetPersistent(true)
			s.SetLabel("the computer of ann")
		})))
		a := e.ok(b.Do(doing(func(s *scarab.Session) { s.Login("bob") })))
		if len(a.SetCookie) != 1 || strings.Contains(a.SetCookie[0], "Max-Age") {
			e.breaks("ann wanted to be remembered, and bob is: %q", a.SetCookie)
		}
		e.ok(b.Do(func(v *Visit) {
			if idle := v.S.Expires().Sub(Start); idle != time.Hour {
				e.breaks("bob has an idle timeout of %v", idle)
			}
		}))
	})
	if e.keeper == byStore {
		e.run("the same person twice", samePersonTwice)
	}
}

// Both logins of one principal succeed, each with a secret of its own, and
// nothing is lost.
func samePersonTwice(e *env) {
	for _, step := range []time.Duration{0, time.Second, -time.Second} {
		s := e.site()
		b := e.seeded(s)
		tokens := map[string]bool{b.Token(): true}
		var tabs []*Request
		for _, key := range []string{"one", "two"} {
			tabs = append(tabs, b.Begin(holding(func(s *scarab.Session) {
				s.Login("ann")
				s.Set(key, key)
			})))
			s.Clock.Advance(step)
		}
		for _, r := range tabs {
			b.Take(e.ok(r.Finish()))
			tokens[b.Token()] = true
		}
		if len(tokens) != 3 {
			e.breaks("clock step %v: a login without a new secret", step)
		}
		if got := e.sees(b); !strings.HasPrefix(got, "ann:") || !strings.Contains(got, "one=one") || !strings.Contains(got, "two=two") {
			e.breaks("clock step %v: what is left is %q", step, got)
		}
		for token := range maps.Keys(tokens) {
			if token != b.Token() {
				old := s.Browser()
				old.SetCookie(CookieName, token)
				if got := e.sees(old); got != "" {
					e.breaks("clock step %v: an older token opens %q", step, got)
				}
			}
		}
	}
}
