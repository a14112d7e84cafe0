package invariants

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/scarabtest"
)

func differentKeysSurvive(e *env) {
	set := func(key string) func(*scarab.Session) {
		return func(s *scarab.Session) { s.Set(key, key) }
	}
	has := func(e *env, b *Browser, keys ...string) {
		e.Helper()
		if got := e.sees(b); !slices.ContainsFunc(permutations(len(keys)), func(p []int) bool {
			var parts []string
			for _, i := range p {
				parts = append(parts, keys[i]+"="+keys[i])
			}
			return got == strings.Join(parts, " ")
		}) {
			e.breaks("of the keys %q there is %q", keys, got)
		}
	}
	// Which of two requests loads, and which commits, first.
	for _, order := range []string{"aAbB", "abAB", "abBA"} {
		e.run(order, func(e *env) {
			b := e.site().Browser()
			e.ok(b.Do(doing(set("c"))))
			requests := map[rune]*Request{}
			for _, step := range order {
				lower := []rune(strings.ToLower(string(step)))[0]
				if step == lower {
					requests[lower] = b.Begin(holding(set(string(lower))))
				} else {
					e.ok(requests[lower].Finish())
				}
			}
			has(e, b, "a", "b", "c")
		})
	}
	e.run("a delete beside a set", func(e *env) {
		b := e.site().Browser()
		e.ok(b.Do(doing(func(s *scarab.Session) { s.SetAll(map[string]any{"a": "a", "b": "b"}) })))
		slow := b.Begin(holding(func(s *scarab.Session) { s.Delete("a") }))
		e.ok(b.Do(doing(set("c"))))
		e.ok(slow.Finish())
		has(e, b, "b", "c")
	})
	e.run("16 at once", func(e *env) {
		b := e.site().Browser()
		e.ok(b.Do(doing(set("first"))))
		var requests []*Request
		for i := range 16 {
			requests = append(requests, b.Begin(holding(set(strconv.Itoa(i)))))
		}
		for _, a := range FinishAll(requests) {
			e.ok(a)
		}
		if got := len(strings.Fields(e.sees(b))); got != 17 {
			e.breaks("of 17 keys there are %d", got)
		}
	})
}

func increment(s *scarab.Session) { counter.Update(s, func(n int) int { return n + 1 }) }

// tally is what the answers to a number of increments say.
type tally struct{ successes, unknown int }

func (t *tally) add(e *env, a Answer) {
	e.Helper()
	switch {
	case a.OK():
		t.successes++
	case errors.Is(a.Failed, scarab.ErrOutcomeUnknown) && a.Status == http.StatusServiceUnavailable:
		t.unknown++
	case a.Status == http.StatusServiceUnavailable || a.Status == http.StatusConflict:
	default:
		e.breaks("an unexpected answer: %v", a)
	}
}

