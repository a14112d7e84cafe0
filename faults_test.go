package scarab_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/invariants"
	"github.com/scarab-go/scarab/memstore"
	"github.com/scarab-go/scarab/scarabtest"
)

// A bench is a factory without a server, for use in a bubble of synctest: time
// goes on when everybody waits, and waiting costs none.
type bench struct {
	t       *testing.T
	store   *scarabtest.FailingStore
	factory *scarab.Factory

	mu     sync.Mutex
	calls  []string
	events []scarab.Event
}

// newBench has a store that fails when it is called after its time is up, as
// one does that is reached over a network.
func newBench(t *testing.T) *bench {
	b := &bench{t: t, store: scarabtest.NewFailingStore(memstore.New())}
	b.heal()
	var err error
	b.factory, err = scarab.New(scarab.Stored(b.store), scarab.Config{OnEvent: func(_ context.Context, e scarab.Event) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.events = append(b.events, e)
	}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) heal() {
	b.store.Heal()
	b.on(scarabtest.Any, 0, func(ctx context.Context, _ scarabtest.Call, do func() error) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return do()
	})
}

// on is On of the store, and notes the calls.
func (b *bench) on(m scarabtest.Method, n int, f scarabtest.Fault) {
	b.store.On(m, n, func(ctx context.Context, call scarabtest.Call, do func() error) error {
		b.mu.Lock()
		b.calls = append(b.calls, string(call.Method))
		b.mu.Unlock()
		return f(ctx, call, do)
	})
}

// ask returns the answer to a request with a token, and the next token.
func (b *bench) ask(token string, h func(*scarab.Session)) (*httptest.ResponseRecorder, string) {
	r := httptest.NewRequest("GET", "/", nil)
	if token != "" {
		r.Header.Set("Cookie", "__Host-session="+token)
	}
	w := httptest.NewRecorder()
	w.Header().Set("X-Outer", "kept")
	b.factory.Wrap(b.factory.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *scarab.Session) error {
		h(s)
		w.Header().Set("X-Inner", "secret")
		_, err := w.Write([]byte("secret"))
		return err
	})).ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		token = c.Value
	}
	return w, token
}

func (b *bench) take() (calls string, events []scarab.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	calls, events = strings.Join(b.calls, " "), b.events
	b.calls, b.events = nil, nil
	return calls, events
}

