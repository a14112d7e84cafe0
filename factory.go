package scarab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scarab-go/scarab/cfgerrors"
)

// A Factory makes the session of a request, and commits it: Pyramid's session
// factory. Its methods may be called by any number of goroutines. It starts
// none of its own; see [Factory.Run].
type Factory struct {
	cfg        Config
	backend    Backend
	attributes string // the end of every Set-Cookie line
	locks      locks
	limit      eventLimit
	machine    bool // Config.Clock is the machine's
}

// New returns a Factory that keeps sessions in b, or an error that joins every
// mistake in cfg, each of a type of package cfgerrors.
func New(b Backend, cfg Config) (*Factory, error) {
	machine := cfg.Clock == nil
	cfg = cfg.withDefaults()
	err := cfg.validate()
	if b == nil {
		err = errors.Join(err, &cfgerrors.MissingError{Field: "Backend", Hint: "pass Stored(store), InCookie(codec) or one of your own"})
	}
	f := &Factory{cfg: cfg, machine: machine}
	var errs error
	f.backend, errs = configured(b, &f.cfg, "Backend")
	for i := range f.cfg.Fallbacks {
		fallback, err := configured(f.cfg.Fallbacks[i].Backend, &f.cfg, fmt.Sprintf("Fallbacks[%d].Backend", i))
		f.cfg.Fallbacks[i].Backend = fallback
		errs = errors.Join(errs, err)
	}
	if err = errors.Join(err, errs); err != nil {
		return nil, err
	}
	f.attributes = cookieAttributes(cfg.Cookie, cfg.Insecure)
	return f, nil
}

// unconfigured is what Stored and InCookie go by inside a backend of somebody
// else's, which does not pass the Config on.
var unconfigured = Config{}.withDefaults()

// A configurable backend is one of ours, which wants to know the Config.
type configurable interface {
	configured(cfg *Config) (b Backend, missing string)
}

func configured(b Backend, cfg *Config, field string) (Backend, error) {
	c, ok := b.(configurable)
	if !ok {
		return b, nil
	}
	b, missing := c.configured(cfg)
	if missing != "" {
		return b, &cfgerrors.MissingError{Field: field, Hint: missing}
	}
	return b, nil
}

// A request is the place of a session in its request: the context that From
// looks into and the writer that commits before the first byte, in one
// allocation. Everything else is made when it is needed.
type request struct {
	context.Context
	w http.ResponseWriter
	r *http.Request
	f *Factory

	mu     sync.Mutex
	s      *Session       // nil until it is opened
	err    error          // of opening
	hook   func(*Session) // all of BeforeCreate
	status int            // of the answer
	over   bool           // the handler has returned
	answer atomic.Uint32  // an answer; Save may run beside the handler
	reason error          // why the answer is withheld
	saved  http.Header    // as it was before the handler
	kept   bool           // saved is set
	token  bool           // a CSRF token was shown; guarded by s.mu

	owed []func(http.Header) // what Saves have to tell the browser; guarded by s.mu
	owes atomic.Bool         // there is something owed
}

type requestKey struct{}

// Value answers for the request's own place, and for the factory's.
func (q *request) Value(key any) any {
	if key == (requestKey{}) || key == any(q.f) {
		return q
	}
	return q.Context.Value(key)
}

// Wrap is the middleware: handlers below it find their session with [From].
// It costs two allocations as long as they do not.
//
// What they change is saved before the first byte of their answer is sent. If
// that fails, Config.OnError answers instead. A panic saves nothing, except an
// Invalidate. Put http.TimeoutHandler inside Wrap, not around it.
func (f *Factory) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Context().Value(f) != nil {
			next.ServeHTTP(w, r) // wrapped twice: once is enough
			return
		}
		q := &request{Context: r.Context(), w: w, f: f}
		q.r = r.WithContext(q)
		returned := false
		defer func() {
			if !returned {
				q.panicked()
			}
		}()
		next.ServeHTTP(q, q.r)
		returned = true
		if r.MultipartForm == nil {
			r.MultipartForm = q.r.MultipartForm // whose files net/http removes
		}
		q.end()
	})
}

// HandlerFunc makes a handler of a function that gets its session and may
// fail. An error commits nothing, and Config.OnError answers. Use it inside
// Wrap.
func (f *Factory) HandlerFunc(h func(http.ResponseWriter, *http.Request, *Session) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := f.From(r.Context())
		if err == nil {
			err = h(w, r, s)
		}
		if err == nil {
			return
		}
		if q, ok := r.Context().Value(f).(*request); ok {
			q.refuse(err)
			return
		}
		f.cfg.OnError(w, r, err)
	})
}

