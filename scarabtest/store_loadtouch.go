package scarabtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scarab-go/scarab"
)

func (s *subject) loadTouch(ctx context.Context, r scarab.Record, now time.Time, every time.Duration) (scarab.Record, error) {
	got, err := s.store.(scarab.LoadToucher).LoadTouch(ctx, r.Handle, r.Secret, now, every)
	return got, named("LoadTouch", err)
}

// loadTouches reports whether LoadTouch with the secret of r returns want, and
// leaves it in the store.
func (s *subject) loadTouches(ctx context.Context, r scarab.Record, now time.Time, every time.Duration, want scarab.Record) error {
	got, err := s.loadTouch(ctx, r, now, every)
	if err != nil {
		return err
	}
	return errors.Join(same("LoadTouch", got, want), s.loads(ctx, want))
}

const loadTouchSentence = "LoadTouch is Load, and Touch if the record's Secret equals secret (the hash, as in the record) and its Seen is more than every before now."

var loadTouchClauses = []storeClause{
	{
		name:   "absent",
		clause: loadTouchSentence,
		check: func(ctx context.Context, s *subject) error {
			r := s.record(1, "data")
			return errors.Join(
				want("LoadTouch where nothing was", errOf(s.loadTouch(ctx, r, s.now, 0)), scarab.ErrNoSession),
				s.create(ctx, r),
				want("LoadTouch at Expires", errOf(s.loadTouch(ctx, r, r.Expires, time.Minute)), scarab.ErrNoSession),
				s.loads(ctx, r),
				s.delete(ctx, r.Handle),
				want("LoadTouch after Delete", errOf(s.loadTouch(ctx, r, s.now, 0)), scarab.ErrNoSession),
				s.absent(ctx, r.Handle),
			)
		},
	},
	{
		name:   "touches",
		clause: "It returns the record as it is afterwards.",
		check: func(ctx context.Context, s *subject) error {
			var errs []error
			for i, r := range s.touchables() {
				r.Handle = s.handle(byte(i))
				errs = append(errs, s.create(ctx, r))
				for _, d := range []time.Duration{10 * time.Minute, 40 * time.Minute} {
					now := s.now.Add(d)
					r = r.Touch(now)
					if err := s.loadTouches(ctx, r, now, time.Minute, r); err != nil {
						errs = append(errs, fmt.Errorf("record %d, touched at %v: %w", i, d, err))
					}
				}
			}
			return errors.Join(errs...)
		},
	},
	{
		name:   "every",
		clause: loadTouchSentence,
		check: func(ctx context.Context, s *subject) error {
			r := s.full(1)
			now := r.Seen.Add(10 * time.Minute)
			return errors.Join(
				s.create(ctx, r),
				s.loadTouches(ctx, r, now, scarab.Never, r),
				s.loadTouches(ctx, r, now, 11*time.Minute, r),
				s.loadTouches(ctx, r, now, 10*time.Minute, r),
				s.loadTouches(ctx, r, r.Seen.Add(-time.Minute), time.Nanosecond, r), // a clock behind
				s.loadTouches(ctx, r, now, 10*time.Minute-time.Microsecond, r.Touch(now)),
				s.loadTouches(ctx, r, now.Add(5*time.Minute), 5*time.Minute, r.Touch(now)),
			)
		},
	},
	{
		name:   "secret",
		clause: loadTouchSentence,
		check: func(ctx context.Context, s *subject) error {
			r := s.full(1)
			now := r.Seen.Add(10 * time.Minute)
			first, last, none := r, r, r
			first.Secret[0] ^= 1
			last.Secret[31] ^= 0x80
			none.Secret = [32]byte{}
			return errors.Join(
				s.create(ctx, r),
				s.loadTouches(ctx, first, now, time.Minute, r),
				s.loadTouches(ctx, last, now, time.Minute, r),
				s.loadTouches(ctx, none, now, time.Minute, r),
				s.loadTouches(ctx, r, now, time.Minute, r.Touch(now)),
			)
		},
	},
	{
		name:   "version",
		clause: "The version stays.",
		check: func(ctx context.Context, s *subject) error {
			r := s.record(1, "first")
			touched := r.Touch(s.now.Add(10 * time.Minute))
			saved := next(touched, "second")
			return errors.Join(
				s.create(ctx, r),
				s.loadTouches(ctx, r, touched.Seen, time.Minute, touched),
				s.save(ctx, saved),
				s.loads(ctx, saved),
			)
		},
	},
	{
		name:   "race",
		clause: "It never creates: if the record is absent, or expired at now, it fails with ErrNoSession.",
		check: func(ctx context.Context, s *subject) error {
			return rounds(ctx, func(n byte) error {
				r := s.record(n, "first")
				if err := s.create(ctx, r); err != nil {
					return err
				}
				errs := parallel(raceWriters, func(i int) error {
					if i == raceWriters/2 {
						return s.delete(ctx, r.Handle)
					}
					return errOf(s.loadTouch(ctx, r, s.now.Add(time.Duration(i+1)*time.Minute), time.Second))
				})
				if _, _, rest := count(errs, scarab.ErrNoSession); rest != nil {
					return rest
				}
				return s.absent(ctx, r.Handle)
			})
		},
	},
	{
		name:   "context",
		clause: "They report what the contract names with an error that matches [ErrNoSession], [ErrExists] or [ErrConflict]; every other error means that the store itself failed and that nothing is known about the outcome.",
		check: func(ctx context.Context, s *subject) error {
			r := s.record(1, "data")
			cancelled, cancel := context.WithCancel(ctx)
			cancel()
			return errors.Join(
				s.create(ctx, r),
				noVerdict("LoadTouch, cancelled", errOf(s.loadTouch(cancelled, r, s.now.Add(time.Minute), 0))),
			)
		},
	},
}
