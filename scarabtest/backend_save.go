package scarabtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/scarab-go/scarab"
)

const (
	completesSentence = "It completes st: the handle at Create, the version at Create, Save and Renew."
	createSentence    = "Create a state that is not kept yet"
	saveSentence      = "Save replaces version st.Version"
	renewSentence     = "Renew as Save, and old is worth nothing afterwards."
	renewedSentence   = "If another request has renewed it meanwhile, that renewal is kept and the value returned is old, unless st.AuthTime is new"
	touchSentence     = "Touch st.Seen is now; nothing else has changed"
	deleteSentence    = "Delete the state is gone; the value returned does not matter"
	conflictSentence  = "Save and Renew report another version with a *ConflictError[State] that carries the current state, and a state that is gone with ErrNoSession; they never create."
	noSessionSentence = "An error that matches ErrNoSession means a value that is forged, expired, unknown or malformed; text after \"scarab: no session: \" is the reason in events."
)

var (
	one, two   = val("n", "1"), val("n", "2")
	three      = val("n", "3")
	everything = []scarab.Value{
		val("z", `"first"`), val("a", `[1,2.5,"x",null,true,{"b":1,"a":[]}]`), val("int", `9007199254740993`),
		val("negative", `-7`), val("ünï ☃ 🪲", `"quoted \" \\ \u0000 \u2028 🪲 <b>"`), val("empty", `{}`), val("", `false`),
		val("_f_", `["flash"]`), val("_csrft_", `"0123456789abcdef0123456789abcdef01234567"`),
	}
)

