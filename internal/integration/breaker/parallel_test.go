package breaker

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
)

const parallel = 64

// TestParallel64 sends 64 requests of one session at once, over sockets. All
// have loaded their session before the first commits.
func TestParallel64(t *testing.T) {
	for _, s := range stores {
		t.Run(s.name, func(t *testing.T) {
			open := s.open(t)
			t.Run("no change is lost", func(t *testing.T) { nothingLost(t, open()) })
			t.Run("a logout stays a logout", func(t *testing.T) { logoutStays(t, open()) })
		})
	}
}

// newSite serves handlers by their path.
func newSite(t *testing.T, store scarab.Store, handlers map[string]func(http.ResponseWriter, *http.Request, *scarab.Session)) *site {
	t.Helper()
	f, err := scarab.New(scarab.Stored(store), scarab.Config{Insecure: true, StoreTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for path, h := range handlers {
		mux.Handle(path, f.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *scarab.Session) error {
			h(w, r, s)
			return nil
		}))
	}
	server := httptest.NewServer(f.Wrap(mux))
	t.Cleanup(server.Close)
	return &site{t, server.URL, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: parallel}}}
}

type site struct {
	t      *testing.T
	url    string
	client *http.Client
}

// get returns the status of the answer, its body and the cookie it sets.
func (s *site) get(path, cookie string) (status int, body, set string) {
	s.t.Helper()
	r, err := http.NewRequest(http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Error(err)
		return
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	res, err := s.client.Do(r)
	if err != nil {
		s.t.Error(err)
		return
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Error(err)
	}
	set, _, _ = strings.Cut(res.Header.Get("Set-Cookie"), ";")
	return res.StatusCode, string(b), set
}

// all sends the parallel requests and returns when all are answered.
func all(do func(i int)) {
	var wg sync.WaitGroup
	for i := range parallel {
		wg.Go(func() { do(i) })
	}
	wg.Wait()
}

func nothingLost(t *testing.T, store scarab.Store) {
	var loaded sync.WaitGroup
	loaded.Add(parallel)
	s := newSite(t, store, map[string]func(http.ResponseWriter, *http.Request, *scarab.Session){
		"/begin": func(_ http.ResponseWriter, _ *http.Request, s *scarab.Session) { counter.Set(s, 0) },
		"/change/{n}": func(_ http.ResponseWriter, r *http.Request, s *scarab.Session) {
			loaded.Done()
			loaded.Wait()
			n := r.PathValue("n")
			counter.Update(s, func(c int) int { return c + 1 })
			s.Set("own "+n, n)
			s.Flash("message " + n)
		},
		"/end": func(w http.ResponseWriter, _ *http.Request, s *scarab.Session) {
			keys := 0
			for key := range s.Keys() {
				if strings.HasPrefix(key, "own ") {
					keys++
				}
			}
			messages := make(map[string]bool)
			for _, m := range s.PopFlash() {
				messages[m] = true
			}
			fmt.Fprintf(w, "counted %d, %d keys, %d messages", counter.Get(s), keys, len(messages))
		},
	})
	_, _, cookie := s.get("/begin", "")
	all(func(i int) {
		if status, body, set := s.get(fmt.Sprintf("/change/%d", i), cookie); status != http.StatusOK || set != "" {
			t.Errorf("request %d: %d %q, cookie %q", i, status, body, set)
		}
	})
	want := fmt.Sprintf("counted %d, %d keys, %d messages", parallel, parallel, parallel)
	if _, got, _ := s.get("/end", cookie); got != want {
		t.Errorf("after %d requests: %s", parallel, got)
	}
}

func logoutStays(t *testing.T, store scarab.Store) {
	var loaded sync.WaitGroup
	loaded.Add(parallel)
	loggedOut := make(chan bool)
	s := newSite(t, store, map[string]func(http.ResponseWriter, *http.Request, *scarab.Session){
		"/login": func(_ http.ResponseWriter, _ *http.Request, s *scarab.Session) {
			s.Login("ann")
			s.Set("private", "of ann")
		},
		"/slow/{n}": func(_ http.ResponseWriter, r *http.Request, s *scarab.Session) {
			if s.Principal() != "ann" {
				t.Errorf("a slow request has a session of %q", s.Principal())
			}
			loaded.Done()
			<-loggedOut
			switch n := r.PathValue("n"); n[len(n)-1] % 4 {
			case 0:
				s.Set("slow", true)
			case 1:
				s.Renew()
			case 2:
				s.Login("ann")
			case 3: // only looks
			}
		},
		"/logout": func(_ http.ResponseWriter, _ *http.Request, s *scarab.Session) { s.Invalidate() },
		"/look": func(w http.ResponseWriter, _ *http.Request, s *scarab.Session) {
			fmt.Fprintf(w, "%q %d %v", s.Principal(), s.Len(), s.IsNew())
		},
	})
	_, _, cookie := s.get("/login", "")
	var logout sync.WaitGroup
	logout.Go(func() {
		defer close(loggedOut)
		loaded.Wait()
		if status, body, _ := s.get("/logout", cookie); status != http.StatusOK {
			t.Errorf("the logout: %d %q", status, body)
		}
	})
	all(func(i int) {
		path := fmt.Sprintf("/slow/%d", i)
		want := http.StatusConflict
		if path[len(path)-1]%4 == 3 {
			want = http.StatusOK
		}
		if status, body, set := s.get(path, cookie); status != want || set != "" {
			t.Errorf("%s: %d %q, cookie %q; want %d and none", path, status, body, set, want)
		}
	})
	logout.Wait()
	if _, got, _ := s.get("/look", cookie); got != `"" 0 true` {
		t.Errorf("the old cookie opens %s", got)
	}
	if scanner, ok := store.(scarab.Scanner); ok {
		for r, err := range scanner.Scan(t.Context()) {
			if err != nil || r.Principal == "ann" {
				t.Errorf("in the store there is a session of %q, %v", r.Principal, err)
			}
		}
	}
}
