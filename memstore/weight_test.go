package memstore

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
)

// plain returns a session of a visitor, with 236 bytes of data.
func plain(principal string) scarab.Record {
	now := time.Now()
	r := scarab.Record{
		Version: 1, Principal: principal, Created: now, Seen: now, Expires: now.Add(time.Hour), Deadline: now.Add(24 * time.Hour),
		Idle: time.Hour, Data: bytes.Repeat([]byte("x"), 236),
	}
	rand.Read(r.Handle[:])
	rand.Read(r.Secret[:])
	rand.Read(r.Commit[:])
	return r
}

// fields is how many bytes a record's fields are, end to end.
func fields(r scarab.Record) int {
	return len(r.Handle) + len(r.Secret) + 8 + len(r.Commit) + len(r.Principal) + len(r.Label) + 6*8 + 8 + len(r.Data)
}

func heap() (bytes, objects uint64) {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc, m.HeapObjects
}

// A session weighs little more than its fields, and is no object of its own to
// the garbage collector: after the sessions were created, and after each was
// changed many times.
func TestStore_weight(t *testing.T) {
	const n = 60_000
	s := New()
	before, objectsBefore := heap()
	handles := make([]scarab.Handle, n)
	size := 0
	for i := range handles {
		r := plain(fmt.Sprint("user ", i/2))
		handles[i] = r.Handle
		size = fields(r)
		if err := s.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	weigh := func(when string) {
		after, objects := heap()
		each := float64(after-before)/n - 16 // the list of handles is not the store's
		t.Logf("%s: %.0f bytes for a session of %d, %.3f objects; the store says %.0f", when, each, size,
			float64(objects-objectsBefore)/n, float64(s.Bytes())/n)
		if each > 1.4*float64(size) {
			t.Errorf("%s: %.0f bytes for a session of %d, more than 1.4 times as much", when, each, size)
		}
		if float64(objects-objectsBefore) > n/20 {
			t.Errorf("%s: %d objects for %d sessions", when, objects-objectsBefore, n)
		}
		if said := float64(s.Bytes()) / n; said < 0.9*each || said > 1.1*each {
			t.Errorf("%s: Bytes says %.0f a session, the heap %.0f", when, said, each)
		}
	}
	weigh("created")
	for round := range 2 {
		for i, h := range handles {
			r, err := s.Load(t.Context(), h, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			r.Version++
			r.Data = bytes.Repeat([]byte("y"), 200+(i+round)%70)
			if err := s.Save(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
	}
	weigh("changed")
	runtime.KeepAlive(s)
}

// A limit is used, and kept: a store that refuses has filled four fifths of it.
func TestMaxBytes_Refuse(t *testing.T) {
	const limit = 4 << 20
	s := New(MaxBytes(limit, Refuse))
	total := 0
	for {
		r := plain("anna")
		err := s.Create(t.Context(), r)
		if got := s.Bytes(); got > limit {
			t.Fatalf("%d bytes, the limit is %d", got, limit)
		}
		if errors.Is(err, ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		total += fields(r)
	}
	if total < limit*7/10 {
		t.Errorf("full with %d bytes of sessions, the limit is %d", total, limit)
	}
	// What is there goes on: it can be touched, and saved in its place.
	for r := range s.Scan(t.Context()) {
		r.Version++
		if err := errors.Join(s.Touch(t.Context(), r.Handle, time.Now()), s.Save(t.Context(), r)); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.Sweep(t.Context(), time.Now().Add(2*time.Hour), 100); n != 100 || err != nil {
		t.Fatalf("swept %d, %v", n, err)
	}
	for i := range 50 {
		if err := s.Create(t.Context(), plain("anna")); err != nil {
			t.Fatalf("new session %d after 100 were swept: %v", i, err)
		}
	}
}

// Of those that may go, the expired go first, then those nobody is logged in to.
func TestMaxBytes_Evict(t *testing.T) {
	const limit = 4 << 20
	s := New(MaxBytes(limit, Evict))
	logins := make(map[scarab.Handle]bool)
	for i := range 20_000 {
		r := plain("")
		if i%100 == 0 && len(logins) < 500 {
			r.Principal = "anna"
			logins[r.Handle] = true
		}
		if err := s.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if got := s.Bytes(); got > limit {
			t.Fatalf("%d bytes, the limit is %d", got, limit)
		}
	}
	left := 0
	for r := range s.Scan(t.Context()) {
		if logins[r.Handle] {
			left++
		}
	}
	if s.Evicted() == 0 || left != len(logins) {
		t.Errorf("%d sessions were evicted, %d of %d logins are left", s.Evicted(), left, len(logins))
	}
}

func TestErrFull_tooLargeForAll(t *testing.T) {
	for _, full := range []Policy{Refuse, Evict} {
		s := New(MaxBytes(1<<20, full))
		small := plain("")
		if err := s.Create(t.Context(), small); err != nil {
			t.Fatal(err)
		}
		huge := small
		huge.Version, huge.Data = 2, make([]byte, 2<<20)
		if err := s.Save(t.Context(), huge); !errors.Is(err, ErrFull) {
			t.Errorf("policy %d: a session larger than the store: %v", full, err)
		}
		if _, err := s.Load(t.Context(), small.Handle, time.Now()); err != nil {
			t.Errorf("policy %d: the session as it was: %v", full, err)
		}
	}
}
