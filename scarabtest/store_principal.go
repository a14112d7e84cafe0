package scarabtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scarab-go/scarab"
)

func (s *subject) revoke(ctx context.Context, principal string, at time.Time, keep ...scarab.Handle) (int, error) {
	n, err := s.store.(scarab.PrincipalStore).RevokePrincipal(ctx, principal, at, keep...)
	return n, named("RevokePrincipal", err)
}

// revokes reports whether RevokePrincipal ends n records.
func (s *subject) revokes(ctx context.Context, n int, principal string, at time.Time, keep ...scarab.Handle) error {
	got, err := s.revoke(ctx, principal, at, keep...)
	if err == nil && got != n {
		err = fmt.Errorf("RevokePrincipal(%q) returned %d, want %d", principal, got, n)
	}
	return err
}

// lists reports whether Principal yields rs, in any order and once each, but
// for their Data.
func (s *subject) lists(ctx context.Context, principal string, rs ...scarab.Record) error {
	left := make(map[scarab.Handle]scarab.Record)
	for _, r := range rs {
		left[r.Handle] = r
	}
	var errs []error
	for got, err := range s.store.(scarab.PrincipalStore).Principal(ctx, principal) {
		if err != nil {
			return errors.Join(append(errs, named("Principal", err))...)
		}
		r, ok := left[got.Handle]
		if !ok {
			errs = append(errs, fmt.Errorf("Principal(%q) yields record %v of %q, which it should not, or not twice", principal, got.Handle, got.Principal))
			continue
		}
		delete(left, got.Handle)
		if got.Data == nil {
			r.Data = nil
		}
		errs = append(errs, same("Principal", got, r))
	}
	for h := range left {
		errs = append(errs, fmt.Errorf("Principal(%q) does not yield record %v", principal, h))
	}
	return errors.Join(errs...)
}

const (
	listSentence   = "Principal returns every live record of principal."
	revokeSentence = "RevokePrincipal deletes the records of principal, but for those to keep, and returns how many."
	underSentence  = "From then on a Create with this principal, and a Save that gives it to a record that had another, fail with ErrNoSession if the record's AuthTime is not after at: a login that is under way is caught too."
)

