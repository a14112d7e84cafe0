package memstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
)

var sizes = []int{1000, 1_000_000}

func filled(b *testing.B, n int) (*Store, []scarab.Handle) {
	s := New()
	handles := make([]scarab.Handle, n)
	for i := range handles {
		r := plain("")
		handles[i] = r.Handle
		if err := s.Create(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
	return s, handles
}

func each(b *testing.B, f func(b *testing.B, s *Store, h scarab.Handle)) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, handles := filled(b, n)
			b.ReportAllocs()
			for b.Loop() {
				f(b, s, handles[rand.IntN(n)])
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	now := time.Now()
	each(b, func(b *testing.B, s *Store, h scarab.Handle) {
		if _, err := s.Load(context.Background(), h, now); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkSave(b *testing.B) {
	now := time.Now()
	each(b, func(b *testing.B, s *Store, h scarab.Handle) {
		r, err := s.Load(context.Background(), h, now)
		if err != nil {
			b.Fatal(err)
		}
		r.Version++
		if err := s.Save(context.Background(), r); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkTouch(b *testing.B) {
	now := time.Now()
	each(b, func(b *testing.B, s *Store, h scarab.Handle) {
		if err := s.Touch(context.Background(), h, now); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkGC is a full collection.
func BenchmarkGC(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, _ := filled(b, n)
			for b.Loop() {
				runtime.GC()
			}
			runtime.KeepAlive(s)
		})
	}
}

// BenchmarkSweep looks at every session and finds none that has expired. How
// long a lock is held, on average, is reported beside the whole.
func BenchmarkSweep(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, _ := filled(b, n)
			locks := 0
			for i := range s.shards {
				locks += len(s.shards[i].segments)
			}
			for b.Loop() {
				if n, err := s.Sweep(context.Background(), time.Now(), 1); n != 0 || err != nil {
					b.Fatal(n, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*locks), "ns/lock")
		})
	}
}
