package memstore

import (
	"errors"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scarab-go/scarab"
)

// A shard is a part of the records, under one lock.
type shard struct {
	mu sync.Mutex
	arena
	byHandle    table
	byPrincipal table // the first block of each principal, which is linked to the others
	seed        maphash.Seed
	limit       limit
	evicted     atomic.Int64
}

func (sh *shard) init(seed maphash.Seed, l limit) {
	sh.seed, sh.limit = seed, l
	sh.arena.open, sh.arena.most = -1, l.segment()
}

// find returns where the record of h is, and its slot in byHandle.
func (sh *shard) find(h scarab.Handle, hash uint32) (at place, slot int, ok bool) {
	slot = sh.byHandle.find(hash, func(p place) bool { return sh.at(p).handle() == h })
	if slot < 0 {
		return 0, slot, false
	}
	return sh.byHandle.at(slot), slot, true
}

// unexpired returns the record of h, if it has not expired.
func (sh *shard) unexpired(h scarab.Handle, hash uint32, now time.Time) (block, error) {
	at, _, ok := sh.find(h, hash)
	if !ok {
		return nil, scarab.ErrNoSession
	}
	b := sh.at(at)
	if b.expired(now) {
		return nil, scarab.ErrNoSession
	}
	return b, nil
}

var errTooLarge = errors.New("memstore: a record has at most 1 GiB")

const maxBlock = 1 << 30

// add puts a record that is not there yet.
func (sh *shard) add(r scarab.Record, hash uint32) error {
	size := blockSize(&r)
	if size > maxBlock {
		return errTooLarge
	}
	if err := sh.makeRoom(size, &r); err != nil {
		return err
	}
	at, ok := sh.alloc(size)
	if !ok {
		return ErrFull
	}
	sh.at(at).put(&r)
	sh.byHandle.insert(hash, at)
	sh.link(at)
	sh.tidy()
	return nil
}

// replace puts r in place of the record of its handle, which is there.
func (sh *shard) replace(r scarab.Record, hash uint32) error {
	at, _, _ := sh.find(r.Handle, hash)
	size := blockSize(&r)
	if has := sh.at(at).size(); size <= has && has-size <= has/8 {
		sh.unlink(at)
		sh.at(at).put(&r)
		sh.link(at)
		return nil
	}
	if size > maxBlock {
		return errTooLarge
	}
	if err := sh.makeRoom(size, &r); err != nil {
		return err
	}
	to, ok := sh.alloc(size)
	if !ok {
		return ErrFull
	}
	at, slot, _ := sh.find(r.Handle, hash) // making room may have moved it
	sh.unlink(at)
	sh.at(to).put(&r)
	sh.byHandle.move(slot, to)
	sh.free(at)
	sh.link(to)
	sh.tidy()
	return nil
}

func (sh *shard) remove(at place, slot int) {
	sh.unlink(at)
	sh.byHandle.remove(slot)
	sh.free(at)
}

// tidy moves blocks together if there are too many holes: one segment, so that
// the lock is not held for long.
func (sh *shard) tidy() {
	if sh.holey() {
		sh.compact()
	}
}

// compact empties the emptiest segment. It reports whether there was one worth
// it.
func (sh *shard) compact() bool {
	n := sh.emptiest()
	if n < 0 {
		return false
	}
	sh.walk(n, func(from place, b block) {
		to, ok := sh.alloc(len(b))
		if !ok {
			return // and stays where it is
		}
		copy(sh.at(to), b)
		sh.moved(from, to)
		sh.free(from)
	})
	return true
}

// moved makes what points to from point to to, where the block is now.
func (sh *shard) moved(from, to place) {
	b := sh.at(to)
	is := func(p place) bool { return p == from }
	sh.byHandle.move(sh.byHandle.find(sh.handleHash(b), is), to)
	if len(b.principal()) == 0 {
		return
	}
	if prev := b.u32(atPrev); prev != 0 {
		sh.at(place(prev-1)).putU32(atNext, uint32(to)+1)
	} else {
		sh.byPrincipal.move(sh.byPrincipal.find(sh.principalHash(b), is), to)
	}
	if next := b.u32(atNext); next != 0 {
		sh.at(place(next-1)).putU32(atPrev, uint32(to)+1)
	}
}

func (sh *shard) handleHash(b block) uint32 {
	return uint32(maphash.Bytes(sh.seed, b[atHandle:atSecret]))
}
func (sh *shard) principalHash(b block) uint32 { return uint32(maphash.Bytes(sh.seed, b.principal())) }

