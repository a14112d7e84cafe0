package scarab

import (
	"encoding/binary"
	"encoding/json"
	"errors"
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

var errData = errors.New("scarab: record does not decode")

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
	if i := st.index(key); i >= 0 {
		return st.Values[i].JSON, true
	}
	return nil, false
}

// set puts raw at key. If it makes a queue, its messages are new ones.
func (st *State) set(key string, raw json.RawMessage) {
	st.put(key, raw)
	st.setNumbers(key, nil)
	if strings.HasPrefix(key, queuePrefix) {
		if list, err := elements(raw); err == nil && len(list) > 0 {
			st.setNumbers(key, make([]uint64, len(list)))
		}
	}
}

func (st *State) put(key string, raw json.RawMessage) {
	if i := st.index(key); i >= 0 {
		st.Values[i].JSON = raw
	} else {
		st.Values = append(st.Values, Value{key, raw})
	}
}

func (st *State) remove(key string) {
	if i := st.index(key); i >= 0 {
		st.Values = slices.Delete(st.Values, i, i+1)
		st.setNumbers(key, nil)
	}
}

func (st *State) clear() { st.Values, st.numbers = nil, nil }

// fork returns a copy that can be changed without st noticing. Encoded values
// are never changed in place.
func (st *State) fork() State {
	next := *st
	next.Values = slices.Clone(st.Values)
	next.numbers = slices.Clone(st.numbers)
	return next
}

func (st *State) numbersOf(key string) []uint64 {
	for _, q := range st.numbers {
		if q.key == key {
			return q.numbers
		}
	}
	return nil
}

func (st *State) setNumbers(key string, numbers []uint64) {
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

// appendData appends the values of st as a record's data.
func (st *State) appendData(b []byte) []byte {
	b = append(b, format1, byte(st.persistent))
	b = binary.AppendUvarint(b, uint64(len(st.Values)))
	for _, v := range st.Values {
		numbers := st.numbersOf(v.Key)
		flag := uint64(0)
		if numbers != nil {
			flag = 1
		}
		b = binary.AppendUvarint(b, uint64(len(v.Key))<<1|flag)
		b = append(b, v.Key...)
		b = binary.AppendUvarint(b, uint64(len(v.JSON)))
		b = append(b, v.JSON...)
		if numbers != nil {
			b = binary.AppendUvarint(b, uint64(len(numbers)))
			for _, n := range numbers {
				b = binary.AppendUvarint(b, n)
			}
		}
	}
	return b
}

// parseData fills the values of st from a record's data, which they share. It
// looks at lengths only; a value that is no JSON is found out when asked for.
func (st *State) parseData(data []byte) error {
	if len(data) < 3 || data[0] != format1 || data[1] > byte(persistNo) {
		return errData
	}
	st.persistent = persistence(data[1])
	text := string(data) // one copy for all keys
	d := frame{data, 2}
	count, ok := d.count(2) // an entry has two bytes at least
	if !ok {
		return errData
	}
	if count > 0 {
		st.Values = make([]Value, 0, count+1) // one more: most requests that add, add one
	}
	for range count {
		head, ok1 := d.uvarint()
		at, ok2 := d.take(head >> 1)
		key := text[at:d.i]
		length, ok3 := d.uvarint()
		at, ok4 := d.take(length)
		if !ok1 || !ok2 || !ok3 || !ok4 {
			return errData
		}
		st.Values = append(st.Values, Value{key, data[at:d.i:d.i]})
		if head&1 == 0 {
			continue
		}
		n, ok := d.count(1)
		if !ok {
			return errData
		}
		numbers := make([]uint64, n)
		for i := range numbers {
			if numbers[i], ok = d.uvarint(); !ok {
				return errData
			}
		}
		st.numbers = append(st.numbers, queueNumbers{key, numbers})
	}
	if d.i != len(data) {
		return errData
	}
	return nil
}

// A frame reads data by lengths and never past its end.
type frame struct {
	b []byte
	i int
}

func (d *frame) uvarint() (uint64, bool) {
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
	values := slices.Clone(st.Values)
	slices.SortFunc(values, func(a, b Value) int { return len(b.JSON) - len(a.JSON) })
	e := &TooLargeError{Size: size, Limit: limit}
	for _, v := range values[:min(3, len(values))] {
		e.Largest = append(e.Largest, v.Key)
	}
	return e
}
