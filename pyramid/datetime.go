package pyramid

import (
	"encoding/binary"
	"errors"
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
