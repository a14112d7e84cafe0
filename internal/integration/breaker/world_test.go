package breaker

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/scarabtest"
)

// A world is two processes over one store, the browsers and operators that
// they serve, and the model.
type world struct {
	rt    *rapid.T
	store *scarabtest.FailingStore
	kind  storeKind

	turn      sync.Mutex // see sleep
	noon      time.Time
	began     time.Time        // noon, by the clock of the bubble
	skew      [2]time.Duration // how far the clock of each process is off
	factories [2]*scarab.Factory
	handlers  [2]http.Handler
	decoder   *decoder

	browsers []*browser
	actors   []*actor // those that are not over
	limbo    []*call  // calls believed lost that may still arrive
	cut      int      // how many calls will not reach the store
	serial   int      // makes names and values unique
	people   []string
	tokens   []string // all that were ever sent to a browser

	entries map[scarab.Handle]*entry
	handles []scarab.Handle // of entries, in order
	revoked map[string]time.Time
	csrf    map[string]bool // all tokens ever seen
}

// A browser has a cookie, or none, and answers on their way to it.
type browser struct {
	name    string
	token   string
	answers []answer
}

// An answer is what one says about the cookie.
type answer struct {
	from  string
	set   bool
	token string // "" clears the cookie
}

const cookieName = "__Host-session"

func newWorld(rt *rapid.T, kind storeKind, store scarab.Store, noon time.Time) *world {
	w := &world{
		rt: rt, kind: kind, store: scarabtest.NewFailingStore(store), noon: noon, began: time.Now(),
		entries: make(map[scarab.Handle]*entry), revoked: make(map[string]time.Time), csrf: make(map[string]bool),
		people:  []string{kind.person("ann"), kind.person("bob")},
		decoder: newDecoder(rt),
	}
	var gated scarab.Store = fullGate{gate{w.store}}
	if kind.plain {
		gated = gate{w.store}
	}
	for i := range w.factories {
		f, err := scarab.New(scarab.Stored(gated), scarab.Config{
			Clock: func() time.Time { return w.now(i) },
			OnError: func(rw http.ResponseWriter, r *http.Request, err error) {
				w.awake()
				r.Context().Value(actorKey{}).(*actor).failed = err
				scarab.DefaultOnError(rw, r, err)
			},
		})
		if err != nil {
			rt.Fatal(err)
		}
		w.factories[i] = f
		w.handlers[i] = f.Wrap(f.HandlerFunc(handle))
	}
	for i := range 2 {
		w.browsers = append(w.browsers, &browser{name: fmt.Sprintf("browser %d", i)})
	}
	return w
}

// breaks ends the check: an invariant does not hold.
func (w *world) breaks(invariant, format string, args ...any) {
	w.rt.Helper()
	w.rt.Fatalf("broken: %s: %s", invariant, fmt.Sprintf(format, args...))
}

func (w *world) logf(format string, args ...any) { w.rt.Logf(format, args...) }

func (w *world) next() int {
	w.serial++
	return w.serial
}

// clock is the time that is right. It goes on only when the test sleeps.
func (w *world) clock() time.Time { return w.noon.Add(time.Since(w.began)).Truncate(time.Microsecond) }

// now is the time in a process.
func (w *world) now(process int) time.Time {
	w.awake()
	return w.clock().Add(w.skew[process])
}

// sleep lets the time go on. A timer that wakes an actor is nothing that the
// race detector counts as an order between this test and the actor, as an
// answer through a channel is; a lock that both have held is.
func (w *world) sleep(d time.Duration) {
	w.awake()
	time.Sleep(d)
}

func (w *world) awake() {
	w.turn.Lock()
	defer w.turn.Unlock()
}

// start runs f as an actor, until it stops for the first time.
func (w *world) start(a *actor, f func(context.Context)) {
	a.world, a.back = w, make(chan error)
	w.actors = append(w.actors, a)
	a.ctx = context.WithValue(context.Background(), actorKey{}, a)
	go func() {
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				panic(p)
			}
			w.awake()
			a.over = true
		}()
		f(a.ctx)
	}()
	w.settle()
}

// settle waits until every actor has stopped, and looks at those that have
// something to show.
func (w *world) settle() {
	synctest.Wait()
	for _, a := range w.actors {
		if a.request != nil {
			w.look(a)
		}
	}
	w.actors = slices.DeleteFunc(w.actors, func(a *actor) bool { return a.over })
}

