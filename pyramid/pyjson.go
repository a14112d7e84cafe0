package pyramid

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// parseJSON reads what Python's json.loads reads, which is JSON and the words
// NaN, Infinity and -Infinity. encoding/json refuses those words, and forgets
// the order of keys, the difference of 1 and 1.0, and lone surrogates.
func parseJSON(text []byte) (any, error) {
	p := jsonParser{in: text}
	v, err := p.value(maxDepth)
	if p.space(); err == nil && p.at != len(p.in) {
		err = errJSON
	}
	if err != nil {
		return nil, fmt.Errorf("%w, near byte %d", err, p.at)
	}
	return v, nil
}

var errJSON = errors.New("not valid JSON")

type jsonParser struct {
	in []byte
	at int
}

func (p *jsonParser) space() {
	for p.at < len(p.in) && (p.in[p.at] == ' ' || p.in[p.at] == '\t' || p.in[p.at] == '\n' || p.in[p.at] == '\r') {
		p.at++
	}
}

// next skips white space and takes c if it comes next.
func (p *jsonParser) next(c byte) bool {
	p.space()
	if p.at < len(p.in) && p.in[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *jsonParser) word(w string) bool {
	if len(p.in)-p.at >= len(w) && string(p.in[p.at:p.at+len(w)]) == w {
		p.at += len(w)
		return true
	}
	return false
}

var jsonWords = []struct {
	word  string
	value any
}{{"null", nil}, {"true", true}, {"false", false}, {"NaN", math.NaN()}, {"Infinity", math.Inf(1)}, {"-Infinity", math.Inf(-1)}}

func (p *jsonParser) value(depth int) (any, error) {
	if depth == 0 {
		return nil, errDepth
	}
	if p.space(); p.at == len(p.in) {
		return nil, errJSON
	}
	switch p.in[p.at] {
	case '"':
		return p.text()
	case '[':
		p.at++
		list := new(pyList)
		for first := true; !p.next(']'); first = false {
			if !first && !p.next(',') {
				return nil, errJSON
			}
			v, err := p.value(depth - 1)
			if err != nil {
				return nil, err
			}
			list.items = append(list.items, v)
		}
		return list, nil
	case '{':
		p.at++
		dict := new(pyDict)
		for first := true; !p.next('}'); first = false {
			if !first && !p.next(',') {
				return nil, errJSON
			}
			p.space()
			key, err := p.text()
			if err != nil {
				return nil, err
			}
			if !p.next(':') {
				return nil, errJSON
			}
			v, err := p.value(depth - 1)
			if err != nil {
				return nil, err
			}
			dict.put(key, v)
		}
		return dict, nil
	}
	for _, w := range jsonWords {
		if p.word(w.word) {
			return w.value, nil
		}
	}
	return p.number()
}

func (p *jsonParser) number() (any, error) {
	start := p.at
	p.word("-")
	if !p.word("0") && !p.digits() {
		return nil, errJSON
	}
	float := false
	if p.word(".") {
		if float = true; !p.digits() {
			return nil, errJSON
		}
	}
	if p.word("e") || p.word("E") {
		if !p.word("+") {
			p.word("-")
		}
		if float = true; !p.digits() {
			return nil, errJSON
		}
	}
	text := string(p.in[start:p.at])
	if float {
		return parseFloat(text)
	}
	return parseInt(text)
}

func (p *jsonParser) digits() bool {
	start := p.at
	for p.at < len(p.in) && '0' <= p.in[p.at] && p.in[p.at] <= '9' {
		p.at++
	}
	return p.at > start
}

func (p *jsonParser) text() (string, error) {
	if p.at == len(p.in) || p.in[p.at] != '"' {
		return "", errJSON
	}
	var b []byte
	for p.at++; p.at < len(p.in); {
		c := p.in[p.at]
		switch {
		case c == '"':
			p.at++
			return string(b), nil
		case c < ' ':
			return "", errJSON
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			b = appendRune(b, r)
		case c < utf8.RuneSelf:
			b = append(b, c)
			p.at++
		default:
			r, size := utf8.DecodeRune(p.in[p.at:])
			if r == utf8.RuneError && size == 1 {
				return "", errJSON
			}
			b = append(b, p.in[p.at:p.at+size]...)
			p.at += size
		}
	}
	return "", errJSON
}

// escape reads an escape; two that are a pair of surrogates are one character.
func (p *jsonParser) escape() (rune, error) {
	if len(p.in)-p.at < 2 {
		return 0, errJSON
	}
	c := p.in[p.at+1]
	p.at += 2
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		r, err := hexRune(p.in[p.at:], 4)
		if err != nil {
			return 0, err
		}
		p.at += 4
		if rest := p.in[p.at:]; 0xd800 <= r && r < 0xdc00 && len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
			if low, err := hexRune(rest[2:], 4); err == nil && 0xdc00 <= low && low < 0xe000 {
				p.at += 6
				return 0x10000 + (r-0xd800)<<10 + (low - 0xdc00), nil
			}
		}
		return r, nil
	}
	return 0, errJSON
}
