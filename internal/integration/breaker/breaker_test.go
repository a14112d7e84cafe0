// Package breaker tries to break the promises of sessions in a store: many
// requests, operators and faults over a few sessions, in an order that chance
// chooses, held against a model. docs/invariants.md has what is promised, and a
// failure names the invariant by its number.
//
// Requests run through Factory.Wrap. They stop at every call of the store, and
// whenever their handler has done something; the test carries out the calls,
// loses their answers or lets them arrive late. Nothing depends on the speed of
// the machine: the seed that rapid prints repeats a failure.
//
// I2, I3, I4, I7, I19 and I30 need no check of their own: whatever a save
// leaves in the store is compared with what the changes of its request make of
// what the model had before, and whatever a handler sees with the model at the
// moment its session was loaded.
//
// I21 needs a random source that repeats itself, I32 a fallback, the forms of
// I24 package csrf, and the parts of I22 inside a store somebody in there: they
// are tested elsewhere.
//
// The model allows two things that the invariants, by the letter, do not:
//
//   - I16: a touch that is carried out while a commit is under way may be set
//     back by its save, to the time when the commit began and no further.
//   - I9: a Create whose answer was lost is tried again when the store has no
//     such record, also if an operator has revoked, by its handle, what the
//     first try made. Nobody had its token.
package breaker

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/scarab-go/scarab"
)

// setFlag sets a flag of rapid for a test, unless it was given on the command
// line.
func setFlag(t *testing.T, name, value string) {
	t.Helper()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	if given {
		return
	}
	f := flag.Lookup(name)
	old := f.Value.String()
	if err := f.Value.Set(value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Value.Set(old) })
}

func TestBreaker(t *testing.T) {
	for _, s := range stores {
		t.Run(s.name, func(t *testing.T) {
			open := s.open(t)
			if !s.kind.fast {
				s.kind.remote = remote(t)
			}
			setFlag(t, "rapid.checks", fmt.Sprint(s.checks))
			setFlag(t, "rapid.steps", "80")
			setFlag(t, "rapid.nofailfile", "true")
			rapid.Check(t, func(rt *rapid.T) { breakIt(t, rt, s.kind, open()) })
		})
	}
}

// breakIt is one check: a random history.
func breakIt(t *testing.T, rt *rapid.T, kind storeKind, store scarab.Store) {
	noon := time.Now().UTC().Truncate(time.Microsecond) // Redis has a clock of its own
	kind = kind.named()
	bubble(t, func() {
		w := newWorld(rt, kind, store, noon)
		defer w.abort()
		w.seed()
		rt.Repeat(w.commands())
		w.end()
	})
}

// bubble runs f in a bubble of testing/synctest, and lets a panic of f out of
// it: that is how rapid ends a check.
func bubble(t *testing.T, f func()) {
	var failure any
	synctest.Test(t, func(*testing.T) {
		defer func() { failure = recover() }()
		f()
	})
	switch kind := fmt.Sprintf("%T", failure); { // rapid tells failures apart by the line
	case failure == nil:
	case strings.HasSuffix(kind, "invalidData"): // to be skipped
		panic(failure)
	default:
		panic(failure)
	}
}

const (
	maxRequests = 6
	maxSkew     = time.Minute
)

// seed gives the first browser a session, so that not every history has to.
func (w *world) seed() {
	b := w.browsers[0]
	a := w.begin(b, 0, "", http.MethodPost)
	w.does(a, change{kind: set, key: "a", value: "0"}, func(s *scarab.Session) { s.Set("a", 0) })
	w.does(a, change{kind: set, key: string(once), value: "secret"}, func(s *scarab.Session) { once.Set(s, "secret") })
	w.does(a, change{kind: push, value: "x", id: w.next()}, func(s *scarab.Session) { s.Flash("x") })
	w.finish(a)
	w.advance(a)
	w.deliver(b, 0)
}

