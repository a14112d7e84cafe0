package scarab_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/scarab-go/scarab"
)

// After the handler has returned reads go on, changes do nothing, and Save says
// so.
func TestSession_afterTheHandler(t *testing.T) {
	site := newSite(t, scarab.Config{})
	b := site.browser()
	var s *scarab.Session
	b.visit(func(opened *scarab.Session) { s = opened; s.Set("a", []int{1}); s.Flash("hi") })
	site.take()
	edit := scarab.Key[int]("edit").Edit(s)
	*edit = 1
	s.Get("a").([]any)[0] = 9
	s.Changed()
	for _, change := range []func(){
		func() { s.Set("b", 1) }, func() { s.Delete("a") }, func() { s.Pop("a") }, func() { s.PopItem() }, s.Clear, s.Invalidate, s.Renew,
		func() { s.Login("ann") }, func() { s.SetTimeouts(1, 1) }, func() { s.SetLabel("x") }, func() { s.SetPersistent(true) },
		func() { s.PopFlash() }, func() { s.Flash("x") }, func() { s.NewCSRFToken() }, func() { s.Set("f", func() {}) },
		func() { scarab.Key[int]("n").Update(s, func(int) int { return 1 }) }, func() { scarab.Key[[]int]("a").Pop(s) },
	} {
		change()
	}
	if !s.Has("a") || s.Has("b") || s.Len() != 2 || s.Principal() != "" || !slices.Equal(s.PeekFlash(), []string{"hi"}) {
		t.Errorf("after the handler: %s", contents(s))
	}
	if err := s.Save(t.Context()); err == nil {
		t.Error("Save says nothing")
	}
	if err := s.Reload(t.Context()); err == nil {
		t.Error("Reload says nothing")
	}
	if calls, _, _ := site.take(); calls != nil {
		t.Errorf("store calls %q", calls)
	}
	if got := b.sees(); got != `a=[]interface {}{1} _f_=[]interface {}{"hi"}` {
		t.Errorf("the next request sees %s", got)
	}
}

// A goroutine that opens the session when the handler has returned learns that
// it came too late.
func TestSession_openedAfterTheHandler(t *testing.T) {
	b := newSite(t, scarab.Config{}).browser()
	var r *http.Request
	b.ask(func(_ http.ResponseWriter, request *http.Request) { r = request })
	s, err := scarab.From(r.Context())
	if err != nil {
		return // an error says it too
	}
	s.Set("a", 1)
	if s.Has("a") || s.Save(t.Context()) == nil {
		t.Error("a session opened after the handler takes changes that nobody saves")
	}
}

// Run with -race.
func TestSession_goroutines(t *testing.T) {
	b := newSite(t, scarab.Config{}).browser()
	const n = 16
	b.ask(func(w http.ResponseWriter, r *http.Request) {
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				s, err := scarab.From(r.Context())
				if err != nil {
					t.Error(err)
					return
				}
				s.Set(fmt.Sprint(i), i)
				scarab.Key[int]("sum").Update(s, func(sum int) int { return sum + i })
				scarab.Queue[int]("").Push(s, i)
				contents(s)
				s.Changed()
				s.CSRFToken()
				s.Started()
				s.Expires()
				if i%4 == 0 {
					s.SetLabel(fmt.Sprint(i))
					s.Renew()
				}
			})
		}
		wg.Wait()
	})
	b.visit(func(s *scarab.Session) {
		messages := scarab.Queue[int]("").Pop(s)
		if s.Len() != n+2 || s.Get("sum") != int64(n*(n-1)/2) || len(messages) != n {
			t.Errorf("%d keys, sum %v, messages %v", s.Len(), s.Get("sum"), messages)
		}
	})
}

// A goroutine may Save while the handler writes its header. Run with -race.
func TestSession_Save_besideTheHandler(t *testing.T) {
	b := newSite(t, scarab.Config{}).browser()
	b.visit(func(s *scarab.Session) { s.Set("n", 0) })
	a := b.ask(func(w http.ResponseWriter, r *http.Request) {
		s, err := scarab.From(r.Context())
		if err != nil {
			t.Error(err)
			return
		}
		var wg sync.WaitGroup
		half := make(chan struct{})
		wg.Go(func() {
			for i := range 50 {
				s.Set("n", i+1)
				if err := s.Save(r.Context()); err != nil {
					t.Error(err)
				}
				if i == 25 {
					close(half)
				}
			}
		})
		for saving := true; saving; {
			w.Header().Set("X-Page", "1") // once at least, however fast the other is
			select {
			case <-half:
				saving = false
			default:
			}
		}
		io.WriteString(w, "page")
		wg.Wait()
	})
	if a.status != http.StatusOK || a.body != "page" || a.header.Get("X-Page") != "1" || a.header.Get("Vary") != "Cookie" {
		t.Errorf("%d %q, header %v", a.status, a.body, a.header)
	}
	if got := b.sees(); got != "n=50" {
		t.Errorf("left %s", got)
	}
}
