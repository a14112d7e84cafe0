package scarab

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// A scanner goes over JSON once. It is strict but for the words NaN, Infinity
// and -Infinity, which Python writes and reads; encoding/json can neither pass
// over them nor say where a value ends.
type scanner struct {
	b []byte
	i int
}

// maxDepth bounds recursion; Python's limit is near 1000.
const maxDepth = 500

var (
	errJSON = errors.New("not valid JSON")

	// A value may be a message in a queue in a cookie: two levels less.
	errDepth = fmt.Errorf("it is nested more than %d levels deep", maxDepth-3)
)

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// next skips white space and takes c if it comes next.
func (s *scanner) next(c byte) bool {
	s.space()
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

func (s *scanner) word(w string) bool {
	if len(s.b)-s.i >= len(w) && string(s.b[s.i:s.i+len(w)]) == w {
		s.i += len(w)
		return true
	}
	return false
}

// value returns the next value, without the white space around it.
func (s *scanner) value(depth int) (json.RawMessage, error) {
	s.space()
	start := s.i
	if err := s.skip(depth); err != nil {
		return nil, err
	}
	return s.b[start:s.i:s.i], nil
}

func (s *scanner) skip(depth int) error {
	if s.i >= len(s.b) || depth == 0 {
		return errJSON
	}
	switch c := s.b[s.i]; c {
	case '"':
		return s.str()
	case '{', '[':
		return s.container(c, func() error {
			if c == '{' {
				if s.space(); s.str() != nil || !s.next(':') {
					return errJSON
				}
			}
			_, err := s.value(depth - 1)
			return err
		})
	case 't', 'f', 'n', 'N', 'I':
		for _, w := range [...]string{"true", "false", "null", "NaN", "Infinity"} {
			if s.word(w) {
				return nil
			}
		}
		return errJSON
	}
	return s.number()
}

// container goes over an object or a list and calls each for its entries.
func (s *scanner) container(open byte, each func() error) error {
	s.i++
	end := open + 2 // in ASCII, both pairs of brackets are two apart
	if s.next(end) {
		return nil
	}
	for {
		if err := each(); err != nil {
			return err
		}
		if s.next(end) {
			return nil
		}
		if !s.next(',') {
			return errJSON
		}
	}
}

func (s *scanner) str() error {
	if s.i >= len(s.b) || s.b[s.i] != '"' {
		return errJSON
	}
	start := s.i
	ascii := true
	for s.i++; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			if !ascii && !utf8.Valid(s.b[start:s.i]) {
				return errJSON
			}
			return nil
		case c == '\\':
			if s.i++; s.i >= len(s.b) {
				return errJSON
			}
			switch s.b[s.i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if _, ok := hex4(s.b[s.i+1:]); !ok {
					return errJSON
				}
				s.i += 4
			default:
				return errJSON
			}
		case c < ' ':
			return errJSON
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return errJSON
}

func hex4(b []byte) (r rune, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

func (s *scanner) number() error {
	if s.word("-Infinity") {
		return nil
	}
	s.word("-")
	digits := func() bool {
		start := s.i
		for s.i < len(s.b) && '0' <= s.b[s.i] && s.b[s.i] <= '9' {
			s.i++
		}
		return s.i > start
	}
	if !s.word("0") && !digits() {
		return errJSON
	}
	if s.word(".") && !digits() {
		return errJSON
	}
	if s.word("e") || s.word("E") {
		if !s.word("+") {
			s.word("-")
		}
		if !digits() {
			return errJSON
		}
	}
	return nil
}

// members calls f for each member of the object that raw is.
func members(raw json.RawMessage, f func(key string, value json.RawMessage) error) error {
	return entries(raw, '{', func(s *scanner) error {
		s.space()
		start := s.i
		if err := s.str(); err != nil {
			return err
		}
		key := unquote(s.b[start:s.i])
		if !s.next(':') {
			return errJSON
		}
		v, err := s.value(maxDepth)
		if err != nil {
			return err
		}
		return f(key, v)
	})
}

// elements returns the elements of the list that raw is.
func elements(raw json.RawMessage) ([]json.RawMessage, error) {
	var list []json.RawMessage
	err := entries(raw, '[', func(s *scanner) error {
		v, err := s.value(maxDepth)
		list = append(list, v)
		return err
	})
	return list, err
}

func entries(raw json.RawMessage, open byte, each func(*scanner) error) error {
	s := scanner{b: raw}
	if s.space(); s.i >= len(s.b) || s.b[s.i] != open {
		return errJSON
	}
	if err := s.container(open, func() error { return each(&s) }); err != nil {
		return err
	}
	if s.space(); s.i != len(s.b) {
		return errJSON
	}
	return nil
}

// unquote decodes a string that scanner.str accepted.
func unquote(quoted []byte) string {
	if inner := quoted[1 : len(quoted)-1]; bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	var text string
	if json.Unmarshal(quoted, &text) != nil {
		panic("scarab: internal error: a scanned string does not decode")
	}
	return text
}

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
			s.space()
			start := s.i
			if err := s.str(); err != nil {
				return err
			}
			key := unquote(s.b[start:s.i])
			if !s.next(':') {
				return errJSON
			}
			v, err := s.decode(depth - 1)
			m[key] = v
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
func plain[T string | []byte | json.RawMessage](s T) bool {
	for i := range len(s) {
		if !plainByte(s[i]) {
			return false
		}
	}
	return true
}

func plainByte(c byte) bool { return ' ' <= c && c < 0x7f && c != '"' && c != '\\' }