// Every call of the store fails in every way: before it takes effect, after it,
// and by not answering. docs/design.md, "Outcome unknown".
func TestFaults(t *testing.T) {
	refuse, lose, hang := scarabtest.Refuse, scarabtest.LoseAnswer, scarabtest.Hang
	const (
		all  = 0
		once = 1
	)
	change := func(s *scarab.Session) { s.Set("a", "new") }
	idle := func(*scarab.Session) { time.Sleep(10 * time.Minute) } // a touch is due
	logout := (*scarab.Session).Invalidate
	anew := func(s *scarab.Session) {
		s.Invalidate()
		s.Set("a", "new")
	}
	type row struct {
		name   string
		do     func(*scarab.Session)
		method scarabtest.Method
		which  int
		fault  scarabtest.Fault

		status int
		err    error // that the event matches; nil: no event of a failure
		calls  string
		took   time.Duration
		left   string // what the old token opens then; "": a new session
	}
	rows := []row{
		{"the load is refused", change, scarabtest.LoadTouch, all, refuse, 503, scarabtest.ErrFault, "LoadTouch", 0, "old"},
		{"its answer is lost", change, scarabtest.LoadTouch, all, lose, 503, scarabtest.ErrFault, "LoadTouch", 0, "old"},
		{"the load hangs", change, scarabtest.LoadTouch, all, hang, 503, context.DeadlineExceeded, "LoadTouch", 5 * time.Second, "old"},

		{"a save is refused, and not again", change, scarabtest.Save, once, refuse, 200, nil, "LoadTouch Save Load Save", 0, "new"},
		{"every save is refused", change, scarabtest.Save, all, refuse, 503, scarab.ErrOutcomeUnknown, "LoadTouch Save Load Save Load", 0, "old"},
		{"the answer to a save is lost", change, scarabtest.Save, once, lose, 200, nil, "LoadTouch Save Load", 0, "new"},
		{"the answers to all saves are lost", change, scarabtest.Save, all, lose, 200, nil, "LoadTouch Save Load", 0, "new"},
		{"a save hangs", change, scarabtest.Save, once, hang, 503, scarab.ErrOutcomeUnknown, "LoadTouch Save Load", 5 * time.Second, "old"},

		{"a touch is refused", idle, scarabtest.Touch, all, refuse, 200, scarabtest.ErrFault, "LoadTouch Touch", 10 * time.Minute, "old"},
		{"the answer to a touch is lost", idle, scarabtest.Touch, all, lose, 200, scarabtest.ErrFault, "LoadTouch Touch", 10 * time.Minute, "old"},
		{"a touch hangs", idle, scarabtest.Touch, all, hang, 200, context.DeadlineExceeded, "LoadTouch Touch", 10*time.Minute + 5*time.Second, "old"},

		{"a delete is refused, and not again", logout, scarabtest.Delete, once, refuse, 200, nil, "LoadTouch Delete Delete", 0, ""},
		{"every delete is refused", logout, scarabtest.Delete, all, refuse, 503, scarabtest.ErrFault, "LoadTouch Delete Delete", 0, "old"},
		{"the answer to a delete is lost", logout, scarabtest.Delete, once, lose, 200, nil, "LoadTouch Delete Delete", 0, ""},
		{"the answers to all deletes are lost", logout, scarabtest.Delete, all, lose, 503, scarabtest.ErrFault, "LoadTouch Delete Delete", 0, ""},
		{"a delete hangs", logout, scarabtest.Delete, once, hang, 503, context.DeadlineExceeded, "LoadTouch Delete Delete", 5 * time.Second, "old"},

		{"a create is refused, and not again", anew, scarabtest.Create, once, refuse, 200, nil, "LoadTouch Create Load Create Delete", 0, ""},
		{"every create is refused", anew, scarabtest.Create, all, refuse, 503, scarab.ErrOutcomeUnknown, "LoadTouch Create Load Create", 0, "old"},
		{"the answer to a create is lost", anew, scarabtest.Create, all, lose, 200, nil, "LoadTouch Create Load Delete", 0, ""},
		{"a create hangs", anew, scarabtest.Create, once, hang, 503, scarab.ErrOutcomeUnknown, "LoadTouch Create Load", 5 * time.Second, "old"},
		{"a delete after a create is refused", anew, scarabtest.Delete, all, refuse, 503, scarabtest.ErrFault, "LoadTouch Create Delete Delete", 0, "old"},
	}
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				_, token := b.ask("", func(s *scarab.Session) { s.Set("a", "old") })
				b.take()
				b.on(tt.method, tt.which, tt.fault)
				start := time.Now()
				w, _ := b.ask(token, tt.do)
				took := time.Since(start)
				b.heal()
				calls, events := b.take()

				if w.Code != tt.status || took != tt.took || calls != tt.calls {
					t.Errorf("%d after %v, calls %s\nwant %d after %v, calls %s", w.Code, took, calls, tt.status, tt.took, tt.calls)
				}
				if ok := tt.status == 200; (w.Body.String() == "secret") != ok || (w.Header().Get("X-Inner") != "") != ok || w.Header().Get("X-Outer") != "kept" {
					t.Errorf("what went out: %q, %v", w.Body, w.Header())
				}
				if tt.status != 200 && len(w.Result().Cookies()) > 0 {
					t.Errorf("Set-Cookie: %q", w.Header()["Set-Cookie"])
				}
				var failed error
				for _, e := range events {
					if e.Kind == scarab.EventFailed {
						failed = e.Err
					}
				}
				if tt.err == nil && failed != nil || !errors.Is(failed, tt.err) {
					t.Errorf("the event has %v, want %v", failed, tt.err)
				}
				var left any
				if w, _ := b.ask(token, func(s *scarab.Session) { left = s.Get("a") }); w.Code != 200 {
					t.Errorf("when the store is well again: %d %s", w.Code, w.Body)
				}
				if left == nil {
					left = ""
				}
				if left != tt.left {
					t.Errorf("the old token opens %q, want %q", left, tt.left)
				}
			})
		})
	}
}

// A failure between the attempts of a commit that met a conflict.
func TestFaults_conflict(t *testing.T) {
	other := func(b *bench, token string) func(*scarab.Session) {
		return func(s *scarab.Session) {
			s.Set("a", 1)
			b.ask(token, func(s *scarab.Session) { s.Set("b", 2) })
		}
	}
	for _, tt := range []struct {
		name   string
		plan   func(*bench)
		status int
		calls  string
		left   string
	}{
		{"no failure", func(*bench) {}, 200, "LoadTouch LoadTouch Save Save Save", "0 2 1"},
		{"the second save is refused", func(b *bench) { b.on(scarabtest.Save, 3, scarabtest.Refuse) }, 200,
			"LoadTouch LoadTouch Save Save Save Load Save", "0 2 1"},
		{"the answer to the second save is lost", func(b *bench) { b.on(scarabtest.Save, 3, scarabtest.LoseAnswer) }, 200,
			"LoadTouch LoadTouch Save Save Save Load", "0 2 1"},
		{"the second save hangs", func(b *bench) { b.on(scarabtest.Save, 3, scarabtest.Hang) }, 503,
			"LoadTouch LoadTouch Save Save Save Load", "0 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				_, token := b.ask("", func(s *scarab.Session) { s.Set("zero", 0) })
				b.take()
				tt.plan(b)
				w, _ := b.ask(token, other(b, token))
				b.heal()
				calls, _ := b.take()
				var left []string
				b.ask(token, func(s *scarab.Session) {
					for _, v := range s.All() {
						left = append(left, string(rune('0'+v.(int64))))
					}
				})
				if got := strings.Join(left, " "); w.Code != tt.status || calls != tt.calls || got != tt.left {
					t.Errorf("%d, calls %s, left %s\nwant %d, calls %s, left %s", w.Code, calls, got, tt.status, tt.calls, tt.left)
				}
				if w, _ := b.ask(token, func(s *scarab.Session) { s.Set("again", 3) }); w.Code != 200 {
					t.Errorf("the session is locked: %d", w.Code)
				}
			})
		})
	}
}

