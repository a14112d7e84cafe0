package integration

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/testserver"
	"github.com/scarab-go/scarab/redisstore"
	"github.com/scarab-go/scarab/scarabtest"
)

// newTwo returns the stores of two processes: one with a cache, which reaches
// Redis through proxy, and one without.
func newTwo(t *testing.T) (here, there *redisstore.Store, proxy *testserver.Proxy) {
	t.Helper()
	server := testserver.SharedRedis(t)
	proxy = testserver.NewProxy(t, server.Addr)
	prefix := "test:" + rand.Text() + ":"
	cached := newRedis(t, rueidis.ClientOption{PipelineMultiplex: -1, DisableRetry: true}, proxy.Addr) // one connection
	here = redisstore.New(cached, redisstore.Config{Prefix: prefix, ClientSideCache: true})
	there = redisstore.New(newRedis(t, rueidis.ClientOption{}, server.Addr), redisstore.Config{Prefix: prefix})
	return here, there, proxy
}

// newTwoSites returns a browser in front of both processes, at /here/ and
// /there/. The path ends with what is done: add, login, read.
func newTwoSites(t *testing.T, here, there scarab.Store) *scarabtest.Client {
	t.Helper()
	mux := http.NewServeMux()
	for name, store := range map[string]scarab.Store{"here": here, "there": there} {
		sessions, err := scarab.New(scarab.Stored(store), scarab.Config{StoreTimeout: 200 * time.Millisecond})
		must(t, err)
		site := http.NewServeMux()
		handle := func(does string, f func(*scarab.Session)) {
			site.Handle("/"+name+"/"+does, sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *scarab.Session) error {
				f(s)
				_, err := fmt.Fprintf(w, "%d %s", counter.Get(s), s.Principal())
				return err
			}))
		}
		handle("add", func(s *scarab.Session) { counter.Update(s, func(n int) int { return n + 1 }) })
		handle("login", func(s *scarab.Session) { s.Login("ann") })
		handle("read", func(*scarab.Session) {})
		mux.Handle("/"+name+"/", sessions.Wrap(site))
	}
	return scarabtest.NewClient(t, mux)
}

func wantPage(t *testing.T, what string, p *scarabtest.Page, status int, body string) {
	t.Helper()
	if p.Status != status || body != "" && p.Body != body {
		t.Fatalf("%s: %d %q, want %d %q", what, p.Status, p.Body, status, body)
	}
}

// After a login at another process the copy in memory has the old secret. That
// the new token is wrong is not for it to say: the answer is the session, or
// that Redis does not answer.
func TestRedis_cachedLogin(t *testing.T) {
	here, there, proxy := newTwo(t)
	c := newTwoSites(t, here, there)
	wantPage(t, "the first page", c.PostForm("/there/add", nil), http.StatusOK, "1 ")
	wantPage(t, "into memory", c.Get("/here/read"), http.StatusOK, "1 ")
	proxy.Stall() // Redis' message is late
	wantPage(t, "from memory", c.Get("/here/read"), http.StatusOK, "1 ")
	wantPage(t, "the login", c.PostForm("/there/login", nil), http.StatusOK, "1 ann")

	p := c.Get("/here/read") // where the login redirects to
	wantPage(t, "the page after the login", p, http.StatusServiceUnavailable, "")
	if lines := p.Header["Set-Cookie"]; lines != nil {
		t.Errorf("the page after the login sets %q", lines)
	}
	proxy.Pass()
	p = c.Get("/here/read")
	wantPage(t, "when Redis answers again", p, http.StatusOK, "1 ann")
	if lines := p.Header["Set-Cookie"]; lines != nil {
		t.Errorf("when Redis answers again the page sets %q", lines)
	}
}

// What memory says of a session that is not there is not final either: another
// process may have created it meanwhile.
func TestRedis_cachedAbsence(t *testing.T) {
	here, there, proxy := newTwo(t)
	ctx, r := t.Context(), record("data")
	load := func() error {
		_, err := here.LoadTouch(ctx, r.Handle, r.Secret, time.Now(), time.Hour)
		return err
	}
	before := proxy.RoundTrips()
	if err := load(); !errors.Is(err, scarab.ErrNoSession) {
		t.Fatal(err)
	}
	if got := proxy.RoundTrips() - before; got != 1 {
		t.Errorf("that Redis has no session is asked in %d round trips, want 1", got)
	}
	must(t, there.Create(ctx, r), load())
}

