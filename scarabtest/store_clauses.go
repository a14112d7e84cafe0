package scarabtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/scarab-go/scarab"
)

var storeClauses = []storeClause{
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
		name:   "fields",
		clause: "A Record is what a [Store] keeps of one session.",
		check: func(ctx context.Context, s *subject) error {
			r := s.full(1)
			second := s.full(2)
			second.Handle, second.Version = r.Handle, 2
			third := s.record(1, "")
			third.Version = 3
			return errors.Join(
				s.create(ctx, r), s.loads(ctx, r),
				s.save(ctx, second), s.loads(ctx, second),
				s.save(ctx, third), s.loads(ctx, third),
			)
		},
	},
	{
		name:   "times",
		clause: "Times are kept at least to the microsecond, and a zero time stays zero.",
		check: func(ctx context.Context, s *subject) error {
			r := s.full(1)
			const last = 999_999 * time.Microsecond
			second := s.now.Truncate(time.Second)
			r.Created, r.AuthTime, r.Renewed = second.Add(-last), second.Add(-3*last), second.Add(-2*last)
			r.Seen, r.Expires, r.Deadline = second.Add(last+999), second.Add(time.Hour+last), second.AddDate(100, 0, 0).Add(last)
			zero := s.record(1, "")
			zero.Version = 2
			zero.Created, zero.Seen, zero.Expires, zero.Deadline = time.Time{}, time.Time{}, time.Time{}, time.Time{}
			return errors.Join(
				s.create(ctx, r), s.loads(ctx, r),
				s.save(ctx, zero), s.loads(ctx, zero),
			)
		},
	},
	{
		name:   "time-zones",
		clause: "Times are kept at least to the microsecond, and a zero time stays zero.",
		check: func(ctx context.Context, s *subject) error {
			r := s.record(1, "data")
			r.Created = r.Created.In(time.FixedZone("east", 13*60*60))
			r.Expires = r.Expires.In(time.FixedZone("west", -11*60*60))
			return errors.Join(s.create(ctx, r), s.loads(ctx, r))
		},
	},
	{
		name:   "idle",
		clause: "Never, or how long Touch extends Expires",
		check: func(ctx context.Context, s *subject) error {
			var errs []error
			for i, idle := range []time.Duration{time.Microsecond, time.Second, 400 * 24 * time.Hour, scarab.Never} {
				r := s.record(byte(i), "data")
				r.Idle = idle
				errs = append(errs, s.create(ctx, r), s.loads(ctx, r))
			}
			return errors.Join(errs...)
		},
	},
	{
		name:   "data",
		clause: "opaque to the store; nobody changes it after handing it over",
		check: func(ctx context.Context, s *subject) error {
			var binary [256]byte
			for i := range binary {
				binary[i] = byte(i)
			}
			var errs []error
			for i, data := range [][]byte{nil, {}, {0}, binary[:], []byte("\xff\xfe{}'\"\\%s;--\r\n"), bytes.Repeat(binary[:], 4096)} {
				r := s.record(byte(i), "")
				r.Data = data
				saved := next(r, "")
				saved.Data = append(bytes.Clone(data), '!')
				errs = append(errs, s.create(ctx, r), s.loads(ctx, r), s.save(ctx, saved), s.loads(ctx, saved))
			}
			return errors.Join(errs...)
		},
	},
	{
		name:   "data-handed-over",
		clause: "opaque to the store; nobody changes it after handing it over",
		check: func(ctx context.Context, s *subject) error {
			r := s.record(1, "first")
			second := next(r, "other")
			if err := s.create(ctx, r); err != nil {
				return err
			}
			loaded, err := s.load(ctx, r.Handle, s.now)
			if err != nil {
				return err
			}
			again, err := s.load(ctx, r.Handle, s.now)
			if err != nil {
				return err
			}
			a, b := append(loaded.Data, 'a'), append(again.Data, 'b')
			if err := errors.Join(s.save(ctx, second), s.touch(ctx, r.Handle, s.now.Add(time.Minute)), s.delete(ctx, r.Handle)); err != nil {
				return err
			}
			for what, data := range map[string][]byte{
				"the Data given to Create": r.Data,
				"the Data Load returned":   loaded.Data,
				"what was appended to it":  a[:len(a)-1],
			} {
				if string(data) != "first" {
					return fmt.Errorf("%s reads %q after a Save, a Touch and a Delete, want %q", what, data, "first")
				}
			}
			if string(second.Data) != "other" {
				return fmt.Errorf("the Data given to Save reads %q, want %q", second.Data, "other")
			}
			if a[len(a)-1] != 'a' || b[len(b)-1] != 'b' {
				return errors.New("appending to the Data of one Load wrote into the Data of another: return it without spare capacity")
			}
			return nil
		},
	},
	{
		name:   "handles",
		clause: "A Handle names a session for life: it is the key in the store, in lists and in audit logs.",
		check: func(ctx context.Context, s *subject) error {
			// Alike to who compares text: case, trailing blanks and zeros.
			alike := []byte{0, ' ', '\t', '\n', 'a', 'A', 0xe4, 0xc4, 0x80, 0xff, '%', '_', '*'}
			var errs []error
			for _, n := range alike {
				errs = append(errs, s.create(ctx, s.record(n, string(n))))
			}
			for i, n := range alike {
				r := next(s.record(n, ""), string(n)+"!")
				errs = append(errs, s.save(ctx, r), s.loads(ctx, r))
				if i%2 == 0 {
					errs = append(errs, s.delete(ctx, r.Handle), s.absent(ctx, r.Handle))
				}
			}
			for i, n := range alike {
				if i%2 != 0 {
					_, err := s.load(ctx, s.handle(n), s.now)
					errs = append(errs, err)
				}
			}
			return errors.Join(errs...)
		},
	},
	{
		name:   "texts",
		clause: "A Record is what a [Store] keeps of one session.",
		check: func(ctx context.Context, s *subject) error {
			var errs []error
			for i, text := range []string{"Ĵoŝuo 測試 🪲 é e\u0301", `' " \ % _ * ? [a] {b} : ; --`, " blanks ", "line\nline\ttab", strings.Repeat("ß", 120)} {
				r := s.record(byte(i), "data")
				r.Label = text
				r = of(r, text, s.now)
				errs = append(errs, s.create(ctx, r), s.loads(ctx, r))
			}
			return errors.Join(errs...)
		},
	},
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
			now := s.now
			for range 4 { // each time at the last moment
				now = r.Expires.Add(-time.Microsecond)
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

// full returns a record in which no field is zero, different for each n.
func (s *subject) full(n byte) scarab.Record {
	r := s.record(n, "data of "+string('0'+n))
	d := time.Duration(n) * 1234567 * time.Microsecond
	r = of(r, "principal "+string('0'+n), s.now.Add(-d))
	r.Label = "label " + string('0'+n)
	r.Created, r.Renewed = s.now.Add(-3*d), s.now.Add(-2*d)
	r.Seen, r.Expires, r.Deadline = s.now.Add(d/2), s.now.Add(time.Hour+d), s.now.Add(24*time.Hour+d)
	r.Idle += d
	return r
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

func errOf(_ scarab.Record, err error) error { return err }

// count returns how many of errs are nil, how many match target, and what the
// others say.
func count(errs []error, target error) (ok, matching int, rest error) {
	var others []error
	for _, err := range errs {
		switch {
		case err == nil:
			ok++
		case errors.Is(err, target):
			matching++
		default:
			others = append(others, err)
		}
	}
	return ok, matching, errors.Join(others...)
}
