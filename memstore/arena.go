package memstore

import "slices"

// An arena is where the blocks of a shard are: in segments that are filled from
// the front. Removing a block leaves a hole; when the holes are too many, what
// is left in the emptiest segment moves to the open one.
//
// Large blocks have a segment to themselves.
type arena struct {
	segments []segment
	unused   []uint32 // segments without a buffer
	open     int      // the segment that is being filled; -1 if none is
	bytes    int      // of all buffers
	live     int      // of all blocks that are not dead
	dead     int      // of all that are
	most     int      // the size of segments, a power of two, does not grow beyond
}

type segment struct {
	buf  []byte
	used int // of it, holes included
	live int
}

func (s *segment) dead() int { return s.used - s.live }

// A place is where a block is: the segment's number, and the offset in units of
// 8 bytes.
type place uint32

const (
	offsetBits  = 14
	maxSegments = 1 << (32 - offsetBits)
	maxSegment  = 8 << offsetBits // 128 KiB
	minSegment  = 4 << 10
)

func placeOf(seg, offset int) place { return place(seg<<offsetBits | offset>>3) }
func (p place) segment() int        { return int(p >> offsetBits) }
func (p place) offset() int         { return int(p&(1<<offsetBits-1)) << 3 }

// at returns the block at p.
func (a *arena) at(p place) block {
	b := block(a.segments[p.segment()].buf[p.offset():])
	return b[:b.size()]
}

// segmentSize is that of the next segment: about a tenth of what there is, so
// that small stores are small.
func (a *arena) segmentSize() int {
	size := minSegment
	for size < a.most && size < a.bytes/16 {
		size *= 2
	}
	return size
}

// needs returns how many bytes the arena must grow by for a block of this size,
// and whether that is a segment for this block alone. A segment that is shared
// is at most an eighth empty at its end.
func (a *arena) needs(size int) (grow int, alone bool) {
	next := a.segmentSize()
	switch {
	case a.open >= 0 && a.segments[a.open].used+size <= len(a.segments[a.open].buf):
		return 0, false
	case size > next/8:
		return size, true
	default:
		return next, false
	}
}

// alloc returns the place of a new block. It fails only when every number of a
// segment is taken.
func (a *arena) alloc(size int) (place, bool) {
	n := a.open
	if grow, alone := a.needs(size); grow > 0 {
		if n = a.segment(grow); n < 0 {
			return 0, false
		}
		if !alone {
			if a.open >= 0 && a.segments[a.open].live == 0 {
				a.giveUp(a.open)
			}
			a.open = n
		}
	}
	s := &a.segments[n]
	p := placeOf(n, s.used)
	block(s.buf[s.used:]).putU32(0, uint32(size))
	s.used += size
	s.live += size
	a.live += size
	return p, true
}

// segment adds an empty one and returns its number, or -1.
func (a *arena) segment(size int) int {
	// Grow rounds up to what Go allocates, which is what counts.
	s := segment{buf: slices.Grow([]byte(nil), size)}
	s.buf = s.buf[:size]
	n := len(a.segments)
	if k := len(a.unused); k > 0 {
		n = int(a.unused[k-1])
		a.unused = a.unused[:k-1]
		a.segments[n] = s
	} else if n == maxSegments {
		return -1
	} else {
		a.segments = append(a.segments, s)
	}
	a.bytes += cap(s.buf)
	return n
}

// free makes a hole of the block at p. A segment that is all hole is given up,
// or begun again if it is the open one.
func (a *arena) free(p place) {
	b, s := a.at(p), &a.segments[p.segment()]
	b.setDead()
	s.live -= b.size()
	a.live -= b.size()
	a.dead += b.size()
	switch {
	case s.live > 0:
	case p.segment() == a.open:
		a.dead -= s.dead()
		s.used = 0
	default:
		a.giveUp(p.segment())
	}
}

func (a *arena) giveUp(n int) {
	a.bytes -= cap(a.segments[n].buf)
	a.dead -= a.segments[n].dead()
	a.segments[n] = segment{}
	a.unused = append(a.unused, uint32(n))
}

// walk visits the blocks in a segment that are not dead. The visit may free the
// block.
func (a *arena) walk(n int, visit func(place, block)) {
	for offset := 0; offset < a.segments[n].used; {
		b := block(a.segments[n].buf[offset:])
		b = b[:b.size()]
		if !b.dead() {
			visit(placeOf(n, offset), b)
		}
		offset += len(b)
	}
}

// holey reports whether there are too many holes: more than a tenth of it
// all, and a little.
func (a *arena) holey() bool { return a.dead > a.bytes/10+minSegment }

// emptiest returns the segment with the most holes, or -1 if there is none in
// which they are a sixteenth.
func (a *arena) emptiest() int {
	best, most := -1, 0
	for n := range a.segments {
		s := &a.segments[n]
		if dead := s.dead(); n != a.open && dead > most && dead >= len(s.buf)/16 {
			best, most = n, dead
		}
	}
	return best
}
