package scarab_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/cookiecodec"
	"github.com/scarab-go/scarab/memstore"
)

// discard is a writer that keeps nothing but the header.
type discard http.Header

func (w discard) Header() http.Header         { return http.Header(w) }
func (w discard) Write(b []byte) (int, error) { return len(b), nil }
func (w discard) WriteHeader(int)             {}

// BenchmarkRequest is what a session costs inside one request, next to nothing
// else; internal/bench compares it with other libraries.
func BenchmarkRequest(b *testing.B) {
	key, err := cookiecodec.GenerateKey(256)
	if err != nil {
		b.Fatal(err)
	}
	ring, err := cookiecodec.NewKeyring(key)
	if err != nil {
		b.Fatal(err)
	}
	sealed, err := cookiecodec.NewSealed(ring)
	if err != nil {
		b.Fatal(err)
	}
	signed, err := cookiecodec.NewSigned(cookiecodec.SignedConfig{Secrets: [][]byte{[]byte(key.Reveal())}})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("memstore", func(b *testing.B) { benchmarkRequest(b, scarab.Stored(memstore.New())) })
	b.Run("sealed", func(b *testing.B) { benchmarkRequest(b, scarab.InCookie(sealed)) })
	b.Run("signed", func(b *testing.B) { benchmarkRequest(b, scarab.InCookie(signed)) })
}

func benchmarkRequest(b *testing.B, backend scarab.Backend) {
	f, err := scarab.New(backend, scarab.Config{})
	if err != nil {
		b.Fatal(err)
	}
	const (
		user    = scarab.Key[int64]("user_id")
		counter = scarab.Key[int]("counter")
	)
	handler := func(h func(*scarab.Session)) http.Handler {
		return f.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if h != nil {
				s, err := scarab.From(r.Context())
				if err != nil {
					b.Error(err)
				}
				h(s)
			}
			w.WriteHeader(http.StatusOK)
		}))
	}
	w := discard{}
	handler(func(s *scarab.Session) {
		s.Set("user_id", 123456789)
		s.Set("username", "twelve_chars")
		s.Set("csrf", strings.Repeat("0123456789", 4))
		s.Set("counter", 1)
		s.Set("roles", []string{"admin", "editor", "viewer"})
		s.Flash("Your changes were saved.")
	}).ServeHTTP(w, newRequest(b, ""))
	cookie, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")

	for _, bench := range []struct {
		name    string
		handler func(*scarab.Session)
	}{
		{"untouched", nil},
		{"read", func(s *scarab.Session) { user.Get(s) }},
		{"read and write", func(s *scarab.Session) {
			user.Get(s)
			counter.Update(s, func(n int) int { return n + 1 })
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			h, r := handler(bench.handler), newRequest(b, cookie)
			b.ReportAllocs()
			for b.Loop() {
				clear(w)
				h.ServeHTTP(w, r)
			}
		})
	}
}

func newRequest(b *testing.B, cookie string) *http.Request {
	r, err := http.NewRequest(http.MethodGet, "/", nil)
	if err != nil {
		b.Fatal(err)
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	return r
}