var backendSaves = []backendClause{
	{
		name:   "create",
		clause: createSentence,
		check: func(ctx context.Context, s *backendSubject) error {
			st := s.state(everything...)
			st.Principal, st.AuthTime, st.Label = "anna <ä>", s.now, "Firefox on Linux"
			h, err := s.commit(ctx, scarab.Create, held{state: st}, s.now, nil)
			if err != nil {
				return err
			}
			return s.loads(ctx, h.value, st)
		},
	},
	{
		name:   "create-apart",
		clause: createSentence,
		check: func(ctx context.Context, s *backendSubject) error {
			a, errA := s.create(ctx, one)
			b, errB := s.create(ctx, two)
			if err := errors.Join(errA, errB); err != nil {
				return err
			}
			if a.value == b.value {
				return errors.New("two sessions have one value")
			}
			return errors.Join(sameValues(a.state.Values, []scarab.Value{one}), s.loads(ctx, a.value, a.state), s.loads(ctx, b.value, b.state))
		},
	},
	{
		name:   "completes",
		clause: completesSentence,
		check: func(ctx context.Context, s *backendSubject) error {
			h, err := s.commit(ctx, scarab.Create, held{state: s.state(one)}, s.now, nil)
			for _, op := range []scarab.Op{0, scarab.Save, scarab.Renew, scarab.Save} {
				if err == nil && op != 0 {
					// As Session.Save does twice in one request: no Load between.
					h, err = s.commit(ctx, op, h, s.now, set(val("op", fmt.Sprintf("%q", op))))
				}
				if err != nil {
					return err
				}
				loaded, err := s.load(ctx, h.value, s.now)
				if err != nil {
					return err
				}
				if loaded.state.Version != h.state.Version || loaded.state.Handle != h.state.Handle {
					return fmt.Errorf("after Commit(%v) st has version %d of %q, and Load returns version %d of %q", op,
						h.state.Version, h.state.Handle, loaded.state.Version, loaded.state.Handle)
				}
				if err := sameValues(loaded.state.Values, h.state.Values); err != nil {
					return err
				}
			}
			return nil
		},
	},
	{
		name:   "load-garbage",
		clause: noSessionSentence,
		check: func(ctx context.Context, s *backendSubject) error {
			h, err := s.create(ctx, one)
			if err != nil {
				return err
			}
			v := h.value
			garbage := []string{"", "x", "=", "%", ".", "\x00", "\xff\xfe", strings.Repeat("A", 64), strings.Repeat("0", 64),
				strings.Repeat("-_", 2000), "{}", "null", "..\n", "A" + v, v[1:], v[:len(v)/2], v + v}
			// At the end base64 has spare bits and padding: there, formats of
			// others may have a second spelling of the same value.
			spellings := []string{" " + v, v + "\n", v + "=", v + "A", v[:len(v)-1]}
			for i := range v {
				flipped := v[:i] + string(v[i]^1) + v[i+1:]
				if i < len(v)-2 {
					garbage = append(garbage, flipped)
				} else {
					spellings = append(spellings, flipped)
				}
			}
			var errs []error
			for i, g := range append(spellings, garbage...) {
				got, err := s.load(ctx, g, s.now)
				if i < len(spellings) && err == nil && sameState(got.state, h.state) == nil {
					continue
				}
				if !errors.Is(err, scarab.ErrNoSession) {
					errs = append(errs, fmt.Errorf("Load of the value %s: got error %s, want %q", short([]byte(g)), quoted(err), scarab.ErrNoSession))
				}
			}
			return errors.Join(append(errs, s.loads(ctx, v, h.state))...)
		},
	},
	{
		name:   "load-idle",
		clause: noSessionSentence,
		check: func(ctx context.Context, s *backendSubject) error {
			h, err := s.create(ctx, one)
			if err != nil {
				return err
			}
			now := s.now
			for range 3 { // used every 50 minutes
				now = now.Add(50 * time.Minute)
				if h, err = s.load(ctx, h.value, now); err != nil {
					return err
				}
				if expired(h.state, now) {
					return fmt.Errorf("a session used %v ago has expired: %+v", 50*time.Minute, h.state)
				}
				if h, err = s.commit(ctx, scarab.Touch, h, now, func(st *scarab.State) { st.Seen = now }); err != nil {
					return err
				}
			}
			now = now.Add(61 * time.Minute)
			h, err = s.load(ctx, h.value, now)
			if err == nil && !expired(h.state, now) {
				return errors.New("a session with an idle timeout of an hour is live 61 minutes after its last use")
			}
			if err != nil {
				return want("Load after the idle timeout", err, scarab.ErrNoSession)
			}
			return nil
		},
	},
	{
		name:   "load-deadline",
		clause: noSessionSentence,
		check: func(ctx context.Context, s *backendSubject) error {
			st := s.state(one)
			st.Deadline = s.now.Add(90 * time.Minute)
			h, err := s.commit(ctx, scarab.Create, held{state: st}, s.now, nil)
			if err != nil {
				return err
			}
			for _, d := range []time.Duration{45 * time.Minute, 89 * time.Minute} {
				now := s.now.Add(d)
				if h, err = s.load(ctx, h.value, now); err != nil {
					return err
				}
				if h, err = s.commit(ctx, scarab.Touch, h, now, func(st *scarab.State) { st.Seen = now }); err != nil {
					return err
				}
			}
			now := s.now.Add(91 * time.Minute)
			h, err = s.load(ctx, h.value, now)
			if err == nil && !expired(h.state, now) {
				return errors.New("a session is live after its deadline")
			}
			if err != nil {
				return want("Load after the deadline", err, scarab.ErrNoSession)
			}
			return nil
		},
	},
	{
		name:   "save",
		clause: saveSentence,
		check: func(ctx context.Context, s *backendSubject) error {
			h, err := s.create(ctx, one, val("gone", `"x"`))
			for i := 0; err == nil && i < 3; i++ {
				values := append(slices.Clone(everything[:i]), two, val("i", fmt.Sprint(i)))
				if h, err = s.commit(ctx, scarab.Save, h, s.now, set(values...)); err == nil {
					if h, err = s.load(ctx, h.value, s.now); err == nil {
						err = sameValues(h.state.Values, values)
					}
				}
			}
			return err
		},
	},
	{
		name:   "save-stale",
		clause: conflictSentence,
		check: func(ctx context.Context, s *backendSubject) error {
			a, err := s.create(ctx, one)
			if err != nil {
				return err
			}
			b, err := s.load(ctx, a.value, s.now)
			if err != nil {
				return err
			}
			if _, err = s.commit(ctx, scarab.Save, b, s.now, set(two)); err != nil {
				return err
			}
			_, err = s.commit(ctx, scarab.Save, a, s.now, set(three))
			current, err := conflicts("Save of a stale version", err, two)
			if err != nil {
				return err
			}
			// It can be saved over: the changes are applied again to it.
			if a, err = s.commit(ctx, scarab.Save, held{a.value, current}, s.now, set(three)); err != nil {
				return fmt.Errorf("on what the conflict carried: %w", err)
			}
			return s.loads(ctx, a.value, a.state)
		},
		needs: merges,
	},
	{
		name:   "save-race",
		clause: conflictSentence,
		check: func(ctx context.Context, s *backendSubject) error {
			return rounds(ctx, func(byte) error {
				h, err := s.create(ctx, one)
				if err != nil {
					return err
				}
				all := make([]held, raceWriters)
				for i := range all {
					if all[i], err = s.load(ctx, h.value, s.now); err != nil {
						return err
					}
				}
				errs := parallel(raceWriters, func(i int) error {
					_, err := s.commit(ctx, scarab.Save, all[i], s.now, set(val("writer", fmt.Sprint(i))))
					return err
				})
				ok, lost, rest := count(errs, scarab.ErrConflict)
				if ok != 1 || lost != raceWriters-1 {
					return errors.Join(fmt.Errorf("of %d at once %d were saved and %d met a conflict, want 1 and %d", raceWriters, ok, lost, raceWriters-1), rest)
				}
				h, err = s.load(ctx, h.value, s.now)
				if err != nil {
					return err
				}
				return sameValues(h.state.Values, []scarab.Value{val("writer", fmt.Sprint(slices.Index(errs, nil)))})
			})
		},
		needs: merges,
	},
	{
		name:   "save-gone",
		clause: conflictSentence,
		check: func(ctx context.Context, s *backendSubject) error {
			h, err := s.create(ctx, one)
			if err != nil {
				return err
			}
			if _, err := s.commit(ctx, scarab.Delete, h, s.now, nil); err != nil {
				return err
			}
			_, save := s.commit(ctx, scarab.Save, h, s.now, set(two))
			_, renew := s.commit(ctx, scarab.Renew, h, s.now, set(two))
			return errors.Join(
				want("Save of what is gone", save, scarab.ErrNoSession),
				want("Renew of what is gone", renew, scarab.ErrNoSession),
				s.dead(ctx, h.value, s.now),
			)
		},
		needs: ends,
	},
	{
		name:   "context",
		clause: "Every other error means that the backend failed.",
		check: func(ctx context.Context, s *backendSubject) error {
			h, err := s.create(ctx, one)
			if err != nil {
				return err
			}
			cancelled, cancel := context.WithCancel(ctx)
			cancel()
			_, load := s.load(cancelled, h.value, s.now)
			_, save := s.commit(cancelled, scarab.Save, h, s.now, set(two))
			_, create := s.commit(cancelled, scarab.Create, held{state: s.state(one)}, s.now, nil)
			return errors.Join(noVerdict("Load, cancelled", load), noVerdict("Commit(save), cancelled", save), noVerdict("Commit(create), cancelled", create))
		},
	},
	{
		name:   "concurrent",
		clause: "Methods may be called by any number of goroutines.",
		check: func(ctx context.Context, s *backendSubject) error {
			return errors.Join(parallel(raceWriters, func(i int) error {
				mine := val("i", fmt.Sprint(i))
				h, err := s.create(ctx, mine)
				for j := 0; err == nil && j < 8; j++ {
					if h, err = s.commit(ctx, scarab.Save, h, s.now, set(mine, val("j", fmt.Sprint(j)))); err == nil {
						if err = s.loads(ctx, h.value, h.state); err == nil {
							h, err = s.commit(ctx, scarab.Renew, h, s.now, nil)
						}
					}
				}
				return err
			})...)
		},
	},
}
