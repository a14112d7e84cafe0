package scarabtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scarab-go/scarab"
)

var loadClauses = []storeClause{
	{
		name:   "load-absent",
		clause: "Load returns the record of h, or ErrNoSession if it is absent or expired at now.",
		check: func(ctx context.Context, s *subject) error {
			return s.absent(ctx, s.handle(1))
		},
	},
	{
		name:   "load-expired",
		clause: "A record is expired from the instant Expires on.",
		check: func(ctx context.Context, s *subject) error {
			r := s.record(1, "data")
			if err := s.create(ctx, r); err != nil {
				return err
			}
			for _, late := range []time.Duration{0, time.Microsecond, time.Hour} {
				_, err := s.load(ctx, r.Handle, r.Expires.Add(late))
				if err := want(fmt.Sprintf("Load %v after Expires", late), err, scarab.ErrNoSession); err != nil {
					return err
				}
			}
			return s.loadsAt(ctx, r, r.Expires.Add(-time.Microsecond))
		},
	},
	{
		name:   "load-never-expires",
		clause: "A zero Expires or Deadline means none.",
		check: func(ctx context.Context, s *subject) error {
			r := s.record(1, "data")
			r.Expires, r.Deadline, r.Idle = time.Time{}, time.Time{}, scarab.Never
			touched := r
			touched.Seen = s.now.AddDate(60, 0, 0)
			return errors.Join(
				s.create(ctx, r),
				s.loadsAt(ctx, r, s.now.AddDate(50, 0, 0)),
				s.touch(ctx, r.Handle, touched.Seen),
				s.loadsAt(ctx, touched, touched.Seen),
			)
		},
	},
	{
		name:   "load-only-reads",
		clause: "Load returns the record of h, or ErrNoSession if it is absent or expired at now.",
		check: func(ctx context.Context, s *subject) error {
			r := s.record(1, "data")
			return errors.Join(
				s.create(ctx, r),
				s.loadsAt(ctx, r, s.now.Add(30*time.Minute)),
				want("Load of an expired record", errOf(s.load(ctx, r.Handle, r.Expires)), scarab.ErrNoSession),
				s.loads(ctx, r), // neither has touched it, nor removed it
			)
		},
	},
	{
		name:   "context",
		clause: "They report what the contract names with an error that matches [ErrNoSession], [ErrExists] or [ErrConflict]; every other error means that the store itself failed and that nothing is known about the outcome.",
		check: func(ctx context.Context, s *subject) error {
			live := s.record(1, "live")
			if err := s.create(ctx, live); err != nil {
				return err
			}
			cancelled, cancel := context.WithCancel(ctx)
			cancel()
			_, err := s.load(cancelled, live.Handle, s.now)
			return errors.Join(
				noVerdict("Load, cancelled", err),
				noVerdict("Create, cancelled", s.create(cancelled, s.record(2, "new"))),
				noVerdict("Save, cancelled", s.save(cancelled, next(live, "second"))),
				noVerdict("Touch, cancelled", s.touch(cancelled, live.Handle, s.now)),
				noVerdict("Delete, cancelled", s.delete(cancelled, live.Handle)),
				s.delete(ctx, live.Handle), // and it works as before
				s.absent(ctx, live.Handle),
			)
		},
	},
}
