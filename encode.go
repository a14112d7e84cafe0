package scarab

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
)

// decode returns what raw stands for: whole numbers as int64, others as
// float64, those out of range as json.Number.
func decode(raw json.RawMessage) (any, error) {
	s := scanner{b: raw}
	v, err := s.decode(maxDepth)
	if s.space(); err == nil && s.i != len(s.b) {
		err = errJSON
	}
	return v, err
}

func (s *scanner) decode(depth int) (any, error) {
	if s.space(); s.i >= len(s.b) || depth == 0 {
		return nil, errJSON
	}
	switch c := s.b[s.i]; c {
	case '{':
		m := map[string]any{}
		err := s.container(c, func() error {
			key, err := s.quoted()
			if err != nil {
				return err
			}
			if !s.next(':') {
				return errJSON
			}
			v, err := s.decode(depth - 1)
			m[unquote(key)] = v
			return err
		})
		return m, err
	case '[':
		list := []any{}
		err := s.container(c, func() error {
			v, err := s.decode(depth - 1)
			list = append(list, v)
			return err
		})
		return list, err
	}
	start := s.i
	if err := s.skip(depth); err != nil {
		return nil, err
	}
	return decodeLeaf(s.b[start:s.i]), nil
}

// decodeLeaf decodes a string, a number or a word that the scanner accepted.
func decodeLeaf(raw []byte) any {
	switch raw[0] {
	case '"':
		return unquote(raw)
	case 't':
		return true
	case 'f':
		return false
	case 'n':
		return nil
	case 'N':
		return math.NaN()
	case 'I':
		return math.Inf(1)
	}
	text := string(raw)
	if text == "-Infinity" {
		return math.Inf(-1)
	}
	if bytes.ContainsAny(raw, ".eE") {
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return f
		}
	} else if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	return json.Number(text)
}

// decodeAs is json.Unmarshal, without reflection for what sessions mostly hold.
func decodeAs[T any](raw json.RawMessage) (v T, err error) {
	switch p := any(&v).(type) {
	case *int:
		if *p, err = strconv.Atoi(string(raw)); err == nil {
			return v, nil
		}
	case *int64:
		if *p, err = strconv.ParseInt(string(raw), 10, 64); err == nil {
			return v, nil
		}
	case *string:
		if n := len(raw); n >= 2 && raw[0] == '"' && plain(raw[1:n-1]) {
			*p = string(raw[1 : n-1])
			return v, nil
		}
	}
	return unmarshal[T](raw)
}

// unmarshal is apart so that only what needs reflection escapes to the heap.
func unmarshal[T any](raw json.RawMessage) (T, error) {
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return *new(T), err
	}
	return v, nil
}

// encodeAs is encode, without an allocation for what sessions mostly hold.
func encodeAs[T any](v T) (json.RawMessage, error) {
	switch v := any(v).(type) {
	case bool:
		return strconv.AppendBool(nil, v), nil
	case int:
		return strconv.AppendInt(nil, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(nil, v, 10), nil
	case string:
		if plain(v) {
			return append(append(append(make([]byte, 0, len(v)+2), '"'), v...), '"'), nil
		}
	}
	return marshal(v)
}

// encode is the JSON of v, with < > & as they are.
func encode(v any) (json.RawMessage, error) {
	switch v := v.(type) {
	case bool:
		return encodeAs(v)
	case int:
		return encodeAs(v)
	case int64:
		return encodeAs(v)
	case string:
		return encodeAs(v)
	}
	return marshal(v)
}

func marshal(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	raw := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if len(raw) > 2*maxDepth { // fewer bytes are no deeper
		s := scanner{b: raw}
		if s.skip(maxDepth-2) != nil {
			return nil, errDepth
		}
	}
	return raw, nil
}

// plain reports whether s needs no escape in JSON.
func plain[T string | []byte | json.RawMessage](s T) bool { return plainLen(s) == len(s) }

// plainLen returns how much at the beginning of s needs no escape in JSON.
func plainLen[T string | []byte | json.RawMessage](s T) int {
	for i := range len(s) {
		if !plainByte[s[i]] {
			return i
		}
	}
	return len(s)
}

var plainByte = func() (is [256]bool) {
	for c := ' '; c < 0x7f; c++ {
		is[c] = c != '"' && c != '\\'
	}
	return is
}()
