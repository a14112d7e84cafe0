package pyramid

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The types of Python's datetime module that sessions hold. They are comparable.
type (
	// A pyDatetime is Python's own state of it: year (2, big-endian), month,
	// day, hour, minute, second, microsecond (3); 128 is added to the month
	// for fold=1. zone is nil or a pyTimezone.
	pyDatetime struct {
		state [10]byte
		zone  any
	}
	pyDate      [4]byte // year (2, big-endian), month, day
	pyTimedelta struct{ days, seconds, microseconds int64 }
	pyTimezone  struct {
		offset pyTimedelta
		name   string
	}
)

const foldBit = 0x80

var errTime = errors.New("a date or time is out of range")

func newDatetime(_ *unpickler, args []any) (any, error) {
	var d pyDatetime
	switch len(args) {
	default:
		return nil, errArgs
	case 2:
		zone, ok := args[1].(pyTimezone)
		if !ok {
			return nil, errArgs
		}
		d.zone = zone
	case 1:
	}
	b, ok := args[0].(pyBytes)
	if !ok || len(b) != len(d.state) {
		return nil, errArgs
	}
	copy(d.state[:], b)
	return d, d.validate()
}

func (d pyDatetime) validate() error {
	s := d.state
	if s[4] > 23 || s[5] > 59 || s[6] > 59 || d.microsecond() > 999_999 {
		return errTime
	}
	return validDate(int(binary.BigEndian.Uint16(s[:])), int(s[2]&^foldBit), int(s[3]))
}

func (d pyDatetime) microsecond() int {
	return int(d.state[7])<<16 | int(d.state[8])<<8 | int(d.state[9])
}

func validDate(year, month, day int) error {
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if year < 1 || year > 9999 || t.Year() != year || int(t.Month()) != month || t.Day() != day {
		return errTime
	}
	return nil
}

func newDate(_ *unpickler, args []any) (any, error) {
	if len(args) != 1 {
		return nil, errArgs
	}
	b, ok := args[0].(pyBytes)
	if !ok || len(b) != 4 {
		return nil, errArgs
	}
	d := pyDate([]byte(b))
	return d, validDate(int(binary.BigEndian.Uint16(d[:])), int(d[2]), int(d[3]))
}

func newTimedelta(_ *unpickler, args []any) (any, error) {
	if len(args) != 3 {
		return nil, errArgs
	}
	var n [3]int64
	for i, arg := range args {
		var ok bool
		if n[i], ok = arg.(int64); !ok {
			return nil, errArgs
		}
	}
	d := pyTimedelta{n[0], n[1], n[2]}
	return d, d.validate()
}

// validate holds d to the normal form that Python keeps.
func (d pyTimedelta) validate() error {
	if d.days < -999_999_999 || d.days > 999_999_999 || d.seconds < 0 || d.seconds >= 86400 ||
		d.microseconds < 0 || d.microseconds >= 1_000_000 {
		return errTime
	}
	return nil
}

func newTimezone(_ *unpickler, args []any) (any, error) {
	var z pyTimezone
	switch len(args) {
	default:
		return nil, errArgs
	case 2:
		var ok bool
		if z.name, ok = args[1].(string); !ok {
			return nil, errArgs
		}
	case 1:
	}
	offset, ok := args[0].(pyTimedelta)
	if !ok {
		return nil, errArgs
	}
	z.offset = offset
	return z, z.validate()
}

func (z pyTimezone) validate() error {
	// A day before or after at most, which is days -1 or 0.
	if z.offset.days < -1 || z.offset.days > 0 {
		return errTime
	}
	if strings.ContainsFunc(z.name, func(r rune) bool { return r < ' ' || r >= 0x7f || r == '\'' || r == '\\' }) {
		return errors.New("the name of a time zone has a character that no zone's has")
	}
	return nil
}

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
