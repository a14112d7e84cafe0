package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/scarab-go/scarab"
)

// What readers of JSON do not take as it is meant is printed as an object with
// one key that begins with a dollar sign:
//
//	{"$float": "1.5"}             a float, as Python writes it; also "nan", "inf" and "-inf"
//	{"$int": "9007199254740993"}  a whole number of more than 53 bits
//	{"$dict": [[key, value], …]}  a dictionary in which such a key occurs

// stateJSON writes the values of a session.
func stateJSON(values []scarab.Value) (json.RawMessage, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(v.Key)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(v.JSON)
	}
	b.WriteByte('}')
	return notation(b.Bytes())
}

// notation makes JSON of the JSON that Python writes.
func notation(python []byte) (json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(replaceWords(python)))
	d.UseNumber()
	var b bytes.Buffer
	if err := writeValue(d, &b); err != nil {
		return nil, fmt.Errorf("the session holds something that is no JSON: %w", err)
	}
	return b.Bytes(), nil
}

// marker cannot be in a text that Python or scarab wrote: both escape control
// characters.
const marker = "\\u0000scarab "

var words = []struct{ python, text string }{{"-Infinity", "-inf"}, {"Infinity", "inf"}, {"NaN", "nan"}}

// replaceWords makes marked strings of NaN, Infinity and -Infinity.
func replaceWords(python []byte) []byte {
	out := make([]byte, 0, len(python))
	inString := false
	for i := 0; i < len(python); i++ {
		c := python[i]
		switch {
		case inString && c == '\\' && i+1 < len(python):
			out = append(out, c)
			i++
			c = python[i]
		case c == '"':
			inString = !inString
		case !inString:
			if text, n := word(python[i:]); n > 0 {
				out = append(out, `"`+marker+text+`"`...)
				i += n - 1
				continue
			}
		}
		out = append(out, c)
	}
	return out
}

func word(b []byte) (text string, n int) {
	for _, w := range words {
		if bytes.HasPrefix(b, []byte(w.python)) {
			return w.text, len(w.python)
		}
	}
	return "", 0
}

// writeValue copies the next value of d.
func writeValue(d *json.Decoder, b *bytes.Buffer) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	switch token := token.(type) {
	case json.Delim:
		if token == '[' {
			return writeList(d, b)
		}
		return writeObject(d, b)
	case string:
		if text, ok := strings.CutPrefix(token, "\x00scarab "); ok && known(text) {
			return encode(b, map[string]string{"$float": text})
		}
		return encode(b, token)
	case json.Number:
		return writeNumber(token.String(), b)
	default:
		return encode(b, token)
	}
}

// writeNumber writes a number as whole or as float, as Python tells them apart.
func writeNumber(text string, b *bytes.Buffer) error {
	if strings.ContainsAny(text, ".eE") {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) { // beyond the range is infinite, in Python too
			return err
		}
		return encode(b, map[string]string{"$float": pythonFloat(f)})
	}
	const most = 1 << 53
	if n, err := strconv.ParseInt(text, 10, 64); err != nil || n < -most || n > most {
		return encode(b, map[string]string{"$int": text})
	}
	return encode(b, json.Number(text))
}

// pythonFloat is Python's repr of a float.
func pythonFloat(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	text := strconv.FormatFloat(f, 'e', -1, 64)
	exponent, err := strconv.Atoi(text[strings.IndexByte(text, 'e')+1:])
	if err != nil || exponent < -4 || exponent >= 16 {
		return text
	}
	if text = strconv.FormatFloat(f, 'f', -1, 64); !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

func known(text string) bool {
	for _, w := range words {
		if w.text == text {
			return true
		}
	}
	return false
}

func encode(b *bytes.Buffer, v any) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // the line break
	return nil
}

func writeList(d *json.Decoder, b *bytes.Buffer) error {
	b.WriteByte('[')
	for i := 0; d.More(); i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := writeValue(d, b); err != nil {
			return err
		}
	}
	b.WriteByte(']')
	_, err := d.Token()
	return err
}

// writeObject writes an object, or a list of pairs if a key of it could be
// taken for this notation.
func writeObject(d *json.Decoder, b *bytes.Buffer) error {
	type pair struct{ key, value []byte }
	var pairs []pair
	dollar := false
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		name, ok := token.(string)
		if !ok {
			return fmt.Errorf("a key is %v", token)
		}
		var key, value bytes.Buffer
		if err := encode(&key, name); err != nil {
			return err
		}
		if err := writeValue(d, &value); err != nil {
			return err
		}
		dollar = dollar || strings.HasPrefix(name, "$")
		pairs = append(pairs, pair{key.Bytes(), value.Bytes()})
	}
	before, between, after, open, end := "", ":", "", "{", "}"
	if dollar {
		before, between, after, open, end = "[", ",", "]", `{"$dict":[`, "]}"
	}
	b.WriteString(open)
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(before)
		b.Write(p.key)
		b.WriteString(between)
		b.Write(p.value)
		b.WriteString(after)
	}
	b.WriteString(end)
	_, err := d.Token()
	return err
}
