package pyramid

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"
)

func (u *unpickler) text(op byte) (any, error) {
	var b []byte
	var err error
	switch op {
	case 'S': // STRING, of Python 2
		if b, err = u.line(); err == nil {
			b, err = unquotePython2(b)
		}
	case 'V': // UNICODE
		if b, err = u.line(); err == nil {
			return rawUnicode(b)
		}
	case 'U', 0x8c: // SHORT_BINSTRING, SHORT_BINUNICODE
		b, err = u.counted(1)
	case 'T', 'X': // BINSTRING, BINUNICODE
		b, err = u.counted(4)
	case 0x8d: // BINUNICODE8
		b, err = u.counted(8)
	}
	if err != nil {
		return nil, err
	}
	if op == 'S' || op == 'T' || op == 'U' {
		// Python 3 refuses them as well: nobody knows their encoding.
		if bytes.ContainsFunc(b, func(r rune) bool { return r >= utf8.RuneSelf }) {
			return nil, errors.New("pickle has a string of Python 2 that is not ASCII")
		}
	} else if !validText(b) {
		return nil, errors.New("pickle has text that is not UTF-8")
	}
	return string(b), nil
}

// appendText appends text as Python's json.dumps writes it: all ASCII.
func appendText(b []byte, text string) []byte {
	const hex = "0123456789abcdef"
	unit := func(r rune) {
		b = append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
	}
	b = append(b, '"')
	for len(text) > 0 {
		c := text[0]
		if c < utf8.RuneSelf {
			text = text[1:]
			switch {
			case c == '"' || c == '\\':
				b = append(b, '\\', c)
			case c == '\n':
				b = append(b, '\\', 'n')
			case c == '\r':
				b = append(b, '\\', 'r')
			case c == '\t':
				b = append(b, '\\', 't')
			case c == '\b':
				b = append(b, '\\', 'b')
			case c == '\f':
				b = append(b, '\\', 'f')
			case c < ' ' || c == 0x7f:
				unit(rune(c))
			default:
				b = append(b, c)
			}
			continue
		}
		r, size := utf8.DecodeRuneInString(text)
		if r == utf8.RuneError && size == 1 {
			if s, ok := surrogate(text); ok {
				r, size = s, 3
			}
		}
		text = text[size:]
		if r >= 0x10000 {
			unit(0xd800 + (r-0x10000)>>10)
			unit(0xdc00 + (r-0x10000)&0x3ff)
		} else {
			unit(r)
		}
	}
	return append(b, '"')
}

// latin1 is Python's text.encode("latin-1").
func latin1(text string) (b []byte, ok bool) {
	b = make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff {
			return nil, false
		}
		b = append(b, byte(r))
	}
	return b, true
}

// validText reports whether b is UTF-8, where lone surrogates may be encoded
// like other characters, as Python does.
func validText(b []byte) bool {
	for len(b) > 0 {
		if r, size := utf8.DecodeRune(b); r != utf8.RuneError || size > 1 {
			b = b[size:]
		} else if _, ok := surrogate(b); ok {
			b = b[3:]
		} else {
			return false
		}
	}
	return true
}

// surrogate returns the surrogate that text starts with, if it does.
func surrogate[T string | []byte](text T) (rune, bool) {
	if len(text) < 3 || text[0] != 0xed || text[1] < 0xa0 || text[1] > 0xbf || text[2] < 0x80 || text[2] > 0xbf {
		return 0, false
	}
	return 0xd000 | rune(text[1]&0x3f)<<6 | rune(text[2]&0x3f), true
}

// appendRune is utf8.AppendRune, for surrogates too.
func appendRune(b []byte, r rune) []byte {
	if 0xd800 <= r && r <= 0xdfff {
		return append(b, 0xed, 0x80|byte(r>>6)&0x3f, 0x80|byte(r)&0x3f)
	}
	return utf8.AppendRune(b, r)
}

// rawUnicode decodes the raw-unicode-escape of protocol 0: Latin-1 in which
// \u0041 and \U00000041 stand for characters, where the number of backslashes
// in front of the u is odd.
func rawUnicode(line []byte) (any, error) {
	var b []byte
	for i := 0; i < len(line); {
		run := 0
		for i+run < len(line) && line[i+run] == '\\' {
			run++
		}
		digits := 0
		if next := i + run; run%2 == 1 && next < len(line) {
			switch line[next] {
			case 'u':
				digits = 4
			case 'U':
				digits = 8
			}
		}
		if digits == 0 {
			b = append(b, line[i:i+run]...)
			if i += run; i < len(line) {
				b = utf8.AppendRune(b, rune(line[i]))
				i++
			}
			continue
		}
		b = append(b, line[i:i+run-1]...)
		i += run + 1
		r, err := hexRune(line[i:], digits)
		if err != nil {
			return nil, err
		}
		i += digits
		b = appendRune(b, r)
	}
	return string(b), nil
}

func hexRune(b []byte, digits int) (rune, error) {
	if len(b) < digits {
		return 0, errors.New("an escape is cut")
	}
	var r uint32
	for _, c := range b[:digits] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, errors.New("an escape is not hexadecimal")
		}
		r = r<<4 | uint32(c)
	}
	if r > utf8.MaxRune {
		return 0, errors.New("an escape is beyond Unicode")
	}
	return rune(r), nil
}

// unquotePython2 decodes the repr of a string of Python 2.
func unquotePython2(line []byte) ([]byte, error) {
	n := len(line)
	if n < 2 || line[0] != line[n-1] || line[0] != '\'' && line[0] != '"' {
		return nil, errors.New("pickle has a string without quotes")
	}
	b := make([]byte, 0, n)
	for in := line[1 : n-1]; len(in) > 0; {
		if in[0] != '\\' {
			b, in = append(b, in[0]), in[1:]
			continue
		}
		if len(in) < 2 {
			return nil, errors.New("an escape is cut")
		}
		c := in[1]
		in = in[2:]
		switch c {
		case '\\', '\'', '"':
		case 'n':
			c = '\n'
		case 't':
			c = '\t'
		case 'r':
			c = '\r'
		case 'x':
			r, err := hexRune(in, 2)
			if err != nil {
				return nil, err
			}
			c, in = byte(r), in[2:]
		default:
			return nil, fmt.Errorf("escape \\%c is unknown", c)
		}
		b = append(b, c)
	}
	return b, nil
}
