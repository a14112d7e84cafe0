package scarab

import (
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"
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

// put returns the entry, which is valid until the next change.
func (st *State) put(key string, raw json.RawMessage) *Value {
	st.unpack()
	i := st.index(key)
	if i < 0 {
		i = len(st.Values)
		st.Values = append(st.Values, Value{Key: key})
	}
	st.Values[i].JSON = raw
	return &st.Values[i]
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