var principalClauses = []storeClause{
	{
		name:   "list",
		clause: listSentence,
		check: func(ctx context.Context, s *subject) error {
			errs := []error{s.lists(ctx, "anna")}
			var annas []scarab.Record
			for n := range byte(30) {
				r := s.record(n, "data")
				switch n % 3 {
				case 0:
					r = of(r, "anna", s.now)
					annas = append(annas, r)
				case 1:
					r = of(r, "berta", s.now)
				}
				errs = append(errs, s.create(ctx, r))
			}
			return errors.Join(append(errs, s.lists(ctx, "anna", annas...), s.lists(ctx, "nobody"))...)
		},
	},
	{
		name:   "list-changes",
		clause: listSentence,
		check: func(ctx context.Context, s *subject) error {
			plain := s.record(1, "data")
			anna := next(of(plain, "anna", s.now), "in")
			touched := anna.Touch(s.now.Add(time.Minute))
			berta := next(of(touched, "berta", s.now), "again")
			out := next(of(berta, "", time.Time{}), "out")
			back := next(of(out, "anna", s.now), "back")
			return errors.Join(
				s.create(ctx, plain), s.lists(ctx, "anna"),
				s.save(ctx, anna), s.lists(ctx, "anna", anna),
				s.touch(ctx, anna.Handle, touched.Seen), s.lists(ctx, "anna", touched),
				s.save(ctx, berta), s.lists(ctx, "anna"), s.lists(ctx, "berta", berta),
				s.save(ctx, out), s.lists(ctx, "anna"), s.lists(ctx, "berta"),
				s.save(ctx, back), s.lists(ctx, "anna", back),
				s.delete(ctx, back.Handle), s.lists(ctx, "anna"),
			)
		},
	},
	{
		name:   "list-exact",
		clause: listSentence,
		check: func(ctx context.Context, s *subject) error {
			// Alike to who ignores case, accents or trailing blanks, or takes
			// the name for a pattern.
			names := []string{"anna", "Anna", "änna", "anna ", " anna", "ann", "annaa", "a%", "a_na", "a*", "a?na", "[a]nna", "anna:berta", "{anna}", "a'nna", `a\nna`}
			var errs []error
			var rs []scarab.Record
			for i, name := range names {
				rs = append(rs, of(s.record(byte(i), "data"), name, s.now))
				errs = append(errs, s.create(ctx, rs[i]))
			}
			for i, name := range names {
				errs = append(errs, s.lists(ctx, name, rs[i]))
			}
			for i, name := range names {
				errs = append(errs, s.revokes(ctx, 1, name, s.now), s.absent(ctx, rs[i].Handle))
			}
			return errors.Join(errs...)
		},
	},
	{
		name:   "list-break",
		clause: "Methods may be called by any number of goroutines.",
		check: func(ctx context.Context, s *subject) error {
			for n := range byte(5) {
				if err := s.create(ctx, of(s.record(n, "data"), "anna", s.now)); err != nil {
					return err
				}
			}
			for range s.store.(scarab.PrincipalStore).Principal(ctx, "anna") {
				break
			}
			n := 0
			for r, err := range s.store.(scarab.PrincipalStore).Principal(ctx, "anna") {
				if err != nil {
					return named("Principal", err)
				}
				if err := s.delete(ctx, r.Handle); err != nil { // by the loop's own goroutine
					return fmt.Errorf("in the loop over Principal: %w", err)
				}
				n++
			}
			if n != 5 {
				return fmt.Errorf("a loop that deletes what Principal yields met %d of 5 records", n)
			}
			return s.lists(ctx, "anna")
		},
	},
	{
		name:   "revoke",
		clause: revokeSentence,
		check: func(ctx context.Context, s *subject) error {
			// One has logged in by a clock that is ahead.
			a1, a2, a3 := of(s.record(1, ""), "anna", s.now.Add(-time.Hour)), of(s.record(2, ""), "anna", s.now), of(s.record(3, ""), "anna", s.now.Add(time.Second))
			b, plain := of(s.record(4, ""), "berta", s.now), s.record(5, "")
			return errors.Join(
				s.create(ctx, a1), s.create(ctx, a2), s.create(ctx, a3), s.create(ctx, b), s.create(ctx, plain),
				s.revokes(ctx, 3, "anna", s.now),
				s.absent(ctx, a1.Handle), s.absent(ctx, a2.Handle), s.absent(ctx, a3.Handle),
				s.lists(ctx, "anna"),
				s.loads(ctx, b), s.loads(ctx, plain), s.lists(ctx, "berta", b),
				s.revokes(ctx, 0, "anna", s.now),
				s.revokes(ctx, 0, "nobody", s.now),
				want("Save of a revoked session", s.save(ctx, next(a1, "second")), scarab.ErrNoSession),
				s.absent(ctx, a1.Handle),
			)
		},
	},
	{
		name:   "revoke-keep",
		clause: revokeSentence,
		check: func(ctx context.Context, s *subject) error {
			a1, a2, a3 := of(s.record(1, ""), "anna", s.now), of(s.record(2, ""), "anna", s.now), of(s.record(3, ""), "anna", s.now)
			b := of(s.record(4, ""), "berta", s.now)
			saved := next(a2, "goes on")
			fresh := renewed(next(saved, "has a new secret"))
			return errors.Join(
				s.create(ctx, a1), s.create(ctx, a2), s.create(ctx, a3), s.create(ctx, b),
				s.revokes(ctx, 1, "anna", s.now.Add(time.Minute), a1.Handle, a2.Handle, b.Handle, s.handle(9)),
				s.lists(ctx, "anna", a1, a2), s.loads(ctx, b),
				s.save(ctx, saved), s.loads(ctx, saved), // it had this principal before
				s.save(ctx, fresh), s.loads(ctx, fresh),
				s.revokes(ctx, 1, "anna", s.now.Add(2*time.Minute), a2.Handle),
				s.absent(ctx, a1.Handle), s.loads(ctx, fresh),
			)
		},
	},
	{
		name:   "revoke-create-under-way",
		clause: underSentence,
		check: func(ctx context.Context, s *subject) error {
			before, at, after := of(s.record(1, ""), "anna", s.now.Add(-time.Minute)), of(s.record(2, ""), "anna", s.now), of(s.record(3, ""), "anna", s.now.Add(time.Millisecond))
			other, plain := of(s.record(4, ""), "berta", s.now.Add(-time.Minute)), s.record(5, "")
			return errors.Join(
				s.revokes(ctx, 0, "anna", s.now),
				want("Create of a login before the revocation", s.create(ctx, before), scarab.ErrNoSession),
				want("Create of a login at its instant", s.create(ctx, at), scarab.ErrNoSession),
				s.absent(ctx, before.Handle), s.absent(ctx, at.Handle),
				s.create(ctx, after), s.create(ctx, other), s.create(ctx, plain),
				s.loads(ctx, after), s.loads(ctx, other), s.loads(ctx, plain),
				s.lists(ctx, "anna", after),
			)
		},
	},
	{
		name:   "revoke-save-under-way",
		clause: underSentence,
		check: func(ctx context.Context, s *subject) error {
			plain, berta := s.record(1, ""), of(s.record(2, ""), "berta", s.now.Add(-time.Minute))
			in := next(of(plain, "anna", s.now), "in")
			switched := next(of(berta, "anna", s.now), "in")
			later := next(of(plain, "anna", s.now.Add(time.Millisecond)), "in")
			return errors.Join(
				s.create(ctx, plain), s.create(ctx, berta),
				s.revokes(ctx, 0, "anna", s.now),
				want("Save of a login before the revocation", s.save(ctx, in), scarab.ErrNoSession),
				want("Save of a login, with a new secret, before the revocation", s.save(ctx, renewed(in)), scarab.ErrNoSession),
				want("Save of a change of the principal before the revocation", s.save(ctx, switched), scarab.ErrNoSession),
				want("Save of a change of the principal, with a new secret, before the revocation", s.save(ctx, renewed(switched)), scarab.ErrNoSession),
				s.lists(ctx, "anna"), s.loads(ctx, plain), s.loads(ctx, berta),
				s.save(ctx, later), s.loads(ctx, later), s.lists(ctx, "anna", later),
			)
		},
	},
	{
		name:   "revoke-order",
		clause: underSentence,
		check: func(ctx context.Context, s *subject) error {
			between := of(s.record(1, ""), "anna", s.now.Add(-time.Minute))
			return errors.Join(
				s.revokes(ctx, 0, "anna", s.now),
				s.revokes(ctx, 0, "anna", s.now.Add(-time.Hour)), // by a clock behind
				want("Create of a login before the later of two revocations", s.create(ctx, between), scarab.ErrNoSession),
				s.absent(ctx, between.Handle),
			)
		},
	},
	{
		name:   "revoke-race",
		clause: underSentence,
		check: func(ctx context.Context, s *subject) error {
			return rounds(ctx, func(n byte) error {
				name := fmt.Sprint("anna ", n)
				rs := make([]scarab.Record, raceWriters)
				for i := range rs {
					rs[i] = s.record(n*raceWriters+byte(i), "")
					if i%2 == 0 {
						if err := s.create(ctx, rs[i]); err != nil {
							return err
						}
						rs[i].Version++
						if i%4 == 0 {
							rs[i] = renewed(rs[i])
						}
					}
					rs[i] = of(rs[i], name, s.now)
				}
				// First in one round, later in others.
				revoker := (int(n) + 1) * raceWriters / raceRounds
				errs := parallel(raceWriters+1, func(i int) error {
					switch i = (i + raceWriters - revoker) % (raceWriters + 1); {
					case i == raceWriters:
						return errOf2(s.revoke(ctx, name, s.now))
					case i%2 == 0:
						return s.save(ctx, rs[i])
					}
					return s.create(ctx, rs[i])
				})
				if _, _, rest := count(errs, scarab.ErrNoSession); rest != nil {
					return rest
				}
				left := []error{s.lists(ctx, name)}
				for _, r := range rs {
					if got, err := s.load(ctx, r.Handle, s.now); err == nil && got.Principal == name {
						left = append(left, fmt.Errorf("record %v, logged in before the revocation, is live after it", r.Handle))
					}
				}
				return errors.Join(left...)
			})
		},
	},
	{
		name:   "context",
		clause: "They report what the contract names with an error that matches [ErrNoSession], [ErrExists] or [ErrConflict]; every other error means that the store itself failed and that nothing is known about the outcome.",
		check: func(ctx context.Context, s *subject) error {
			r := of(s.record(1, ""), "anna", s.now)
			if err := s.create(ctx, r); err != nil {
				return err
			}
			cancelled, cancel := context.WithCancel(ctx)
			cancel()
			n := 0
			var errs []error
			for _, err := range s.store.(scarab.PrincipalStore).Principal(cancelled, "anna") {
				n++
				errs = append(errs, noVerdict("Principal, cancelled", err))
			}
			if n == 0 {
				errs = append(errs, errors.New("Principal, cancelled, yields neither the record nor an error: a list that looks complete"))
			}
			_, err := s.revoke(cancelled, "anna", s.now)
			return errors.Join(append(errs, noVerdict("RevokePrincipal, cancelled", err))...)
		},
	},
}

func errOf2(_ int, err error) error { return err }
