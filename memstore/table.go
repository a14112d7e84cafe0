package memstore

// A table finds blocks by a hash: open addressing, linear probing, no pointers.
// An entry is a hash and where the block is, plus one; 0 is an empty slot. Two
// entries may have one hash.
type table struct {
	slots []uint64 // a power of two, or none
	n     int
}

const minSlots = 8

func entry(hash uint32, at place) uint64 { return uint64(hash)<<32 | uint64(at) + 1 }
func hashIn(e uint64) uint32             { return uint32(e >> 32) }
func placeIn(e uint64) place             { return place(uint32(e) - 1) }

// find returns the slot of the entry with this hash for which is reports true,
// or -1.
func (t *table) find(hash uint32, is func(place) bool) int {
	if t.n == 0 {
		return -1
	}
	mask := len(t.slots) - 1
	for i := int(hash) & mask; ; i = (i + 1) & mask {
		e := t.slots[i]
		if e == 0 {
			return -1
		}
		if hashIn(e) == hash && is(placeIn(e)) {
			return i
		}
	}
}

func (t *table) at(slot int) place       { return placeIn(t.slots[slot]) }
func (t *table) move(slot int, at place) { t.slots[slot] = entry(hashIn(t.slots[slot]), at) }
func (t *table) bytes() int              { return 8 * len(t.slots) }
func (t *table) mustGrow() bool          { return 4*(t.n+1) > 3*len(t.slots) }
func (t *table) grown() int              { return max(minSlots, 2*len(t.slots)) }
func (t *table) insert(h uint32, at place) {
	if t.mustGrow() {
		t.resize(t.grown())
	}
	t.put(entry(h, at))
	t.n++
}

func (t *table) put(e uint64) {
	mask := len(t.slots) - 1
	i := int(hashIn(e)) & mask
	for t.slots[i] != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = e
}

// remove empties a slot and moves up what had to go past it.
func (t *table) remove(slot int) {
	mask := len(t.slots) - 1
	for i := (slot + 1) & mask; t.slots[i] != 0; i = (i + 1) & mask {
		home := int(hashIn(t.slots[i])) & mask
		if (i-home)&mask >= (i-slot)&mask {
			t.slots[slot] = t.slots[i]
			slot = i
		}
	}
	t.slots[slot] = 0
	t.n--
	if len(t.slots) > minSlots && 8*t.n < len(t.slots) {
		t.resize(len(t.slots) / 2)
	}
}

func (t *table) resize(n int) {
	old := t.slots
	t.slots = make([]uint64, n)
	for _, e := range old {
		if e != 0 {
			t.put(e)
		}
	}
}