// From returns the session of the request that ctx belongs to, of the innermost
// Wrap. It is loaded at the first call, and that is the only point where a
// session does input: the methods of Session do not fail for the store.
//
// An error is the same for the rest of the request: the store failed, and the
// handler should answer 503 and stop, or ErrNoMiddleware.
func From(ctx context.Context) (*Session, error) {
	q, ok := ctx.Value(requestKey{}).(*request)
	if !ok {
		return nil, ErrNoMiddleware
	}
	return q.open(ctx)
}

// From is the function From for a request with more than one factory.
func (f *Factory) From(ctx context.Context) (*Session, error) {
	q, ok := ctx.Value(f).(*request)
	if !ok {
		return nil, ErrNoMiddleware
	}
	return q.open(ctx)
}

// BeforeCreate registers f to run, once, before a session of this request is
// saved for the first time; it may change the session. Without [Factory.Wrap] it
// does nothing. Package csrf puts its token there.
func BeforeCreate(ctx context.Context, f func(*Session)) {
	if q, ok := ctx.Value(requestKey{}).(*request); ok {
		q.mu.Lock()
		defer q.mu.Unlock()
		if before := q.hook; before == nil {
			q.hook = f
		} else {
			q.hook = func(s *Session) { before(s); f(s) }
		}
	}
}

// UnsafeMethod reports whether ctx belongs to a request below [Factory.Wrap]
// whose method is not safe (RFC 9110, section 9.2.1), such as POST: one that may
// be refused because a session has ended. A store that answers from a cache
// goes past it for these.
func UnsafeMethod(ctx context.Context) bool {
	q, ok := ctx.Value(requestKey{}).(*request)
	if !ok {
		return false
	}
	switch q.r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, "": // "" is GET
		return false
	}
	return true
}

// open returns the request's session and loads it at the first call.
func (q *request) open(ctx context.Context) (*Session, error) {
	s, events, err := q.load(ctx)
	q.f.emit(ctx, events)
	return s, err
}

func (q *request) load(ctx context.Context) (*Session, []Event, error) {
	q.mu.Lock()
	defer q.mu.Unlock() // also if a backend panics
	if q.s != nil || q.err != nil {
		return q.s, nil, q.err
	}
	var found finding
	s := &Session{q: q}
	if q.err = q.alone(); q.err == nil {
		now, machine := q.f.times()
		timed := s.loading.start(ctx, machine.Add(q.f.cfg.StoreTimeout))
		defer timed.stop() // also if a backend panics
		found, q.err = q.f.find(timed, now, q.r.Header, &s.room)
	}
	if q.err == nil {
		s.isNew = found.origin.kind == fromNowhere || found.origin.kind == fromSuperseded
		s.carried, s.closed = found.carried, q.over
		s.reset(found.state, found.origin)
		q.s = s
	} else {
		found.event(EventFailed, "load", q.err)
	}
	return q.s, found.events, q.err
}

// alone fails if an outer factory uses the same cookie.
func (q *request) alone() error {
	name := q.f.cfg.Cookie.Name
	for outer, ok := q.Context.Value(requestKey{}).(*request); ok; outer, ok = outer.Context.Value(requestKey{}).(*request) {
		if outer.f.cfg.Cookie.Name == name {
			return fmt.Errorf("scarab: two factories around this handler use the cookie %q: give one another Cookie.Name", name)
		}
	}
	return nil
}

// now is the time in the resolution that every store keeps.
func (f *Factory) now() time.Time {
	now, _ := f.times()
	return now
}

// times returns now, and the machine's time, by which a store has to answer. To
// look at the clock costs as much as to look for a value.
func (f *Factory) times() (now, machine time.Time) {
	t := f.cfg.Clock()
	if machine = t; !f.machine {
		machine = time.Now()
	}
	return t.UTC().Truncate(time.Microsecond), machine
}

func (f *Factory) emit(ctx context.Context, events []Event) {
	for _, e := range events {
		if f.limit.pass(&e, f.now()) {
			f.cfg.OnEvent(ctx, e)
		}
	}
}

// peeks reports whether r is a request whose flash messages nobody sees.
func peeks(r *http.Request) bool {
	return r.Method == http.MethodHead || slices.ContainsFunc(r.Header["Sec-Purpose"], func(v string) bool {
		return strings.HasPrefix(v, "prefetch")
	})
}
