package redisstore

import (
	"bytes"
	"context"
	"encoding/hex"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/memstore"
)

// nopClient is a client that nobody calls.
type nopClient struct{ rueidis.Client }

func sample() scarab.Record {
	now := time.Date(2026, 11, 22, 14, 0, 0, 123456000, time.UTC)
	return scarab.Record{
		Handle: scarab.Handle{1, 2, 3}, Secret: [32]byte{4, 5, 6}, Version: 7, Commit: [16]byte{8, 9},
		Principal: "ann", Label: "Firefox on Linux",
		Created: now, AuthTime: now.Add(time.Second), Renewed: now.Add(2 * time.Second), Seen: now.Add(3 * time.Second),
		Expires: now.Add(time.Hour), Deadline: now.Add(24 * time.Hour), Idle: time.Hour,
		Data: []byte(`J{"a":1}`),
	}
}

// The layout outlives a release: Redis has records of the one before.
func TestEncode_layout(t *testing.T) {
	for name, r := range samples() {
		t.Run(name, func(t *testing.T) {
			got, err := encode(&r)
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(filepath.Join("testdata", name+".hex"))
			if err != nil {
				t.Fatal(err)
			}
			if hex.EncodeToString([]byte(got)) != strings.Join(strings.Fields(string(want)), "") {
				t.Errorf("encoded as\n%s\nwant\n%s", hex.Dump([]byte(got)), want)
			}
			back, err := decode(r.Handle, []byte(got))
			if err != nil {
				t.Fatal(err)
			}
			if again, err := encode(&back); err != nil || again != got {
				t.Errorf("decoded and encoded again: %v, %x", err, again)
			}
		})
	}
}

func samples() map[string]scarab.Record {
	never := sample()
	never.Principal, never.Label, never.Data = "", "", nil
	never.AuthTime, never.Renewed, never.Expires, never.Deadline = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	never.Idle = scarab.Never
	return map[string]scarab.Record{"full": sample(), "never": never}
}

func TestEncode_refuses(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(*scarab.Record)
		want  string
	}{
		{"a principal that is too long", func(r *scarab.Record) { r.Principal = strings.Repeat("x", 1025) }, "principal has 1025 bytes"},
		{"a label that is too long", func(r *scarab.Record) { r.Label = strings.Repeat("x", 1025) }, "label has 1025 bytes"},
		{"a time before 1970", func(r *scarab.Record) { r.Seen = time.Unix(-1, 0) }, "Seen is 1969"},
		{"the time that stands for none", func(r *scarab.Record) { r.Deadline = time.Unix(0, 0).UTC() }, "Deadline is 1970"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := sample()
			tt.spoil(&r)
			if _, err := encode(&r); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// What decode accepts, encode would have written. What was cut off it refuses.
func FuzzDecode(f *testing.F) {
	for _, r := range samples() {
		s, err := encode(&r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(s))
		f.Add([]byte(s)[:atTexts-1])
		f.Add([]byte(s)[:len(s)-len(r.Data)-1])
		broken := []byte(s)
		broken[atTimes] = 0xff
		f.Add(broken)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decode(scarab.Handle{}, b)
		if err != nil {
			return
		}
		if len(r.Principal) > maxPrincipal || len(r.Label) > maxLabel {
			return
		}
		got, err := encode(&r)
		if err != nil {
			t.Fatalf("decode accepts what encode does not: %v", err)
		}
		if r.Idle == scarab.Never { // everything from 292 years on
			got = got[:atIdle] + string(b[atIdle:atIdle+8]) + got[atIdle+8:]
		}
		if !bytes.Equal([]byte(got), b) {
			t.Errorf("two spellings of one record:\n%x\n%x", b, got)
		}
	})
}

func TestExpiry(t *testing.T) {
	at := time.UnixMilli(1_800_000_000_000)
	for _, tt := range []struct {
		expires time.Time
		want    string
	}{
		{time.Time{}, ""},
		{at, "1800000000000"},
		{at.Add(time.Microsecond), "1800000000001"},
		{at.Add(time.Millisecond - time.Microsecond), "1800000000001"},
		{at.Add(time.Millisecond), "1800000000001"},
	} {
		if got := expiry(&scarab.Record{Expires: tt.expires}); got != tt.want {
			t.Errorf("expiry of %v is %q, want %q", tt.expires, got, tt.want)
		}
	}
}

func TestIdle(t *testing.T) {
	for _, d := range []time.Duration{0, time.Microsecond, time.Hour, scarab.Never} {
		if got := idleDuration(uint64(idleMicros(d))); got != d {
			t.Errorf("%v comes back as %v", d, got)
		}
	}
	if got := idleMicros(math.MinInt64); got != 0 {
		t.Errorf("a negative one is %d", got)
	}
}

func TestNew_refuses(t *testing.T) {
	for _, tt := range []struct {
		cfg  Config
		want string
	}{
		{Config{}, "client is nil"},
		{Config{WaitReplicas: -1}, "WaitReplicas"},
		{Config{WaitTimeout: -1}, "WaitTimeout"},
		{Config{Prefix: "a{"}, "brace"},
		{Config{Prefix: "{}"}, "brace"},
	} {
		var client nopClient
		s := New(&client, tt.cfg)
		if tt.want == "client is nil" {
			s = New(nil, tt.cfg)
		}
		_, err := s.Load(t.Context(), scarab.Handle{}, time.Now())
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: got %v, want an error with %q", tt.cfg, err, tt.want)
		}
	}
}

func TestWritten(t *testing.T) {
	a, b := scarab.Handle{1}, scarab.Handle{2}
	var w written
	if w.note(a); w.lately(a) {
		t.Error("something is noted though there is no cache")
	}
	w.on = true
	w.note(a)
	if !w.lately(a) || w.lately(b) {
		t.Error("what was written is not told from what was not")
	}
	w.since = w.since.Add(-lateFor - time.Millisecond)
	w.note(b)
	if !w.lately(a) || !w.lately(b) {
		t.Error("a session was forgotten too early")
	}
	w.since = w.since.Add(-lateFor - time.Millisecond)
	w.note(b)
	if w.lately(a) {
		t.Error("a session is never forgotten")
	}
	w.since = w.since.Add(-2*lateFor - time.Millisecond)
	if w.lately(b) {
		t.Error("a session is never forgotten when no other is written")
	}
}

// Requests that may change something go past the cache.
func TestCache_unsafeMethods(t *testing.T) {
	factory, err := scarab.New(scarab.Stored(memstore.New()), scarab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for method, want := range map[string]bool{
		"GET": false, "HEAD": false, "OPTIONS": false, "TRACE": false,
		"POST": true, "PUT": true, "PATCH": true, "DELETE": true, "get": true, "PURGE": true,
	} {
		called := false
		h := factory.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			called = true
			ctx, cancel := context.WithTimeout(r.Context(), time.Minute) // as stores get it
			defer cancel()
			if got := isFresh(ctx); got != want {
				t.Errorf("%s: fresh is %v, want %v", method, got, want)
			}
		}))
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, "/", nil))
		if !called {
			t.Errorf("%s: the handler was not called", method)
		}
	}
	if isFresh(t.Context()) || !isFresh(Fresh(t.Context())) {
		t.Error("outside of a request, a context is fresh if Fresh made it")
	}
}
