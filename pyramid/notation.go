package pyramid

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/scarab-go/scarab"
)

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