// How often a request asks Redis: not at all if it has a safe method and the
// session is in memory, and once if it has not.
func TestRedis_cachedRequests(t *testing.T) {
	here, there, proxy := newTwo(t)
	c := newTwoSites(t, here, there)
	// What is asked of every connection and script once.
	wantPage(t, "warm", c.PostForm("/here/add", nil), http.StatusOK, "1 ")
	wantPage(t, "warm", c.PostForm("/here/add", nil), http.StatusOK, "2 ")
	wantPage(t, "warm", c.Get("/here/read"), http.StatusOK, "2 ")

	c = c.NewBrowser() // its session is new to the process with the cache
	wantPage(t, "the first page", c.PostForm("/there/add", nil), http.StatusOK, "1 ")
	get := func() *scarabtest.Page { return c.Get("/here/read") }
	post := func() *scarabtest.Page { return c.PostForm("/here/read", nil) }
	for i, step := range []struct {
		name  string
		send  func() *scarabtest.Page
		trips int
	}{
		{"GET, into memory", get, 1},
		{"GET", get, 0},
		{"POST", post, 1},
		{"GET", get, 0},
		{"POST that writes", func() *scarabtest.Page { return c.PostForm("/here/add", nil) }, 2},
		{"GET after it", get, 1},
	} {
		before := proxy.RoundTrips()
		wantPage(t, step.name, step.send(), http.StatusOK, "")
		if got := proxy.RoundTrips() - before; got != step.trips {
			t.Errorf("step %d, %s, takes %d round trips, want %d", i, step.name, got, step.trips)
		}
	}
}

// Requests that want the same copy share an answer. One that is given up does
// not take the others with it, even if the client repeats nothing.
func TestRedis_cachedGivenUp(t *testing.T) {
	here, there, proxy := newTwo(t)
	for range 10 {
		r := record("data")
		must(t, there.Create(t.Context(), r))
		load := func(ctx context.Context, done chan<- error) {
			_, err := here.LoadTouch(ctx, r.Handle, r.Secret, time.Now(), time.Hour)
			done <- err
		}
		proxy.Stall()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		first, other := make(chan error, 1), make(chan error, 1)
		go load(ctx, first)
		go load(t.Context(), other)
		if err := <-first; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the request that is given up: %v", err)
		}
		proxy.Pass()
		must(t, <-other)
	}
}

// A session that this store has ended is not seen again, not even by a request
// that begins in the same moment.
func TestRedis_cachedOwnDelete(t *testing.T) {
	server := testserver.SharedRedis(t)
	client, prefix := newRedis(t, rueidis.ClientOption{}, server.Addr), "test:"+rand.Text()+":"
	store := redisstore.New(client, redisstore.Config{Prefix: prefix, ClientSideCache: true})
	there := redisstore.New(client, redisstore.Config{Prefix: prefix})
	ctx := t.Context()
	for round := range 300 {
		r := of(record("data"), "ann")
		must(t, there.Create(ctx, r))
		load := func() error {
			_, err := store.LoadTouch(ctx, r.Handle, r.Secret, time.Now(), time.Hour)
			return err
		}
		must(t, load(), load())
		stop, done := make(chan struct{}), make(chan struct{})
		go func() { // keeps the copy in memory fresh
			defer close(done)
			for {
				select {
				case <-stop:
					return
				default:
					load()
				}
			}
		}()
		var err error
		switch round % 2 {
		case 0:
			err = store.Delete(ctx, r.Handle)
		case 1:
			_, err = store.RevokePrincipal(ctx, "ann", time.Now())
		}
		seen := load()
		close(stop)
		<-done
		must(t, err)
		if !errors.Is(seen, scarab.ErrNoSession) {
			t.Fatalf("round %d: a session that was ended is loaded: %v", round, seen)
		}
	}
}

// What another process has ended is seen for a second at most, also if the
// network has failed and Redis' message does not arrive.
func TestRedis_cachedBound(t *testing.T) {
	server := testserver.SharedRedis(t)
	proxy := testserver.NewProxy(t, server.Addr)
	prefix := "test:" + rand.Text() + ":"
	here := redisstore.New(newRedis(t, rueidis.ClientOption{PipelineMultiplex: -1}, proxy.Addr), redisstore.Config{Prefix: prefix, ClientSideCache: true})
	there := redisstore.New(newRedis(t, rueidis.ClientOption{}, server.Addr), redisstore.Config{Prefix: prefix})
	ctx := t.Context()
	load := func(r scarab.Record) error {
		ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		_, err := here.LoadTouch(ctx, r.Handle, r.Secret, time.Now(), time.Hour)
		return err
	}

	r := record("data")
	must(t, there.Create(ctx, r), load(r), load(r), there.Delete(ctx, r.Handle))
	ended := time.Now()
	seenUntil := func(end time.Time) (last time.Duration) {
		for time.Now().Before(end) {
			if began := time.Since(ended); load(r) == nil {
				last = began
			}
		}
		return last
	}
	last := seenUntil(ended.Add(100 * time.Millisecond))
	t.Logf("with Redis' message it is seen for %v", last)
	if last > time.Second {
		t.Errorf("it is seen for %v, want up to a second", last)
	}

	r = record("data")
	must(t, there.Create(ctx, r), load(r), load(r))
	proxy.Stall()
	must(t, there.Delete(ctx, r.Handle))
	ended = time.Now()
	last = seenUntil(ended.Add(1500 * time.Millisecond))
	t.Logf("without it it is seen for %v", last)
	if last == 0 || last > time.Second {
		t.Errorf("it is seen for %v, want up to a second", last)
	}
}
