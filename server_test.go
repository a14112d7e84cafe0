package scarab_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/memstore"
	"github.com/scarab-go/scarab/scarabtest"
)

// A stream goes out piece by piece.
func TestWriter_stream(t *testing.T) {
	site := newSite(t, scarab.Config{})
	b := site.browser()
	b.visit(func(s *scarab.Session) { s.Set("a", 1) })
	proceed := make(chan struct{})
	done := make(chan struct{})
	r, _ := http.NewRequest("GET", site.server.URL, nil)
	site.mu.Lock()
	site.steps["stream"] = &step{done: done, handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := scarab.From(r.Context())
		for i := range 3 {
			fmt.Fprintln(w, "event", i)
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
			<-proceed
			s.Set("seen", i)
			if err := s.Save(r.Context()); err != nil {
				t.Error(err)
			}
		}
	})}
	site.mu.Unlock()
	r.Header.Set("X-Step", "stream")
	r.Header.Set("Cookie", site.name+"="+b.token())
	res, err := site.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for i := range 3 {
		if !lines.Scan() || lines.Text() != fmt.Sprint("event ", i) { // there, though the handler waits
			t.Errorf("line %q, %v", lines.Text(), lines.Err())
		}
		proceed <- struct{}{}
	}
	<-done
	if got := b.sees(); got != "a=1 seen=2" {
		t.Error(got)
	}
}

// A client that hangs up during the handler does not undo what was done.
func TestCommit_hangUp(t *testing.T) {
	for name, last := range map[string]func(w http.ResponseWriter){
		"nothing is written": func(http.ResponseWriter) {},
		"a page is written":  func(w http.ResponseWriter) { io.WriteString(w, strings.Repeat("page", 100_000)) },
	} {
		t.Run(name, func(t *testing.T) {
			site := newSite(t, scarab.Config{})
			b := site.browser()
			b.visit(func(s *scarab.Session) { s.Set("a", 1) })
			ctx, hangUp := context.WithCancel(t.Context())
			a, err := b.try(func(w http.ResponseWriter, r *http.Request) {
				s, _ := scarab.From(r.Context())
				s.Set("paid", true)
				hangUp()
				<-r.Context().Done()
				last(w)
			}, func(r *http.Request) { *r = *r.WithContext(ctx) })
			if err == nil {
				t.Errorf("an answer: %d", a.status)
			}
			if got := b.sees(); got != "a=1 paid=true" {
				t.Errorf("left %s", got)
			}
		})
	}
}

// Inside Wrap, http.TimeoutHandler answers in time; what its handler does to
// the session from then on does nothing. Run with -race.
func TestWriter_timeoutHandler(t *testing.T) {
	site := newSite(t, scarab.Config{})
	site.serve(func(h http.Handler) http.Handler {
		return site.factory.Wrap(http.TimeoutHandler(h, 50*time.Millisecond, "too slow"))
	})
	b := site.browser()
	if a := b.ask(func(w http.ResponseWriter, r *http.Request) {
		s, _ := scarab.From(r.Context())
		s.Set("a", 1)
		io.WriteString(w, "page")
	}); a.status != http.StatusOK || a.body != "page" || len(a.set) != 1 {
		t.Errorf("in time: %d %q, Set-Cookie %q", a.status, a.body, a.set)
	}
	slow, finish := make(chan error), make(chan struct{})
	a := b.ask(func(w http.ResponseWriter, r *http.Request) {
		s, _ := scarab.From(r.Context())
		s.Set("before", 1)
		<-r.Context().Done()
		<-finish // until the answer is out
		s.Set("after", 1)
		io.WriteString(w, "page")
		slow <- s.Save(context.Background())
	})
	close(finish)
	if err := <-slow; err == nil {
		t.Error("Save after the answer says nothing")
	}
	if a.status != http.StatusServiceUnavailable || a.body != "too slow" {
		t.Errorf("too late: %d %q", a.status, a.body)
	}
	if got := b.sees(); got != "a=1 before=1" {
		t.Errorf("left %s", got)
	}
}

// A file still goes out by sendfile.
func TestWriter_sendfile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	want := make([]byte, 1<<20)
	rand.Read(want)
	if err := os.WriteFile(file, want, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := scarab.New(scarab.Stored(memstore.New()), scarab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	serve := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s, err := scarab.From(r.Context()); err == nil {
			s.Set("a", 1)
		}
		http.ServeFile(w, r, file)
	})
	for name, h := range map[string]http.Handler{"without Wrap": serve, "with Wrap": f.Wrap(serve)} {
		var passed atomic.Int64
		server := httptest.NewUnstartedServer(h)
		server.Listener = countingListener{server.Listener, &passed}
		server.Start()
		res, err := http.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		res.Body.Close()
		server.Close()
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if short := passed.Load(); short < int64(len(want))-512 { // which net/http looks at for the type
			t.Errorf("%s: %d of %d bytes went the short way", name, short, len(want))
		}
	}
}

// countingListener counts the bytes that connections read from files.
type countingListener struct {
	net.Listener
	n *atomic.Int64
}

func (l countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countingConn{c.(*net.TCPConn), l.n}, nil
}

type countingConn struct {
	*net.TCPConn
	n *atomic.Int64
}

func (c countingConn) ReadFrom(r io.Reader) (int64, error) {
	n, err := c.TCPConn.ReadFrom(r)
	c.n.Add(n)
	return n, err
}

// The same over HTTP/2, with the cookie as a browser takes it.
func TestWriter_http2(t *testing.T) {
	store := scarabtest.NewFailingStore(memstore.New())
	f, err := scarab.New(scarab.Stored(store), scarab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	failing := false
	const visits = scarab.Key[int]("visits")
	server := httptest.NewUnstartedServer(f.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := scarab.From(r.Context())
		if err != nil {
			t.Error(err)
			return
		}
		if r.ProtoMajor != 2 {
			t.Errorf("protocol %s", r.Proto)
		}
		visits.Update(s, func(n int) int { return n + 1 })
		w.WriteHeader(http.StatusEarlyHints)
		fmt.Fprintln(w, visits.Get(s))
		if err := http.NewResponseController(w).Flush(); (err != nil) != failing {
			t.Errorf("Flush: %v", err)
		}
		if _, _, err := http.NewResponseController(w).Hijack(); errors.Is(err, http.ErrNotSupported) == failing {
			t.Errorf("Hijack: %v", err)
		}
		s.Set("late", 1)
		io.WriteString(w, "more")
	})))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := server.Client()
	client.Jar = jar
	for i, want := range []string{"200 1\nmore", "200 2\nmore", "503 Service Unavailable: please try again in a moment.\n"} {
		if i == 2 {
			failing = true
			store.On(scarabtest.Save, 0, scarabtest.Refuse)
		}
		res, err := client.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if got := fmt.Sprint(res.StatusCode, " ", string(body)); err != nil || got != want || (len(res.Cookies()) == 1) != (i == 0) {
			t.Errorf("request %d: %q, cookies %v, %v", i, got, res.Cookies(), err)
		}
	}
}
