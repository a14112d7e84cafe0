package scarabtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scarab-go/scarab"
)

// sweeps reports whether Sweep removes n records.
func (s *subject) sweeps(ctx context.Context, n int, before time.Time, limit int) error {
	got, err := s.store.(scarab.Sweeper).Sweep(ctx, before, limit)
	if err == nil && got != n {
		err = fmt.Errorf("returned %d, want %d", got, n)
	}
	if err != nil {
		return fmt.Errorf("Sweep(%v, %d): %w", before.UTC(), limit, err)
	}
	return nil
}

// stays reports whether the record that expired at r.Expires is still kept: a
// clock far enough behind loads it.
func (s *subject) stays(ctx context.Context, r scarab.Record) error {
	return s.loadsAt(ctx, r, r.Expires.Add(-time.Minute))
}

// gone is the opposite of stays.
func (s *subject) gone(ctx context.Context, r scarab.Record) error {
	_, err := s.load(ctx, r.Handle, r.Expires.Add(-time.Minute))
	return want("Load by a clock behind, after Sweep", err, scarab.ErrNoSession)
}

func (s *subject) expiring(n byte, expires time.Time) scarab.Record {
	r := s.record(n, "data")
	r.Expires = expires
	return r
}

const (
	sweepSentence   = "Sweep removes up to limit records that expired before the given time and returns how many."
	recheckSentence = "It rechecks the expiry in the step that removes: a record touched meanwhile stays."
)

