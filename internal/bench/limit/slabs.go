package limit

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"
)

// Slabs keeps sessions in memory as Memory does, without a pointer for each:
// the garbage collector has nothing to follow. Records lie in slabs of slots of
// one size; one that grows out of its slot moves.
type Slabs struct {
	shards [64]struct {
		mu      sync.Mutex
		places  map[[handleSize]byte]place
		classes map[int]*class
	}
}

// A place is a slot of a class.
type place struct {
	size int32
	slot int32
}

// A class is the slots of one size.
type class struct {
	slabs [][]byte
	free  []int32
	next  int32
}

const (
	slotsInSlab = 256
	slotStep    = 32 // sizes are multiples of it
	slotHeader  = sha256.Size + 8 + 8 + 4
)

// NewSlabs returns an empty Slabs.
func NewSlabs() *Slabs {
	s := new(Slabs)
	for i := range s.shards {
		s.shards[i].places = make(map[[handleSize]byte]place)
		s.shards[i].classes = make(map[int]*class)
	}
	return s
}

func sizeOf(data Data) int { return (slotHeader + len(data) + slotStep - 1) / slotStep * slotStep }

// take returns a slot that is free.
func (c *class) take(size int) int32 {
	if n := len(c.free); n > 0 {
		slot := c.free[n-1]
		c.free = c.free[:n-1]
		return slot
	}
	if int(c.next)%slotsInSlab == 0 {
		c.slabs = append(c.slabs, make([]byte, slotsInSlab*size))
	}
	c.next++
	return c.next - 1
}

func (c *class) bytes(p place) []byte {
	slab := c.slabs[p.slot/slotsInSlab]
	start := int(p.slot%slotsInSlab) * int(p.size)
	return slab[start : start+int(p.size)]
}

func putSlot(b []byte, secret []byte, version uint64, data Data) {
	copy(b, secret)
	binary.LittleEndian.PutUint64(b[sha256.Size:], version)
	binary.LittleEndian.PutUint64(b[sha256.Size+8:], uint64(time.Now().Add(lifetime).Unix()))
	binary.LittleEndian.PutUint32(b[sha256.Size+16:], uint32(len(data)))
	copy(b[slotHeader:], data)
}

// Create implements Backend.
func (s *Slabs) Create(data Data) (string, error) {
	t := newToken()
	hash := t.hash()
	sh := &s.shards[t[0]%64]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	size := sizeOf(data)
	c := sh.classes[size]
	if c == nil {
		c = new(class)
		sh.classes[size] = c
	}
	p := place{int32(size), c.take(size)}
	putSlot(c.bytes(p), hash[:], 1, data)
	sh.places[t.handle()] = p
	return t.String(), nil
}

// Load implements Backend.
func (s *Slabs) Load(cookie string) (Loaded, error) {
	t, ok := parseToken(cookie)
	if !ok {
		return Loaded{}, nil
	}
	sh := &s.shards[t[0]%64]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	p, ok := sh.places[t.handle()]
	if !ok {
		return Loaded{}, nil
	}
	b := sh.classes[int(p.size)].bytes(p)
	if !t.opens(b[:sha256.Size]) || int64(binary.LittleEndian.Uint64(b[sha256.Size+8:])) < time.Now().Unix() {
		return Loaded{}, nil
	}
	n := binary.LittleEndian.Uint32(b[sha256.Size+16:])
	data := append(Data(nil), b[slotHeader:slotHeader+n]...)
	return Loaded{data, cookie, binary.LittleEndian.Uint64(b[sha256.Size:])}, nil
}

// Save implements Backend.
func (s *Slabs) Save(from Loaded, data Data) (string, error) {
	t, _ := parseToken(from.cookie)
	sh := &s.shards[t[0]%64]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	old := sh.places[t.handle()]
	c := sh.classes[int(old.size)]
	b := c.bytes(old)
	if binary.LittleEndian.Uint64(b[sha256.Size:]) != from.version {
		return "", ErrConflict
	}
	if size := sizeOf(data); size != int(old.size) {
		into := sh.classes[size]
		if into == nil {
			into = new(class)
			sh.classes[size] = into
		}
		p := place{int32(size), into.take(size)}
		copy(into.bytes(p), b[:sha256.Size])
		c.free = append(c.free, old.slot)
		sh.places[t.handle()] = p
		b = into.bytes(p)
	}
	putSlot(b, b[:sha256.Size], from.version+1, data)
	return from.cookie, nil
}
