package cookiecodec

import (
	"strings"
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/memstore"
)

// A session of six values has about this many bytes of payload.
var benchPayload = []byte(strings.Repeat("0123456789", 25))

func BenchmarkCodec(b *testing.B) {
	codecs := bothCodecs(b)
	codecs["signed-sha256"] = newTestSigned(b, SignedConfig{SecretText: []string{"a secret for tests"}, Hash: "sha256"})
	for kind, c := range codecs {
		value := encode(b, c, "__Host-session", benchPayload)
		forged := "AA" + value[2:]
		b.Run(kind+"/encode", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Encode("__Host-session", benchPayload); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(kind+"/decode", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Decode("__Host-session", value); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(kind+"/decode-forged", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Decode("__Host-session", forged); err == nil {
					b.Fatal("no error")
				}
			}
		})
		b.Run(kind+"/both-parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					value, err := c.Encode("__Host-session", benchPayload)
					if err == nil {
						_, err = c.Decode("__Host-session", value)
					}
					if err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

func BenchmarkSealStore(b *testing.B) {
	ring := newTestRing(b, newTestKey(b))
	plain := memstore.New()
	for _, tt := range []struct {
		name  string
		store scarab.Store
	}{
		{"sealed", newTestSealStore(b, memstore.New(), ring)},
		{"plain", plain},
	} {
		r := testRecord(1, string(benchPayload))
		if err := tt.store.Create(b.Context(), r); err != nil {
			b.Fatal(err)
		}
		b.Run(tt.name+"/load", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tt.store.Load(b.Context(), r.Handle, now); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(tt.name+"/save", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.Version++
				if err := tt.store.Save(b.Context(), r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
