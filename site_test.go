package scarab_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/cookiecodec"
	"github.com/scarab-go/scarab/memstore"
	"github.com/scarab-go/scarab/scarabtest"
)

// noon is when the tests begin.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// A site is a factory behind a real server, with a clock that stands still.
// Each request brings the handler it is answered by.
type site struct {
	t       testing.TB
	clock   *scarabtest.Clock
	store   *scarabtest.FailingStore // nil if the sessions are in cookies
	factory *scarab.Factory
	server  *httptest.Server
	name    string // of the cookie
	limit   int    // of the header's bytes; 0: net/http's

	mu       sync.Mutex
	steps    map[string]*step
	events   []scarab.Event
	calls    []string // of the store
	failures []error  // that OnError was called with
}

// A step is one request's part on the server's side.
type step struct {
	handler http.Handler
	begun   atomic.Bool
	done    chan struct{} // closed when nothing is left to do
}

// newSite is a site with its sessions in a memstore.
func newSite(t testing.TB, cfg scarab.Config) *site {
	s := &site{t: t}
	s.start(scarab.Stored(s.recorded()), cfg)
	return s
}

// recorded makes the site's store, whose calls are noted.
func (s *site) recorded() *scarabtest.FailingStore {
	s.store = scarabtest.NewFailingStore(memstore.New())
	s.store.On(scarabtest.Any, 0, s.record)
	return s.store
}

// record passes a call on, unless nobody waits for it any more.
func (s *site) record(ctx context.Context, call scarabtest.Call, do func() error) error {
	s.mu.Lock()
	s.calls = append(s.calls, string(call.Method))
	s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	return do()
}

// newPlainSite is a site with a store that offers nothing beyond what it must.
func newPlainSite(t testing.TB, cfg scarab.Config) *site {
	s := &site{t: t}
	s.start(scarab.Stored(struct{ scarab.Store }{s.recorded()}), cfg)
	return s
}

// newCookieSite is a site with its sessions in signed cookies.
func newCookieSite(t testing.TB, cfg scarab.Config, opts ...scarab.CookieOption) *site {
	s := &site{t: t}
	s.start(scarab.InCookie(signedCodec(t), opts...), cfg)
	return s
}

func signedCodec(t testing.TB) scarab.Codec {
	t.Helper()
	codec, err := cookiecodec.NewSigned(cookiecodec.SignedConfig{Secrets: [][]byte{[]byte("correct horse battery staple, but sixty-four characters long!!!")}})
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

// newSiteOn is a site with its sessions in b.
func newSiteOn(t testing.TB, b scarab.Backend, cfg scarab.Config) *site {
	s := &site{t: t}
	s.start(b, cfg)
	return s
}

func (s *site) start(b scarab.Backend, cfg scarab.Config) {
	s.t.Helper()
	s.steps = map[string]*step{}
	if s.name = cfg.Cookie.Name; s.name == "" {
		s.name = "__Host-session"
	}
	if cfg.Clock == nil {
		s.clock = scarabtest.NewClock(noon)
		cfg.Clock = s.clock.Now
	}
	cfg.OnEvent = func(_ context.Context, e scarab.Event) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.events = append(s.events, e)
	}
	onError := cfg.OnError
	if onError == nil {
		onError = scarab.DefaultOnError
	}
	cfg.OnError = func(w http.ResponseWriter, r *http.Request, err error) {
		s.mu.Lock()
		s.failures = append(s.failures, err)
		s.mu.Unlock()
		onError(w, r, err)
	}
	var err error
	if s.factory, err = scarab.New(b, cfg); err != nil {
		s.t.Fatal(err)
	}
	s.serve(s.factory.Wrap)
}

// serve replaces the server with one whose handlers are wrapped so.
func (s *site) serve(wrap func(http.Handler) http.Handler) {
	if s.server != nil {
		s.server.Close()
	}
	inner := wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.step(r).handler.ServeHTTP(w, r)
	}))
	s.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		step := s.step(r)
		step.begun.Store(true)
		defer close(step.done)
		inner.ServeHTTP(w, r)
	}))
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0) // panics are part of the tests
	s.server.Config.MaxHeaderBytes = s.limit
	s.server.Start()
	s.t.Cleanup(s.server.Close)
}

func (s *site) step(r *http.Request) *step {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.steps[r.Header.Get("X-Step")]
}

// take returns what was noted since the last take.
func (s *site) take() (calls []string, events []scarab.Event, failures []error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls, events, failures = s.calls, s.events, s.failures
	s.calls, s.events, s.failures = nil, nil, nil
	return calls, events, failures
}

