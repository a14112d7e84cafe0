package pyramid

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
)

// What a pickle or Python's JSON holds, as Go values:
//
//	None           nil
//	bool           bool
//	int            int64, or *big.Int out of its range
//	float          float64
//	str            string, in UTF-8 where lone surrogates are encoded like
//	               other characters (Python's "surrogatepass")
//	bytes          pyBytes
//	bytearray      pyBytearray
//	list           *pyList
//	tuple          *pyTuple
//	set, frozenset *pySet
//	dict           *pyDict
//	datetime.…     pyDatetime, pyDate, pyTimedelta, pyTimezone
//
// Containers are pointers: a pickle may hold one of them in several places.
type (
	pyBytes     string
	pyBytearray string
	pyList      struct{ items []any }
	pyTuple     struct{ items []any }
	pySet       struct {
		frozen bool
		dict   pyDict // without values
	}
)

// A pyDict keeps its keys in the order they were added, as Python does.
type pyDict struct {
	keys, values []any
	index        map[hashKey]int
}

// maxDepth bounds nesting, so that recursion over values is safe. Python's own
// limit is near 1000, and no session needs a tenth of it.
const maxDepth = 200

var (
	errDepth = fmt.Errorf("nested more than %d deep", maxDepth)
	errHash  = errors.New("a dict key or an element of a set is not hashable")
)

// A hashKey is equal for keys that are equal in Python, where 1, 1.0 and True
// are one key.
type hashKey struct {
	kind byte
	n    int64
	s    string
}

func hashOf(v any, depth int) (hashKey, error) {
	switch v := v.(type) {
	case nil:
		return hashKey{kind: 'N'}, nil
	case bool:
		if v {
			return hashKey{kind: 'i', n: 1}, nil
		}
		return hashKey{kind: 'i'}, nil
	case int64:
		return hashKey{kind: 'i', n: v}, nil
	case *big.Int:
		return hashKey{kind: 'I', s: v.Text(36)}, nil
	case float64:
		if i := int64(v); float64(i) == v && math.Abs(v) < 1<<62 {
			return hashKey{kind: 'i', n: i}, nil
		}
		return hashKey{kind: 'f', n: int64(math.Float64bits(v))}, nil
	case string:
		return hashKey{kind: 's', s: v}, nil
	case pyBytes:
		return hashKey{kind: 'b', s: string(v)}, nil
	case pyDatetime, pyDate, pyTimedelta, pyTimezone:
		return hashKey{kind: 'd', s: reprTime(v)}, nil
	case *pyTuple:
		return hashItems('t', v.items, depth)
	case *pySet:
		if v.frozen {
			return hashItems('z', v.dict.keys, depth)
		}
	}
	return hashKey{}, errHash
}

// Bounds for tuples as keys. Parts that are shared count each time.
const (
	maxHash      = 64 << 10 // of the text that stands for one
	maxHashDepth = 20
)

func hashItems(kind byte, items []any, depth int) (hashKey, error) {
	if depth == 0 {
		return hashKey{}, errDepth
	}
	var b strings.Builder
	for _, item := range items {
		k, err := hashOf(item, depth-1)
		if err != nil {
			return hashKey{}, err
		}
		if b.Len()+len(k.s) > maxHash {
			return hashKey{}, errors.New("a dict key is too large")
		}
		var head [17]byte
		head[0] = k.kind
		binary.LittleEndian.PutUint64(head[1:], uint64(k.n))
		binary.LittleEndian.PutUint64(head[9:], uint64(len(k.s)))
		b.Write(head[:])
		b.WriteString(k.s)
	}
	return hashKey{kind: kind, s: b.String()}, nil
}

// set is d[key] = value: a key that is there keeps its place.
func (d *pyDict) set(key, value any) error {
	k, err := hashOf(key, maxHashDepth)
	if err == nil {
		d.setHashed(k, key, value)
	}
	return err
}

func (d *pyDict) setHashed(k hashKey, key, value any) {
	if i, ok := d.index[k]; ok {
		d.values[i] = value
		return
	}
	if d.index == nil {
		d.index = make(map[hashKey]int)
	}
	d.index[k] = len(d.keys)
	d.keys = append(d.keys, key)
	d.values = append(d.values, value)
}

// get returns the value at a key that is text; nil if there is none.
func (d *pyDict) get(key string) any {
	v, _ := d.lookup(key)
	return v
}

func (d *pyDict) lookup(key string) (any, bool) {
	if i, ok := d.index[hashKey{kind: 's', s: key}]; ok {
		return d.values[i], true
	}
	return nil, false
}

// put is set for a key that is text.
func (d *pyDict) put(key string, value any) *pyDict {
	d.set(key, value) // text is always hashable
	return d
}

func (s *pySet) add(item any) error { return s.dict.set(item, nil) }