func updatesCount(e *env) {
	// A store that fails in every way there is, by a fixed pattern.
	faults := map[int]scarabtest.Fault{2: scarabtest.Refuse, 4: scarabtest.LoseAnswer, 5: applyTwice}
	faulty := func(fault func(i int) scarabtest.Fault) func(context.Context, scarabtest.Call, func() error) error {
		var mu sync.Mutex
		calls := 0
		return func(ctx context.Context, call scarabtest.Call, do func() error) error {
			mu.Lock()
			calls++
			f := fault(calls)
			mu.Unlock()
			if f == nil {
				return do()
			}
			return f(ctx, call, do)
		}
	}
	for _, c := range []struct {
		name  string
		fault func(i int) scarabtest.Fault
	}{
		{"a store that never fails", func(int) scarabtest.Fault { return nil }},
		{"answers are lost", func(int) scarabtest.Fault { return scarabtest.LoseAnswer }},
		{"saves fail", func(int) scarabtest.Fault { return scarabtest.Refuse }},
		{"every other save fails", func(i int) scarabtest.Fault { return map[int]scarabtest.Fault{0: scarabtest.Refuse}[i%2] }},
		{"one after the other", func(i int) scarabtest.Fault { return faults[i%7] }},
	} {
		for _, parallel := range []bool{false, true} {
			e.run(fmt.Sprintf("%s, parallel %v", c.name, parallel), func(e *env) {
				s := e.site()
				b := s.Browser()
				e.ok(b.Do(doing(func(s *scarab.Session) { counter.Set(s, 0) })))
				s.Store.On(scarabtest.Save, 0, faulty(c.fault))
				const n = 24
				var t tally
				if parallel {
					var requests []*Request
					for range n {
						requests = append(requests, b.Begin(holding(increment)))
					}
					for _, a := range FinishAll(requests) {
						t.add(e, a)
					}
				} else {
					for range n {
						t.add(e, b.Do(doing(increment)))
					}
				}
				s.Store.Heal()
				var got int
				e.ok(b.Do(func(v *Visit) { got = counter.Get(v.S) }))
				if got < t.successes || got > t.successes+t.unknown {
					e.breaks("%d successes, %d unknown outcomes, and the counter is %d", t.successes, t.unknown, got)
				}
			})
		}
	}
	e.run("a save arrives late, and another on top of it", lateSave)
	e.run("two processes", func(e *env) { // which have no lock in common
		s := e.site()
		b := s.Browser()
		e.ok(b.Do(doing(func(s *scarab.Session) { counter.Set(s, 0) })))
		other := b.On(NewSite(e, s.inner, scarab.Config{}))
		const n = 12
		var requests []*Request
		for range n {
			requests = append(requests, b.Begin(holding(increment)), other.Begin(holding(increment)))
		}
		for _, a := range FinishAll(requests) {
			e.ok(a)
		}
		var got int
		e.ok(b.Do(func(v *Visit) { got = counter.Get(v.S) }))
		if got != 2*n {
			e.breaks("of %d updates there are %d", 2*n, got)
		}
	})
}

// applyTwice is a connection that repeats what it has sent.
func applyTwice(_ context.Context, _ scarabtest.Call, do func() error) error {
	do()
	return do()
}

// A save that is believed lost is carried out after all, just before it is
// repeated, and another request saves on top of it: counting it again would be
// once too much.
func lateSave(e *env) {
	s := e.site()
	b := s.Browser()
	e.ok(b.Do(doing(func(s *scarab.Session) { counter.Set(s, 0) })))
	late := func() {} // the save that hangs in the network
	s.Store.On(scarabtest.Save, 1, func(_ context.Context, _ scarabtest.Call, do func() error) error {
		late = func() { do() }
		return scarabtest.ErrFault
	})
	var t tally
	s.Store.On(scarabtest.Save, 2, func(_ context.Context, _ scarabtest.Call, do func() error) error {
		late()
		t.add(e, b.Clone().Do(doing(increment)))
		return do()
	})
	t.add(e, b.Do(doing(increment)))
	var got int
	e.ok(b.Do(func(v *Visit) { got = counter.Get(v.S) }))
	if got < t.successes || got > t.successes+t.unknown {
		e.breaks("%d successes, %d unknown outcomes, and the counter is %d", t.successes, t.unknown, got)
	}
}

// Each request appends its name to a list, saves, and notes the list as it is
// then. If the updates are linearizable, every list noted is the beginning of
// the final one and ends with the name; and what was over before another began
// stands before it.
func updatesAreLinearizable(e *env) {
	const workers, rounds = 8, 6
	const log = scarab.Key[[]string]("log")
	s := e.site(func(c *scarab.Config) { c.MaxSize = 1 << 20 })
	b := s.Browser()
	e.ok(b.Do(doing(func(s *scarab.Session) { log.Set(s, nil) })))

	var wg sync.WaitGroup
	noted := make([][][]string, workers)
	for w := range workers {
		wg.Go(func() {
			for i := range rounds {
				name := fmt.Sprintf("%d.%d", w, i)
				var list []string
				a := b.Clone().Do(func(v *Visit) {
					log.Update(v.S, func(list []string) []string { return append(list, name) })
					if v.S.Save(v.R.Context()) == nil {
						list = log.Get(v.S)
					}
				})
				if !a.OK() || len(list) == 0 || list[len(list)-1] != name {
					e.breaks("%s: %v, and then the list is %q", name, a, list)
				}
				noted[w] = append(noted[w], list)
			}
		})
	}
	wg.Wait()
	var final []string
	e.ok(b.Do(func(v *Visit) { final = log.Get(v.S) }))
	if len(final) != workers*rounds {
		e.breaks("of %d updates there are %d", workers*rounds, len(final))
	}
	for w := range noted {
		for i, list := range noted[w] {
			if len(list) > len(final) || !slices.Equal(list, final[:len(list)]) {
				e.breaks("%d.%d noted %q, which is not how the final list begins: %q", w, i, list, final)
			}
			if i > 0 && len(list) <= len(noted[w][i-1]) {
				e.breaks("%d.%d stands before %d.%d, which was over when it began", w, i, w, i-1)
			}
		}
	}
}

