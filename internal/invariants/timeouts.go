package invariants

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/scarab-go/scarab"
)

// timesNeverMoveBackward lets A begin, B begin, B finish, A finish, with the
// clock going on in between.
func timesNeverMoveBackward(e *env) {
	e.run("another clock", timesOfAnotherClock)
	ops := append([]op{{"a read", reads}}, changes...)
	for _, step := range []time.Duration{time.Minute, 10 * time.Minute} {
		s := e.site()
		for _, slow := range ops {
			for _, fast := range ops {
				if slow.name == "SetTimeouts" || fast.name == "SetTimeouts" {
					continue
				}
				b := e.loggedIn(s)
				handle := e.handle(b)
				last, err := s.Record(handle)
				if err != nil {
					e.Fatal(err)
				}
				look := func(after string) {
					e.Helper()
					r, err := s.Record(handle)
					if err != nil {
						e.Fatal(err)
					}
					if r.Seen.Before(last.Seen) || r.Expires.Before(last.Expires) {
						e.breaks("%s, then %s, after %s: Seen from %v to %v, Expires from %v to %v",
							fast.name, slow.name, after, last.Seen, r.Seen, last.Expires, r.Expires)
					}
					last = r
				}
				s.Clock.Advance(step)
				first := b.Clone().Begin(holding(slow.do))
				look("the first begins")
				s.Clock.Advance(step)
				second := b.Clone().Begin(holding(fast.do))
				look("the second begins")
				s.Clock.Advance(step)
				second.Finish()
				look("the second is done")
				s.Clock.Advance(step)
				first.Finish()
				look("the first is done")
			}
		}
	}
}

// Processes share a store and not a clock.
func timesOfAnotherClock(e *env) {
	s := e.site()
	b := e.loggedIn(s)
	handle := e.handle(b)
	behind := NewSite(e, s.inner, scarab.Config{Clock: func() time.Time { return s.Clock.Now().Add(-50 * time.Second) }})
	for _, op := range append([]op{{"a read", reads}}, changes...) {
		if op.name == "SetTimeouts" || op.name == "Changed" || op.name == "Key.Pop" {
			continue
		}
		s.Clock.Advance(10 * time.Minute)
		e.ok(b.Do(doing(reads)))
		last, err := s.Record(handle)
		if err != nil {
			e.Fatal(err)
		}
		other := b.On(behind)
		b.Take(e.ok(other.Do(doing(op.do))))
		r, err := s.Record(handle)
		if err != nil {
			e.Fatal(err)
		}
		if r.Seen.Before(last.Seen) || r.Expires.Before(last.Expires) {
			e.breaks("%s by a clock that is behind: Seen from %v to %v, Expires from %v to %v", op.name, last.Seen, r.Seen, last.Expires, r.Expires)
		}
	}
}

// deadlineStays does random things to a session and compares its deadline with
// what Login and SetTimeouts said.
func deadlineStays(e *env) {
	const day = 24 * time.Hour
	for seed := range uint64(3) {
		random := rand.New(rand.NewPCG(seed, 0))
		s := e.site()
		b := e.seeded(s)
		deadline := s.Clock.Now().Add(day)
		for range 60 {
			s.Clock.Advance(time.Duration(random.IntN(50*60)) * time.Second)
			op := append([]op{{"a read", reads}}, changes...)[random.IntN(len(changes)+1)]
			now := s.Clock.Now()
			switch op.name {
			case "Login":
				deadline = now.Add(day)
			case "SetTimeouts":
				lifetime := time.Duration(random.IntN(3)) * 20 * time.Hour
				op.do = func(s *scarab.Session) { s.SetTimeouts(50*time.Minute, lifetime) }
				if lifetime > 0 {
					deadline = now.Add(lifetime)
				}
			case "Changed":
				op.do = reads
			}
			if !now.Before(deadline) {
				break
			}
			e.ok(b.Do(doing(op.do)))
			var got time.Time
			e.ok(b.Do(func(v *Visit) { got = v.S.Deadline() }))
			if !got.Equal(deadline) {
				e.breaks("seed %d, after %s: the deadline is %v, not %v", seed, op.name, got, deadline)
				return
			}
		}
	}
}