// begin sends a request.
func (w *world) begin(b *browser, factory int, token string, method string) *actor {
	a := &actor{name: fmt.Sprintf("request %d", w.next())}
	a.request = &request{
		browser: b, factory: factory, token: token, stolen: token != b.token, peeks: method == http.MethodHead,
		orders: make(chan order), rec: httptest.NewRecorder(), view: contents{}.clone(),
	}
	a.handle, a.hash, a.carried = parseToken(token)
	w.logf("%s: %s of %s to process %d with token %s", a.name, method, b.name, factory, short(token))
	w.start(a, func(ctx context.Context) {
		r := httptest.NewRequestWithContext(ctx, method, "https://example.com/", nil)
		if token != "" {
			r.Header.Set("Cookie", cookieName+"="+token)
		}
		w.handlers[factory].ServeHTTP(a.rec, r)
	})
	return a
}

// short is enough of a token to tell it apart: the last characters are of the
// secret.
func short(token string) string { return "…" + token[max(0, len(token)-6):] }

// operate runs what an operator does.
func (w *world) operate(name string, revokes scarab.Handle, f func(context.Context) error) {
	a := &actor{name: fmt.Sprintf("operator %d", w.next()), revokes: revokes}
	w.logf("%s: %s", a.name, name)
	w.start(a, func(ctx context.Context) { _ = f(ctx) })
}

// carryOut does what a call asks, and looks whether it was done well.
func (w *world) carryOut(c *call) {
	w.kind.run(func(ctx context.Context) { c.err = c.do(ctx) })
	c.done = true
	w.logf("    %s: %v: %v", c.actor.name, c, c.err)
	w.observe(c)
}

// answer lets a's call return with err.
func (w *world) answer(a *actor, err error) {
	a.call = nil
	a.back <- err
	w.settle()
}

// step carries out a's call and answers it.
func (w *world) step(a *actor) {
	c := a.call
	if !c.done && (w.cut > 0 || c.ctx.Err() != nil) {
		w.cut = max(0, w.cut-1)
		w.fail(a, refuse)
		return
	}
	if !c.done {
		w.carryOut(c)
	}
	w.answer(a, c.err)
}

// A fault is what may happen to a call.
type fault string

const (
	refuse fault = "is refused"
	lose   fault = "loses its answer"
	delay  fault = "is believed lost and arrives later"
)

// fail makes a's call fail.
func (w *world) fail(a *actor, f fault) {
	c := a.call
	w.logf("    %s: %v %s", a.name, c, f)
	switch {
	case c.ctx.Err() != nil:
	case f == lose && !c.done:
		w.carryOut(c)
	case f == delay && !c.done:
		w.limbo = append(w.limbo, c)
	}
	if a.request != nil {
		a.faulted = true
	}
	w.answer(a, scarabtest.ErrFault)
}

// advance lets a go on until it is over, or stops for something else than the
// store.
func (w *world) advance(a *actor) {
	for !a.over && a.call != nil {
		w.step(a)
	}
}

// end lets everything come to its end.
func (w *world) end() {
	w.cut = 0
	for len(w.actors) > 0 {
		a := w.actors[0]
		switch i := slices.IndexFunc(w.actors, func(a *actor) bool { return a.call != nil }); {
		case i >= 0:
			w.step(w.actors[i])
		case a.request != nil && a.idle:
			w.finish(a)
		default:
			w.breaks("the test", "%s waits for nothing that could come", a.name)
		}
	}
	for _, c := range w.limbo {
		w.carryOut(c)
	}
	for _, b := range w.browsers {
		for len(b.answers) > 0 {
			w.deliver(b, 0)
		}
	}
	w.lists()
	for _, b := range w.browsers {
		a := w.begin(b, 0, b.token, http.MethodGet)
		w.advance(a)
		w.finish(a)
		w.advance(a)
	}
}

// abort ends all actors of a check that has failed.
func (w *world) abort() {
	for {
		synctest.Wait()
		w.actors = slices.DeleteFunc(w.actors, func(a *actor) bool { return a.over })
		if len(w.actors) == 0 {
			return
		}
		for _, a := range w.actors {
			switch {
			case a.call != nil:
				a.call = nil
				a.back <- scarabtest.ErrFault
			case a.request != nil && a.idle:
				a.orders <- func(*scarab.Session) (bool, error) { panic(http.ErrAbortHandler) }
			default:
				w.sleep(time.Minute) // it waits for its turn: StoreTimeout ends that
			}
			synctest.Wait()
		}
	}
}
