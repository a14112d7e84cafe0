package scarab

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// A session's values stay encoded: found in one pass, decoded one by one when
// asked for, copied as they are when nobody changed them.
//
// The data of a record is
//
//	1               the format
//	persistence     one byte: 0 as configured, 1 yes, 2 no
//	count           of the entries
//	entries         2 × length of the key, plus 1 if numbers follow
//	                the key, in UTF-8
//	                length of the value
//	                the value, JSON
//	                numbers of a queue: their count, then each
//
// where every count and length is an unsigned varint (encoding/binary). Keys
// and values are readable in redis-cli or psql; the lengths make finding them
// five times faster than scanning JSON for its ends.
const (
	formatTombstone = 0 // see tombstone.go
	format1         = 1
)

// data returns the values of st as a record's data.
func (st *State) data() []byte {
	if st.packed && st.lazy[1] == byte(st.persistent) {
		return st.lazy
	}
	st.unpack()
	n := 8 // or a little more, as keys and values seldom have more than 127 bytes
	for _, v := range st.Values {
		n += len(v.Key) + len(v.JSON) + 4
	}
	return st.appendData(make([]byte, 0, n))
}

// appendData appends the values of st as a record's data.
func (st *State) appendData(b []byte) []byte {
	b = append(b, format1, byte(st.persistent))
	b = binary.AppendUvarint(b, uint64(len(st.Values)))
	for _, v := range st.Values {
		var numbers []uint64
		var unread []byte
		flag := uint64(0)
		if strings.HasPrefix(v.Key, queuePrefix) {
			if unread = st.unreadNumbers(v.Key); unread == nil {
				numbers = st.numbersOf(v.Key)
			}
			if unread != nil || numbers != nil {
				flag = 1
			}
		}
		b = binary.AppendUvarint(b, uint64(len(v.Key))<<1|flag)
		b = append(b, v.Key...)
		b = binary.AppendUvarint(b, uint64(len(v.JSON)))
		b = append(b, v.JSON...)
		b = append(b, unread...)
		if numbers != nil {
			b = binary.AppendUvarint(b, uint64(len(numbers)))
			for _, n := range numbers {
				b = binary.AppendUvarint(b, n)
			}
		}
	}
	return b
}

// parseData fills the values of st from a record's data, which they share, and
// its handle.
func (st *State) parseData(h Handle, data []byte) error {
	if err := st.pack(data); err != nil {
		return err
	}
	st.unpackAs(h)
	return nil
}

// pack makes data, a record's, the values of st, which share it. It looks at
// lengths only, and copies nothing: most requests ask for a value or two. A
// value that is no JSON is found out when asked for, and numbers of queues are
// read when needed.
func (st *State) pack(data []byte) error {
	if len(data) < 3 || data[0] != format1 || data[1] > byte(persistNo) {
		return ErrUndecodable
	}
	d := frame{data, 2}
	count, ok := d.count(2) // an entry has two bytes at least
	for range count {
		if _, ok = d.entry(); !ok {
			break
		}
	}
	if !ok || d.i != len(data) {
		return ErrUndecodable
	}
	st.persistent, st.lazy, st.packed = persistence(data[1]), data, true
	return nil
}

// find returns the entry of key in a record's data.
func find(data []byte, key string) (entry, bool) {
	d := frame{data, 2}
	count, _ := d.count(2)
	for range count {
		if e, _ := d.entry(); string(data[e.key:e.keyEnd]) == key {
			return e, true
		}
	}
	return entry{}, false
}

// unpack fills Values and Handle.
func (st *State) unpack() {
	if st.packed {
		st.unpackAs(st.Private.(*kept).handle)
	}
}

func (st *State) unpackAs(h Handle) {
	data := st.lazy
	st.packed, st.patched, st.lazy = false, false, nil
	first := frame{data, 2}
	count, _ := first.count(2)
	d, size := first, 2*len(h)
	for range count {
		e, _ := d.entry()
		size += e.keyEnd - e.key
	}
	st.Values = make([]Value, 0, count+1)
	var text strings.Builder // the handle and all keys, in one allocation
	text.Grow(size)
	var digits [2 * len(h)]byte
	hex.Encode(digits[:], h[:])
	text.Write(digits[:])
	st.Handle = text.String()
	d = first
	for range count {
		e, _ := d.entry()
		start := text.Len()
		text.Write(data[e.key:e.keyEnd])
		st.Values = append(st.Values, Value{Key: text.String()[start:], JSON: e.json(data)})
		if e.numbers > 0 {
			st.lazy = data
		}
	}
}

// unreadNumbers returns the encoded numbers of the queue at key, if they were
// not read: then nobody has changed them, and they are copied as they are.
func (st *State) unreadNumbers(key string) []byte {
	if st.lazy == nil {
		return nil
	}
	d := frame{st.lazy, 2}
	count, _ := d.count(2)
	for range count {
		e, _ := d.entry()
		if e.numbers > 0 && string(d.b[e.key:e.keyEnd]) == key {
			return d.b[e.numbers:d.i]
		}
	}
	return nil
}

// loadNumbers reads the numbers that parseData has left where they were.
func (st *State) loadNumbers() {
	st.unpack()
	if st.lazy == nil {
		return
	}
	d := frame{st.lazy, 2}
	count, _ := d.count(2)
	st.lazy = nil
	for range count {
		e, _ := d.entry()
		if e.numbers == 0 {
			continue
		}
		n := frame{d.b, e.numbers}
		size, _ := n.count(1)
		numbers := make([]uint64, size)
		for i := range numbers {
			numbers[i], _ = n.uvarint()
		}
		st.numbers = append(st.numbers, queueNumbers{string(d.b[e.key:e.keyEnd]), numbers})
	}
}

// A frame reads data by lengths and never past its end.
type frame struct {
	b []byte
	i int
}

func (d *frame) uvarint() (uint64, bool) {
	if d.i < len(d.b) && d.b[d.i] < 0x80 { // nearly all are
		d.i++
		return uint64(d.b[d.i-1]), true
	}
	n, size := binary.Uvarint(d.b[d.i:])
	if size <= 0 {
		return 0, false
	}
	d.i += size
	return n, true
}

// count reads the number of things of at least size bytes that follow: more
// than fit are a lie that would cost memory.
func (d *frame) count(size int) (int, bool) {
	n, ok := d.uvarint()
	return int(n), ok && n <= uint64((len(d.b)-d.i)/size)
}

// An entry says where the parts of one are; numbers is 0 if it has none.
type entry struct{ key, keyEnd, value, valueEnd, numbers int }

func (e entry) json(data []byte) json.RawMessage { return data[e.value:e.valueEnd:e.valueEnd] }

func (d *frame) entry() (e entry, ok bool) {
	head, ok := d.uvarint()
	if !ok {
		return e, false
	}
	if e.key, ok = d.take(head >> 1); !ok {
		return e, false
	}
	e.keyEnd = d.i
	length, ok := d.uvarint()
	if !ok {
		return e, false
	}
	if e.value, ok = d.take(length); !ok {
		return e, false
	}
	e.valueEnd = d.i
	if head&1 == 0 {
		return e, true
	}
	e.numbers = d.i
	n, ok := d.count(1)
	for range n {
		if _, ok = d.uvarint(); !ok {
			return e, false
		}
	}
	return e, ok
}

func (d *frame) take(n uint64) (at int, ok bool) {
	if at = d.i; n > uint64(len(d.b)-d.i) {
		return at, false
	}
	d.i += int(n)
	return at, true
}
