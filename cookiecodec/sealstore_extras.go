package cookiecodec

import (
	"context"
	"iter"
	"time"

	"github.com/scarab-go/scarab"
)

type sealedToucher struct {
	store  scarab.LoadToucher
	sealer recordSealer
}

func (s sealedToucher) LoadTouch(ctx context.Context, h scarab.Handle, secret [32]byte, now time.Time, every time.Duration) (scarab.Record, error) {
	r, err := s.store.LoadTouch(ctx, h, secret, now, every)
	if err != nil {
		return r, err
	}
	return s.sealer.open(r)
}

type sealedPrincipals struct{ scarab.PrincipalStore }

func (s sealedPrincipals) Principal(ctx context.Context, principal string) iter.Seq2[scarab.Record, error] {
	return func(yield func(scarab.Record, error) bool) {
		for r, err := range s.PrincipalStore.Principal(ctx, principal) {
			r.Data = nil
			if !yield(r, err) {
				return
			}
		}
	}
}

type sealedScanner struct {
	store  scarab.Scanner
	sealer recordSealer
}

func (s sealedScanner) Scan(ctx context.Context) iter.Seq2[scarab.Record, error] {
	return func(yield func(scarab.Record, error) bool) {
		for r, err := range s.store.Scan(ctx) {
			if err == nil {
				r, err = s.sealer.open(r)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// sealExtras returns s with the optional interfaces of the store in it.
func sealExtras(s *sealedStore) scarab.Store {
	var (
		t scarab.LoadToucher
		p scarab.PrincipalStore
		n scarab.Scanner
	)
	if inner, ok := s.Store.(scarab.LoadToucher); ok {
		t = sealedToucher{inner, s.sealer}
	}
	if inner, ok := s.Store.(scarab.PrincipalStore); ok {
		p = sealedPrincipals{inner}
	}
	if inner, ok := s.Store.(scarab.Scanner); ok {
		n = sealedScanner{inner, s.sealer}
	}
	w, _ := s.Store.(scarab.Sweeper) // has nothing to do with the data
	return combine(s, t, p, w, n)
}

// combine returns a store with those optional interfaces that are not nil, and
// no others. They are found by type assertion, and a type has its methods for
// good: hence a type for each of the sixteen cases.
func combine(s scarab.Store, t scarab.LoadToucher, p scarab.PrincipalStore, w scarab.Sweeper, n scarab.Scanner) scarab.Store {
	switch [...]bool{t != nil, p != nil, w != nil, n != nil} {
	case [...]bool{true, true, true, true}:
		return struct {
			scarab.Store
			scarab.LoadToucher
			scarab.PrincipalStore
			scarab.Sweeper
			scarab.Scanner
		}{s, t, p, w, n}
	case [...]bool{true, true, true, false}:
		return struct {
			scarab.Store
			scarab.LoadToucher
			scarab.PrincipalStore
			scarab.Sweeper
		}{s, t, p, w}
	case [...]bool{true, true, false, true}:
		return struct {
			scarab.Store
			scarab.LoadToucher
			scarab.PrincipalStore
			scarab.Scanner
		}{s, t, p, n}
	case [...]bool{true, false, true, true}:
		return struct {
			scarab.Store
			scarab.LoadToucher
			scarab.Sweeper
			scarab.Scanner
		}{s, t, w, n}
	case [...]bool{false, true, true, true}:
		return struct {
			scarab.Store
			scarab.PrincipalStore
			scarab.Sweeper
			scarab.Scanner
		}{s, p, w, n}
	case [...]bool{true, true, false, false}:
		return struct {
			scarab.Store
			scarab.LoadToucher
			scarab.PrincipalStore
		}{s, t, p}
	case [...]bool{true, false, true, false}:
		return struct {
			scarab.Store
			scarab.LoadToucher
			scarab.Sweeper
		}{s, t, w}
	case [...]bool{true, false, false, true}:
		return struct {
			scarab.Store
			scarab.LoadToucher
			scarab.Scanner
		}{s, t, n}
	case [...]bool{false, true, true, false}:
		return struct {
			scarab.Store
			scarab.PrincipalStore
			scarab.Sweeper
		}{s, p, w}
	case [...]bool{false, true, false, true}:
		return struct {
			scarab.Store
			scarab.PrincipalStore
			scarab.Scanner
		}{s, p, n}
	case [...]bool{false, false, true, true}:
		return struct {
			scarab.Store
			scarab.Sweeper
			scarab.Scanner
		}{s, w, n}
	case [...]bool{true, false, false, false}:
		return struct {
			scarab.Store
			scarab.LoadToucher
		}{s, t}
	case [...]bool{false, true, false, false}:
		return struct {
			scarab.Store
			scarab.PrincipalStore
		}{s, p}
	case [...]bool{false, false, true, false}:
		return struct {
			scarab.Store
			scarab.Sweeper
		}{s, w}
	case [...]bool{false, false, false, true}:
		return struct {
			scarab.Store
			scarab.Scanner
		}{s, n}
	}
	return s
}
