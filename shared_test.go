package scarab_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/memstore"
)

// A watchedStore notes all data that goes in and out, and what it held then.
type watchedStore struct {
	*memstore.Store
	mu   sync.Mutex
	data [][2][]byte // itself, and a copy
}

func (s *watchedStore) watch(data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = append(s.data, [2][]byte{data, bytes.Clone(data)})
}

func (s *watchedStore) check(t *testing.T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.data {
		if !bytes.Equal(d[0], d[1]) {
			t.Fatalf("%q has become %q", d[1], d[0])
		}
	}
}

func (s *watchedStore) Load(ctx context.Context, h scarab.Handle, now time.Time) (scarab.Record, error) {
	r, err := s.Store.Load(ctx, h, now)
	s.watch(r.Data)
	return r, err
}

func (s *watchedStore) LoadTouch(ctx context.Context, h scarab.Handle, secret [32]byte, now time.Time, every time.Duration) (scarab.Record, error) {
	r, err := s.Store.LoadTouch(ctx, h, secret, now, every)
	s.watch(r.Data)
	return r, err
}

func (s *watchedStore) Create(ctx context.Context, r scarab.Record) error {
	s.watch(r.Data)
	return s.Store.Create(ctx, r)
}

func (s *watchedStore) Save(ctx context.Context, r scarab.Record) error {
	s.watch(r.Data)
	return s.Store.Save(ctx, r)
}

// Sessions are made of bytes that a store handed out or has been handed, and
// states are shared by requests that wait for each other. Nobody writes to
// them, and no session shows a word of another: the race detector watches.
func TestShared_nothingIsWrittenTo(t *testing.T) {
	store := &watchedStore{Store: memstore.New()}
	f, err := scarab.New(scarab.Stored(store), scarab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	const (
		sessions, clients, requests = 4, 4, 60
		counter                     = scarab.Key[int]("counter")
	)
	do := func(h func(*scarab.Session), cookie string) string {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", cookie)
		w := httptest.NewRecorder()
		f.Wrap(f.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *scarab.Session) error {
			h(s)
			return nil
		})).ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Errorf("%d: %s", w.Code, w.Body)
		}
		pair, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
		return pair
	}
	var all sync.WaitGroup
	for n := range sessions {
		mine := fmt.Sprintf("session %d ", n)
		cookie := do(func(s *scarab.Session) {
			for i := range 5 {
				s.Set(fmt.Sprintf("key_%d", i), mine)
			}
		}, "")
		for range clients {
			all.Go(func() {
				for range requests {
					do(func(s *scarab.Session) {
						for range 1 + rand.IntN(3) {
							key := fmt.Sprintf("key_%d", rand.IntN(6))
							switch rand.IntN(9) {
							case 0, 1:
								counter.Update(s, func(n int) int { return n + 1 })
							case 2:
								s.Set(key, strings.Repeat(mine, rand.IntN(20)))
							case 3:
								s.Delete(key)
							case 4:
								s.Flash(mine)
							case 5:
								s.PopFlash()
							case 6:
								if err := s.Save(t.Context()); err != nil {
									t.Error(err)
								}
							case 7:
								s.SetLabel(mine)
							}
							for key, v := range s.All() {
								text, _ := v.(string)
								if strings.Trim(strings.ReplaceAll(text, mine, ""), " ") != "" {
									t.Errorf("%q at %q in %s", v, key, mine)
								}
							}
						}
					}, cookie)
				}
			})
		}
	}
	all.Wait()
	store.check(t)
}

// A watchedCodec sees to it that requests are encoded at the same time, and
// that nobody writes to a payload meanwhile.
type watchedCodec struct{ t *testing.T }

func (c watchedCodec) Encode(_ string, payload []byte) (string, error) {
	before := string(payload)
	runtime.Gosched()
	if string(payload) != before {
		c.t.Errorf("%q has become %q", before, payload)
	}
	value := hex.EncodeToString(payload)
	for i := range payload {
		payload[i] = '!' // poison: who still reads it would notice
	}
	return value, nil
}

func (watchedCodec) Decode(_, value string) ([]byte, error) { return hex.DecodeString(value) }

// The payloads of cookies are built in buffers that are used again.
func TestShared_payloads(t *testing.T) {
	f, err := scarab.New(scarab.InCookie(watchedCodec{t}), scarab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	const clients, requests = 8, 100
	var all sync.WaitGroup
	for n := range clients {
		mine := fmt.Sprintf("session %d ", n)
		all.Go(func() {
			cookie, want := "", ""
			for i := range requests {
				r, w := httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder()
				r.Header.Set("Cookie", cookie)
				f.Wrap(f.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *scarab.Session) error {
					if got, _ := s.Get("text").(string); got != want {
						t.Errorf("%q has become %q", want, got)
					}
					want = strings.Repeat(mine, 1+i%30)
					s.Set("text", want)
					return s.Save(r.Context())
				})).ServeHTTP(w, r)
				cookie, _, _ = strings.Cut(w.Header().Get("Set-Cookie"), ";")
			}
		})
	}
	all.Wait()
}
