package scarabtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/scarab-go/scarab"
)

// A subject is the store that a clause is checked on.
type subject struct {
	store scarab.Store
	now   time.Time // to the microsecond, as stores keep it
	id    [15]byte  // the start of every handle, so that leftovers are not met
}

func newSubject(s scarab.Store, now time.Time) *subject {
	sub := &subject{store: s, now: now.Round(0).Truncate(time.Microsecond)}
	rand.Read(sub.id[:])
	return sub
}

func (s *subject) handle(n byte) (h scarab.Handle) {
	copy(h[:], s.id[:])
	h[15] = n
	return h
}

// record returns the first version of a record that is live for an hour.
func (s *subject) record(n byte, data string) scarab.Record {
	r := scarab.Record{
		Handle:   s.handle(n),
		Secret:   sha256.Sum256([]byte{n}),
		Version:  1,
		Created:  s.now.Add(-time.Hour),
		Seen:     s.now,
		Expires:  s.now.Add(time.Hour),
		Deadline: s.now.Add(24 * time.Hour),
		Idle:     time.Hour,
		Data:     []byte(data),
	}
	rand.Read(r.Commit[:])
	return r
}

// of returns r as it is when principal has logged in at the given time.
func of(r scarab.Record, principal string, at time.Time) scarab.Record {
	r.Principal, r.AuthTime = principal, at
	return r
}

// renewed returns r with a new secret of the moment it was last used, as a login
// leaves it.
func renewed(r scarab.Record) scarab.Record {
	rand.Read(r.Secret[:])
	r.Renewed = r.Seen
	return r
}

// next returns the version of r that a commit of data makes.
func next(r scarab.Record, data string) scarab.Record {
	r.Version++
	rand.Read(r.Commit[:])
	r.Data = []byte(data)
	return r
}

// The store's methods, with their names in front of errors.

func (s *subject) load(ctx context.Context, h scarab.Handle, now time.Time) (scarab.Record, error) {
	r, err := s.store.Load(ctx, h, now)
	return r, named("Load", err)
}

func (s *subject) create(ctx context.Context, r scarab.Record) error {
	return named("Create", s.store.Create(ctx, r))
}

func (s *subject) save(ctx context.Context, r scarab.Record) error {
	return named("Save", s.store.Save(ctx, r))
}

func (s *subject) touch(ctx context.Context, h scarab.Handle, now time.Time) error {
	return named("Touch", s.store.Touch(ctx, h, now))
}

func (s *subject) delete(ctx context.Context, h scarab.Handle) error {
	return named("Delete", s.store.Delete(ctx, h))
}

func named(method string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", method, err)
}

// loads reports whether the store has want, field by field.
func (s *subject) loads(ctx context.Context, want scarab.Record) error {
	return s.loadsAt(ctx, want, s.now)
}

func (s *subject) loadsAt(ctx context.Context, want scarab.Record, now time.Time) error {
	got, err := s.load(ctx, want.Handle, now)
	if err != nil {
		return err
	}
	return same("Load", got, want)
}

// absent reports whether the store has no record at h.
func (s *subject) absent(ctx context.Context, h scarab.Handle) error {
	_, err := s.load(ctx, h, s.now)
	return want("Load", err, scarab.ErrNoSession)
}

// same compares records. Times are equal to the microsecond, or closer.
func same(what string, got, want scarab.Record) error {
	var errs []error
	differ := func(field string, got, want any) {
		errs = append(errs, fmt.Errorf("%s: %s is %v, want %v", what, field, got, want))
	}
	if got.Handle != want.Handle {
		differ("Handle", got.Handle, want.Handle)
	}
	if got.Secret != want.Secret {
		differ("Secret", fmt.Sprintf("%x", got.Secret), fmt.Sprintf("%x", want.Secret))
	}
	if got.Version != want.Version {
		differ("Version", got.Version, want.Version)
	}
	if got.Commit != want.Commit {
		differ("Commit", fmt.Sprintf("%x", got.Commit), fmt.Sprintf("%x", want.Commit))
	}
	if got.Principal != want.Principal {
		differ("Principal", fmt.Sprintf("%q", got.Principal), fmt.Sprintf("%q", want.Principal))
	}
	if got.Label != want.Label {
		differ("Label", fmt.Sprintf("%q", got.Label), fmt.Sprintf("%q", want.Label))
	}
	for _, f := range []struct {
		name      string
		got, want time.Time
	}{
		{"Created", got.Created, want.Created},
		{"AuthTime", got.AuthTime, want.AuthTime},
		{"Renewed", got.Renewed, want.Renewed},
		{"Seen", got.Seen, want.Seen},
		{"Expires", got.Expires, want.Expires},
		{"Deadline", got.Deadline, want.Deadline},
	} {
		if d := f.got.Sub(f.want).Abs(); f.got.IsZero() != f.want.IsZero() || d >= time.Microsecond {
			differ(f.name, f.got.UTC(), f.want.UTC())
		}
	}
	if got.Idle != want.Idle {
		differ("Idle", got.Idle, want.Idle)
	}
	if !bytes.Equal(got.Data, want.Data) {
		differ("Data", short(got.Data), short(want.Data))
	}
	return errors.Join(errs...)
}

func short(b []byte) string {
	if len(b) > 40 {
		return fmt.Sprintf("%q… (%d bytes)", b[:40], len(b))
	}
	return fmt.Sprintf("%q", b)
}

// parallel calls f(0) to f(n-1) at once and returns their errors in order.
func parallel(n int, f func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

func errOf(_ scarab.Record, err error) error { return err }

// count returns how many of errs are nil, how many match target, and what the
// others say.
func count(errs []error, target error) (ok, matching int, rest error) {
	var others []error
	for _, err := range errs {
		switch {
		case err == nil:
			ok++
		case errors.Is(err, target):
			matching++
		default:
			others = append(others, err)
		}
	}
	return ok, matching, errors.Join(others...)
}