func touchKeepsLimits(e *env) {
	e.run("the deadline", func(e *env) {
		s := e.site()
		b := e.seeded(s)
		for step := range 24 * 2 {
			var expires, deadline time.Time
			a := e.ok(b.Do(func(v *Visit) { expires, deadline = v.S.Expires(), v.S.Deadline() }))
			if expires.After(deadline) || !deadline.Equal(Start.Add(24*time.Hour)) {
				e.breaks("after %v it expires at %v, with a deadline at %v: %v", time.Duration(step)*30*time.Minute, expires, deadline, a)
			}
			if e.sees(b) == "" {
				e.breaks("after %v it has expired", time.Duration(step)*30*time.Minute)
			}
			s.Clock.Advance(30 * time.Minute)
		}
		if got := e.sees(b); got != "" {
			e.breaks("at its deadline it opens %q", got)
		}
	})
	e.run("an idle time of its own", func(e *env) {
		s := e.site()
		b := e.seeded(s)
		e.ok(b.Do(doing(func(s *scarab.Session) { s.SetTimeouts(5*time.Minute, 0) })))
		for range 10 {
			s.Clock.Advance(4 * time.Minute)
			if e.sees(b) == "" {
				e.breaks("after %v of use it has expired", s.Clock.Now().Sub(Start))
			}
		}
		s.Clock.Advance(5*time.Minute + time.Second)
		if got := e.sees(b); got != "" {
			e.breaks("after 5 minutes without use it opens %q", got)
		}
	})
	if e.keeper != byStore {
		return
	}
	for _, slow := range append([]op{{"a touch", reads}}, changes...) {
		if slow.name == "SetTimeouts" {
			continue
		}
		e.run("SetTimeouts beside "+slow.name, func(e *env) {
			s := e.site()
			b := e.seeded(s)
			handle := e.handle(b)
			r := b.Clone().Begin(holding(slow.do))
			s.Clock.Advance(10 * time.Minute)
			e.ok(b.Do(doing(func(s *scarab.Session) { s.SetTimeouts(5*time.Minute, 0) })))
			s.Clock.Advance(time.Minute)
			r.Finish()
			record, err := s.Record(handle)
			if err != nil {
				e.Fatal(err)
			}
			if record.Idle != 5*time.Minute || record.Expires.After(s.Clock.Now().Add(5*time.Minute)) {
				e.breaks("its idle time is %v, and it expires %v from now", record.Idle, record.Expires.Sub(s.Clock.Now()))
			}
		})
	}
}

func sweepSparesTheLiving(e *env) {
	s := e.site()
	b := e.seeded(s)
	handle := e.handle(b)
	record, err := s.Record(handle)
	if err != nil {
		e.Fatal(err)
	}
	sweep := func(at time.Time, want int) {
		e.Helper()
		s.Clock.Advance(at.Sub(s.Clock.Now()))
		n, err := s.Factory.Sweep(e.Context())
		if errors.Is(err, errors.ErrUnsupported) {
			return // what has expired is gone by itself
		}
		if err != nil || n != want {
			e.breaks("a sweep %v after the expiry removes %d sessions, %v", at.Sub(record.Expires), n, err)
		}
	}
	for _, at := range []time.Duration{0, time.Minute, 5*time.Minute - time.Second} {
		sweep(record.Expires.Add(at), 0)
	}
	s.Clock.Advance(record.Expires.Add(-time.Second).Sub(s.Clock.Now())) // a process whose clock is behind
	if a := e.ok(b.Do(tell)); a.Body == "" {
		e.breaks("by a clock that is behind it is gone: %v", a)
	}
	sweep(record.Expires.Add(6*time.Minute), 0) // it was touched meanwhile
	if a := b.Do(tell); a.Status != http.StatusOK || a.Body == "" {
		e.breaks("it was touched, and is gone: %v", a)
	}
	s.Clock.Advance(time.Hour)
	sweep(s.Clock.Now().Add(6*time.Minute), 1)
}
