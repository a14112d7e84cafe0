package scarab_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
)

// pyTime reads a time in seconds.
func pyTime(t *testing.T, raw json.RawMessage) time.Time {
	t.Helper()
	var f float64
	switch v := value(t, raw).(type) {
	case int64:
		return time.Unix(v, 0).UTC()
	case float64:
		f = v
	default:
		t.Fatalf("%s is no time", raw)
	}
	whole, fraction := math.Modf(f)
	return time.Unix(int64(whole), int64(math.Round(fraction*1e9))).UTC()
}

// values is a dictionary in the notation, in its order.
func values(t *testing.T, raw json.RawMessage) (list []scarab.Value) {
	t.Helper()
	for key, v := range dict(t, raw) {
		list = append(list, scarab.Value{Key: key, JSON: plainJSON(t, v)})
	}
	return list
}

// value is what Get would return for a value in the notation.
func value(t *testing.T, raw json.RawMessage) any {
	t.Helper()
	text := plainJSON(t, raw)
	switch string(text) {
	case "NaN":
		return math.NaN()
	case "Infinity":
		return math.Inf(1)
	case "-Infinity":
		return math.Inf(-1)
	}
	switch raw = bytes.TrimSpace(raw); text[0] {
	case '{':
		m := map[string]any{}
		for key, v := range dict(t, raw) {
			m[key] = value(t, v)
		}
		return m
	case '[':
		list := []any{}
		for _, v := range tuple(t, raw) {
			list = append(list, value(t, v))
		}
		return list
	case '"', 't', 'f', 'n':
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	if n, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(string(text), 64); err == nil && bytes.ContainsAny(text, ".eE") {
		return f
	}
	return json.Number(text)
}

// plainJSON is a value in the notation as JSON with the words NaN and Infinity.
func plainJSON(t *testing.T, raw json.RawMessage) json.RawMessage {
	t.Helper()
	raw = bytes.TrimSpace(raw)
	var out []byte
	switch raw[0] {
	default:
		return raw
	case '[':
		out = append(out, '[')
		for i, v := range tuple(t, raw) {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, plainJSON(t, v)...)
		}
		return append(out, ']')
	case '{':
	}
	if kind, inner := typed(t, raw); kind == "$int" || kind == "$float" {
		var text string
		if err := json.Unmarshal(inner, &text); err != nil {
			t.Fatal(err)
		}
		return json.RawMessage(strings.NewReplacer("nan", "NaN", "inf", "Infinity").Replace(text))
	} else if kind == "$tuple" {
		return plainJSON(t, inner)
	}
	out = append(out, '{')
	for key, v := range dict(t, raw) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		quoted, err := json.Marshal(key)
		if err != nil {
			t.Fatal(err)
		}
		out = append(append(append(out, quoted...), ':'), plainJSON(t, v)...)
	}
	return append(out, '}')
}

// typed returns the word and the value of {"$word": value}.
func typed(t *testing.T, raw json.RawMessage) (word string, inner json.RawMessage) {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	for key, v := range m {
		switch key {
		case "$int", "$float", "$tuple", "$dict":
			return key, v
		case "$set", "$frozenset", "$bytes", "$obj", "$raises":
			t.Fatalf("%s is not for JSON", raw)
		}
	}
	return "", nil
}

func tuple(t *testing.T, raw json.RawMessage) (list []json.RawMessage) {
	t.Helper()
	if raw[0] == '{' {
		_, raw = typed(t, raw)
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// dict visits the entries of a dictionary in their order.
func dict(t *testing.T, raw json.RawMessage) func(yield func(string, json.RawMessage) bool) {
	t.Helper()
	if word, pairs := typed(t, raw); word == "$dict" {
		return func(yield func(string, json.RawMessage) bool) {
			for _, pair := range tuple(t, pairs) {
				kv := tuple(t, pair)
				key := string(plainJSON(t, kv[0])) // a number, null: Python's json writes its text
				if key[0] == '"' {
					key = value(t, kv[0]).(string)
				}
				if !yield(key, kv[1]) {
					return
				}
			}
		}
	}
	return func(yield func(string, json.RawMessage) bool) {
		dec := json.NewDecoder(bytes.NewReader(raw))
		for _, err := dec.Token(); dec.More(); {
			var v json.RawMessage
			key, errKey := dec.Token()
			if errors.Join(err, errKey, dec.Decode(&v)) != nil {
				t.Fatalf("%s", raw)
			}
			if !yield(key.(string), v) {
				return
			}
		}
	}
}

// describe prints a value with the types of its numbers, so that NaN equals
// itself and 1 is not 1.0.
func describe(v any) string {
	switch v := v.(type) {
	case map[string]any:
		var parts []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, fmt.Sprintf("%q: %s", key, describe(v[key])))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, describe(e))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return fmt.Sprintf("%T(%#v)", v, v)
}
