package pyramid

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/scarab-go/scarab"
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

func (r *renderer) text(s string) { r.out = append(r.out, s...) }

func (r *renderer) add(v any, depth int) error {
	if depth == 0 {
		return errDepth
	}
	if len(r.out) > r.limit {
		return errors.New("values that are shared make it too large")
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

// keyPrefix starts the name of a key of the session that is no text.
const keyPrefix = "$key:"

// keyName returns the name under which Go sees a key of the session.
func keyName(key any) (string, error) {
	if text, ok := key.(string); ok && !strings.HasPrefix(text, keyPrefix) {
		return text, nil
	}
	b, err := render(key, maxHash)
	return keyPrefix + string(b), err
}

// parseKey is the way back.
func parseKey(name string) (any, error) {
	text, ok := strings.CutPrefix(name, keyPrefix)
	if !ok {
		return name, nil
	}
	v, err := fromNotation([]byte(text))
	if err == nil {
		_, err = hashOf(v, maxHashDepth)
	}
	if err != nil {
		return nil, fmt.Errorf("key %q: after %q comes the JSON of a key in Python: %w", name, keyPrefix, err)
	}
	return v, nil
}

// show returns the dict of a session as Go sees it.
func show(d *pyDict, plain bool, limit int) ([]scarab.Value, error) {
	values := make([]scarab.Value, len(d.keys))
	for i, key := range d.keys {
		name, ok := key.(string)
		if !plain || !ok {
			var err error
			if name, err = keyName(key); err != nil {
				return nil, err
			}
		}
		r := renderer{limit: limit, plain: plain}
		if err := r.add(d.values[i], maxDepth); err != nil {
			return nil, err
		}
		limit -= len(r.out)
		values[i] = scarab.Value{Key: name, JSON: r.out}
	}
	return values, nil
}

// setShown puts a value of the session that Go has under name, parsed and in
// the notation.
func (d *pyDict) setShown(name string, v any) error {
	key, err := parseKey(name)
	if err != nil {
		return err
	}
	if v, err = resolve(v); err != nil {
		return fmt.Errorf("the value at key %q: %w", name, err)
	}
	return d.set(key, v)
}

// fromNotation reads JSON in the notation of the package's documentation.
func fromNotation(text []byte) (any, error) {
	v, err := parseJSON(text)
	if err != nil {
		return nil, err
	}
	return resolve(v)
}

// resolve replaces the objects of the notation by what they stand for.
func resolve(v any) (any, error) {
	switch v := v.(type) {
	case *pyList:
		return v, resolveAll(v.items)
	case *pyDict:
		if err := resolveAll(v.values); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(v.keys, unlikeJSON) {
			return v.stands()
		}
		return v, nil
	}
	return v, nil
}

func resolveAll(items []any) error {
	for i := range items {
		v, err := resolve(items[i])
		if err != nil {
			return err
		}
		items[i] = v
	}
	return nil
}

// stands returns what an object of the notation stands for.
func (d *pyDict) stands() (any, error) {
	name, _ := d.keys[0].(string)
	text, isText := d.values[0].(string)
	list, isList := d.values[0].(*pyList)
	switch {
	case len(d.keys) == 2 && name == "$obj" && d.keys[1] == "repr":
		repr, _ := d.values[1].(string)
		v, err := parseRepr(repr)
		if err == nil && classOf(v) != text {
			err = errRepr
		}
		return v, err
	case len(d.keys) != 1:
	case isText && name == "$int":
		return parseInt(text)
	case isText && name == "$float":
		return parseFloat(text)
	case isText && (name == "$bytes" || name == "$bytearray"):
		b, err := base64.StdEncoding.Strict().DecodeString(text)
		if name == "$bytes" {
			return pyBytes(b), err
		}
		return pyBytearray(b), err
	case isList && name == "$tuple":
		return &pyTuple{list.items}, nil
	case isList && (name == "$set" || name == "$frozenset"):
		s := &pySet{frozen: name == "$frozenset"}
		for _, item := range list.items {
			if err := s.add(item); err != nil {
				return nil, err
			}
		}
		return s, nil
	case isList && name == "$dict":
		pairs := new(pyDict)
		for _, item := range list.items {
			pair, ok := item.(*pyList)
			if !ok || len(pair.items) != 2 {
				return nil, errors.New("$dict holds lists of a key and a value")
			}
			if err := pairs.set(pair.items[0], pair.items[1]); err != nil {
				return nil, err
			}
		}
		return pairs, nil
	}
	return nil, fmt.Errorf(`an object with a key like %.40q would be read as a value of Python's: write it as {"$dict": [[key, value], …]}`, name)
}
