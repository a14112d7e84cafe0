package scarabtest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/scarab-go/scarab"
)

// The clauses about concurrent use cannot see every interleaving. Each is
// tried a few times, by enough goroutines that a read followed by a write is
// soon caught between the two.
const (
	raceRounds  = 8
	raceWriters = 16
)

// rounds calls f for one handle after the other until it fails.
func rounds(ctx context.Context, f func(n byte) error) error {
	for n := range raceRounds {
		if err := f(byte(n)); err != nil {
			return fmt.Errorf("round %d: %w", n+1, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

var storeRaces = []storeClause{
	{
		name:   "create-race",
		clause: "Create adds r, or fails with ErrExists and leaves the record that is already there as it was, also if that one has expired.",
		check: func(ctx context.Context, s *subject) error {
			return rounds(ctx, func(n byte) error {
				rs := make([]scarab.Record, raceWriters)
				for i := range rs {
					rs[i] = s.record(n, fmt.Sprint("writer ", i))
				}
				errs := parallel(raceWriters, func(i int) error { return s.create(ctx, rs[i]) })
				return s.oneWinner(ctx, rs, errs, scarab.ErrExists)
			})
		},
	},
	{
		name:   "save-race",
		clause: "Save replaces version r.Version-1 of the record.",
		check: func(ctx context.Context, s *subject) error {
			return rounds(ctx, func(n byte) error {
				first := s.record(n, "first")
				if err := s.create(ctx, first); err != nil {
					return err
				}
				rs := make([]scarab.Record, raceWriters)
				for i := range rs {
					rs[i] = next(first, fmt.Sprint("writer ", i))
				}
				errs := parallel(raceWriters, func(i int) error { return s.save(ctx, rs[i]) })
				return s.oneWinner(ctx, rs, errs, scarab.ErrConflict)
			})
		},
	},
	{
		name:   "delete-race",
		clause: "If the record is gone it fails with ErrNoSession: what was deleted stays deleted.",
		check: func(ctx context.Context, s *subject) error {
			return rounds(ctx, func(n byte) error {
				r := s.record(n, "first")
				if err := s.create(ctx, r); err != nil {
					return err
				}
				errs := parallel(raceWriters, func(i int) error {
					switch {
					case i == int(n)*raceWriters/raceRounds: // first in one round, later in others
						return s.delete(ctx, r.Handle)
					case i%2 == 0:
						return s.touch(ctx, r.Handle, s.now.Add(time.Duration(i)*time.Second))
					}
					r := r
					for {
						err := s.save(ctx, next(r, fmt.Sprint("writer ", i)))
						if !errors.Is(err, scarab.ErrConflict) {
							return err
						}
						if r, err = s.load(ctx, r.Handle, s.now); err != nil {
							return err
						}
					}
				})
				if _, _, rest := count(errs, scarab.ErrNoSession); rest != nil {
					return rest
				}
				return s.absent(ctx, r.Handle)
			})
		},
	},
	{
		name:   "touch-race",
		clause: "Touch replaces the record by [Record.Touch] of itself, in one step.",
		check: func(ctx context.Context, s *subject) error {
			return rounds(ctx, func(n byte) error {
				r := s.record(n, "first")
				if err := s.create(ctx, r); err != nil {
					return err
				}
				last := s.now.Add(raceWriters * time.Second)
				saved := r
				var touching atomic.Int64
				touching.Store(raceWriters - 1)
				errs := parallel(raceWriters, func(i int) error {
					if i > 0 {
						defer touching.Add(-1)
						return s.touch(ctx, r.Handle, s.now.Add(time.Duration(i+1)*time.Second))
					}
					for more := true; more; {
						more = touching.Load() > 0
						// By somebody whose clock is ahead, so that it does
						// not undo a touch of its own accord.
						saved = next(saved.Touch(last), fmt.Sprint("version ", saved.Version+1))
						if err := s.save(ctx, saved); err != nil {
							return err
						}
					}
					return nil
				})
				return errors.Join(errors.Join(errs...), s.loads(ctx, saved))
			})
		},
	},
	{
		name:   "touch-race-forward",
		clause: "Touch replaces the record by [Record.Touch] of itself, in one step.",
		check: func(ctx context.Context, s *subject) error {
			return rounds(ctx, func(n byte) error {
				r := s.record(n, "first")
				if err := s.create(ctx, r); err != nil {
					return err
				}
				errs := parallel(raceWriters, func(i int) error {
					return s.touch(ctx, r.Handle, s.now.Add(time.Duration(raceWriters-i)*time.Minute))
				})
				return errors.Join(errors.Join(errs...), s.loads(ctx, r.Touch(s.now.Add(raceWriters*time.Minute))))
			})
		},
	},
	{
		name:   "concurrent",
		clause: "Methods may be called by any number of goroutines.",
		check: func(ctx context.Context, s *subject) error {
			return errors.Join(parallel(raceWriters, func(i int) error {
				r := s.record(byte(i), fmt.Sprint("first of ", i))
				if err := s.create(ctx, r); err != nil {
					return err
				}
				for j := range 16 {
					r = r.Touch(s.now.Add(time.Duration(j) * time.Second))
					r = next(r, fmt.Sprint(j, " of ", i))
					if err := errors.Join(s.save(ctx, r), s.touch(ctx, r.Handle, r.Seen), s.loads(ctx, r)); err != nil {
						return err
					}
				}
				return errors.Join(s.delete(ctx, r.Handle), s.absent(ctx, r.Handle))
			})...)
		},
	},
}

// oneWinner reports whether one of the writers of rs succeeded, all others
// failed with loss, and the store has the winner's record.
func (s *subject) oneWinner(ctx context.Context, rs []scarab.Record, errs []error, loss error) error {
	ok, lost, rest := count(errs, loss)
	if ok != 1 || lost != len(rs)-1 {
		return errors.Join(fmt.Errorf("of %d at once %d succeeded and %d failed with %q, want 1 and %d", len(rs), ok, lost, loss, len(rs)-1), rest)
	}
	for i, err := range errs {
		if err == nil {
			return s.loads(ctx, rs[i])
		}
	}
	return nil
}
