package scarabtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/scarab-go/scarab"
)

var keptClauses = []storeClause{
	{
		name:   "fields",
		clause: "A Record is what a [Store] keeps of one session.",
		check: func(ctx context.Context, s *subject) error {
			r := s.full(1)
			second := s.full(2)
			second.Handle, second.Version = r.Handle, 2
			third := s.record(1, "")
			third.Version = 3
			return errors.Join(
				s.create(ctx, r), s.loads(ctx, r),
				s.save(ctx, second), s.loads(ctx, second),
				s.save(ctx, third), s.loads(ctx, third),
			)
		},
	},
	{
		name:   "times",
		clause: "Times are kept at least to the microsecond, and a zero time stays zero.",
		check: func(ctx context.Context, s *subject) error {
			r := s.full(1)
			const last = 999_999 * time.Microsecond
			second := s.now.Truncate(time.Second)
			r.Created, r.AuthTime, r.Renewed = second.Add(-last), second.Add(-3*last), second.Add(-2*last)
			r.Seen, r.Expires, r.Deadline = second.Add(last+999), second.Add(time.Hour+last), second.AddDate(100, 0, 0).Add(last)
			zero := s.record(1, "")
			zero.Version = 2
			zero.Created, zero.Seen, zero.Expires, zero.Deadline = time.Time{}, time.Time{}, time.Time{}, time.Time{}
			return errors.Join(
				s.create(ctx, r), s.loads(ctx, r),
				s.save(ctx, zero), s.loads(ctx, zero),
			)
		},
	},
	{
		name:   "time-zones",
		clause: "Times are kept at least to the microsecond, and a zero time stays zero.",
		check: func(ctx context.Context, s *subject) error {
			r := s.record(1, "data")
			r.Created = r.Created.In(time.FixedZone("east", 13*60*60))
			r.Expires = r.Expires.In(time.FixedZone("west", -11*60*60))
			return errors.Join(s.create(ctx, r), s.loads(ctx, r))
		},
	},
	{
		name:   "idle",
		clause: "Never, or how long Touch extends Expires",
		check: func(ctx context.Context, s *subject) error {
			var errs []error
			for i, idle := range []time.Duration{time.Microsecond, time.Second, 400 * 24 * time.Hour, scarab.Never} {
				r := s.record(byte(i), "data")
				r.Idle = idle
				errs = append(errs, s.create(ctx, r), s.loads(ctx, r))
			}
			return errors.Join(errs...)
		},
	},
	{
		name:   "data",
		clause: "opaque to the store; nobody changes it after handing it over",
		check: func(ctx context.Context, s *subject) error {
			var binary [256]byte
			for i := range binary {
				binary[i] = byte(i)
			}
			var errs []error
			for i, data := range [][]byte{nil, {}, {0}, binary[:], []byte("\xff\xfe{}'\"\\%s;--\r\n"), bytes.Repeat(binary[:], 4096)} {
				r := s.record(byte(i), "")
				r.Data = data
				saved := next(r, "")
				saved.Data = append(bytes.Clone(data), '!')
				errs = append(errs, s.create(ctx, r), s.loads(ctx, r), s.save(ctx, saved), s.loads(ctx, saved))
			}
			return errors.Join(errs...)
		},
	},
	{
		name:   "data-handed-over",
		clause: "opaque to the store; nobody changes it after handing it over",
		check: func(ctx context.Context, s *subject) error {
			r := s.record(1, "first")
			second := next(r, "other")
			if err := s.create(ctx, r); err != nil {
				return err
			}
			loaded, err := s.load(ctx, r.Handle, s.now)
			if err != nil {
				return err
			}
			again, err := s.load(ctx, r.Handle, s.now)
			if err != nil {
				return err
			}
			a, b := append(loaded.Data, 'a'), append(again.Data, 'b')
			if err := errors.Join(s.save(ctx, second), s.touch(ctx, r.Handle, s.now.Add(time.Minute)), s.delete(ctx, r.Handle)); err != nil {
				return err
			}
			for what, data := range map[string][]byte{
				"the Data given to Create": r.Data,
				"the Data Load returned":   loaded.Data,
				"what was appended to it":  a[:len(a)-1],
			} {
				if string(data) != "first" {
					return fmt.Errorf("%s reads %q after a Save, a Touch and a Delete, want %q", what, data, "first")
				}
			}
			if string(second.Data) != "other" {
				return fmt.Errorf("the Data given to Save reads %q, want %q", second.Data, "other")
			}
			if a[len(a)-1] != 'a' || b[len(b)-1] != 'b' {
				return errors.New("appending to the Data of one Load wrote into the Data of another: return it without spare capacity")
			}
			return nil
		},
	},
	{
		name:   "handles",
		clause: "A Handle names a session for life: it is the key in the store, in lists and in audit logs.",
		check: func(ctx context.Context, s *subject) error {
			// Alike to who compares text: case, trailing blanks and zeros.
			alike := []byte{0, ' ', '\t', '\n', 'a', 'A', 0xe4, 0xc4, 0x80, 0xff, '%', '_', '*'}
			var errs []error
			for _, n := range alike {
				errs = append(errs, s.create(ctx, s.record(n, string(n))))
			}
			for i, n := range alike {
				r := next(s.record(n, ""), string(n)+"!")
				errs = append(errs, s.save(ctx, r), s.loads(ctx, r))
				if i%2 == 0 {
					errs = append(errs, s.delete(ctx, r.Handle), s.absent(ctx, r.Handle))
				}
			}
			for i, n := range alike {
				if i%2 != 0 {
					_, err := s.load(ctx, s.handle(n), s.now)
					errs = append(errs, err)
				}
			}
			return errors.Join(errs...)
		},
	},
	{
		name:   "texts",
		clause: "A Record is what a [Store] keeps of one session.",
		check: func(ctx context.Context, s *subject) error {
			var errs []error
			for i, text := range []string{"Ĵoŝuo 測試 🪲 é e\u0301", `' " \ % _ * ? [a] {b} : ; --`, " blanks ", "line\nline\ttab", strings.Repeat("ß", 120)} {
				r := s.record(byte(i), "data")
				r.Label = text
				r = of(r, text, s.now)
				errs = append(errs, s.create(ctx, r), s.loads(ctx, r))
			}
			return errors.Join(errs...)
		},
	},
}

// full returns a record in which no field is zero, different for each n.
func (s *subject) full(n byte) scarab.Record {
	r := s.record(n, "data of "+string('0'+n))
	d := time.Duration(n) * 1234567 * time.Microsecond
	r = of(r, "principal "+string('0'+n), s.now.Add(-d))
	r.Label = "label " + string('0'+n)
	r.Created, r.Renewed = s.now.Add(-3*d), s.now.Add(-2*d)
	r.Seen, r.Expires, r.Deadline = s.now.Add((d / 2).Truncate(time.Microsecond)), s.now.Add(time.Hour+d), s.now.Add(24*time.Hour+d)
	r.Idle += d
	return r
}