// commands are what may happen next. Those with a number are there twice, to be
// chosen more often.
func (w *world) commands() map[string]func(*rapid.T) {
	operate := func(rt *rapid.T) { w.operateAny(rt) }
	step := func(rt *rapid.T) {
		a := w.any(rt, w.calling())
		if c := a.call; !c.done && w.cut == 0 && c.ctx.Err() == nil && rapid.Bool().Draw(rt, "hold the answer") {
			w.carryOut(c)
			return
		}
		w.step(a)
	}
	finish := func(rt *rapid.T) {
		a := w.any(rt, w.idle())
		w.finish(a)
		if rapid.IntRange(0, 2).Draw(rt, "at once") > 0 {
			w.advance(a)
		}
	}
	rarely := func(f func(*rapid.T)) func(*rapid.T) {
		return func(rt *rapid.T) {
			if rapid.IntRange(0, 3).Draw(rt, "now") == 3 {
				f(rt)
			}
		}
	}
	return map[string]func(*rapid.T){
		"begin":     w.beginAny,
		"begin 2":   w.beginAny,
		"operate":   operate,
		"operate 2": operate,
		"operate 3": operate,
		"finish":    finish,
		"finish 2":  finish,
		"step":      step,
		"step 2":    step,
		"step 3":    step,
		"advance":   func(rt *rapid.T) { w.advance(w.any(rt, w.calling())) },
		"save":      func(rt *rapid.T) { w.save(w.any(rt, w.idle())) },
		"panic":     rarely(func(rt *rapid.T) { w.crash(w.any(rt, w.idle())) }),
		"deliver":   w.deliverAny,
		"fault": func(rt *rapid.T) {
			a := w.any(rt, w.calling())
			w.fail(a, w.faults(a.call).Draw(rt, "fault"))
		},
		"arrive": func(rt *rapid.T) {
			if len(w.limbo) == 0 {
				rt.Skip()
			}
			i := rapid.IntRange(0, len(w.limbo)-1).Draw(rt, "call")
			c := w.limbo[i]
			w.limbo = slices.Delete(w.limbo, i, i+1)
			w.carryOut(c)
		},
		"revoke": rarely(w.revokeAny),
		"clock": func(rt *rapid.T) {
			d := rapid.SampledFrom([]time.Duration{
				time.Microsecond, time.Millisecond, time.Second, time.Second, time.Second, 6 * time.Second, 61 * time.Second,
				5 * time.Minute, 7 * time.Minute, 7 * time.Minute, 25 * time.Minute, 50 * time.Minute, time.Hour, 5 * time.Hour, 24 * time.Hour,
			}).Draw(rt, "clock")
			w.logf("%v pass", d)
			for _, a := range w.actors { // those that wait for their turn may wait too long
				if a.request != nil && !a.idle && d > time.Second {
					a.faulted = true
				}
			}
			w.sleep(d)
			w.settle()
		},
		"skew": func(rt *rapid.T) {
			i := rapid.IntRange(0, 1).Draw(rt, "process")
			w.skew[i] = rapid.SampledFrom([]time.Duration{0, time.Second, -time.Second, maxSkew, -maxSkew}).Draw(rt, "skew")
			w.logf("process %d is off by %v", i, w.skew[i])
		},
		"outage": rarely(func(rt *rapid.T) { w.cut = rapid.IntRange(1, 8).Draw(rt, "calls") }),
	}
}

// any draws an actor, and skips the command if there is none.
func (w *world) any(rt *rapid.T, from []*actor) *actor {
	if len(from) == 0 {
		rt.Skip()
	}
	i := 0
	if len(from) > 1 {
		i = rapid.IntRange(0, len(from)-1).Draw(rt, "actor")
	}
	return from[i]
}

func (w *world) calling() []*actor {
	return slices.DeleteFunc(slices.Clone(w.actors), func(a *actor) bool { return a.call == nil })
}

func (w *world) idle() []*actor {
	return slices.DeleteFunc(slices.Clone(w.actors), func(a *actor) bool { return a.request == nil || !a.idle })
}

// faults are those that can happen to a call. What revokes and deletes is not
// repeated blindly, so it does not arrive late, either.
func (w *world) faults(c *call) *rapid.Generator[fault] {
	switch {
	case c.done:
		return rapid.Just(lose)
	case c.method == "Create", c.method == "Save", c.method == "Touch":
		return rapid.SampledFrom([]fault{refuse, lose, delay})
	}
	return rapid.SampledFrom([]fault{refuse, lose})
}

func (w *world) beginAny(rt *rapid.T) {
	if len(w.actors) >= maxRequests {
		rt.Skip()
	}
	b := w.browsers[max(0, rapid.IntRange(-2, len(w.browsers)-1).Draw(rt, "browser"))]
	for len(b.answers) > 0 && rapid.Bool().Draw(rt, "after the answer") {
		w.deliver(b, 0)
	}
	token := b.token
	if len(w.tokens) > 0 && rapid.IntRange(0, 7).Draw(rt, "old token") == 7 {
		token = rapid.SampledFrom(w.tokens).Draw(rt, "token")
	}
	method := http.MethodGet
	if rapid.IntRange(0, 9).Draw(rt, "HEAD") == 9 {
		method = http.MethodHead
	}
	a := w.begin(b, rapid.IntRange(0, 1).Draw(rt, "process"), token, method)
	if rapid.IntRange(0, 2).Draw(rt, "at once") > 0 {
		w.advance(a)
	}
}

