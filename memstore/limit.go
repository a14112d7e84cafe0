package memstore

import (
	"errors"
	"math"
	"math/rand/v2"
	"time"

	"github.com/scarab-go/scarab"
)

// An Option is an option of [New].
type Option func(*limit)

// MaxBytes bounds the memory of the store to n bytes, as [Store.Bytes] counts
// it. Go's garbage collector needs some more beside it. About four fifths of n
// are there for records; the rest is for finding them, and for moving them
// together. n is at least a MiB.
//
// Full decides what happens when there is no room for a session.
func MaxBytes(n int64, full Policy) Option {
	return func(l *limit) { l.bytes, l.full = max(n, minBytes), full }
}

// A Policy is what a full store does.
type Policy int

const (
	// Refuse fails Create, and a Save that needs more room, with [ErrFull].
	// Nobody loses a session, and nobody gets one until some have expired and
	// are swept, or have ended. It is the policy for sites where sessions are
	// worth more than visits.
	Refuse Policy = iota

	// Evict removes another session: of some that it picks at random, one that
	// has expired, else one that nobody is logged in to, else the one that was
	// not seen for the longest time.
	//
	// Where scarab keeps in the store what has ended (scarab.DenyList,
	// scarab.Config.Fallbacks), that would be forgotten too: use Refuse there.
	Evict
)

// ErrFull is the error of a store that has no room for a session and may not
// remove another. For scarab it is a failure of the store: the visitor gets a
// 503.
var ErrFull = errors.New("memstore: full")

// limit is what MaxBytes says. The zero value is none.
type limit struct {
	bytes int64
	full  Policy
}

const (
	maxShards = 64
	minBytes  = 1 << 20
	minShard  = 8 << 20 // of several: large sessions must fit

	samples = 16 // that Evict chooses from
)

// shards returns how many there are.
func (l limit) shards() int {
	n := 1
	for n < maxShards && (l.bytes == 0 || l.bytes/int64(2*n) >= minShard) {
		n *= 2
	}
	return n
}

// shard returns the part of a shard.
func (l limit) shard() int {
	if l.bytes == 0 {
		return math.MaxInt
	}
	return int(l.bytes / int64(l.shards()))
}

// segment returns how large segments are at most: moving them takes one that
// is free.
func (l limit) segment() int {
	n := minSegment
	for n < maxSegment && 2*n <= l.shard()/32 {
		n *= 2
	}
	return n
}

// total is what the shard takes up.
func (sh *shard) total() int {
	return sh.arena.bytes + sh.byHandle.bytes() + sh.byPrincipal.bytes() + 32*cap(sh.segments) + 4*cap(sh.unused)
}

func (sh *shard) lockedBytes() int64 {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return int64(sh.total())
}

// makeRoom sees to it that a block of this size can be added, for r.
func (sh *shard) makeRoom(size int, r *scarab.Record) error {
	if sh.limit.bytes == 0 {
		return nil
	}
	// In a full shard an eighth is holes: with fewer, moving blocks together
	// would gain less than it costs.
	for sh.live+size > sh.capacity()/8*7 {
		if !sh.evict(r) {
			return ErrFull
		}
	}
	for {
		grow, alone := sh.needs(size)
		if alone {
			grow += grow / 8 // as Go rounds up
		}
		if sh.arena.bytes+grow <= sh.capacity() {
			return nil
		}
		if !sh.compact() && !sh.evict(r) {
			return ErrFull
		}
	}
}

// capacity is how large the arena may be, with one segment to move blocks to,
// and the tables as they may have to grow.
func (sh *shard) capacity() int {
	left := sh.limit.shard() - sh.arena.most - 32*cap(sh.segments)*2 - 4*cap(sh.unused)*2
	for _, t := range []*table{&sh.byHandle, &sh.byPrincipal} {
		left -= t.bytes()
		if t.mustGrow() {
			left -= 8 * t.grown()
		}
	}
	return left
}

// evict removes a session that r is to have the room of, if that is the policy
// and there is one.
func (sh *shard) evict(r *scarab.Record) bool {
	if sh.limit.full != Evict {
		return false
	}
	var victim block
	for range samples {
		b := sh.sample()
		if b == nil || b.handle() == r.Handle {
			continue
		}
		if victim == nil || worse(b, victim, r.Seen) {
			victim = b
		}
	}
	if victim == nil {
		return false
	}
	at, slot, _ := sh.find(victim.handle(), sh.handleHash(victim))
	sh.remove(at, slot)
	sh.evicted.Add(1)
	return true
}

// sample returns a random record, nil if there is none.
func (sh *shard) sample() block {
	t := &sh.byHandle
	if t.n == 0 {
		return nil
	}
	mask := len(t.slots) - 1
	i := rand.IntN(len(t.slots))
	for t.slots[i] == 0 {
		i = (i + 1) & mask
	}
	return sh.at(t.at(i))
}

// worse reports whether a is rather to be removed than b.
func worse(a, b block, now time.Time) bool {
	rank := func(b block) int {
		switch {
		case b.expired(now):
			return 0
		case len(b.principal()) == 0:
			return 1
		}
		return 2
	}
	if ra, rb := rank(a), rank(b); ra != rb {
		return ra < rb
	}
	return int64(a.u64(atSeen)) < int64(b.u64(atSeen))
}
