package pyramid

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// A renderer writes values as JSON in the notation of the package's
// documentation, as Python writes it: ASCII, with ", " and ": ".
type renderer struct {
	out   []byte
	limit int // of len(out): a value that is shared is written each time

	// plain is JSON without notation, as json.dumps writes it: tuples are lists,
	// and what JSON has no word for is an error.
	plain bool

	// exact is for people and tests who compare with Python: floats and
	// numbers beyond 53 bits become objects too, elements of sets are sorted,
	// and a bytearray is bytes. It is the notation of testdata/vectors.
	exact bool
}

// render returns the JSON of v.
func render(v any, limit int) ([]byte, error) {
	r := renderer{limit: limit}
	if err := r.add(v, maxDepth); err != nil {
		return nil, err
	}
	return r.out, nil
}

// renderExact returns the exact form of v, for Inspect.
func renderExact(v any, limit int) ([]byte, error) {
	r := renderer{limit: limit, exact: true}
	if err := r.add(v, maxDepth); err != nil {
		return nil, err
	}
	return r.out, nil
}

// jsonOf returns v as Python's json.dumps writes it.
func jsonOf(v any) ([]byte, error) {
	r := renderer{limit: maxPickle, plain: true}
	err := r.add(v, maxDepth)
	return r.out, err
}

// renderLimit bounds what size bytes may become. Escapes make up to six bytes
// of one; more than twice that is sharing.
func renderLimit(size int) int { return 64<<10 + 16*size }

var errShared = errors.New("values that are shared make it too large")

func (r *renderer) text(s string) { r.out = append(r.out, s...) }

func (r *renderer) add(v any, depth int) error {
	if depth == 0 {
		return errDepth
	}
	if len(r.out) > r.limit {
		return errShared
	}
	if r.plain {
		switch t := v.(type) {
		case *pyTuple:
			v = &pyList{t.items}
		case *pySet, pyBytes, pyBytearray, pyDatetime, pyDate, pyTimedelta, pyTimezone:
			return fmt.Errorf("JSON cannot hold a value of Python's like %.40v", t)
		}
	}
	switch v := v.(type) {
	case nil:
		r.text("null")
	case bool:
		r.text(map[bool]string{true: "true", false: "false"}[v])
	case int64, *big.Int:
		if r.exact && !safe(v) {
			return r.object("$int", string(appendInt(nil, v)), depth)
		}
		r.out = appendInt(r.out, v)
	case float64:
		if r.exact {
			return r.object("$float", reprFloat(v), depth)
		}
		r.text(jsonFloat(v))
	case string:
		r.out = appendText(r.out, v)
	case pyBytes:
		return r.object("$bytes", base64.StdEncoding.EncodeToString([]byte(v)), depth)
	case pyBytearray:
		if r.exact {
			return r.add(pyBytes(v), depth)
		}
		return r.object("$bytearray", base64.StdEncoding.EncodeToString([]byte(v)), depth)
	case *pyList:
		return r.list(v.items, depth)
	case *pyTuple:
		return r.object("$tuple", &pyList{v.items}, depth)
	case *pySet:
		name := "$set"
		if v.frozen {
			name = "$frozenset"
		}
		if r.exact {
			return r.sorted(name, v.dict.keys, depth)
		}
		return r.object(name, &pyList{v.dict.keys}, depth)
	case *pyDict:
		return r.dict(v, depth)
	case pyDatetime, pyDate, pyTimedelta, pyTimezone:
		return r.members([]any{"$obj", "repr"}, []any{classOf(v), reprTime(v)}, depth)
	default:
		return fmt.Errorf("a %T is no plain data", v)
	}
	return nil
}

// safe reports whether every reader of JSON takes a whole number as it is.
func safe(v any) bool {
	n, ok := v.(int64)
	return ok && -1<<53 <= n && n <= 1<<53
}

func (r *renderer) object(key string, value any, depth int) error {
	return r.members([]any{key}, []any{value}, depth)
}

func (r *renderer) members(keys, values []any, depth int) error {
	r.text("{")
	for i, key := range keys {
		if i > 0 {
			r.text(", ")
		}
		if err := r.add(key, depth-1); err != nil {
			return err
		}
		r.text(": ")
		if err := r.add(values[i], depth-1); err != nil {
			return err
		}
	}
	r.text("}")
	return nil
}

func (r *renderer) list(items []any, depth int) error {
	r.text("[")
	for i, item := range items {
		if i > 0 {
			r.text(", ")
		}
		if err := r.add(item, depth-1); err != nil {
			return err
		}
	}
	r.text("]")
	return nil
}

func (r *renderer) dict(d *pyDict, depth int) error {
	if r.plain && slices.ContainsFunc(d.keys, notText) {
		return errors.New("JSON cannot hold a dict with keys that are no text")
	}
	if r.plain || !slices.ContainsFunc(d.keys, unlikeJSON) {
		return r.members(d.keys, d.values, depth)
	}
	r.text(`{"$dict": [`)
	for i, key := range d.keys {
		if i > 0 {
			r.text(", ")
		}
		if err := r.list([]any{key, d.values[i]}, depth-2); err != nil {
			return err
		}
	}
	r.text("]}")
	return nil
}

// unlikeJSON reports whether a dict with this key needs $dict.
func unlikeJSON(key any) bool {
	text, ok := key.(string)
	return !ok || strings.HasPrefix(text, "$")
}

func notText(key any) bool {
	_, ok := key.(string)
	return !ok
}

// sorted writes the elements of a set in the order of their JSON.
func (r *renderer) sorted(name string, items []any, depth int) error {
	texts := make([]string, len(items))
	for i, item := range items {
		e := renderer{limit: r.limit - len(r.out), exact: true}
		if err := e.add(item, depth-1); err != nil {
			return err
		}
		texts[i] = string(e.out)
	}
	slices.Sort(texts)
	r.text(`{"` + name + `": [` + strings.Join(texts, ", ") + "]}")
	return nil
}
