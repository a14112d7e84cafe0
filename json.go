package scarab

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// A scanner goes over JSON once. It is strict but for the words NaN, Infinity
// and -Infinity, which Python writes and reads; encoding/json can neither pass
// over them nor say where a value ends.
type scanner struct {
	b   []byte
	i   int
	odd bool // something was not spelled as Python's json.dumps does, or may not be
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
			s.odd = true
		default:
			return
		}
	}
}

// next skips white space and takes c if it comes next, with the space that
// Python puts after a comma and a colon.
func (s *scanner) next(c byte) bool {
	s.space()
	if s.i >= len(s.b) || s.b[s.i] != c {
		return false
	}
	s.i++
	if c == ',' || c == ':' {
		if s.i < len(s.b) && s.b[s.i] == ' ' {
			s.i++
		} else {
			s.odd = true
		}
	}
	return true
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

// quoted returns the next string, with its quotes.
func (s *scanner) quoted() ([]byte, error) {
	s.space()
	start := s.i
	if err := s.str(); err != nil {
		return nil, err
	}
	return s.b[start:s.i], nil
}

func (s *scanner) str() error {
	if s.i >= len(s.b) || s.b[s.i] != '"' {
		return errJSON
	}
	start := s.i
	ascii := true
	for s.i++; ; s.i++ {
		s.i += plainLen(s.b[s.i:])
		if s.i >= len(s.b) {
			return errJSON
		}
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			if !ascii && !utf8.Valid(s.b[start:s.i]) {
				return errJSON
			}
			return nil
		case c == '\\':
			s.odd = true
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
		case c >= 0x7f:
			s.odd = true
			ascii = ascii && c < utf8.RuneSelf
		}
	}
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
	negative := s.word("-")
	digits := func() bool {
		start := s.i
		for s.i < len(s.b) && '0' <= s.b[s.i] && s.b[s.i] <= '9' {
			s.i++
		}
		return s.i > start
	}
	if zero := s.word("0"); !zero && !digits() {
		return errJSON
	} else if zero && negative {
		s.odd = true
	}
	if s.word(".") {
		if s.odd = true; !digits() {
			return errJSON
		}
	}
	if s.word("e") || s.word("E") {
		s.odd = true
		if !s.word("+") {
			s.word("-")
		}
		if !digits() {
			return errJSON
		}
	}
	return nil
}

// members calls f for each member of the object that raw is. The key is f's
// until it returns.
func members(raw json.RawMessage, f func(key []byte, value json.RawMessage) error) error {
	s := scanner{b: raw}
	return s.whole('{', func() error {
		quoted, err := s.quoted()
		if err != nil {
			return err
		}
		key := quoted[1 : len(quoted)-1]
		if bytes.IndexByte(key, '\\') >= 0 {
			key = []byte(unquote(quoted))
		}
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
	s := scanner{b: raw}
	err := s.whole('[', func() error {
		v, err := s.value(maxDepth)
		list = append(list, v)
		return err
	})
	return list, err
}

// whole goes over an object or a list that is all there is.
func (s *scanner) whole(open byte, each func() error) error {
	if s.space(); s.i >= len(s.b) || s.b[s.i] != open {
		return errJSON
	}
	if err := s.container(open, each); err != nil {
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
