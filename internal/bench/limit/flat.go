package limit

import (
	"encoding/binary"
	"iter"
	"strconv"
)

// Data is keys and values, each with its length in front as 4 bytes: values are
// found without decoding those before them. A value is JSON text.
type Data []byte

// Append returns d with one more value.
func (d Data) Append(key, json string) Data {
	d = binary.LittleEndian.AppendUint32(d, uint32(len(key)))
	d = append(d, key...)
	d = binary.LittleEndian.AppendUint32(d, uint32(len(json)))
	return append(d, json...)
}

// find returns where the value of key begins and ends.
func (d Data) find(key string) (start, end int, ok bool) {
	for i := 0; i < len(d); {
		k := i + 4
		v := k + int(binary.LittleEndian.Uint32(d[i:])) + 4
		end := v + int(binary.LittleEndian.Uint32(d[v-4:]))
		if string(d[k:v-4]) == key {
			return v, end, true
		}
		i = end
	}
	return 0, 0, false
}

// Int returns the whole number at key.
func (d Data) Int(key string) int64 {
	start, end, ok := d.find(key)
	if !ok {
		return 0
	}
	n, _ := strconv.ParseInt(string(d[start:end]), 10, 64) // does not escape: no allocation
	return n
}

// WithInt returns a copy of d with n at key, which must be there.
func (d Data) WithInt(key string, n int64) Data {
	start, end, _ := d.find(key)
	next := make(Data, 0, len(d)+20)
	next = append(next, d[:start]...)
	next = strconv.AppendInt(next, n, 10)
	binary.LittleEndian.PutUint32(next[start-4:], uint32(len(next)-start))
	return append(next, d[end:]...)
}

// All visits keys and values.
func (d Data) All() iter.Seq2[[]byte, []byte] {
	return func(yield func(key, json []byte) bool) {
		for i := 0; i < len(d); {
			k := i + 4
			v := k + int(binary.LittleEndian.Uint32(d[i:])) + 4
			end := v + int(binary.LittleEndian.Uint32(d[v-4:]))
			if !yield(d[k:v-4], d[v:end]) {
				return
			}
			i = end
		}
	}
}
