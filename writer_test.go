package scarab_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/scarabtest"
)

// firstBytes are the ways to send the first byte of an answer.
var firstBytes = []struct {
	name string
	send func(w http.ResponseWriter) error
}{
	{"WriteHeader", func(w http.ResponseWriter) error { w.WriteHeader(http.StatusAccepted); return nil }},
	{"Write", func(w http.ResponseWriter) error { _, err := w.Write([]byte("page")); return err }},
	{"Write of nothing", func(w http.ResponseWriter) error { _, err := w.Write(nil); return err }},
	{"WriteString", func(w http.ResponseWriter) error { _, err := io.WriteString(w, "page"); return err }},
	{"ReadFrom", func(w http.ResponseWriter) error { _, err := io.Copy(w, strings.NewReader("page")); return err }},
	{"ReadFrom of a reader that is no WriterTo", func(w http.ResponseWriter) error {
		_, err := w.(io.ReaderFrom).ReadFrom(io.LimitReader(strings.NewReader("page"), 4))
		return err
	}},
	{"Flush", func(w http.ResponseWriter) error { w.(http.Flusher).Flush(); return nil }},
	{"FlushError", func(w http.ResponseWriter) error { return http.NewResponseController(w).Flush() }},
	{"101 Switching Protocols", func(w http.ResponseWriter) error {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "test")
		w.WriteHeader(http.StatusSwitchingProtocols)
		return nil
	}},
	{"Hijack", func(w http.ResponseWriter) error { return hijack(w.(http.Hijacker).Hijack()) }},
	{"Hijack through ResponseController", func(w http.ResponseWriter) error { return hijack(http.NewResponseController(w).Hijack()) }},
	{"through a writer that wraps it", func(w http.ResponseWriter) error {
		return http.NewResponseController(unwrapper{w}).Flush()
	}},
}

func hijack(conn net.Conn, rw *bufio.ReadWriter, err error) error {
	if err != nil {
		return err
	}
	defer conn.Close()
	rw.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	return rw.Flush()
}

type unwrapper struct{ http.ResponseWriter }

func (u unwrapper) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// Whichever way the first byte goes, what was changed is in the store before.
func TestWriter_savesFirst(t *testing.T) {
	for _, tt := range firstBytes {
		t.Run(tt.name, func(t *testing.T) {
			site := newSite(t, scarab.Config{})
			b := site.browser()
			b.visit(func(s *scarab.Session) { s.Set("a", 1) })
			_, err := b.try(func(w http.ResponseWriter, r *http.Request) {
				s, err := scarab.From(r.Context())
				if err != nil {
					t.Fatal(err)
				}
				s.Set("a", 2)
				if n := site.store.Count(scarabtest.Save); n != 0 {
					t.Errorf("%d saves before anything is sent", n)
				}
				if err := tt.send(w); err != nil {
					t.Error(err)
				}
				if got := b.clone().sees(); got != "a=2" {
					t.Errorf("when the first byte is out, the store has %s", got)
				}
			})
			if err != nil && tt.name != "101 Switching Protocols" {
				t.Error(err)
			}
			if n := site.store.Count(scarabtest.Save); n != 1 {
				t.Errorf("%d saves", n)
			}
		})
	}
}

// If it cannot be saved, nothing of the handler's answer goes out, and the
// handler is told.
func TestWriter_withholds(t *testing.T) {
	for _, tt := range firstBytes {
		t.Run(tt.name, func(t *testing.T) {
			site := newSite(t, scarab.Config{})
			site.serve(func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-Outer", "kept")
					w.Header()["X-List"] = []string{"a", "b"}
					site.factory.Wrap(h).ServeHTTP(w, r)
				})
			})
			b := site.browser()
			b.visit(func(s *scarab.Session) { s.Set("a", 1) })
			a := b.ask(func(w http.ResponseWriter, r *http.Request) {
				s, err := scarab.From(r.Context())
				if err != nil {
					t.Fatal(err)
				}
				s.Set("a", 2)
				w.Header().Set("X-Secret", "1")
				w.Header().Set("X-Outer", "changed")
				w.Header().Add("X-List", "c")
				w.Header().Set("Content-Encoding", "gzip")
				http.SetCookie(w, &http.Cookie{Name: "other", Value: "1"})
				site.store.On(scarabtest.Any, 0, scarabtest.Refuse)
				err = tt.send(w)
				if speaks := tt.name != "WriteHeader" && tt.name != "Flush" && tt.name != "101 Switching Protocols"; (err != nil) != speaks {
					t.Errorf("the first byte: %v", err)
				}
				for _, more := range firstBytes {
					if err := more.send(w); err != nil && !errors.Is(err, scarabtest.ErrFault) {
						t.Errorf("%s: %v, want the error of the commit", more.name, err)
					}
				}
				if _, err := w.Write([]byte("page")); !errors.Is(err, scarabtest.ErrFault) {
					t.Errorf("Write: %v", err)
				}
				w.Header().Set("X-Later", "1")
			})
			site.store.Heal()
			if a.status != http.StatusServiceUnavailable || a.body != "Service Unavailable: please try again in a moment.\n" || len(a.failures) != 1 {
				t.Errorf("%d %q, OnError called with %v", a.status, a.body, a.failures)
			}
			h := a.header
			if h.Get("X-Outer") != "kept" || !slices.Equal(h["X-List"], []string{"a", "b"}) || h.Get("X-Secret")+h.Get("X-Later")+h.Get("Content-Encoding") != "" || a.set != nil {
				t.Errorf("header %v", h)
			}
			if got := b.sees(); got != "a=1" {
				t.Errorf("left %s", got)
			}
		})
	}
}