// A browser keeps the cookies it gets. It sends them whatever their attributes,
// so that Secure cookies work on the plain loopback.
type browser struct {
	site    *site
	cookies map[string]string
}

func (s *site) browser() *browser { return &browser{site: s, cookies: map[string]string{}} }

// clone is a browser with the same cookies: another tab, or a thief.
func (b *browser) clone() *browser { return &browser{b.site, maps.Clone(b.cookies)} }

// token is the session's cookie.
func (b *browser) token() string { return b.cookies[b.site.name] }

// An answer is what a browser got, and what happened on the way.
type answer struct {
	status   int
	header   http.Header
	body     string
	set      []string // the Set-Cookie lines
	calls    string   // of the store, such as "LoadTouch Save"
	events   []scarab.Event
	failures []error
}

// ask sends a request that h answers.
func (b *browser) ask(h http.HandlerFunc, edits ...func(*http.Request)) answer {
	b.site.t.Helper()
	a, err := b.try(h, edits...)
	if err != nil {
		b.site.t.Fatal(err)
	}
	return a
}

// try is ask for answers that may not come.
func (b *browser) try(h http.HandlerFunc, edits ...func(*http.Request)) (answer, error) {
	s := b.site
	step := &step{handler: h, done: make(chan struct{})}
	s.mu.Lock()
	id := strconv.Itoa(len(s.steps))
	s.steps[id] = step
	s.mu.Unlock()
	r, err := http.NewRequest("GET", s.server.URL+"/", nil)
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("X-Step", id)
	for _, name := range slices.Sorted(maps.Keys(b.cookies)) {
		r.Header.Add("Cookie", name+"="+b.cookies[name])
	}
	for _, edit := range edits {
		edit(r)
	}
	s.take()
	var a answer
	res, err := s.server.Client().Transport.RoundTrip(r)
	if err == nil {
		var body []byte
		if res.StatusCode != http.StatusSwitchingProtocols { // whose body is the connection
			body, err = io.ReadAll(res.Body)
		}
		res.Body.Close()
		a = answer{status: res.StatusCode, header: res.Header, body: string(body), set: res.Header["Set-Cookie"]}
		for _, line := range a.set {
			b.keep(line)
		}
	}
	if step.begun.Load() {
		<-step.done // a client may have its answer before the server is done
	}
	calls, events, failures := s.take()
	a.calls, a.events, a.failures = strings.Join(calls, " "), events, failures
	return a, err
}

func (b *browser) keep(line string) {
	c, err := http.ParseSetCookie(line)
	if err != nil {
		b.site.t.Errorf("Set-Cookie: %s: %v", line, err)
		return
	}
	if c.MaxAge < 0 {
		delete(b.cookies, c.Name)
	} else {
		b.cookies[c.Name] = c.Value
	}
}

// visit sends a request whose handler opens its session, hands it to f and
// writes nothing.
func (b *browser) visit(f func(*scarab.Session), edits ...func(*http.Request)) answer {
	b.site.t.Helper()
	return b.ask(opened(b.site.t, f), edits...)
}

// opened is a handler that hands f the session.
func opened(t testing.TB, f func(*scarab.Session)) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		s, err := scarab.From(r.Context())
		if err != nil {
			t.Errorf("From: %v", err)
			return
		}
		f(s)
	}
}

// sees returns what the next request finds, as contents prints it.
func (b *browser) sees() (found string) {
	b.site.t.Helper()
	b.visit(func(s *scarab.Session) { found = contents(s) })
	return found
}

// contents prints the dictionary in its order, such as `a=1 b="x"`.
func contents(s *scarab.Session) string {
	var parts []string
	for key, v := range s.All() {
		parts = append(parts, fmt.Sprintf("%s=%#v", key, v))
	}
	return strings.Join(parts, " ")
}

// kinds are the kinds of events and their reasons, such as "session_rejected:forged".
func kinds(events []scarab.Event) []string {
	var list []string
	for _, e := range events {
		kind := string(e.Kind)
		if e.Reason != "" {
			kind += ":" + e.Reason
		}
		list = append(list, kind)
	}
	return list
}

func header(name string, values ...string) func(*http.Request) {
	return func(r *http.Request) { r.Header[http.CanonicalHeaderKey(name)] = values }
}

func method(m string) func(*http.Request) { return func(r *http.Request) { r.Method = m } }

// canceled is a context that has ended.
func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
