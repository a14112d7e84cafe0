package scarabtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scarab-go/scarab"
)

var saveClauses = []storeClause{
	{
		name:   "create-taken",
		clause: "Create adds r, or fails with ErrExists and leaves the record that is already there as it was, also if that one has expired.",
		check: func(ctx context.Context, s *subject) error {
			first := s.record(1, "first")
			saved := next(first, "saved")
			return errors.Join(
				s.create(ctx, first),
				want("a second Create", s.create(ctx, s.record(1, "second")), scarab.ErrExists),
				s.loads(ctx, first),
				s.save(ctx, saved),
				want("a Create after a Save", s.create(ctx, s.record(1, "third")), scarab.ErrExists),
				want("the same Create again", s.create(ctx, first), scarab.ErrExists),
				s.loads(ctx, saved),
			)
		},
	},
	{
		name:   "create-deleted",
		clause: "Create adds r, or fails with ErrExists and leaves the record that is already there as it was, also if that one has expired.",
		check: func(ctx context.Context, s *subject) error {
			r := s.record(1, "second")
			return errors.Join(
				s.create(ctx, s.record(1, "first")),
				s.delete(ctx, r.Handle),
				s.create(ctx, r),
				s.loads(ctx, r),
			)
		},
	},
	{
		name:   "save-next",
		clause: "Save replaces version r.Version-1 of the record.",
		check: func(ctx context.Context, s *subject) error {
			r, other := s.record(1, "first"), s.record(2, "other")
			errs := []error{s.create(ctx, r), s.create(ctx, other)}
			for _, data := range []string{"second", "", "a longer third", "4"} {
				r = next(r, data)
				errs = append(errs, s.save(ctx, r), s.loads(ctx, r))
			}
			return errors.Join(append(errs, s.loads(ctx, other))...)
		},
	},
	{
		name:   "save-expiry",
		clause: "Save replaces version r.Version-1 of the record.",
		check: func(ctx context.Context, s *subject) error {
			r := s.record(1, "first")
			sooner := next(r, "sooner")
			sooner.Expires, sooner.Idle = s.now.Add(10*time.Minute), 10*time.Minute
			never := next(sooner, "never")
			never.Expires, never.Deadline, never.Idle = time.Time{}, time.Time{}, scarab.Never
			again := next(never, "again")
			again.Expires, again.Idle = s.now.Add(time.Hour), time.Hour
			return errors.Join(
				s.create(ctx, r),
				s.save(ctx, sooner), s.loads(ctx, sooner),
				want("Load when the earlier timeout has passed", errOf(s.load(ctx, r.Handle, sooner.Expires)), scarab.ErrNoSession),
				s.save(ctx, never), s.loadsAt(ctx, never, s.now.AddDate(50, 0, 0)),
				s.save(ctx, again), s.loads(ctx, again),
				want("Load when the new timeout has passed", errOf(s.load(ctx, r.Handle, again.Expires)), scarab.ErrNoSession),
			)
		},
	},
	{
		name:   "save-absent",
		clause: "If the record is gone it fails with ErrNoSession: what was deleted stays deleted.",
		check: func(ctx context.Context, s *subject) error {
			r := s.record(1, "first")
			var errs []error
			for _, version := range []uint64{1, 2, 7} {
				r := r
				r.Version = version
				errs = append(errs,
					want(fmt.Sprintf("Save of version %d where nothing was", version), s.save(ctx, r), scarab.ErrNoSession),
					s.absent(ctx, r.Handle))
			}
			return errors.Join(errs...)
		},
	},
	{
		name:   "save-deleted",
		clause: "If the record is gone it fails with ErrNoSession: what was deleted stays deleted.",
		check: func(ctx context.Context, s *subject) error {
			r := s.record(1, "first")
			return errors.Join(
				s.create(ctx, r),
				s.delete(ctx, r.Handle),
				want("Save after Delete", s.save(ctx, next(r, "second")), scarab.ErrNoSession),
				s.absent(ctx, r.Handle),
			)
		},
	},
	{
		name:   "save-stale",
		clause: "If another version is there, nothing is changed and the error is a *ConflictError[Record], which carries the current record if that costs nothing.",
		check: func(ctx context.Context, s *subject) error {
			first := s.record(1, "first")
			second := next(first, "second")
			third := next(second, "third")
			errs := []error{s.create(ctx, first), s.save(ctx, second), s.save(ctx, third)}
			for _, version := range []uint64{1, 2, 3, 5, 6} {
				r := next(third, "stale")
				r.Version = version
				errs = append(errs,
					s.conflicts(fmt.Sprintf("Save of version %d over 3", version), s.save(ctx, r), third),
					s.loads(ctx, third))
			}
			return errors.Join(errs...)
		},
	},
	{
		name:   "save-conflict-own",
		clause: "If another version is there, nothing is changed and the error is a *ConflictError[Record], which carries the current record if that costs nothing.",
		check: func(ctx context.Context, s *subject) error {
			r := s.record(1, "first")
			if err := errors.Join(s.create(ctx, r), s.save(ctx, next(r, "second"))); err != nil {
				return err
			}
			var conflict *scarab.ConflictError[scarab.Record]
			if err := s.save(ctx, next(r, "stale")); !errors.As(err, &conflict) {
				return fmt.Errorf("Save of a stale version: got error %s, want a *ConflictError[Record]", quoted(err))
			}
			if conflict.Current == nil {
				return nil
			}
			current := *conflict.Current
			*conflict.Current = s.record(1, "the caller's")
			return s.loads(ctx, current)
		},
	},
	{
		name:   "delete",
		clause: "Delete removes the record of h, whatever its version.",
		check: func(ctx context.Context, s *subject) error {
			r, other := s.record(1, "first"), s.record(2, "other")
			return errors.Join(
				s.create(ctx, r), s.create(ctx, other),
				s.save(ctx, next(r, "second")), s.save(ctx, next(next(r, ""), "third")),
				s.delete(ctx, r.Handle),
				s.absent(ctx, r.Handle),
				s.loads(ctx, other),
			)
		},
	},
	{
		name:   "delete-absent",
		clause: "That it is absent is no error.",
		check: func(ctx context.Context, s *subject) error {
			r := s.record(1, "data")
			return errors.Join(
				s.delete(ctx, r.Handle),
				s.create(ctx, r),
				s.delete(ctx, r.Handle), s.delete(ctx, r.Handle),
				s.absent(ctx, r.Handle),
			)
		},
	},
}

// conflicts reports whether err is the conflict that the record current makes.
func (s *subject) conflicts(what string, err error, current scarab.Record) error {
	if err := want(what, err, scarab.ErrConflict); err != nil {
		return err
	}
	var conflict *scarab.ConflictError[scarab.Record]
	if !errors.As(err, &conflict) {
		return fmt.Errorf("%s: the error is a %T, want a *ConflictError[Record]", what, err)
	}
	if conflict.Current == nil {
		return nil
	}
	return same(what+": the current record", *conflict.Current, current)
}
