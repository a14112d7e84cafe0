package invariants

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/scarabtest"
)

// Start is where the clock of a [Site] stands at first: now, because a store may
// remove by its own clock what has expired.
var Start = time.Now().UTC().Truncate(time.Second)

// CookieName is the cookie of a [Site] whose Config names no other.
const CookieName = "__Host-session"

// A Site is a factory behind a real server with TLS. Its clock stands still,
// its store fails when told to, and each request brings its own handler.
type Site struct {
	Clock   *scarabtest.Clock
	Store   *scarabtest.FailingStore // nil if there is none
	Factory *scarab.Factory
	URL     string

	t      testing.TB
	inner  scarab.Store // in Store
	client *http.Client
	cookie string

	mu     sync.Mutex
	visits map[string]*Visit
	events []scarab.Event
}

// NewSite is a site whose sessions are in store.
func NewSite(t testing.TB, store scarab.Store, cfg scarab.Config) *Site {
	t.Helper()
	failing := scarabtest.NewFailingStore(store)
	seen := scarab.Store(failing)
	if _, ok := store.(scarab.LoadToucher); !ok {
		seen = Plain(failing)
	}
	s := NewSiteOn(t, scarab.Stored(seen), cfg)
	s.Store, s.inner = failing, store
	return s
}

// Plain returns store without LoadTouch.
func Plain(store interface {
	scarab.Store
	scarab.PrincipalStore
	scarab.Sweeper
	scarab.Scanner
}) scarab.Store {
	type principals = scarab.PrincipalStore // an embedded field is named after its type
	return struct {
		scarab.Store
		principals
		scarab.Sweeper
		scarab.Scanner
	}{store, store, store, store}
}

// NewSiteOn is a site whose sessions are in b.
func NewSiteOn(t testing.TB, b scarab.Backend, cfg scarab.Config) *Site {
	t.Helper()
	s := &Site{t: t, Clock: scarabtest.NewClock(Start), visits: make(map[string]*Visit)}
	if cfg.Clock == nil {
		cfg.Clock = s.Clock.Now
	}
	if s.cookie = cfg.Cookie.Name; s.cookie == "" {
		s.cookie = CookieName
	}
	onEvent := cfg.OnEvent
	cfg.OnEvent = func(ctx context.Context, e scarab.Event) {
		s.mu.Lock()
		s.events = append(s.events, e)
		s.mu.Unlock()
		if onEvent != nil {
			onEvent(ctx, e)
		}
	}
	onError := cfg.OnError
	if onError == nil {
		onError = scarab.DefaultOnError
	}
	cfg.OnError = func(w http.ResponseWriter, r *http.Request, err error) {
		s.visit(r).failed = err
		onError(w, r, err)
	}
	var err error
	if s.Factory, err = scarab.New(b, cfg); err != nil {
		t.Fatal(err)
	}
	s.Serve(s.Factory.Wrap)
	return s
}

// Serve starts a server whose handlers are wrapped so, in place of the one that
// only the factory wraps.
func (s *Site) Serve(wrap func(http.Handler) http.Handler) {
	inner := wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.visit(r).serve(w, r) }))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := s.visit(r)
		v.begun.Store(true)
		defer close(v.done)
		inner.ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // panics are part of the tests
	server.StartTLS()
	s.t.Cleanup(server.Close)
	s.t.Cleanup(s.releaseAll) // which Close would wait for, if the test has failed
	s.URL, s.client = server.URL, server.Client()
	s.client.Transport.(*http.Transport).MaxIdleConnsPerHost = 64
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
}

func (s *Site) visit(r *http.Request) *Visit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.visits[r.Header.Get("X-Visit")]
}

func (s *Site) releaseAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.visits {
		v.resume()
	}
}

// Events returns the events since the last call.
func (s *Site) Events() []scarab.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	events := s.events
	s.events = nil
	return events
}

// Record returns what the store has at a handle.
func (s *Site) Record(handle string) (scarab.Record, error) {
	h, err := scarab.ParseHandle(handle)
	if err != nil {
		return scarab.Record{}, err
	}
	return s.inner.Load(context.Background(), h, s.Clock.Now())
}

// Records returns the sessions that are live in the store, by handle.
func (s *Site) Records() map[string]scarab.Record {
	s.t.Helper()
	records := make(map[string]scarab.Record)
	for r, err := range s.inner.(scarab.Scanner).Scan(context.Background()) {
		if err != nil {
			s.t.Fatal(err)
		}
		if tombstone := len(r.Data) > 0 && r.Data[0] == 0; !tombstone && !r.Expired(s.Clock.Now()) {
			records[r.Handle.String()] = r
		}
	}
	return records
}

// A Visit is one request on the server's side.
type Visit struct {
	W http.ResponseWriter
	R *http.Request
	S *scarab.Session

	handler func(*Visit)
	raw     http.HandlerFunc
	said    bytes.Buffer
	failed  error // that OnError was called with

	begun   atomic.Bool // the server has it
	hold    sync.Once
	reached chan struct{} // closed when the handler holds
	open    sync.Once
	release chan struct{} // closed when it may go on
	done    chan struct{} // closed when the server has nothing left to do
}

func (v *Visit) serve(w http.ResponseWriter, r *http.Request) {
	if v.raw != nil {
		v.raw(w, r)
		return
	}
	s, err := scarab.From(r.Context())
	if err != nil {
		v.failed = err
		http.Error(w, err.Error(), scarab.StatusOf(err))
		return
	}
	v.W, v.R, v.S = w, r, s
	v.handler(v)
	if v.said.Len() > 0 {
		v.said.WriteTo(w)
	}
}

// Say adds to the answer's body, which is written when the handler has
// returned.
func (v *Visit) Say(a ...any) { fmt.Fprint(&v.said, a...) }

// Hold stops a request that [Browser.Begin] began until [Request.Finish] is
// called; all others go on.
func (v *Visit) Hold() {
	v.hold.Do(func() { close(v.reached) })
	<-v.release
}

func (v *Visit) resume() { v.open.Do(func() { close(v.release) }) }
