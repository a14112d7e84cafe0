package pyramid

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// reprTime is Python's repr of a value of one of the types above.
func reprTime(v any) string {
	switch v := v.(type) {
	case pyDatetime:
		s := v.state
		text := fmt.Sprintf("datetime.datetime(%d, %d, %d, %d, %d", binary.BigEndian.Uint16(s[:]), s[2]&^foldBit, s[3], s[4], s[5])
		if us := v.microsecond(); us != 0 {
			text += fmt.Sprintf(", %d, %d", s[6], us)
		} else if s[6] != 0 {
			text += fmt.Sprintf(", %d", s[6])
		}
		if s[2]&foldBit != 0 {
			text += ", fold=1"
		}
		if v.zone != nil {
			text += ", tzinfo=" + reprTime(v.zone)
		}
		return text + ")"
	case pyDate:
		return fmt.Sprintf("datetime.date(%d, %d, %d)", binary.BigEndian.Uint16(v[:]), v[2], v[3])
	case pyTimedelta:
		var parts []string
		for _, p := range []struct {
			name string
			n    int64
		}{{"days", v.days}, {"seconds", v.seconds}, {"microseconds", v.microseconds}} {
			if p.n != 0 {
				parts = append(parts, p.name+"="+strconv.FormatInt(p.n, 10))
			}
		}
		if parts == nil {
			parts = []string{"0"}
		}
		return "datetime.timedelta(" + strings.Join(parts, ", ") + ")"
	case pyTimezone:
		if v == (pyTimezone{}) {
			return "datetime.timezone.utc"
		}
		name := ""
		if v.name != "" {
			name = ", '" + v.name + "'"
		}
		return "datetime.timezone(" + reprTime(v.offset) + name + ")"
	}
	return ""
}

// classOf returns Python's name of the type of v.
func classOf(v any) string {
	switch v.(type) {
	case pyDatetime:
		return "datetime.datetime"
	case pyDate:
		return "datetime.date"
	case pyTimedelta:
		return "datetime.timedelta"
	case pyTimezone:
		return "datetime.timezone"
	}
	return ""
}

var errRepr = errors.New("not the repr of a datetime, date, timedelta or timezone")

// parseRepr reads what reprTime wrote.
func parseRepr(text string) (any, error) {
	if len(text) > 250 { // the longest one with a sensible zone has half of that
		return nil, errRepr
	}
	p := reprParser{text}
	v, err := p.value()
	if err != nil {
		return nil, err
	}
	if p.rest != "" || reprTime(v) != text { // one spelling
		return nil, errRepr
	}
	return v, nil
}

type reprParser struct{ rest string }

func (p *reprParser) word(w string) bool {
	rest, ok := strings.CutPrefix(p.rest, w)
	p.rest = rest
	return ok
}

// ints reads at most most numbers, separated by commas, and what comes after
// the last comma stays.
func (p *reprParser) ints(most int) []int {
	var list []int
	for len(list) < most {
		end := strings.IndexFunc(p.rest, func(r rune) bool { return r < '0' || r > '9' })
		if end <= 0 {
			break
		}
		n, err := strconv.Atoi(p.rest[:end])
		if err != nil {
			break
		}
		list, p.rest = append(list, n), p.rest[end:]
		if !p.word(", ") {
			break
		}
	}
	return list
}

func (p *reprParser) value() (any, error) {
	switch {
	case p.word("datetime.datetime("):
		n := append(p.ints(7), 0, 0)
		if len(n) < 7 || n[0] > 9999 || n[6] > 999_999 {
			return nil, errRepr
		}
		for _, small := range n[1:6] {
			if small > 99 {
				return nil, errRepr
			}
		}
		us := n[6]
		d := pyDatetime{state: [10]byte{byte(n[0] >> 8), byte(n[0]), byte(n[1]), byte(n[2]), byte(n[3]), byte(n[4]), byte(n[5]),
			byte(us >> 16), byte(us >> 8), byte(us)}}
		if p.word("fold=1") {
			d.state[2] |= foldBit
			p.word(", ")
		}
		if p.word("tzinfo=") {
			zone, err := p.value()
			if _, ok := zone.(pyTimezone); !ok {
				return nil, orError(err, errRepr)
			}
			d.zone = zone
		}
		p.word(")")
		return d, d.validate()
	case p.word("datetime.date("):
		n := p.ints(3)
		if len(n) < 3 || n[0] > 9999 || n[1] > 12 || n[2] > 31 {
			return nil, errRepr
		}
		p.word(")")
		return pyDate{byte(n[0] >> 8), byte(n[0]), byte(n[1]), byte(n[2])}, validDate(n[0], n[1], n[2])
	case p.word("datetime.timedelta("):
		var d pyTimedelta
		p.word("0")
		for _, part := range []struct {
			name string
			n    *int64
		}{{"days=", &d.days}, {"seconds=", &d.seconds}, {"microseconds=", &d.microseconds}} {
			if !p.word(part.name) {
				continue
			}
			sign := int64(1)
			if p.word("-") {
				sign = -1
			}
			n := p.ints(1)
			if n == nil {
				return nil, errRepr
			}
			*part.n = sign * int64(n[0])
		}
		p.word(")")
		return d, d.validate()
	case p.word("datetime.timezone.utc"):
		return pyTimezone{}, nil
	case p.word("datetime.timezone("):
		offset, err := p.value()
		d, ok := offset.(pyTimedelta)
		if !ok {
			return nil, orError(err, errRepr)
		}
		z := pyTimezone{offset: d}
		if p.word(", '") {
			z.name, p.rest, _ = strings.Cut(p.rest, "'")
		}
		p.word(")")
		return z, z.validate()
	}
	return nil, errRepr
}
