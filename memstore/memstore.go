// Package memstore keeps sessions in the memory of one process.
package memstore

import (
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/scarab-go/scarab"
)

const shards = 64

// A Store keeps records in memory, in shards with a lock each.
type Store struct {
	shards [shards]shard

	// revoked is, by principal, the latest instant of a RevokePrincipal.
	revokedMu sync.RWMutex
	revoked   map[string]time.Time
}

var (
	_ scarab.Store          = (*Store)(nil)
	_ scarab.LoadToucher    = (*Store)(nil)
	_ scarab.PrincipalStore = (*Store)(nil)
	_ scarab.Sweeper        = (*Store)(nil)
	_ scarab.Scanner        = (*Store)(nil)
)

type shard struct {
	mu      sync.Mutex
	records map[scarab.Handle]scarab.Record
}

// New returns an empty Store.
func New() *Store {
	s := &Store{revoked: make(map[string]time.Time)}
	for i := range s.shards {
		s.shards[i].records = make(map[scarab.Handle]scarab.Record)
	}
	return s
}

func (s *Store) shard(h scarab.Handle) *shard { return &s.shards[h[0]%shards] }

func (s *Store) Load(ctx context.Context, h scarab.Handle, now time.Time) (scarab.Record, error) {
	sh := s.shard(h)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.live(h, now)
}

func (sh *shard) live(h scarab.Handle, now time.Time) (scarab.Record, error) {
	r, ok := sh.records[h]
	if !ok || r.Expired(now) {
		return scarab.Record{}, scarab.ErrNoSession
	}
	return r, nil
}

func (s *Store) LoadTouch(ctx context.Context, h scarab.Handle, secret [32]byte, now time.Time, every time.Duration) (scarab.Record, error) {
	sh := s.shard(h)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	r, err := sh.live(h, now)
	if err == nil && r.Secret == secret && now.Sub(r.Seen) > every {
		r = r.Touch(now)
		sh.records[h] = r
	}
	return r, err
}

func (s *Store) Create(ctx context.Context, r scarab.Record) error {
	sh := s.shard(r.Handle)
	s.revokedMu.RLock()
	defer s.revokedMu.RUnlock()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if _, ok := sh.records[r.Handle]; ok {
		return scarab.ErrExists
	}
	if s.isRevoked(r) {
		return scarab.ErrNoSession
	}
	r.Data = slices.Clip(r.Data)
	sh.records[r.Handle] = r
	return nil
}

func (s *Store) isRevoked(r scarab.Record) bool {
	if r.Principal == "" {
		return false
	}
	at, ok := s.revoked[r.Principal]
	return ok && !r.AuthTime.After(at)
}

func (s *Store) Save(ctx context.Context, r scarab.Record) error {
	sh := s.shard(r.Handle)
	s.revokedMu.RLock()
	defer s.revokedMu.RUnlock()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	current, ok := sh.records[r.Handle]
	switch {
	case !ok:
		return scarab.ErrNoSession
	case current.Version != r.Version-1:
		return &scarab.ConflictError[scarab.Record]{Current: &current}
	case r.Principal != current.Principal && s.isRevoked(r):
		return scarab.ErrNoSession
	}
	r.Data = slices.Clip(r.Data)
	sh.records[r.Handle] = r
	return nil
}

func (s *Store) Touch(ctx context.Context, h scarab.Handle, now time.Time) error {
	sh := s.shard(h)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	r, err := sh.live(h, now)
	if err == nil {
		sh.records[h] = r.Touch(now)
	}
	return err
}

func (s *Store) Delete(ctx context.Context, h scarab.Handle) error {
	sh := s.shard(h)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	delete(sh.records, h)
	return nil
}

func (s *Store) Principal(ctx context.Context, principal string) iter.Seq2[scarab.Record, error] {
	return func(yield func(scarab.Record, error) bool) {
		for r, err := range s.Scan(ctx) {
			if r.Principal == principal && !yield(r, err) {
				return
			}
		}
	}
}

func (s *Store) RevokePrincipal(ctx context.Context, principal string, at time.Time, keep ...scarab.Handle) (int, error) {
	s.revokedMu.Lock()
	if at.After(s.revoked[principal]) {
		s.revoked[principal] = at
	}
	s.revokedMu.Unlock()
	n := 0
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		for h, r := range sh.records {
			if r.Principal == principal && !slices.Contains(keep, h) {
				delete(sh.records, h)
				n++
			}
		}
		sh.mu.Unlock()
	}
	return n, nil
}

func (s *Store) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	n := 0
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		for h, r := range sh.records {
			if n < limit && r.Expired(before) {
				delete(sh.records, h)
				n++
			}
		}
		sh.mu.Unlock()
	}
	return n, nil
}

func (s *Store) Scan(ctx context.Context) iter.Seq2[scarab.Record, error] {
	return func(yield func(scarab.Record, error) bool) {
		for i := range s.shards {
			sh := &s.shards[i]
			sh.mu.Lock()
			rs := make([]scarab.Record, 0, len(sh.records))
			for _, r := range sh.records {
				rs = append(rs, r)
			}
			sh.mu.Unlock()
			for _, r := range rs {
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}
