package scarabtest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
)

// TestHTTP checks a backend as applications meet it: behind a [scarab.Factory]
// and a real server, with browsers in front. Each scenario is a subtest;
// newBackend is called for each.
//
// The clock starts at opts.Now and is advanced by up to two days, so that a
// backend that lets a server expire sessions passes, unless it takes them away
// before their time.
func TestHTTP(t *testing.T, newBackend func(t *testing.T) scarab.Backend, opts BackendOptions) {
	opts = opts.withDefaults()
	for _, c := range httpScenarios {
		if !opts.can(c.needs) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			s, err := newScene(t, newBackend(t), opts)
			if err != nil {
				t.Fatal(err)
			}
			c.test(t, opts.Timeout, s)
		})
	}
}

type httpScenario = clause[*scene]

var httpScenarios = slices.Concat(keptScenarios, endedScenarios, overlapScenarios)

// A scene is a server, whose sessions are in the backend that is checked, and a
// browser.
type scene struct {
	*Client
	clock *Clock
	opts  BackendOptions

	mu       sync.Mutex
	handlers map[string]http.HandlerFunc
}

const sceneCookie = "__Host-session"

func newScene(t testing.TB, b scarab.Backend, opts BackendOptions) (*scene, error) {
	s := &scene{opts: opts, clock: NewClock(opts.Now().Truncate(time.Second)), handlers: make(map[string]http.HandlerFunc)}
	f, err := scarab.New(b, scarab.Config{Clock: s.clock.Now})
	if err != nil {
		return nil, err
	}
	s.Client = NewClient(t, f.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		h := s.handlers[r.URL.Path]
		s.mu.Unlock()
		h(w, r)
	})))
	s.Now = s.clock.Now
	return s, nil
}

// path returns where h answers.
func (s *scene) path(h http.HandlerFunc) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := fmt.Sprintf("/%d", len(s.handlers))
	s.handlers[path] = h
	return path
}

// handler makes one of a function that uses the session. It answers "done",
// unless the session cannot be opened.
func handler(f func(*scarab.Session)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		session, err := scarab.From(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		f(session)
		fmt.Fprint(w, "done")
	}
}

// send opens path and follows redirects.
func (s *scene) send(ctx context.Context, c *Client, method, path string) (*Page, error) {
	req, err := http.NewRequestWithContext(ctx, method, path, nil)
	if err != nil {
		return nil, err
	}
	return c.do(req, true)
}

// request sends one request, which f answers.
func (s *scene) request(ctx context.Context, c *Client, method string, f func(*scarab.Session)) (*Page, error) {
	return s.send(ctx, c, method, s.path(handler(f)))
}

// get sends a GET that must succeed.
func (s *scene) get(ctx context.Context, f func(*scarab.Session)) (*Page, error) {
	return s.getFrom(ctx, s.Client, f)
}

func (s *scene) getFrom(ctx context.Context, c *Client, f func(*scarab.Session)) (*Page, error) {
	p, err := s.request(ctx, c, http.MethodGet, f)
	if err == nil {
		err = status(p, http.StatusOK)
	}
	return p, err
}

func status(p *Page, want int) error {
	if p.Status != want {
		return fmt.Errorf("the answer is %d %q, want %d", p.Status, p.Body, want)
	}
	if want != http.StatusOK && strings.Contains(p.Body, "done") {
		return fmt.Errorf("the answer is %d, and the handler's page is in it: %q", p.Status, p.Body)
	}
	return nil
}

// steps runs the requests of one browser, one after the other.
func (s *scene) steps(ctx context.Context, fs ...func(*scarab.Session)) error {
	for i, f := range fs {
		if _, err := s.get(ctx, f); err != nil {
			return fmt.Errorf("request %d: %w", i+1, err)
		}
	}
	return nil
}

// asks is a request that only reads, and returns what check says.
func (s *scene) asks(ctx context.Context, check func(*scarab.Session) error) error {
	return s.asksFrom(ctx, s.Client, check)
}

func (s *scene) asksFrom(ctx context.Context, c *Client, check func(*scarab.Session) error) error {
	var verdict error
	if _, err := s.getFrom(ctx, c, func(session *scarab.Session) { verdict = check(session) }); err != nil {
		return err
	}
	return verdict
}

// A pending request has opened its session and waits.
type pending struct {
	resume chan func(*scarab.Session)
	answer chan *Page
	failed chan error
}

// begin sends a request and returns when it has opened its session.
func (s *scene) begin(ctx context.Context, c *Client) (*pending, error) {
	p := &pending{make(chan func(*scarab.Session), 1), make(chan *Page, 1), make(chan error, 1)}
	opened := make(chan struct{})
	path := s.path(handler(func(session *scarab.Session) {
		close(opened)
		select {
		case f := <-p.resume:
			f(session)
		case <-ctx.Done():
		}
	}))
	go func() {
		page, err := s.send(ctx, c, http.MethodGet, path)
		p.answer <- page
		p.failed <- err
	}()
	select {
	case <-opened:
		return p, nil
	case err := <-p.failed:
		page := <-p.answer
		return nil, fmt.Errorf("a request did not open its session: %d %q: %v", page.Status, page.Body, err)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// end lets the request go on with f, and returns its answer.
func (p *pending) end(f func(*scarab.Session)) (*Page, error) {
	p.resume <- f
	return <-p.answer, <-p.failed
}

// token is the cookie that the browser has.
func (s *scene) token() string { return s.Cookie("/", sceneCookie) }

// with returns a browser that has this cookie and no other.
func (s *scene) with(value string) *Client {
	c := s.NewBrowser()
	c.SetCookie("/", sceneCookie+"="+value+"; Path=/; Secure")
	return c
}

// isNew reports whether value opens no session.
func (s *scene) isNew(ctx context.Context, what, value string) error {
	return s.asksFrom(ctx, s.with(value), func(session *scarab.Session) error {
		if !session.IsNew() || session.Len() > 0 || session.Principal() != "" {
			return fmt.Errorf("%s opens a session of %q with %d values", what, session.Principal(), session.Len())
		}
		return nil
	})
}

// setsCookie reports whether p sets the session's cookie, if it should.
func setsCookie(what string, p *Page, want bool) error {
	got := false
	for _, c := range p.SetCookies() {
		got = got || c.Name == sceneCookie
	}
	if got != want {
		return fmt.Errorf("%s sets the cookie: %v, want %v", what, got, want)
	}
	return nil
}
