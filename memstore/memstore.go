// Package memstore keeps sessions in the memory of one process: for a site that
// is one process, for tests, and as the measure of what other stores cost.
//
// Sessions end with the process. Two processes behind one address need a store
// that they share.
//
// Records are laid out in segments of bytes, in shards with a lock each: a
// million sessions are some thousand objects to the garbage collector. A
// session takes up its fields, some 50 bytes, and up to a tenth of it all for
// what has been given up and is not used again yet. [MaxBytes] bounds the whole.
//
// What has expired stays until it is swept: let scarab.Factory.Run do it.
package memstore

import (
	"context"
	"errors"
	"hash/maphash"
	"iter"
	"sync"
	"time"

	"github.com/scarab-go/scarab"
)

// A Store keeps records in memory. Its methods may be called by any number of
// goroutines; only Principal, RevokePrincipal, Scan and Sweep, which take more
// than a moment, look at their context.
type Store struct {
	seed   maphash.Seed
	shards []shard // a power of two

	// revoked is the latest instant at which sessions of a principal were
	// revoked. There is no telling how late a login from before may come, so
	// it grows by one entry for each principal that is ever revoked.
	revokedMu sync.RWMutex
	revoked   map[string]time.Time

	sweepMu sync.Mutex
	sweepAt int // the shard where the next Sweep goes on
}

var (
	_ scarab.Store          = (*Store)(nil)
	_ scarab.LoadToucher    = (*Store)(nil)
	_ scarab.PrincipalStore = (*Store)(nil)
	_ scarab.Sweeper        = (*Store)(nil)
	_ scarab.Scanner        = (*Store)(nil)
)

// New returns an empty Store. It starts no goroutine.
func New(opts ...Option) *Store {
	var l limit
	for _, opt := range opts {
		opt(&l)
	}
	s := &Store{seed: maphash.MakeSeed(), revoked: make(map[string]time.Time), shards: make([]shard, l.shards())}
	for i := range s.shards {
		s.shards[i].init(s.seed, l)
	}
	return s
}

// shard returns where the record of h is, and the part of its hash that tells
// records in there apart.
func (s *Store) shard(h scarab.Handle) (*shard, uint32) {
	hash := maphash.Bytes(s.seed, h[:])
	return &s.shards[int(hash>>48)&(len(s.shards)-1)], uint32(hash)
}

// Load implements [scarab.Store].
func (s *Store) Load(_ context.Context, h scarab.Handle, now time.Time) (r scarab.Record, err error) {
	sh, hash := s.shard(h)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	b, err := sh.unexpired(h, hash, now)
	if err == nil {
		b.decode(&r)
	}
	return r, err
}

// LoadTouch implements [scarab.LoadToucher].
func (s *Store) LoadTouch(_ context.Context, h scarab.Handle, secret [32]byte, now time.Time, every time.Duration) (r scarab.Record, err error) {
	sh, hash := s.shard(h)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	b, err := sh.unexpired(h, hash, now)
	if err != nil {
		return r, err
	}
	b.decode(&r)
	if r.Secret == secret && now.Sub(r.Seen) > every {
		r = r.Touch(now)
		b.setTouched(&r)
	}
	return r, nil
}

// Touch implements [scarab.Store].
func (s *Store) Touch(_ context.Context, h scarab.Handle, now time.Time) error {
	sh, hash := s.shard(h)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	b, err := sh.unexpired(h, hash, now)
	if err != nil {
		return err
	}
	r := b.fields().Touch(now)
	b.setTouched(&r)
	return nil
}

// Create implements [scarab.Store]. It fails with [ErrFull] if that is what the
// store is.
func (s *Store) Create(_ context.Context, r scarab.Record) error {
	sh, hash := s.shard(r.Handle)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if _, _, ok := sh.find(r.Handle, hash); ok {
		return scarab.ErrExists
	}
	if s.isRevoked(r) {
		return scarab.ErrNoSession
	}
	return sh.add(r, hash)
}