// first returns the slot in byPrincipal of a principal, or -1.
func (sh *shard) first(principal string, hash uint32) int {
	return sh.byPrincipal.find(hash, func(p place) bool { return string(sh.at(p).principal()) == principal })
}

// link puts the block at p in front of those of its principal.
func (sh *shard) link(p place) {
	b := sh.at(p)
	b.putU32(atPrev, 0)
	b.putU32(atNext, 0)
	if len(b.principal()) == 0 {
		return
	}
	hash := sh.principalHash(b)
	slot := sh.byPrincipal.find(hash, func(p place) bool { return string(sh.at(p).principal()) == string(b.principal()) })
	if slot < 0 {
		sh.byPrincipal.insert(hash, p)
		return
	}
	next := sh.byPrincipal.at(slot)
	b.putU32(atNext, uint32(next)+1)
	sh.at(next).putU32(atPrev, uint32(p)+1)
	sh.byPrincipal.move(slot, p)
}

func (sh *shard) unlink(p place) {
	b := sh.at(p)
	if len(b.principal()) == 0 {
		return
	}
	prev, next := b.u32(atPrev), b.u32(atNext)
	if prev != 0 {
		sh.at(place(prev-1)).putU32(atNext, next)
	} else {
		slot := sh.byPrincipal.find(sh.principalHash(b), func(q place) bool { return q == p })
		if next != 0 {
			sh.byPrincipal.move(slot, place(next-1))
		} else {
			sh.byPrincipal.remove(slot)
		}
	}
	if next != 0 {
		sh.at(place(next-1)).putU32(atPrev, prev)
	}
}

// of returns the records of principal, without their data.
func (sh *shard) of(principal string, hash uint32) []scarab.Record {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	var rs []scarab.Record
	if slot := sh.first(principal, hash); slot >= 0 {
		for next := uint32(sh.byPrincipal.at(slot)) + 1; next != 0; {
			b := sh.at(place(next - 1))
			rs = append(rs, scarab.Record{})
			b.decodeListed(&rs[len(rs)-1])
			next = b.u32(atNext)
		}
	}
	return rs
}

// revoke removes the records of principal, but for those to keep.
func (sh *shard) revoke(principal string, hash uint32, keep []scarab.Handle) (n int) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	slot := sh.first(principal, hash)
	if slot < 0 {
		return 0
	}
	for next := uint32(sh.byPrincipal.at(slot)) + 1; next != 0; {
		p := place(next - 1)
		b := sh.at(p)
		next = b.u32(atNext)
		if h := b.handle(); !slices.Contains(keep, h) {
			_, slot, _ := sh.find(h, sh.handleHash(b))
			sh.remove(p, slot)
			n++
		}
	}
	sh.tidy()
	return n
}

// sweep removes up to limit records that expired before the given time. It
// holds the lock for one segment at a time.
func (sh *shard) sweep(before time.Time, limit int) (n int) {
	for seg := 0; n < limit && sh.sweepSegment(seg, before.UnixMicro(), limit, &n); seg++ {
	}
	for sh.tidied() {
	}
	return n
}

func (sh *shard) sweepSegment(seg int, before int64, limit int, n *int) (more bool) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if seg >= len(sh.segments) {
		return false
	}
	sh.walk(seg, func(p place, b block) {
		if expires := int64(b.u64(atExpires)); *n < limit && expires != zeroTime && expires < before {
			_, slot, _ := sh.find(b.handle(), sh.handleHash(b))
			sh.remove(p, slot)
			*n++
		}
	})
	return true
}

// tidied moves one segment's blocks if there are too many holes, and reports
// whether that may be so again.
func (sh *shard) tidied() bool {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.holey() && sh.compact()
}

// handles returns those of every record.
func (sh *shard) handles() []scarab.Handle {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	all := make([]scarab.Handle, 0, sh.byHandle.n)
	for n := range sh.segments {
		sh.walk(n, func(_ place, b block) { all = append(all, b.handle()) })
	}
	return all
}

// get returns the record of h, expired or not.
func (sh *shard) get(h scarab.Handle) (r scarab.Record, ok bool) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	at, _, ok := sh.find(h, uint32(maphash.Bytes(sh.seed, h[:])))
	if ok {
		sh.at(at).decode(&r)
	}
	return r, ok
}

func (sh *shard) len() int {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.byHandle.n
}