func clearAndSet(e *env) {
	for _, c := range []struct{ order, want string }{
		{"Clear, then Set", "new=value"},
		{"Set, then Clear", ""},
	} {
		e.run(c.order, func(e *env) {
			b := e.seeded(e.site())
			clear := b.Begin(holding((*scarab.Session).Clear))
			set := b.Begin(holding(func(s *scarab.Session) { s.Set("new", "value") }))
			if c.order == "Clear, then Set" {
				e.ok(clear.Finish())
				e.ok(set.Finish())
			} else {
				e.ok(set.Finish())
				e.ok(clear.Finish())
			}
			if got := e.sees(b); got != c.want {
				e.breaks("%q is left, not %q", got, c.want)
			}
		})
	}
	e.run("Clear and Set in one request, beside a Set", func(e *env) {
		b := e.seeded(e.site())
		slow := b.Begin(holding(func(s *scarab.Session) {
			s.Clear()
			s.Set("mine", 1)
		}))
		e.ok(b.Do(doing(func(s *scarab.Session) { s.Set("theirs", 2) })))
		e.ok(slow.Finish())
		if got := e.sees(b); got != "mine=1" {
			e.breaks("%q is left", got)
		}
	})
}

func oneTimeValue(e *env) {
	take := func(v *Visit) {
		value, ok := once.Pop(v.S)
		v.Say(value, ok)
		v.Hold()
	}
	e.run("one after the other", func(e *env) {
		b := e.seeded(e.site())
		requests := []*Request{b.Begin(take), b.Begin(take), b.Begin(take)}
		for i, r := range requests {
			a := r.Finish()
			if first := i == 0; a.OK() != first || !first && (a.Status != http.StatusConflict || !errors.Is(a.Failed, scarab.ErrPopped)) {
				e.breaks("pop %d: %v", i, a)
			}
		}
		if a := e.ok(b.Do(take)); a.Body != "false" {
			e.breaks("a later request gets %q", a.Body)
		}
	})
	e.run("8 at once", func(e *env) {
		b := e.seeded(e.site())
		var requests []*Request
		for range 8 {
			requests = append(requests, b.Begin(take))
		}
		winners := 0
		for _, a := range FinishAll(requests) {
			if a.OK() {
				winners++
			}
		}
		if winners != 1 {
			e.breaks("%d requests got it", winners)
		}
	})
	e.run("another request changes the value", func(e *env) {
		b := e.seeded(e.site())
		slow := b.Begin(take)
		e.ok(b.Do(doing(func(s *scarab.Session) { once.Set(s, "other") })))
		if a := slow.Finish(); a.Status != http.StatusConflict {
			e.breaks("a pop of what is another value by now: %v", a)
		}
		if a := e.ok(b.Do(take)); a.Body != "othertrue" {
			e.breaks("the new value: %q", a.Body)
		}
	})
	e.run("another request changes another key", func(e *env) {
		b := e.seeded(e.site())
		slow := b.Begin(take)
		e.ok(b.Do(doing(func(s *scarab.Session) { s.Set("new", 1) })))
		e.ok(slow.Finish())
	})
}