// Save implements [scarab.Store]. It fails with [ErrFull] if that is what the
// store is, and the record has outgrown its place.
func (s *Store) Save(_ context.Context, r scarab.Record) error {
	sh, hash := s.shard(r.Handle)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	at, _, ok := sh.find(r.Handle, hash)
	if !ok {
		return scarab.ErrNoSession
	}
	switch b := sh.at(at); {
	case b.version() != r.Version-1:
		current := new(scarab.Record)
		b.decode(current)
		return &scarab.ConflictError[scarab.Record]{Current: current}
	case string(b.principal()) != r.Principal && s.isRevoked(r):
		return scarab.ErrNoSession
	}
	return sh.replace(r, hash)
}

// isRevoked reports whether r comes from a login that a RevokePrincipal is to
// end. It is called under the lock of the record's shard: RevokePrincipal marks
// the principal first and comes to the shard later, so one of the two sees the
// other.
func (s *Store) isRevoked(r scarab.Record) bool {
	if r.Principal == "" {
		return false
	}
	s.revokedMu.RLock()
	defer s.revokedMu.RUnlock()
	at, ok := s.revoked[r.Principal]
	return ok && !r.AuthTime.After(at)
}

// Delete implements [scarab.Store].
func (s *Store) Delete(_ context.Context, h scarab.Handle) error {
	sh, hash := s.shard(h)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if at, slot, ok := sh.find(h, hash); ok {
		sh.remove(at, slot)
		sh.tidy()
	}
	return nil
}

// Principal implements [scarab.PrincipalStore]. The records have no Data; ""
// has none.
func (s *Store) Principal(ctx context.Context, principal string) iter.Seq2[scarab.Record, error] {
	return func(yield func(scarab.Record, error) bool) {
		if principal == "" {
			return
		}
		hash := uint32(maphash.String(s.seed, principal))
		for i := range s.shards {
			if err := ctx.Err(); err != nil {
				yield(scarab.Record{}, err)
				return
			}
			for _, r := range s.shards[i].of(principal, hash) {
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

// RevokePrincipal implements [scarab.PrincipalStore].
func (s *Store) RevokePrincipal(ctx context.Context, principal string, at time.Time, keep ...scarab.Handle) (int, error) {
	if principal == "" {
		return 0, errors.New("memstore: RevokePrincipal needs a principal; \"\" is nobody")
	}
	s.revokedMu.Lock()
	if at.After(s.revoked[principal]) {
		s.revoked[principal] = at
	}
	s.revokedMu.Unlock()
	hash := uint32(maphash.String(s.seed, principal))
	n := 0
	for i := range s.shards {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		n += s.shards[i].revoke(principal, hash, keep)
	}
	return n, nil
}

// Sweep implements [scarab.Sweeper]. It holds a lock for one segment at a time,
// some hundred sessions. One Sweep runs at a time.
func (s *Store) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	s.sweepMu.Lock()
	defer s.sweepMu.Unlock()
	n := 0
	for range s.shards {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		n += s.shards[s.sweepAt].sweep(before, limit-n)
		if n >= limit {
			break // there may be more in this shard
		}
		s.sweepAt = (s.sweepAt + 1) % len(s.shards)
	}
	return n, nil
}

// Scan implements [scarab.Scanner]. Records that have expired are included.
func (s *Store) Scan(ctx context.Context) iter.Seq2[scarab.Record, error] {
	return func(yield func(scarab.Record, error) bool) {
		for i := range s.shards {
			sh := &s.shards[i]
			for _, h := range sh.handles() {
				if err := ctx.Err(); err != nil {
					yield(scarab.Record{}, err)
					return
				}
				if r, ok := sh.get(h); ok && !yield(r, nil) {
					return
				}
			}
		}
	}
}

// Len returns how many records there are, expired ones included.
func (s *Store) Len() int {
	n := 0
	for i := range s.shards {
		n += s.shards[i].len()
	}
	return n
}

// Bytes returns how many bytes of memory hold the records, with what it takes
// to find them. With [MaxBytes] it is never more than that.
func (s *Store) Bytes() int64 {
	n := int64(0)
	for i := range s.shards {
		n += s.shards[i].lockedBytes()
	}
	return n
}

// Evicted returns how many sessions were removed to make room for others.
func (s *Store) Evicted() int64 {
	n := int64(0)
	for i := range s.shards {
		n += s.shards[i].evicted.Load()
	}
	return n
}