// A handler that writes nothing at all gets the same.
func TestWriter_withholdsNothing(t *testing.T) {
	site := newSite(t, scarab.Config{})
	b := site.browser()
	a := b.visit(func(s *scarab.Session) {
		s.Set("a", 1)
		site.store.On(scarabtest.Any, 0, scarabtest.Refuse)
	})
	if a.status != http.StatusServiceUnavailable || a.set != nil || a.header.Get("Retry-After") == "" {
		t.Errorf("%d, header %v", a.status, a.header)
	}
}

// Informational headers pass, and commit nothing.
func TestWriter_earlyHints(t *testing.T) {
	site := newSite(t, scarab.Config{})
	b := site.browser()
	var hints []string
	trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
		hints = append(hints, fmt.Sprint(code, " ", header.Get("Link"), header.Get("Set-Cookie")))
		return nil
	}}
	a := b.ask(func(w http.ResponseWriter, r *http.Request) {
		s, _ := scarab.From(r.Context())
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusProcessing)
		s.Set("a", 1)
		if n := site.store.Count(scarabtest.Any); n != 0 {
			t.Errorf("%d store calls", n)
		}
		io.WriteString(w, "page")
		w.WriteHeader(http.StatusEarlyHints) // too late: net/http logs it
	}, func(r *http.Request) { *r = *r.WithContext(httptrace.WithClientTrace(r.Context(), trace)) })
	if a.status != http.StatusOK || a.body != "page" || len(a.set) != 1 || b.sees() != "a=1" {
		t.Errorf("%d %q, Set-Cookie %q", a.status, a.body, a.set)
	}
	if want := []string{"103 </style.css>; rel=preload", "102 </style.css>; rel=preload"}; !slices.Equal(hints, want) {
		t.Errorf("hints %q", hints)
	}
}

// What is not about the first byte goes past the session.
func TestWriter_controller(t *testing.T) {
	site := newSite(t, scarab.Config{})
	a := site.browser().ask(func(w http.ResponseWriter, r *http.Request) {
		s, _ := scarab.From(r.Context())
		s.Set("a", 1)
		rc := http.NewResponseController(w)
		later := time.Now().Add(time.Minute)
		if err := errors.Join(rc.SetReadDeadline(later), rc.SetWriteDeadline(later), rc.EnableFullDuplex()); err != nil {
			t.Error(err)
		}
		if n := site.store.Count(scarabtest.Any); n != 0 {
			t.Errorf("%d store calls", n)
		}
	})
	if a.status != http.StatusOK || len(a.set) != 1 {
		t.Errorf("%d, Set-Cookie %q", a.status, a.set)
	}
}

// A websocket: the handshake can carry the cookie, and Save goes on after it.
func TestWriter_hijack(t *testing.T) {
	site := newSite(t, scarab.Config{})
	b := site.browser()
	a := b.ask(func(w http.ResponseWriter, r *http.Request) {
		s, _ := scarab.From(r.Context())
		s.Set("n", 0)
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprint(rw, "HTTP/1.1 200 OK\r\nConnection: close\r\n")
		w.Header().Write(rw)
		fmt.Fprint(rw, "\r\nhello")
		rw.Flush()
		for i := range 3 {
			s.Set("n", i+1)
			if err := s.Save(r.Context()); err != nil {
				t.Error(err)
			}
		}
	})
	if a.body != "hello" || len(a.set) != 1 || a.calls != "Create Save Save Save" {
		t.Errorf("%q, Set-Cookie %q, store calls %s", a.body, a.set, a.calls)
	}
	if got := b.sees(); got != "n=3" {
		t.Error(got)
	}
}