var sweepClauses = []storeClause{
	{
		name:   "stay-until-swept",
		clause: "A Sweeper is a Store whose expired records stay until they are swept.",
		check: func(ctx context.Context, s *subject) error {
			r := s.expiring(1, s.now.Add(-time.Hour))
			return errors.Join(
				s.create(ctx, r),
				s.absent(ctx, r.Handle),
				s.stays(ctx, r),
				s.create(ctx, s.record(2, "another")),
				s.stays(ctx, r),
			)
		},
	},
	{
		name:   "create-expired",
		clause: "Create adds r, or fails with ErrExists and leaves the record that is already there as it was, also if that one has expired.",
		check: func(ctx context.Context, s *subject) error {
			r := s.expiring(1, s.now.Add(-time.Hour))
			second := s.record(1, "second")
			return errors.Join(
				s.create(ctx, r),
				want("Create at the handle of an expired record", s.create(ctx, second), scarab.ErrExists),
				s.stays(ctx, r),
				s.sweeps(ctx, 1, s.now, 10),
				s.create(ctx, second),
				s.loads(ctx, second),
			)
		},
	},
	{
		name:   "before",
		clause: sweepSentence,
		check: func(ctx context.Context, s *subject) error {
			before := s.now.Add(-5 * time.Minute)
			old, just := s.expiring(1, before.Add(-24*time.Hour)), s.expiring(2, before.Add(-time.Microsecond))
			young, expired, live := s.expiring(3, before.Add(time.Microsecond)), s.expiring(4, s.now), s.record(5, "live")
			never := s.record(6, "never")
			never.Expires, never.Deadline = time.Time{}, time.Time{}
			return errors.Join(
				s.create(ctx, old), s.create(ctx, just), s.create(ctx, young), s.create(ctx, expired), s.create(ctx, live), s.create(ctx, never),
				s.sweeps(ctx, 2, before, 100),
				s.gone(ctx, old), s.gone(ctx, just),
				s.stays(ctx, young), s.stays(ctx, expired), s.loads(ctx, live), s.loads(ctx, never),
				s.sweeps(ctx, 0, before, 100),
				s.sweeps(ctx, 2, s.now.Add(time.Microsecond), 100),
				s.loads(ctx, live),
				s.sweeps(ctx, 1, s.now.AddDate(50, 0, 0), 100),
				s.loads(ctx, never),
			)
		},
	},
	{
		name:   "limit",
		clause: sweepSentence,
		check: func(ctx context.Context, s *subject) error {
			live := s.record(200, "live")
			errs := []error{s.create(ctx, live)}
			for n := range byte(100) {
				errs = append(errs, s.create(ctx, s.expiring(n, s.now.Add(-time.Duration(n+1)*time.Minute))))
			}
			return errors.Join(append(errs,
				s.sweeps(ctx, 1, s.now, 1),
				s.sweeps(ctx, 59, s.now, 59),
				s.sweeps(ctx, 40, s.now, 59),
				s.sweeps(ctx, 0, s.now, 59),
				s.loads(ctx, live))...)
		},
	},
	{
		name:   "after-touch",
		clause: recheckSentence,
		check: func(ctx context.Context, s *subject) error {
			// By a clock a minute behind both are live, and are extended.
			lag := s.now.Add(-time.Minute)
			touched, saved := s.expiring(1, s.now.Add(-time.Second)), s.expiring(2, s.now.Add(-time.Second))
			later := next(saved.Touch(lag), "second")
			return errors.Join(
				s.create(ctx, touched), s.create(ctx, saved),
				s.touch(ctx, touched.Handle, lag),
				s.save(ctx, later),
				s.sweeps(ctx, 0, s.now, 10),
				s.loads(ctx, touched.Touch(lag)), s.loads(ctx, later),
			)
		},
	},
	{
		name:   "after-save",
		clause: sweepSentence,
		check: func(ctx context.Context, s *subject) error {
			r := s.record(1, "first")
			sooner := next(r, "sooner")
			sooner.Expires = s.now.Add(-time.Hour)
			return errors.Join(
				s.create(ctx, r),
				s.save(ctx, sooner),
				s.sweeps(ctx, 1, s.now, 10),
				s.gone(ctx, sooner),
			)
		},
	},
	{
		name:   "touch-race",
		clause: recheckSentence,
		check: func(ctx context.Context, s *subject) error {
			const each = 8
			lag := s.now.Add(-time.Minute)
			return rounds(ctx, func(n byte) error {
				rs := make([]scarab.Record, raceWriters)
				for i := range rs {
					rs[i] = s.expiring(n*raceWriters+byte(i), s.now.Add(-time.Second))
					if err := s.create(ctx, rs[i]); err != nil {
						return err
					}
				}
				swept := 0
				errs := parallel(raceWriters+1, func(i int) error {
					if i < raceWriters {
						return s.touch(ctx, rs[i].Handle, lag)
					}
					for range each {
						n, err := s.store.(scarab.Sweeper).Sweep(ctx, s.now, raceWriters/each)
						if err != nil {
							return named("Sweep", err)
						}
						swept += n
					}
					return nil
				})
				touched, missed, rest := count(errs[:raceWriters], scarab.ErrNoSession)
				if rest := errors.Join(rest, errs[raceWriters]); rest != nil {
					return rest
				}
				for i, r := range rs {
					if errs[i] != nil {
						continue
					}
					if err := s.loads(ctx, r.Touch(lag)); err != nil {
						return fmt.Errorf("a record that Touch had extended: %w", err)
					}
				}
				if missed != swept {
					return fmt.Errorf("Sweep says it removed %d, and Touch missed %d of %d", swept, missed, touched+missed)
				}
				return nil
			})
		},
	},
	{
		name:   "context",
		clause: "They report what the contract names with an error that matches [ErrNoSession], [ErrExists] or [ErrConflict]; every other error means that the store itself failed and that nothing is known about the outcome.",
		check: func(ctx context.Context, s *subject) error {
			cancelled, cancel := context.WithCancel(ctx)
			cancel()
			err := s.create(ctx, s.expiring(1, s.now.Add(-time.Hour)))
			_, swept := s.store.(scarab.Sweeper).Sweep(cancelled, s.now, 10)
			return errors.Join(err, noVerdict("Sweep, cancelled", swept))
		},
	},
}
