package pyramid

import (
	"errors"

	"github.com/scarab-go/scarab"
)

// serialized returns codec for the payloads of scarab.InCookie, which are
// [accessed, created, {…}] in JSON.
func serialized(codec scarab.Codec, s Serializer) scarab.Codec {
	if s == JSON {
		return codec
	}
	return pickled{codec}
}

// pickled turns payloads into pickles of a tuple, and back. The notation loses
// nothing on the way, so that what the application did not touch is written as
// it was.
type pickled struct{ scarab.Codec }

var errTriple = errors.New("pyramid: not a session: accessed, created and a dict are expected")

func (p pickled) Encode(name string, payload []byte) (string, error) {
	v, err := parseJSON(payload)
	if err != nil {
		return "", err
	}
	accessed, created, dict, err := triple(v)
	if err != nil {
		return "", err
	}
	state := new(pyDict)
	for i, name := range dict.keys {
		if err := state.setShown(name.(string), dict.values[i]); err != nil {
			return "", err
		}
	}
	all := &pyTuple{[]any{accessed, created, state}}
	data, err := pickle(all)
	if err != nil {
		return "", err
	}
	value, err := p.Codec.Encode(name, data)
	if err != nil || len(value) < maxValue*3/4 || len(value) > maxValue {
		return value, err
	}
	longest, err := p.Codec.Encode(name, append(data, make([]byte, pythonGrowth(all, true))...))
	if err != nil {
		return "", err
	}
	if len(longest) <= maxValue {
		return value, nil
	}
	values, err := show(state, false, renderLimit(len(data)))
	if err != nil {
		return "", err
	}
	return "", tooLarge(&scarab.State{Values: values}, len(longest), maxValue)
}

// maxValue is Pyramid's limit, and scarab.InCookie's.
const maxValue = 4064

func (p pickled) Decode(name, value string) ([]byte, error) {
	data, err := p.Codec.Decode(name, value)
	if err != nil {
		return nil, err
	}
	v, err := unpickle(data)
	if err != nil {
		return nil, undecodable(err)
	}
	accessed, created, dict, err := triple(v)
	if err != nil {
		return nil, undecodable(err)
	}
	values, err := show(dict, false, renderLimit(len(data)))
	if err != nil {
		return nil, undecodable(err)
	}
	r := renderer{limit: renderLimit(len(data))}
	r.text("[")
	r.add(accessed, maxDepth) // numbers, or short text
	r.text(", ")
	r.add(created, maxDepth)
	r.text(", {")
	for i, v := range values {
		if i > 0 {
			r.text(", ")
		}
		r.out = append(appendText(r.out, v.Key), ": "...)
		r.out = append(r.out, v.JSON...)
	}
	r.text("}]")
	return r.out, nil
}

// triple takes a payload apart. Python takes a list of pairs for a dict, and so
// does this; where Python fails with an error page, this is an error.
func triple(v any) (accessed, created any, dict *pyDict, err error) {
	var items []any
	switch v := v.(type) {
	case *pyTuple:
		items = v.items
	case *pyList:
		items = v.items
	}
	if len(items) != 3 {
		return nil, nil, nil, errTriple
	}
	_, ok1 := toTime(items[0])
	_, ok2 := toTime(items[1])
	if !ok1 || !ok2 {
		return nil, nil, nil, errTriple
	}
	switch d := items[2].(type) {
	case *pyDict:
		return items[0], items[1], d, nil
	case *pyList:
		dict = new(pyDict)
		for _, item := range d.items {
			var pair []any
			switch p := item.(type) {
			case *pyTuple:
				pair = p.items
			case *pyList:
				pair = p.items
			}
			if len(pair) != 2 {
				return nil, nil, nil, errTriple
			}
			if err := dict.set(pair[0], pair[1]); err != nil {
				return nil, nil, nil, err
			}
		}
		return items[0], items[1], dict, nil
	}
	return nil, nil, nil, errTriple
}
