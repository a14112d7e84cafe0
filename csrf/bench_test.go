package csrf_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/csrf"
)

// inside runs f in a handler under a protection, in the request of a visitor
// with a session, and gives it a token.
func inside(tb testing.TB, f func(p *csrf.Protection, r *http.Request, token string)) {
	tb.Helper()
	p, err := csrf.New(csrf.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	sessions, err := scarab.New(scarab.Stored(&mapStore{}), scarab.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	step := func(_ http.ResponseWriter, r *http.Request) {
		s, err := scarab.From(r.Context())
		if err != nil {
			tb.Fatal(err)
		}
		s.Set("user_id", 7)
	}
	h := sessions.Wrap(p.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { step(w, r) })))
	first := httptest.NewRecorder()
	h.ServeHTTP(first, httptest.NewRequest("GET", "/", nil))
	ran := false
	step = func(_ http.ResponseWriter, r *http.Request) {
		token, err := csrf.Token(r.Context())
		if err != nil {
			tb.Fatal(err)
		}
		r.Method = "POST" // as one that is to be checked
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		f(p, r, token)
		ran = true
	}
	second := httptest.NewRequest("GET", "/", nil)
	second.AddCookie(first.Result().Cookies()[0])
	h.ServeHTTP(httptest.NewRecorder(), second)
	if !ran {
		tb.Fatal("the handler did not run")
	}
}

// rewind is a body that can be read again without a new allocation.
type rewind struct{ strings.Reader }

func (*rewind) Close() error { return nil }

var raceAllocations float64

// To make a token costs one allocation beyond what the session needs to give
// its own, to check one 2.
func TestAllocations(t *testing.T) {
	inside(t, func(p *csrf.Protection, r *http.Request, token string) {
		s, err := scarab.From(r.Context())
		if err != nil {
			t.Fatal(err)
		}
		give := testing.AllocsPerRun(100, func() { s.CSRFToken() })
		read := testing.AllocsPerRun(100, func() {
			if scarab.Key[string]("_csrft_").Get(s) == "" {
				t.Error("the session has no token")
			}
		})
		atMost := func(name string, most float64, f func()) {
			t.Helper()
			if got := testing.AllocsPerRun(100, f); got > most {
				t.Errorf("%s: %v allocations, want %v at most", name, got, most)
			}
		}
		atMost("Token", give+1+raceAllocations, func() { csrf.Token(r.Context()) })
		atMost("Field", give+1+raceAllocations, func() { csrf.Field(r.Context()) })
		check := func() {
			if err := p.Check(r); err != nil {
				t.Error(err)
			}
		}
		r.Header.Set("X-CSRF-Token", token)
		atMost("Check of the header", read+2, check)
		r.Header.Del("X-CSRF-Token")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		form := "title=a&csrf_token=" + token
		r.ContentLength = int64(len(form))
		var body rewind
		atMost("Check of the form", read+2, func() {
			body.Reset(form)
			r.Body = &body
			check()
		})
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		atMost("Check of another site", 3, func() { p.Check(r) })
		r.Method = "GET"
		atMost("Check of what is safe", 0, check)
	})
}

func BenchmarkToken(b *testing.B) {
	inside(b, func(_ *csrf.Protection, r *http.Request, _ string) {
		b.ReportAllocs()
		for b.Loop() {
			csrf.Token(r.Context())
		}
	})
}

func BenchmarkField(b *testing.B) {
	inside(b, func(_ *csrf.Protection, r *http.Request, _ string) {
		b.ReportAllocs()
		for b.Loop() {
			csrf.Field(r.Context())
		}
	})
}

func BenchmarkCheckHeader(b *testing.B) {
	inside(b, func(p *csrf.Protection, r *http.Request, token string) {
		r.Header.Set("X-CSRF-Token", token)
		b.ReportAllocs()
		for b.Loop() {
			if err := p.Check(r); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkCheckForm(b *testing.B) {
	inside(b, func(p *csrf.Protection, r *http.Request, token string) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		form := "title=a&csrf_token=" + token
		r.ContentLength = int64(len(form))
		var body rewind
		b.ReportAllocs()
		for b.Loop() {
			body.Reset(form)
			r.Body = &body
			if err := p.Check(r); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// What Wrap adds to a request that is safe and shows no form.
func BenchmarkWrap(b *testing.B) {
	p, err := csrf.New(csrf.Config{})
	if err != nil {
		b.Fatal(err)
	}
	sessions, err := scarab.New(scarab.Stored(&mapStore{}), scarab.Config{})
	if err != nil {
		b.Fatal(err)
	}
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
	for name, h := range map[string]http.Handler{"bare": next, "session": sessions.Wrap(next), "session and csrf": sessions.Wrap(p.Wrap(next))} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest("GET", "/", nil)
			w := &nowhere{h: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(w, r)
			}
		})
	}
}

type nowhere struct{ h http.Header }

func (w *nowhere) Header() http.Header         { return w.h }
func (w *nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (w *nowhere) WriteHeader(int)             {}
