package scarab

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
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
	formatTombstone = 0 // see tombstone in stored.go
	format1         = 1
)

// index returns the place of key, or -1. Sessions have few keys: looking at
// each is faster than a map, and needs none.
func (st *State) index(key string) int {
	for i := range st.Values {
		if st.Values[i].Key == key {
			return i
		}
	}
	return -1
}

func (st *State) get(key string) (json.RawMessage, bool) {
	if st.packed {
		if e, ok := find(st.lazy, key); ok {
			return e.json(st.lazy), true
		}
		return nil, false
	}
	if i := st.index(key); i >= 0 {
		return st.Values[i].JSON, true
	}
	return nil, false
}

func (st *State) has(key string) bool {
	_, ok := st.get(key)
	return ok
}

// empty reports whether the dictionary is.
func (st *State) empty() bool {
	if st.packed {
		d := frame{st.lazy, 2}
		n, _ := d.count(2)
		return n == 0
	}
	return len(st.Values) == 0
}

// values returns the dictionary.
func (st *State) values() []Value {
	st.unpack()
	return st.Values
}

func (st *State) handle() string {
	st.unpack()
	return st.Handle
}

// set puts raw at key. If it makes a queue, its messages are new ones.
func (st *State) set(key string, raw json.RawMessage) {
	if st.patch(key, raw) {
		return
	}
	st.put(key, raw)
	if strings.HasPrefix(key, queuePrefix) {
		st.setNumbers(key, nil)
		if list, err := elements(raw); err == nil && len(list) > 0 {
			st.setNumbers(key, make([]uint64, len(list)))
		}
	}
}

// patch is set for values that are packed: it copies them around the new one,
// which is all that most requests change. It reports whether it did; what is
// more work, or would copy everything once more, is for set.
func (st *State) patch(key string, raw json.RawMessage) bool {
	if !st.packed || st.patched || strings.HasPrefix(key, queuePrefix) {
		return false
	}
	e, ok := find(st.lazy, key)
	if !ok {
		return false
	}
	data := make([]byte, 0, len(st.lazy)-(e.valueEnd-e.value)+len(raw)+binary.MaxVarintLen64)
	data = append(data, st.lazy[:e.keyEnd]...)
	data = binary.AppendUvarint(data, uint64(len(raw)))
	data = append(data, raw...)
	st.lazy, st.patched = append(data, st.lazy[e.valueEnd:]...), true
	return true
}

func (st *State) put(key string, raw json.RawMessage) {
	st.unpack()
	if i := st.index(key); i >= 0 {
		st.Values[i].JSON = raw
	} else {
		st.Values = append(st.Values, Value{key, raw})
	}
}

func (st *State) remove(key string) {
	st.unpack()
	if i := st.index(key); i >= 0 {
		st.Values = slices.Delete(st.Values, i, i+1)
		if strings.HasPrefix(key, queuePrefix) {
			st.setNumbers(key, nil)
		}
	}
}

func (st *State) clear() {
	st.unpack()
	st.Values, st.numbers, st.lazy = nil, nil, nil
}

// fork returns a copy that can be changed without st noticing. Encoded values
// are never changed in place.
func (st *State) fork() State {
	next := *st
	if !st.packed {
		next.Values = append(make([]Value, 0, len(st.Values)+1), st.Values...)
		next.numbers = slices.Clone(st.numbers)
	}
	return next
}

func (st *State) numbersOf(key string) []uint64 {
	st.loadNumbers()
	for _, q := range st.numbers {
		if q.key == key {
			return q.numbers
		}
	}
	return nil
}

func (st *State) setNumbers(key string, numbers []uint64) {
	st.loadNumbers()
	for i, q := range st.numbers {
		if q.key == key {
			if numbers == nil {
				st.numbers = slices.Delete(st.numbers, i, i+1)
			} else {
				st.numbers[i].numbers = numbers
			}
			return
		}
	}
	if numbers != nil {
		st.numbers = append(st.numbers, queueNumbers{key, numbers})
	}
}

// number gives the messages that are new the version that is being saved.
func (st *State) number(version uint64) {
	if !slices.ContainsFunc(st.numbers, func(q queueNumbers) bool { return slices.Contains(q.numbers, 0) }) {
		return
	}
	st.numbers = slices.Clone(st.numbers) // the session's own stay as they are
	for i, q := range st.numbers {
		if slices.Contains(q.numbers, 0) {
			numbers := slices.Clone(q.numbers)
			for j, n := range numbers {
				if n == 0 {
					numbers[j] = version
				}
			}
			st.numbers[i].numbers = numbers
		}
	}
}

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
		st.Values = append(st.Values, Value{text.String()[start:], e.json(data)})
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

// A TooLargeError reports a session that does not fit. It matches ErrTooLarge.
type TooLargeError struct {
	Size, Limit int      // bytes of data, or characters of a cookie's value
	Largest     []string // up to three keys, the one with the longest value first
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%v: %d of at most %d; the largest values are at %q: store less there, or keep it elsewhere and its key here",
		ErrTooLarge, e.Size, e.Limit, e.Largest)
}

// Is reports whether target is ErrTooLarge.
func (e *TooLargeError) Is(target error) bool { return target == ErrTooLarge }

func (st *State) tooLarge(size, limit int) error {
	values := slices.Clone(st.values())
	slices.SortFunc(values, func(a, b Value) int { return len(b.JSON) - len(a.JSON) })
	e := &TooLargeError{Size: size, Limit: limit}
	for _, v := range values[:min(3, len(values))] {
		e.Largest = append(e.Largest, v.Key)
	}
	return e
}
