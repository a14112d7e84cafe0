package sqlstore

import (
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/scarab-go/scarab"
)

const (
	columns = selected + `data, expires_hour`
	// selected is what most databases find of a session.
	selected = `handle, secret, version, commit_id, principal, label, created, auth_time, renewed, seen, expires, deadline, idle, `
)

// never is the time that a zero Expires or Deadline is kept as, so that
// comparisons need no special case.
const never = math.MaxInt64

// micros is the inverse of instant. The zero time has a number of its own,
// -62135596800000000, which is before everything.
func micros(t time.Time) int64 { return t.UnixMicro() }

func instant(us int64) time.Time { return time.UnixMicro(us).UTC() }

func limitMicros(t time.Time) int64 {
	if t.IsZero() {
		return never
	}
	return t.UnixMicro()
}

func limitInstant(us int64) time.Time {
	if us == never {
		return time.Time{}
	}
	return instant(us)
}

func idleMicros(d time.Duration) int64 {
	if d == scarab.Never {
		return never
	}
	return d.Microseconds()
}

func idleDuration(us int64) time.Duration {
	if us > math.MaxInt64/int64(time.Microsecond) {
		return scarab.Never
	}
	return time.Duration(us) * time.Microsecond
}

// row scans a record. Its fields are those that database/sql converts to,
// whatever a driver returns; the raw ones are the driver's until the next row.
type row struct {
	handle, secret, commit, principal, label sql.RawBytes
	version                                  int64
	created, authTime, renewed, seen         int64
	expires, deadline, idle                  int64
	data                                     []byte
}

// errUndecodable is about a row that no version of this package has written.
// Its browser gets a new session; the row stays for the operator.
var errUndecodable = fmt.Errorf("%w: undecodable: %w", scarab.ErrNoSession, scarab.ErrUndecodable)

func scanRow(rows *sql.Rows) (scarab.Record, error) {
	w := new(row)
	err := rows.Scan(&w.handle, &w.secret, &w.version, &w.commit, &w.principal, &w.label,
		&w.created, &w.authTime, &w.renewed, &w.seen, &w.expires, &w.deadline, &w.idle, &w.data)
	if err != nil {
		return scarab.Record{}, err
	}
	r := scarab.Record{
		Version:   uint64(w.version),
		Principal: string(w.principal),
		Label:     string(w.label),
		Created:   instant(w.created),
		AuthTime:  instant(w.authTime),
		Renewed:   instant(w.renewed),
		Seen:      instant(w.seen),
		Expires:   limitInstant(w.expires),
		Deadline:  limitInstant(w.deadline),
		Idle:      idleDuration(w.idle),
		Data:      w.data,
	}
	for _, f := range [...]struct {
		column   string
		from, to []byte
	}{
		{"handle", w.handle, r.Handle[:]},
		{"secret", w.secret, r.Secret[:]},
		{"commit_id", w.commit, r.Commit[:]},
	} {
		if copy(f.to, f.from) != len(f.to) || len(f.from) != len(f.to) {
			return scarab.Record{}, fmt.Errorf("%w: column %s of session %x has %d bytes, not %d", errUndecodable, f.column, w.handle, len(f.from), len(f.to))
		}
	}
	return r, nil
}

// Bounds of text, in bytes. What an index of every database can hold is about
// three times as long as the longest principal.
const (
	maxPrincipal = 1024
	maxLabel     = 1024
)

// check refuses what one of the databases would cut off, or refuse in words
// that name no field.
func (s *Store) check(r scarab.Record) error {
	if s.err != nil {
		return s.err
	}
	return errors.Join(checkText("principal", r.Principal, maxPrincipal), checkText("label", r.Label, maxLabel))
}

func checkText(field, text string, most int) error {
	if len(text) > most {
		return fmt.Errorf("sqlstore: the %s has %d bytes, more than %d", field, len(text), most)
	}
	return nil
}

// text is an argument for a principal or a label. PostgreSQL's text holds
// neither NUL nor what is not UTF-8, and labels come from browsers.
func (s *Store) text(text string) any {
	if s.dialect.binaryText {
		return []byte(text)
	}
	return text
}

// saveArgs are the arguments of save and move.
func (s *Store) saveArgs(r *scarab.Record) []any {
	return append(s.values(r), r.Handle[:], int64(r.Version-1), s.text(r.Principal))
}

// loginArgs are the arguments of login.
func (s *Store) loginArgs(r *scarab.Record) []any {
	principal := s.text(r.Principal)
	return append(s.values(r), principal, r.Handle[:], int64(r.Version-1), principal, principal, micros(r.AuthTime))
}

// values are what an update sets in any case.
func (s *Store) values(r *scarab.Record) []any {
	return append(make([]any, 0, 18),
		r.Secret[:], int64(r.Version), r.Commit[:], s.text(r.Label),
		micros(r.Created), micros(r.AuthTime), micros(r.Renewed), micros(r.Seen),
		limitMicros(r.Expires), limitMicros(r.Deadline), idleMicros(r.Idle), data(r), hour(r))
}

// createArgs are the columns, and then what the check for a revocation needs.
func (s *Store) createArgs(r *scarab.Record) []any {
	return []any{
		r.Handle[:], r.Secret[:], int64(r.Version), r.Commit[:], s.text(r.Principal), s.text(r.Label),
		micros(r.Created), micros(r.AuthTime), micros(r.Renewed), micros(r.Seen),
		limitMicros(r.Expires), limitMicros(r.Deadline), idleMicros(r.Idle), data(r), hour(r),
		s.text(r.Principal), micros(r.AuthTime),
	}
}

// hour is when r expires, in hours: what the index for sweeps has, so that it
// seldom changes.
func hour(r *scarab.Record) int64 { return limitMicros(r.Expires) / 3_600_000_000 }

// data is never nil: drivers make NULL of that.
func data(r *scarab.Record) []byte {
	if r.Data == nil {
		return []byte{}
	}
	return r.Data
}
