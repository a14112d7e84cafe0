package scarabtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scarab-go/scarab"
)

// scan returns what Scan lists, each handle once.
func (s *subject) scan(ctx context.Context) (map[scarab.Handle]scarab.Record, error) {
	all := make(map[scarab.Handle]scarab.Record)
	for r, err := range s.store.(scarab.Scanner).Scan(ctx) {
		if err != nil {
			return all, named("Scan", err)
		}
		all[r.Handle] = r
	}
	return all, nil
}

const scanSentence = "A Scanner is a Store that lists everything it has, expired records included or not."

var scanClauses = []storeClause{
	{
		name:   "everything",
		clause: scanSentence,
		check: func(ctx context.Context, s *subject) error {
			if all, err := s.scan(ctx); err != nil || len(all) != 0 {
				return errors.Join(fmt.Errorf("Scan of an empty store yields %d records", len(all)), err)
			}
			want := make(map[scarab.Handle]scarab.Record)
			var errs []error
			for n := range byte(250) { // more than a page of most stores
				r := s.record(n, fmt.Sprint("data ", n))
				if n%2 == 0 {
					r = s.full(n)
				}
				errs = append(errs, s.create(ctx, r))
				switch n % 5 {
				case 1:
					r = next(r, "saved")
					errs = append(errs, s.save(ctx, r))
				case 2:
					now := s.now.Add(time.Minute)
					r = r.Touch(now)
					errs = append(errs, s.touch(ctx, r.Handle, now))
				case 3:
					errs = append(errs, s.delete(ctx, r.Handle))
					continue
				}
				want[r.Handle] = r
			}
			all, err := s.scan(ctx)
			errs = append(errs, err)
			for h, r := range want {
				got, ok := all[h]
				if !ok {
					errs = append(errs, fmt.Errorf("Scan misses record %v", h))
					continue
				}
				errs = append(errs, same("Scan", got, r))
			}
			for h := range all {
				if _, ok := want[h]; !ok {
					errs = append(errs, fmt.Errorf("Scan lists record %v, which was deleted", h))
				}
			}
			return errors.Join(errs...)
		},
	},
	{
		name:   "meanwhile",
		clause: "Records that come or go during the scan may be missing.",
		check: func(ctx context.Context, s *subject) error {
			for n := range byte(100) {
				if err := s.create(ctx, s.record(n, "data")); err != nil {
					return err
				}
			}
			// The others must not be, though the store is used by the loop.
			stayed := make(map[scarab.Handle]bool)
			i := byte(0)
			for r, err := range s.store.(scarab.Scanner).Scan(ctx) {
				if err != nil {
					return named("Scan", err)
				}
				if n := r.Handle[15]; n < 100 && n%2 == 1 {
					stayed[r.Handle] = true
				}
				if i < 50 {
					if err := errors.Join(s.delete(ctx, s.handle(2*i)), s.create(ctx, s.record(100+i, "new"))); err != nil {
						return fmt.Errorf("in the loop over Scan: %w", err)
					}
				}
				i++
			}
			if len(stayed) != 50 {
				return fmt.Errorf("Scan yields %d of 50 records that were there from beginning to end", len(stayed))
			}
			return nil
		},
	},
	{
		name:   "break",
		clause: "Methods may be called by any number of goroutines.",
		check: func(ctx context.Context, s *subject) error {
			for n := range byte(10) {
				if err := s.create(ctx, s.record(n, "data")); err != nil {
					return err
				}
			}
			for range 10 { // what a loop left open would run out by now
				for range s.store.(scarab.Scanner).Scan(ctx) {
					break
				}
			}
			return s.delete(ctx, s.handle(1))
		},
	},
	{
		name:   "context",
		clause: "They report what the contract names with an error that matches [ErrNoSession], [ErrExists] or [ErrConflict]; every other error means that the store itself failed and that nothing is known about the outcome.",
		check: func(ctx context.Context, s *subject) error {
			if err := s.create(ctx, s.record(1, "data")); err != nil {
				return err
			}
			cancelled, cancel := context.WithCancel(ctx)
			cancel()
			n := 0
			var errs []error
			for _, err := range s.store.(scarab.Scanner).Scan(cancelled) {
				n++
				errs = append(errs, noVerdict("Scan, cancelled", err))
			}
			if n == 0 {
				errs = append(errs, errors.New("Scan, cancelled, yields neither the record nor an error: a list that looks complete"))
			}
			return errors.Join(errs...)
		},
	},
}
