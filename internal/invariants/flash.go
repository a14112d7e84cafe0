package invariants

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/scarabtest"
)

// popFlash pops the default queue and says what it shows.
func popFlash(v *Visit) { v.Say(strings.Join(v.S.PopFlash(), ",")) }

// popped returns what the next page of b shows.
func (e *env) popped(b *Browser) string {
	e.Helper()
	return e.ok(b.Do(popFlash)).Body
}

func pushesAddUp(e *env) {
	s := e.site()
	b := e.seeded(s)
	e.popped(b)
	var want []string
	var requests []*Request
	for i := range 16 {
		message := fmt.Sprintf("message %02d", i)
		want = append(want, message)
		requests = append(requests, b.Begin(holding(func(s *scarab.Session) { s.Flash(message) })))
	}
	for _, a := range FinishAll(requests) {
		e.ok(a)
	}
	got := strings.Split(e.popped(b), ",")
	if slices.Sort(got); !slices.Equal(got, want) {
		e.breaks("%d messages are there: %q", len(got), got)
	}
}

func shownToThoseThatOverlap(e *env) {
	s := e.site()
	b := e.seeded(s)
	pop := func(v *Visit) {
		popFlash(v)
		v.Hold()
	}
	first, second, third := b.Begin(pop), b.Begin(pop), b.Begin(pop)
	if a := e.ok(second.Finish()); a.Body != "hello" {
		e.breaks("the first to commit shows %q", a.Body)
	}
	if got := e.popped(b); got != "" {
		e.breaks("a request after the first commit shows %q", got)
	}
	for _, r := range []*Request{third, first} {
		if a := e.ok(r.Finish()); a.Body != "hello" {
			e.breaks("one that overlapped shows %q", a.Body)
		}
	}
	if got := e.popped(b); got != "" {
		e.breaks("the queue still has %q", got)
	}
}

func popRemovesWhatItSaw(e *env) {
	for _, c := range []struct {
		name  string
		while func(*scarab.Session) // what another request does between load and commit
		want  string                // what is left
	}{
		{"an equal message comes", func(s *scarab.Session) { s.Flash("hello") }, "hello"},
		{"another message comes", func(s *scarab.Session) { s.Flash("other") }, "other"},
		{"another request pops and pushes", func(s *scarab.Session) {
			s.PopFlash()
			s.Flash("hello")
		}, "hello"},
		{"the list is set to equal text", func(s *scarab.Session) { s.Set("_f_", []string{"hello"}) }, "hello"},
		{"the key is deleted and filled again", func(s *scarab.Session) {
			s.Delete("_f_")
			s.Flash("hello")
		}, "hello"},
		{"everything is cleared and filled again", func(s *scarab.Session) {
			s.Clear()
			s.Flash("hello")
		}, "hello"},
		{"a unique one is pushed, and is there already", func(s *scarab.Session) {
			scarab.Queue[string]("").PushUnique(s, "hello")
		}, ""},
		{"a message of another type comes", func(s *scarab.Session) {
			scarab.Queue[int]("").Push(s, 7)
			s.Flash("hello")
		}, "hello"},
	} {
		e.run(c.name, func(e *env) {
			b := e.seeded(e.site())
			slow := b.Begin(func(v *Visit) {
				popFlash(v)
				v.Hold()
			})
			e.ok(b.Do(doing(c.while)))
			if a := e.ok(slow.Finish()); a.Body != "hello" {
				e.breaks("the slow pop shows %q", a.Body)
			}
			if got := e.popped(b); got != c.want {
				e.breaks("what is left is %q, not %q", got, c.want)
			}
		})
	}
	e.run("its own messages, before and after", func(e *env) {
		b := e.seeded(e.site())
		slow := b.Begin(func(v *Visit) {
			v.S.Flash("mine")
			popFlash(v)
			v.S.Flash("for the next")
			v.Hold()
		})
		e.ok(b.Do(doing(func(s *scarab.Session) { s.Flash("theirs") })))
		if a := e.ok(slow.Finish()); a.Body != "hello,mine" {
			e.breaks("the slow pop shows %q", a.Body)
		}
		if got := e.popped(b); got != "theirs,for the next" {
			e.breaks("what is left is %q", got)
		}
	})
	e.run("a queue that came from a cookie", popRemovesWhatItSawAdopted)
}

// Messages of a session that was adopted from a cookie have to be told apart
// too.
func popRemovesWhatItSawAdopted(e *env) {
	old, s := e.movedSite()
	b := e.seeded(old).On(s)
	e.ok(b.Do(doing(reads)))
	slow := b.Begin(func(v *Visit) {
		popFlash(v)
		v.Hold()
	})
	e.ok(b.Do(doing(func(s *scarab.Session) { s.Flash("hello") })))
	if a := e.ok(slow.Finish()); a.Body != "hello" {
		e.breaks("the slow pop shows %q", a.Body)
	}
	if got := e.popped(b); got != "hello" {
		e.breaks("what is left is %q, not the message that came later and nothing else", got)
	}
}

func onlyShownPopsRemove(e *env) {
	s := e.site()
	b := e.seeded(s)
	keeps := func(what string) {
		e.Helper()
		var got string
		e.ok(b.Do(func(v *Visit) { got = strings.Join(v.S.PeekFlash(), ",") }))
		if got != "hello" {
			e.breaks("after %s the queue has %q", what, got)
		}
	}
	for range 100 {
		s.Clock.Advance(10 * 60e9) // each of them extends the session
		if e.ok(b.Do(doing(reads))); s.Clock.Now().Sub(Start) > 20*3600e9 {
			break // its lifetime is a day
		}
	}
	keeps("polls")
	for _, edit := range []func(*http.Request){
		func(r *http.Request) { r.Method = http.MethodHead },
		func(r *http.Request) { r.Header.Set("Sec-Purpose", "prefetch") },
		func(r *http.Request) { r.Header.Set("Sec-Purpose", "prefetch;prerender") },
	} {
		e.ok(b.Do(popFlash, edit))
		keeps("a HEAD or a prefetch")
		e.ok(b.Do(func(v *Visit) { // which may change other things
			popFlash(v)
			v.S.Set("seen", v.R.Method)
		}, edit))
		keeps("a HEAD or a prefetch that changes something else")
	}
	a := b.Do(func(v *Visit) {
		popFlash(v)
		v.S.Set("unfit", make(chan int))
	})
	if a.Status != http.StatusInternalServerError {
		e.breaks("a value that cannot be encoded: %v", a)
	}
	keeps("a failed commit")
	if s.Store == nil || e.keeper == byDenyList {
		return
	}
	s.Store.On(scarabtest.Save, 0, scarabtest.Refuse)
	if a := b.Do(popFlash); a.Status != http.StatusServiceUnavailable || strings.Contains(a.Body, "hello") {
		e.breaks("a pop that was not saved: %v", a)
	}
	s.Store.Heal()
	keeps("a store that failed")
}
