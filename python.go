package scarab

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// appendPython appends raw as Python's json.dumps writes the same value: a
// cookie is measured, and compared, in the bytes that Pyramid would store.
func appendPython(b []byte, raw json.RawMessage) ([]byte, error) {
	s := scanner{b: raw}
	b, err := s.appendPython(b, maxDepth)
	if s.space(); err == nil && s.i != len(s.b) {
		err = errJSON
	}
	return b, err
}

// equalJSON reports whether a and b are one value, however they are spelled:
// what came back from a cookie is as Python writes it.
func equalJSON(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	a, errA := appendPython(nil, a)
	b, errB := appendPython(nil, b)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

func (s *scanner) appendPython(b []byte, depth int) ([]byte, error) {
	if s.space(); s.i >= len(s.b) || depth == 0 {
		return b, errJSON
	}
	c, start := s.b[s.i], s.i
	if c == '{' || c == '[' {
		b = append(b, c)
		first := true
		err := s.container(c, func() (err error) {
			if !first {
				b = append(b, ", "...)
			}
			first = false
			if c == '{' {
				key, err := s.quoted()
				if err != nil {
					return err
				}
				b = append(appendPythonQuoted(b, key), ": "...)
				if !s.next(':') {
					return errJSON
				}
			}
			b, err = s.appendPython(b, depth-1)
			return err
		})
		return append(b, c+2), err
	}
	if err := s.skip(depth); err != nil {
		return b, err
	}
	leaf := s.b[start:s.i]
	switch {
	case c == '"':
		return appendPythonQuoted(b, leaf), nil
	case (c == '-' || '0' <= c && c <= '9') && bytes.ContainsAny(leaf, ".eE"):
		f, _ := strconv.ParseFloat(string(leaf), 64) // out of range is infinite, as in Python
		return appendPythonFloat(b, f), nil
	case string(leaf) == "-0":
		return append(b, '0'), nil
	}
	return append(b, leaf...), nil
}

// appendPythonFloat is Python's repr: the shortest digits, with an exponent
// from 1e16 on and below 1e-4.
func appendPythonFloat(b []byte, f float64) []byte {
	switch abs := math.Abs(f); {
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case math.IsInf(f, 1):
		return append(b, "Infinity"...)
	case math.IsInf(f, -1):
		return append(b, "-Infinity"...)
	case abs != 0 && (abs < 1e-4 || abs >= 1e16):
		return strconv.AppendFloat(b, f, 'e', -1, 64)
	}
	start := len(b)
	b = strconv.AppendFloat(b, f, 'f', -1, 64)
	if bytes.IndexByte(b[start:], '.') < 0 {
		b = append(b, ".0"...)
	}
	return b
}

// appendPythonQuoted appends the string that quoted is the JSON of, in ASCII.
// A surrogate without its other half stays as it is.
func appendPythonQuoted(b, quoted []byte) []byte {
	inner := quoted[1 : len(quoted)-1]
	b = append(b, '"')
	for len(inner) > 0 {
		n := plainLen(inner)
		b, inner = append(b, inner[:n]...), inner[n:]
		if len(inner) == 0 {
			break
		}
		r, size := rune(0), 0
		switch {
		case inner[0] == '\\' && inner[1] == 'u':
			r, _ = hex4(inner[2:])
			size = 6
		case inner[0] == '\\':
			r, size = unescape(inner[1]), 2
		default:
			r, size = utf8.DecodeRune(inner)
		}
		b, inner = appendPythonRune(b, r), inner[size:]
	}
	return append(b, '"')
}

func unescape(c byte) rune {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return rune(c)
}

const hexDigits = "0123456789abcdef"

func appendPythonRune(b []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(b, '\\', byte(r))
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	case '\b':
		return append(b, `\b`...)
	case '\f':
		return append(b, `\f`...)
	}
	if ' ' <= r && r < 0x7f {
		return append(b, byte(r))
	}
	if r > 0xffff {
		high, low := utf16.EncodeRune(r)
		return appendPythonRune(appendPythonRune(b, high), low)
	}
	return append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// appendPythonString appends text as a JSON string.
func appendPythonString(b []byte, text string) []byte {
	b = append(b, '"')
	if plain(text) {
		return append(append(b, text...), '"')
	}
	for _, r := range text {
		b = appendPythonRune(b, r)
	}
	return append(b, '"')
}

// appendPythonTime appends t as time.time() returns it: seconds, a float.
func appendPythonTime(b []byte, t time.Time) []byte {
	return appendPythonFloat(b, float64(t.Unix())+float64(t.Nanosecond())/1e9)
}

// pythonTime reads what Python's float() takes for a time: a number, a boolean,
// or text with a number.
func pythonTime(raw json.RawMessage) (time.Time, bool) {
	var f float64
	switch text := string(raw); {
	case text == "true":
		f = 1
	case text == "false":
	case raw[0] == '"':
		var err error
		if f, err = strconv.ParseFloat(strings.TrimSpace(unquote(raw)), 64); err != nil {
			return time.Time{}, false
		}
	default:
		var err error
		if f, err = strconv.ParseFloat(text, 64); err != nil {
			return time.Time{}, false
		}
	}
	const limit = 1 << 37 // the year 6325; NaN and Infinity are beyond it too
	if !(math.Abs(f) < limit) {
		return time.Time{}, false
	}
	whole, fraction := math.Modf(f)
	return time.Unix(int64(whole), int64(math.Round(fraction*1e9))).UTC(), true
}