func (w *world) operateAny(rt *rapid.T) {
	a := w.any(rt, w.idle())
	kinds := []kind{set, set, remove, update, update, push, push, unique, pop, pop, clear_, set, take, renew, login, login, timeouts, "Invalidate", "logout others", "issue"}
	ch := change{kind: rapid.SampledFrom(kinds).Draw(rt, "operation"), id: w.next()}
	switch ch.kind {
	case set:
		ch.key, ch.value = rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "key"), fmt.Sprint(ch.id)
		w.does(a, ch, func(s *scarab.Session) { s.Set(ch.key, ch.id) })
	case "issue":
		ch.kind, ch.key, ch.value = set, string(once), fmt.Sprint("secret ", ch.id)
		w.does(a, ch, func(s *scarab.Session) { once.Set(s, ch.value) })
	case remove:
		ch.key = rapid.SampledFrom([]string{"a", "b", string(counter)}).Draw(rt, "key")
		w.does(a, ch, func(s *scarab.Session) { s.Delete(ch.key) })
	case update:
		ch.key = string(counter)
		w.does(a, ch, func(s *scarab.Session) { counter.Update(s, func(n int) int { return n + 1 }) })
	case push, unique:
		ch.value = rapid.SampledFrom([]string{"x", "y"}).Draw(rt, "message")
		w.does(a, ch, func(s *scarab.Session) {
			if ch.kind == unique {
				queue.PushUnique(s, ch.value)
				return
			}
			s.Flash(ch.value)
		})
	case pop:
		want := a.view.texts()
		var got []string
		w.does(a, ch, func(s *scarab.Session) { got = s.PopFlash() })
		if !slices.Equal(got, want) {
			w.breaks("I2", "%s pops %q, not %q", a.name, got, want)
		}
	case take:
		ch.key = string(once)
		want := a.view.values[ch.key]
		var got string
		w.does(a, ch, func(s *scarab.Session) { got, _ = once.Pop(s) })
		if got != want {
			w.breaks("I33", "%s takes %q, not %q", a.name, got, want)
		}
	case clear_:
		w.does(a, ch, (*scarab.Session).Clear)
	case renew:
		w.does(a, ch, (*scarab.Session).Renew)
	case login:
		ch.key = rapid.SampledFrom(w.people).Draw(rt, "who")
		w.does(a, ch, func(s *scarab.Session) { s.Login(ch.key) })
	case timeouts:
		ch.idle = rapid.SampledFrom([]time.Duration{0, 5 * time.Minute, 2 * time.Hour, scarab.Never}).Draw(rt, "idle")
		ch.lifetime = rapid.SampledFrom([]time.Duration{0, 30 * time.Minute, 10 * time.Hour, scarab.Never}).Draw(rt, "lifetime")
		if ch.idle == 0 && ch.lifetime == 0 {
			ch.idle = time.Hour
		}
		w.does(a, ch, func(s *scarab.Session) { s.SetTimeouts(ch.idle, ch.lifetime) })
	case "Invalidate":
		w.invalidates(a)
	case "logout others":
		if w.kind.plain || a.view.principal == "" {
			return
		}
		w.logf("%s: ends the others of %q", a.name, a.view.principal)
		w.order(a, func(s *scarab.Session) (bool, error) {
			_, _ = w.factories[a.factory].RevokePrincipal(a.ctx, s.Principal(), s)
			return false, nil
		})
	}
}

func (w *world) deliverAny(rt *rapid.T) {
	var waiting []*browser
	for _, b := range w.browsers {
		if len(b.answers) > 0 {
			waiting = append(waiting, b)
		}
	}
	if len(waiting) == 0 {
		rt.Skip()
	}
	b := waiting[rapid.IntRange(0, len(waiting)-1).Draw(rt, "browser")]
	i := rapid.IntRange(0, len(b.answers)-1).Draw(rt, "answer")
	if rapid.IntRange(0, 9).Draw(rt, "lost on the way") == 9 {
		b.answers = slices.Delete(b.answers, i, i+1)
		return
	}
	w.deliver(b, i)
}

func (w *world) revokeAny(rt *rapid.T) {
	if len(w.actors) >= maxRequests || w.kind.plain && len(w.handles) == 0 {
		rt.Skip()
	}
	f := w.factories[rapid.IntRange(0, 1).Draw(rt, "process")]
	what := []string{"sweep", "revoke a principal", "revoke"}
	switch what := rapid.SampledFrom(what).Draw(rt, "what"); {
	case what == "revoke" && len(w.handles) > 0:
		h := rapid.SampledFrom(w.handles).Draw(rt, "handle")
		w.operate(fmt.Sprintf("Revoke %.4s", h), h, func(ctx context.Context) error { return f.Revoke(ctx, h.String()) })
	case what == "revoke a principal" && !w.kind.plain:
		p := rapid.SampledFrom(w.people).Draw(rt, "who")
		w.operate("RevokePrincipal "+p, scarab.Handle{}, func(ctx context.Context) error {
			_, err := f.RevokePrincipal(ctx, p)
			return err
		})
	default:
		w.operate("Sweep", scarab.Handle{}, func(ctx context.Context) error {
			_, err := f.Sweep(ctx)
			return err
		})
	}
}