// Retries end with StoreTimeout.
func TestFaults_endlessConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		_, token := b.ask("", func(s *scarab.Session) { s.Set("a", 0) })
		b.on(scarabtest.Save, 0, func(ctx context.Context, call scarabtest.Call, _ func() error) error {
			time.Sleep(time.Second)
			return &scarab.ConflictError[scarab.Record]{} // which does not say what is there
		})
		start := time.Now()
		w, _ := b.ask(token, func(s *scarab.Session) { s.Set("a", 1) })
		if took := time.Since(start); w.Code != 503 || took < 4*time.Second || took > 6*time.Second {
			t.Errorf("%d after %v", w.Code, took)
		}
	})
}

// Of those that change one session at once, 1024 may wait; the others are told
// so, and nobody's change is lost.
func TestFaults_queue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 1200
		b := newBench(t)
		_, token := b.ask("", func(s *scarab.Session) { s.Set("counter", 0) })
		counter := scarab.Key[int]("counter")

		first, second := make(chan struct{}), make(chan struct{})
		b.on(scarabtest.Save, 0, func(_ context.Context, call scarabtest.Call, do func() error) error {
			if call.N <= n {
				<-first
			} else {
				<-second // whoever has the lock
			}
			return do()
		})
		var wg sync.WaitGroup
		codes := make(chan int, n)
		for range n {
			wg.Go(func() {
				w, _ := b.ask(token, func(s *scarab.Session) { counter.Update(s, func(n int) int { return n + 1 }) })
				codes <- w.Code
			})
		}
		synctest.Wait() // all have loaded, and are about to save
		close(first)
		synctest.Wait() // one has saved, one has the lock, the others wait or have given up
		close(second)
		wg.Wait()
		close(codes)
		count := map[int]int{}
		for code := range codes {
			count[code]++
		}
		if want := 1 + 1 + 1024; count[200] != want || count[503] != n-want {
			t.Errorf("answers: %v", count)
		}
		var got int
		b.ask(token, func(s *scarab.Session) { got = counter.Get(s) })
		if got != count[200] {
			t.Errorf("the counter is %d", got)
		}
	})
}

// Without the queue, 256 writers would take turns to fail: 256²/4 saves and
// more.
func TestFaults_256writers(t *testing.T) {
	const n = 256
	site := probeSite(t, scarab.Config{})
	b := site.Browser()
	counter := scarab.Key[int]("counter")
	b.Do(doing(func(s *scarab.Session) { counter.Set(s, 0) }))
	var requests []*invariants.Request
	for range n {
		requests = append(requests, b.Begin(straggling(func(s *scarab.Session) {
			counter.Update(s, func(n int) int { return n + 1 })
		})))
	}
	saves := site.Store.Count(scarabtest.Save)
	for _, a := range invariants.FinishAll(requests) {
		if !a.OK() {
			t.Fatal(a)
		}
	}
	saves = site.Store.Count(scarabtest.Save) - saves
	b.Do(doing(func(s *scarab.Session) {
		if got := counter.Get(s); got != n {
			t.Errorf("the counter is %d", got)
		}
	}))
	t.Logf("%d saves", saves)
	if saves < n || saves > 2*n+n/8 {
		t.Errorf("%d saves, want about %d", saves, 2*n-1)
	}
}

// A value that does not decode reads as absent, and a Pop of nothing removes
// nothing.
func TestFaults_popOfDamaged(t *testing.T) {
	b := newBench(t)
	_, token := b.ask("", func(s *scarab.Session) { s.Set("a", "bad") })
	records := func() (r scarab.Record) {
		for r, _ = range b.store.Scan(t.Context()) {
		}
		return r
	}
	r := records()
	r.Version++
	r.Data = []byte(strings.Replace(string(r.Data), `"bad"`, `{oops`, 1))
	if err := b.store.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	b.ask(token, func(s *scarab.Session) {
		if v, ok := s.Pop("a"); v != nil || ok {
			t.Errorf("Pop: %v, %v", v, ok)
		}
		s.Set("b", 1)
	})
	if data := string(records().Data); !strings.Contains(data, "{oops") || !strings.Contains(data, "b") {
		t.Errorf("left %q", data)
	}
}
