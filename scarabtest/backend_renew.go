package scarabtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scarab-go/scarab"
)

var backendRenews = []backendClause{
	{
		name:   "renew",
		clause: renewSentence,
		check: func(ctx context.Context, s *backendSubject) error {
			old, err := s.create(ctx, one)
			if err != nil {
				return err
			}
			h, err := s.commit(ctx, scarab.Renew, old, s.now, set(one, val("m", "2")))
			if err != nil {
				return err
			}
			if h.value == old.value {
				return errors.New("Commit(renew) returned the old value")
			}
			if err := errors.Join(s.loads(ctx, h.value, h.state), s.dead(ctx, old.value, s.now)); err != nil {
				return err
			}
			later := s.now.Add(2 * time.Minute)
			_, err = s.load(ctx, old.value, later)
			return errors.Join(
				want("Load of the old value two minutes later", err, scarab.ErrNoSession),
				s.loadsAt(ctx, h.value, h.state, later),
			)
		},
		needs: ends,
	},
	{
		name:   "renew-twice",
		clause: renewedSentence,
		check: func(ctx context.Context, s *backendSubject) error {
			a, err := s.create(ctx, one)
			if err != nil {
				return err
			}
			b, err := s.load(ctx, a.value, s.now)
			if err != nil {
				return err
			}
			if b, err = s.commit(ctx, scarab.Renew, b, s.now, nil); err != nil {
				return err
			}
			_, err = s.commit(ctx, scarab.Renew, a, s.now, set(two))
			current, err := conflicts("Renew of a stale version", err, one)
			if err != nil {
				return err
			}
			again, err := s.commit(ctx, scarab.Renew, held{a.value, current}, s.now, set(two))
			if err != nil {
				return err
			}
			if again.value != a.value {
				return errors.New("a Renew that came second returned a new value: browsers end on the one of whichever answer is last, and the other is dead")
			}
			if err := errors.Join(s.loads(ctx, b.value, again.state), s.dead(ctx, a.value, s.now)); err != nil {
				return err
			}
			// A login is not content with another's renewal.
			login, err := s.commit(ctx, scarab.Renew, held{a.value, again.state}, s.now, func(st *scarab.State) {
				st.Principal, st.AuthTime = "anna", s.now
			})
			if err != nil {
				return err
			}
			if login.value == a.value || login.value == b.value {
				return errors.New("a login that came after a Renew got no value of its own")
			}
			return errors.Join(s.loads(ctx, login.value, login.state), s.dead(ctx, b.value, s.now))
		},
		needs: merges,
	},
	{
		name:   "superseded",
		clause: "ErrSuperseded means a token that was renewed away less than a minute ago.",
		check: func(ctx context.Context, s *backendSubject) error {
			old, err := s.create(ctx, one)
			if err != nil {
				return err
			}
			if _, err := s.commit(ctx, scarab.Renew, old, s.now, nil); err != nil {
				return err
			}
			// A backend that cannot tell says ErrNoSession, which is true too.
			_, err = s.load(ctx, old.value, s.now.Add(61*time.Second))
			if errors.Is(err, scarab.ErrSuperseded) {
				return errors.New("Load of a value that was renewed away 61 seconds ago says ErrSuperseded, want ErrNoSession")
			}
			return want("Load of a value that was renewed away 61 seconds ago", err, scarab.ErrNoSession)
		},
		needs: ends,
	},
	{
		name:   "touch",
		clause: touchSentence,
		check: func(ctx context.Context, s *backendSubject) error {
			h, err := s.create(ctx, one, val("m", "2"))
			if err != nil {
				return err
			}
			later := s.now.Add(30 * time.Minute)
			touched, err := s.commit(ctx, scarab.Touch, h, later, func(st *scarab.State) { st.Seen = later })
			if err != nil {
				return err
			}
			got, err := s.load(ctx, touched.value, later)
			if err != nil {
				return err
			}
			if d := got.state.Seen.Sub(later).Abs(); d >= time.Second {
				err = fmt.Errorf("after a Touch Seen is %v, want %v", got.state.Seen.UTC(), later)
			}
			return errors.Join(err, sameState(got.state, h.state))
		},
	},
	{
		name:   "touch-merges",
		clause: touchSentence,
		check: func(ctx context.Context, s *backendSubject) error {
			a, err := s.create(ctx, one)
			if err != nil {
				return err
			}
			b, err := s.load(ctx, a.value, s.now)
			if err != nil {
				return err
			}
			later := s.now.Add(10 * time.Minute)
			if _, err = s.commit(ctx, scarab.Save, a, s.now, set(two)); err != nil {
				return err
			}
			// By a request that has not seen the save.
			if _, err = s.commit(ctx, scarab.Touch, b, later, func(st *scarab.State) { st.Seen = later }); err != nil {
				return err
			}
			got, err := s.load(ctx, a.value, later)
			if err != nil {
				return err
			}
			return sameValues(got.state.Values, []scarab.Value{two})
		},
		needs: merges,
	},
	{
		name:   "delete",
		clause: deleteSentence,
		check: func(ctx context.Context, s *backendSubject) error {
			h, err := s.create(ctx, one)
			if err != nil {
				return err
			}
			other, err := s.create(ctx, two)
			if err != nil {
				return err
			}
			_, first := s.commit(ctx, scarab.Delete, h, s.now, nil)
			_, second := s.commit(ctx, scarab.Delete, h, s.now, nil)
			return errors.Join(first, second, s.dead(ctx, h.value, s.now), s.loads(ctx, other.value, other.state))
		},
		needs: ends,
	},
	{
		name:   "delete-beats-renew",
		clause: deleteSentence,
		check: func(ctx context.Context, s *backendSubject) error {
			// A logout that loaded the session before another request renewed it.
			logout, err := s.create(ctx, one)
			if err != nil {
				return err
			}
			other, err := s.load(ctx, logout.value, s.now)
			if err != nil {
				return err
			}
			if other, err = s.commit(ctx, scarab.Renew, other, s.now, nil); err != nil {
				return err
			}
			_, err = s.commit(ctx, scarab.Delete, logout, s.now, nil)
			return errors.Join(err, s.dead(ctx, other.value, s.now), s.dead(ctx, logout.value, s.now))
		},
		needs: forLife,
	},
}
