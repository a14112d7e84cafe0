package cookiecodec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/memstore"
	"github.com/scarab-go/scarab/scarabtest"
)

func newTestSealStore(t testing.TB, store scarab.Store, ring *Keyring, opts ...SealOption) scarab.Store {
	t.Helper()
	s, err := SealStore(store, ring, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSealStore_KeepsTheContract(t *testing.T) {
	ring := newTestRing(t, newTestKey(t))
	scarabtest.TestStore(t, func(t *testing.T) scarab.Store {
		return newTestSealStore(t, memstore.New(), ring)
	}, scarabtest.StoreOptions{})
}

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func testRecord(n byte, data string) scarab.Record {
	return scarab.Record{
		Handle: scarab.Handle{15: n}, Secret: [32]byte{n}, Version: 1, Principal: "anna", Label: "a label",
		Created: now, Seen: now, AuthTime: now, Expires: now.Add(time.Hour), Idle: time.Hour, Data: []byte(data),
	}
}

// stored returns the record as the inner store has it.
func stored(t testing.TB, s scarab.Store, r scarab.Record) scarab.Record {
	t.Helper()
	r, err := s.Load(t.Context(), r.Handle, now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSealStore_KnownAnswers(t *testing.T) {
	for i, v := range recordVectors(t) {
		inner := memstore.New()
		s := newTestSealStore(t, inner, v.ring(t), Audience(v.Audience))
		r := scarab.Record{
			Handle: scarab.Handle(v.Handle), Secret: [32]byte(v.Secret), Principal: v.Principal,
			Version: 1, Created: now, Seen: now, Data: v.Sealed,
		}
		if err := inner.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Load(t.Context(), r.Handle, now); err != nil || !bytes.Equal(got.Data, v.Data) {
			t.Errorf("%d: %x, %v, want %x", i, got.Data, err, []byte(v.Data))
		}
		sealer, err := newSealer(v.ring(t), v.Audience, "record")
		if err != nil {
			t.Fatal(err)
		}
		sealer.random = func(b []byte) { copy(b, v.Salt) }
		r.Data = v.Data
		if got, err := (recordSealer{sealer}).seal(r); err != nil || !bytes.Equal(got.Data, v.Sealed) {
			t.Errorf("%d: sealed\ngot  %x, %v\nwant %x", i, got.Data, err, []byte(v.Sealed))
		}
	}
}

func TestSealStore_HidesOnlyData(t *testing.T) {
	inner := memstore.New()
	s := newTestSealStore(t, inner, newTestRing(t, newTestKey(t)))
	r := testRecord(1, "the data of the session")
	if err := s.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if string(r.Data) != "the data of the session" {
		t.Errorf("Create changed its argument to %q", r.Data)
	}
	kept := stored(t, inner, r)
	if bytes.Contains(kept.Data, []byte("data")) || len(kept.Data) != 49+64+16 {
		t.Errorf("kept %q", kept.Data)
	}
	sealed := bytes.Clone(kept.Data)
	kept.Data = r.Data
	if fmt.Sprint(kept) != fmt.Sprint(r) {
		t.Errorf("kept %+v, want %+v", kept, r)
	}
	if got := stored(t, s, r); fmt.Sprint(got) != fmt.Sprint(r) {
		t.Errorf("loaded %+v, want %+v", got, r)
	}
	if again := stored(t, inner, r); !bytes.Equal(again.Data, sealed) {
		t.Error("loading changed what the store has")
	}
}

// What somebody can do who writes to the database, and what comes of it.
func TestSealStore_RefusesWhatItDidNotSeal(t *testing.T) {
	ring, key := newTestRing(t, newTestKey(t)), newTestKey(t)
	cookie := newTestSealed(t, ring)
	sealedIn := func(ring *Keyring, r scarab.Record, opts ...SealOption) []byte {
		inner := memstore.New()
		if err := newTestSealStore(t, inner, ring, opts...).Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		return stored(t, inner, r).Data
	}
	for _, tt := range []struct {
		name   string
		change func(*scarab.Record)
		want   error
	}{
		{"nothing is changed", func(*scarab.Record) {}, nil},
		{"another label and other times", func(r *scarab.Record) { r.Label, r.Seen, r.Expires = "", now.Add(1), time.Time{} }, nil},
		{"data of another record", func(r *scarab.Record) { r.Data = sealedIn(ring, testRecord(2, "other data")) }, errForged},
		{"a handle of another record", func(r *scarab.Record) { r.Handle[0]++ }, errForged},
		{"a token of one's own", func(r *scarab.Record) { r.Secret[31]++ }, errForged},
		{"another principal", func(r *scarab.Record) { r.Principal = "root" }, errForged},
		{"no principal", func(r *scarab.Record) { r.Principal = "" }, errForged},
		{"a flipped bit", func(r *scarab.Record) { r.Data = bytes.Clone(r.Data); r.Data[60] ^= 1 }, errForged},
		{"a byte less", func(r *scarab.Record) { r.Data = r.Data[:len(r.Data)-1] }, errForged},
		{"the start alone", func(r *scarab.Record) { r.Data = r.Data[:1] }, errForged},
		{"data of a cookie", func(r *scarab.Record) {
			r.Data = fromBase64(t, encode(t, cookie, string(r.Handle[:]), []byte("data")))
		}, errForged},
		{"data of another audience", func(r *scarab.Record) { r.Data = sealedIn(ring, *r, Audience("other")) }, errForged},
		{"data of another key", func(r *scarab.Record) { r.Data = sealedIn(newTestRing(t, key), *r) }, errNoKey},
		{"data without a seal", func(r *scarab.Record) { r.Data = []byte("\x01\x00\x00") }, errNotSealed},
		{"no data", func(r *scarab.Record) { r.Data = nil }, errNotSealed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := testRecord(1, "data")
			r.Data = sealedIn(ring, r)
			tt.change(&r)
			inner := memstore.New()
			if err := inner.Create(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			s := newTestSealStore(t, inner, ring)
			loads := map[string]func() (scarab.Record, error){
				"Load": func() (scarab.Record, error) { return s.Load(t.Context(), r.Handle, now) },
				"LoadTouch": func() (scarab.Record, error) {
					return s.(scarab.LoadToucher).LoadTouch(t.Context(), r.Handle, r.Secret, now, time.Hour)
				},
				"Scan": func() (scarab.Record, error) {
					for r, err := range s.(scarab.Scanner).Scan(t.Context()) {
						return r, err
					}
					return scarab.Record{}, errors.New("nothing scanned")
				},
			}
			for name, load := range loads {
				got, err := load()
				if tt.want == nil {
					if err != nil || string(got.Data) != "data" {
						t.Errorf("%s: %q, %v", name, got.Data, err)
					}
					continue
				}
				var refused *RecordError
				if !errors.As(err, &refused) || refused.Reason != tt.want.Error() || refused.Handle != r.Handle {
					t.Errorf("%s: %v, want %v", name, err, tt.want)
				}
				if !errors.Is(err, scarab.ErrNoSession) || !strings.HasPrefix(err.Error(), "scarab: no session: ") {
					t.Errorf("%s: %v is no ErrNoSession", name, err)
				}
				if got.Data != nil || got.Handle != r.Handle {
					t.Errorf("%s: returned %+v beside the error", name, got)
				}
			}
			stored(t, inner, r) // it stays for the operator
		})
	}
}

func TestSealStore_Rotation(t *testing.T) {
	old, fresh := newTestKey(t), newTestKey(t)
	inner := memstore.New()
	r := testRecord(1, "data")
	if err := newTestSealStore(t, inner, newTestRing(t, old)).Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	both := newTestSealStore(t, inner, newTestRing(t, fresh, old))
	if got := stored(t, both, r); string(got.Data) != "data" {
		t.Errorf("by the second key: %q", got.Data)
	}
	r.Version = 2
	if err := both.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got := stored(t, newTestSealStore(t, inner, newTestRing(t, fresh)), r); string(got.Data) != "data" {
		t.Errorf("saved by the first key: %q", got.Data)
	}
}

// A conflictingStore answers each Save with what current says.
type conflictingStore struct {
	scarab.Store
	current *scarab.Record
}

func (s conflictingStore) Save(context.Context, scarab.Record) error {
	return fmt.Errorf("wrapped: %w", &scarab.ConflictError[scarab.Record]{Current: s.current})
}

func TestSealStore_ConflictCarriesOpenedRecord(t *testing.T) {
	inner := memstore.New()
	ring := newTestRing(t, newTestKey(t))
	r := testRecord(1, "current data")
	if err := newTestSealStore(t, inner, ring).Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	sealed := stored(t, inner, r)
	forged := sealed
	forged.Principal = "root"
	for name, tt := range map[string]struct {
		carried *scarab.Record
		want    string
	}{
		"a record":                  {&sealed, "current data"},
		"none":                      {nil, ""},
		"one that cannot be opened": {&forged, ""},
	} {
		err := newTestSealStore(t, conflictingStore{inner, tt.carried}, ring).Save(t.Context(), r)
		var conflict *scarab.ConflictError[scarab.Record]
		if !errors.As(err, &conflict) || !errors.Is(err, scarab.ErrConflict) {
			t.Fatalf("%s: %v", name, err)
		}
		switch got := conflict.Current; {
		case (got != nil) != (tt.want != ""):
			t.Errorf("%s: carries %+v", name, got)
		case got != nil && string(got.Data) != tt.want:
			t.Errorf("%s: carries %q, want %q", name, got.Data, tt.want)
		}
	}
	if bytes.Equal(sealed.Data, r.Data) || len(sealed.Data) != 129 {
		t.Error("the store's own record was changed")
	}
}

// A brokenStore fails at everything.
type brokenStore struct{ *memstore.Store }

var errBroken = errors.New("broken")

func (brokenStore) Load(context.Context, scarab.Handle, time.Time) (scarab.Record, error) {
	return scarab.Record{}, errBroken
}

func (brokenStore) LoadTouch(context.Context, scarab.Handle, [32]byte, time.Time, time.Duration) (scarab.Record, error) {
	return scarab.Record{}, errBroken
}

func (brokenStore) Create(context.Context, scarab.Record) error { return errBroken }
func (brokenStore) Save(context.Context, scarab.Record) error   { return errBroken }

func (brokenStore) Scan(context.Context) iter.Seq2[scarab.Record, error] {
	return func(yield func(scarab.Record, error) bool) { yield(scarab.Record{}, errBroken) }
}

func TestSealStore_PassesErrorsOn(t *testing.T) {
	s := newTestSealStore(t, brokenStore{memstore.New()}, newTestRing(t, newTestKey(t)))
	r := testRecord(1, "data")
	_, load := s.Load(t.Context(), r.Handle, now)
	_, loadTouch := s.(scarab.LoadToucher).LoadTouch(t.Context(), r.Handle, r.Secret, now, 0)
	var scan error
	for _, err := range s.(scarab.Scanner).Scan(t.Context()) {
		scan = err
	}
	for name, err := range map[string]error{
		"Load": load, "LoadTouch": loadTouch, "Scan": scan,
		"Create": s.Create(t.Context(), r), "Save": s.Save(t.Context(), r),
	} {
		if err != errBroken {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSealStore_ScanGoesOn(t *testing.T) {
	inner := memstore.New()
	s := newTestSealStore(t, inner, newTestRing(t, newTestKey(t)))
	for n := range byte(10) {
		create := s.Create
		if n%2 == 0 {
			create = inner.Create
		}
		if err := create(t.Context(), testRecord(n, "data")); err != nil {
			t.Fatal(err)
		}
	}
	opened, refused := 0, 0
	for r, err := range s.(scarab.Scanner).Scan(t.Context()) {
		switch {
		case err == nil && string(r.Data) == "data":
			opened++
		case errors.Is(err, scarab.ErrNoSession) && r.Data == nil:
			refused++
		default:
			t.Errorf("%+v, %v", r, err)
		}
	}
	if opened != 5 || refused != 5 {
		t.Errorf("%d opened and %d refused, want 5 and 5", opened, refused)
	}
	n := 0
	for r, err := range s.(scarab.PrincipalStore).Principal(t.Context(), "anna") {
		if err != nil || r.Data != nil || r.Label != "a label" {
			t.Errorf("%+v, %v", r, err)
		}
		if n++; n == 3 {
			break // the rest must not be asked for
		}
	}
}

func TestSealStore_HasTheExtrasOfTheStore(t *testing.T) {
	ring := newTestRing(t, newTestKey(t))
	extras := func(s scarab.Store) (has [4]bool) {
		_, has[0] = s.(scarab.LoadToucher)
		_, has[1] = s.(scarab.PrincipalStore)
		_, has[2] = s.(scarab.Sweeper)
		_, has[3] = s.(scarab.Scanner)
		return has
	}
	m := memstore.New()
	for n := range 16 {
		var (
			toucher scarab.LoadToucher
			finder  scarab.PrincipalStore
			sweeper scarab.Sweeper
			scanner scarab.Scanner
		)
		want := [4]bool{n&1 != 0, n&2 != 0, n&4 != 0, n&8 != 0}
		if want[0] {
			toucher = m
		}
		if want[1] {
			finder = m
		}
		if want[2] {
			sweeper = m
		}
		if want[3] {
			scanner = m
		}
		inner := combine(struct{ scarab.Store }{m}, toucher, finder, sweeper, scanner)
		if got := extras(inner); got != want {
			t.Errorf("combine: LoadToucher, PrincipalStore, Sweeper, Scanner: %v, want %v", got, want)
		}
		s := newTestSealStore(t, inner, ring)
		if got := extras(s); got != want {
			t.Errorf("SealStore: LoadToucher, PrincipalStore, Sweeper, Scanner: %v, want %v", got, want)
		}
		r := testRecord(byte(n), "data")
		if err := s.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if got := stored(t, s, r); string(got.Data) != "data" {
			t.Errorf("case %d: %q", n, got.Data)
		}
	}
}

func TestSealStore_Mistakes(t *testing.T) {
	ring := newTestRing(t, newTestKey(t))
	if s, err := SealStore(nil, ring); err == nil || s != nil || !strings.Contains(err.Error(), "store is nil") {
		t.Errorf("%v, %v", s, err)
	}
	if s, err := SealStore(memstore.New(), nil); err == nil || s != nil || !strings.Contains(err.Error(), "keyring is nil") {
		t.Errorf("%v, %v", s, err)
	}
}
