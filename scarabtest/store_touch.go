package scarabtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scarab-go/scarab"
)

var touchClauses = []storeClause{
	{
		name:   "touch",
		clause: "Touch replaces the record by [Record.Touch] of itself, in one step.",
		check: func(ctx context.Context, s *subject) error {
			var errs []error
			for i, r := range s.touchables() {
				r.Handle = s.handle(byte(i))
				errs = append(errs, s.create(ctx, r))
				// Forward, past the deadline's reach, and backward.
				for _, d := range []time.Duration{time.Minute, time.Microsecond, 30 * time.Minute, 59 * time.Minute, 0, -time.Hour} {
					now := s.now.Add(d)
					r = r.Touch(now)
					if err := errors.Join(s.touch(ctx, r.Handle, now), s.loads(ctx, r)); err != nil {
						errs = append(errs, fmt.Errorf("record %d, touched at %v: %w", i, d, err))
					}
				}
			}
			return errors.Join(errs...)
		},
	},
	{
		name:   "touch-chain",
		clause: "Touch replaces the record by [Record.Touch] of itself, in one step.",
		check: func(ctx context.Context, s *subject) error {
			r := s.record(1, "data")
			r.Deadline = s.now.Add(3 * time.Hour)
			errs := []error{s.create(ctx, r)}
			for range 4 { // each time at the last moment
				now := r.Expires.Add(-time.Microsecond)
				r = r.Touch(now)
				errs = append(errs, s.touch(ctx, r.Handle, now), s.loadsAt(ctx, r, now))
			}
			return errors.Join(append(errs,
				want("Load at the deadline", errOf(s.load(ctx, r.Handle, r.Deadline)), scarab.ErrNoSession),
				want("Touch at the deadline", s.touch(ctx, r.Handle, r.Deadline), scarab.ErrNoSession))...)
		},
	},
	{
		name:   "touch-absent",
		clause: "It never creates: if the record is absent, or expired at now, it fails with ErrNoSession.",
		check: func(ctx context.Context, s *subject) error {
			r := s.record(1, "data")
			return errors.Join(
				want("Touch where nothing was", s.touch(ctx, r.Handle, s.now), scarab.ErrNoSession),
				s.absent(ctx, r.Handle),
				s.create(ctx, r),
				s.delete(ctx, r.Handle),
				want("Touch after Delete", s.touch(ctx, r.Handle, s.now), scarab.ErrNoSession),
				s.absent(ctx, r.Handle),
				s.create(ctx, r), // and left nothing that Create would run into
			)
		},
	},
	{
		name:   "touch-expired",
		clause: "It never creates: if the record is absent, or expired at now, it fails with ErrNoSession.",
		check: func(ctx context.Context, s *subject) error {
			r := s.record(1, "data")
			return errors.Join(
				s.create(ctx, r),
				want("Touch at Expires", s.touch(ctx, r.Handle, r.Expires), scarab.ErrNoSession),
				want("Touch after Expires", s.touch(ctx, r.Handle, r.Expires.Add(time.Hour)), scarab.ErrNoSession),
				s.loads(ctx, r),
			)
		},
	},
	{
		name:   "touch-version",
		clause: "The version stays.",
		check: func(ctx context.Context, s *subject) error {
			r := s.record(1, "first")
			now := s.now.Add(time.Minute)
			second := next(r.Touch(now), "second")
			return errors.Join(
				s.create(ctx, r),
				s.touch(ctx, r.Handle, now),
				s.loads(ctx, r.Touch(now)),
				s.save(ctx, second), // by who loaded it before the touch
				s.loads(ctx, second),
			)
		},
	},
}

// touchables are records that Touch treats each in its own way.
func (s *subject) touchables() []scarab.Record {
	with := func(expires, deadline, idle time.Duration) scarab.Record {
		r := s.full(1)
		r.Expires, r.Deadline, r.Idle = s.now.Add(expires), s.now.Add(deadline), idle
		return r
	}
	plain := with(time.Hour, 24*time.Hour, time.Hour)
	short := with(time.Hour, 24*time.Hour, 5*time.Minute) // a touch would shorten it
	near := with(time.Hour, 80*time.Minute, time.Hour)    // the deadline bounds it
	only := with(time.Hour, 2*time.Hour, scarab.Never)    // the deadline alone counts
	endless := with(time.Hour, 0, time.Hour)
	endless.Deadline = time.Time{}
	forever := with(time.Hour, 0, scarab.Never)
	forever.Deadline = time.Time{}
	never := with(0, 24*time.Hour, time.Hour)
	never.Expires = time.Time{}
	unseen := with(time.Hour, 24*time.Hour, time.Hour)
	unseen.Seen = time.Time{}
	return []scarab.Record{plain, short, near, only, endless, forever, never, unseen}
}
