package redisstore

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/redis/rueidis"

	"github.com/scarab-go/scarab"
)

// A record is a string, for there is nothing that Redis reads faster. Numbers
// are big-endian; times and durations are microseconds, times since 1970, with
// 0 for none. The scripts know the positions.
//
//	  0  1   format, '1'
//	  1  8   version
//	  9  8   created
//	 17  8   auth time
//	 25  8   renewed
//	 33  8   seen
//	 41  8   expires
//	 49  8   deadline
//	 57  8   idle; the largest int64 is never
//	 65  2   length of the principal
//	 67  2   length of the label
//	 69  32  hash of the secret
//	101  16  commit
//	117      principal, label, data
const (
	format   = '1'
	atTimes  = 9
	atIdle   = 57
	atSecret = 69
	atCommit = 101
	atTexts  = 117
)

// Bounds of text, in bytes, as in package sqlstore.
const (
	maxPrincipal = 1024
	maxLabel     = 1024
)

// encode writes r for Redis, or says which field does not fit.
func encode(r *scarab.Record) (string, error) {
	if len(r.Principal) > maxPrincipal {
		return "", fmt.Errorf("redisstore: the principal has %d bytes, more than %d", len(r.Principal), maxPrincipal)
	}
	if len(r.Label) > maxLabel {
		return "", fmt.Errorf("redisstore: the label has %d bytes, more than %d", len(r.Label), maxLabel)
	}
	b := make([]byte, 0, atTexts+len(r.Principal)+len(r.Label)+len(r.Data))
	b = append(b, format)
	b = binary.BigEndian.AppendUint64(b, r.Version)
	for _, f := range [...]struct {
		name string
		time time.Time
	}{
		{"Created", r.Created}, {"AuthTime", r.AuthTime}, {"Renewed", r.Renewed},
		{"Seen", r.Seen}, {"Expires", r.Expires}, {"Deadline", r.Deadline},
	} {
		us := micros(f.time)
		if us < 0 || us == 0 && !f.time.IsZero() {
			return "", fmt.Errorf("redisstore: %s is %v: the times of a session are after 1970", f.name, f.time)
		}
		b = binary.BigEndian.AppendUint64(b, uint64(us))
	}
	b = binary.BigEndian.AppendUint64(b, uint64(idleMicros(r.Idle)))
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.Principal)))
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.Label)))
	b = append(b, r.Secret[:]...)
	b = append(b, r.Commit[:]...)
	b = append(b, r.Principal...)
	b = append(b, r.Label...)
	b = append(b, r.Data...)
	return rueidis.BinaryString(b), nil
}

// errFormat is about a record that is not one of this package, or was cut off.
// Its browser gets a new session; the record stays for the operator.
var errFormat = fmt.Errorf("%w: undecodable: %w", scarab.ErrNoSession, scarab.ErrUndecodable)

// decode reads what encode wrote. Data is a part of b.
func decode(h scarab.Handle, b []byte) (scarab.Record, error) {
	if len(b) < atTexts || b[0] != format {
		return scarab.Record{}, errFormat
	}
	principal := int(binary.BigEndian.Uint16(b[atIdle+8:]))
	label := int(binary.BigEndian.Uint16(b[atIdle+10:]))
	texts := b[atTexts:]
	if len(texts) < principal+label {
		return scarab.Record{}, errFormat
	}
	for i := range 7 {
		if n := binary.BigEndian.Uint64(b[atTimes+8*i:]); n > neverIdle {
			return scarab.Record{}, errFormat
		}
	}
	at := func(i int) time.Time { return instant(binary.BigEndian.Uint64(b[atTimes+8*i:])) }
	return scarab.Record{
		Handle:    h,
		Secret:    [32]byte(b[atSecret:atCommit]),
		Version:   binary.BigEndian.Uint64(b[1:]),
		Commit:    [16]byte(b[atCommit:atTexts]),
		Principal: string(texts[:principal]),
		Label:     string(texts[principal : principal+label]),
		Created:   at(0), AuthTime: at(1), Renewed: at(2),
		Seen: at(3), Expires: at(4), Deadline: at(5),
		Idle: idleDuration(binary.BigEndian.Uint64(b[atIdle:])),
		Data: texts[principal+label : len(texts) : len(texts)],
	}, nil
}

const neverIdle = 1<<63 - 1

// micros returns the microseconds since 1970, and 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func instant(us uint64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(us)).UTC()
}

func idleMicros(d time.Duration) int64 {
	if d == scarab.Never {
		return neverIdle
	}
	return max(d.Microseconds(), 0)
}

func idleDuration(us uint64) time.Duration {
	if us > uint64(scarab.Never/time.Microsecond) {
		return scarab.Never
	}
	return time.Duration(us) * time.Microsecond
}

// expiry returns when Redis removes r, in its milliseconds; "" is never. A
// fraction counts as a whole: what decides is Expires itself.
func expiry(r *scarab.Record) string {
	if r.Expires.IsZero() {
		return ""
	}
	return decimal(ceilMillis(r.Expires))
}

func ceilMillis(t time.Time) int64 {
	us := micros(t)
	return (us + 999) / 1000
}
