package csrf_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/csrf"
)

// ReportOnly lets everything pass, with its body, and counts it.
func TestReportOnly(t *testing.T) {
	s := newSite(t, csrf.Config{ReportOnly: true}, func(_ *site, mux *http.ServeMux) {
		mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) {
			n, err := io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, n, err)
		})
	})
	s.get("/start")
	s.do("POST", "/save", nil, crossSite).want(t, http.StatusOK, "saved")
	s.do("POST", "/save", nil).want(t, http.StatusOK, "saved")
	s.post("/save", "wrong").want(t, http.StatusOK, "saved")
	s.post("/save", s.form("/form")).want(t, http.StatusOK, "saved")
	big := strings.Repeat("x", 3<<20)
	s.send("POST", "/echo", strings.NewReader(big), "Content-Type: application/x-www-form-urlencoded").want(t, http.StatusOK, "3145728 <nil>")
	s.send("POST", "/echo", io.MultiReader(strings.NewReader(big)), "Content-Type: application/x-www-form-urlencoded").want(t, http.StatusOK, "3145728 <nil>")
	got := s.kinds()
	if want := []string{"csrf_reported cross-origin", "csrf_reported no token", "csrf_reported wrong token", "csrf_reported body", "csrf_reported body"}; !slices.Equal(got, want) {
		t.Errorf("events: %q, want %q", got, want)
	}
}

// An event about a session says whose it is, and never has the token.
func TestEventsNameTheSession(t *testing.T) {
	s := newSite(t, csrf.Config{})
	s.post("/login", s.form("/form")).want(t, http.StatusOK, "")
	s.post("/save", strings.Repeat("ab", 20)).want(t, http.StatusForbidden, "wrong token")
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.events) != 1 {
		t.Fatalf("events: %v", s.events)
	}
	var refused *csrf.Error
	e := s.events[0]
	if e.Kind != csrf.EventBlocked || e.Principal != "ann" || len(e.Handle) != 32 || !errors.As(e.Err, &refused) || refused.Reason != csrf.WrongToken {
		t.Errorf("%+v", e)
	}
	if strings.Contains(fmt.Sprintf("%+v", refused), "abab") || refused.Value != "" {
		t.Errorf("the token is in %+v", refused)
	}
}

// The text of an error says which header had which value and what to change.
func TestErrorText(t *testing.T) {
	const host = "www.example.com"
	tests := []struct {
		name    string
		cfg     csrf.Config
		headers []string
		want    []string // parts of the text
	}{
		{"cross-site", csrf.Config{}, []string{crossSite, "Origin: https://evil.example"}, []string{`Sec-Fetch-Site is "cross-site"`, "https://evil.example", "csrf.Config.TrustedOrigins"}},
		{"cross-site, origin hidden", csrf.Config{}, []string{crossSite, "Origin: null"}, []string{`Sec-Fetch-Site is "cross-site"`, "Origin is null"}},
		{"same-site", csrf.Config{}, []string{"Sec-Fetch-Site: same-site"}, []string{`"same-site"`, "another origin"}},
		{"other origin", csrf.Config{}, []string{"Origin: https://evil.example"}, []string{`Origin is "https://evil.example", not "https://www.example.com"`, "TrustedOrigins", "csrf.Config.Origins"}},
		{"other port", csrf.Config{}, []string{"Origin: https://www.example.com:8443"}, []string{"csrf.Config.Origins"}},
		{"plain http", csrf.Config{}, []string{"Origin: http://www.example.com"}, []string{"csrf.Config.Insecure", "https"}},
		{"https, and Insecure is set", csrf.Config{Insecure: true}, []string{"Origin: https://www.example.com"}, []string{"drop csrf.Config.Insecure"}},
		{"Origins", csrf.Config{Origins: []string{"https://a.example", "https://b.example"}}, []string{"Referer: https://c.example/x"}, []string{`Referer is "https://c.example/x"`, "https://a.example or one of 1 more", "TrustedOrigins"}},
		{"null", csrf.Config{}, []string{"Origin: null"}, []string{`Origin is "null"`, "Referrer-Policy"}},
		{"no Host", csrf.Config{}, []string{"Host: a b", "Origin: https://evil.example"}, []string{"csrf.Config.Origins"}},
		{"several", csrf.Config{}, []string{"Origin: https://a.example", "Origin: https://b.example"}, []string{"https://a.example, https://b.example", "proxy"}},
		{"no token", csrf.Config{}, nil, []string{"X-CSRF-Token", "csrf.Field", "csrf.Token", `(POST "/a\x3cb")`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := csrf.New(tt.cfg)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest("POST", "/a%3cb", nil)
			r.Host = host
			for _, h := range tt.headers {
				name, value, _ := strings.Cut(h, ": ")
				if name == "Host" {
					r.Host = value
					continue
				}
				r.Header.Add(name, value)
			}
			err = p.Check(r)
			var refused *csrf.Error
			if !errors.As(err, &refused) {
				t.Fatalf("%v", err)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%v\nlacks %q", err, part)
				}
			}
		})
	}
}

// Nothing that a request contains is markup in the answer, or a second line in
// a log.
func TestErrorsAreInert(t *testing.T) {
	s := newSite(t, csrf.Config{})
	s.get("/start")
	const evil = `<script>alert('x')</script>&amp;"`
	long := strings.Repeat("<", 10_000)
	for _, headers := range [][]string{
		{"Origin: " + evil}, {"Referer: " + evil}, {"Origin: " + long}, {"Origin: https://a.example\t\x85\xff"},
		{"Origin: a", "Origin: " + evil}, {crossSite, "Origin: " + evil}, {"X-CSRF-Token: " + evil},
		{"Content-Type: multipart/form-data; boundary=" + evil},
	} {
		a := s.send("POST", "/save", strings.NewReader("csrf_token="+url.QueryEscape(evil)), headers...)
		if a.status != http.StatusForbidden || strings.ContainsAny(a.body, "<>&'") || len(a.body) > 5000 {
			t.Errorf("%.100q: %d %q", headers, a.status, a.body)
		}
		if strings.ContainsFunc(a.body, func(r rune) bool { return r > 0x7e || r < ' ' && r != '\n' }) {
			t.Errorf("%.100q: not plain: %q", headers, a.body)
		}
		for name, want := range map[string]string{"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s is %q", name, got)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if strings.ContainsAny(e.Err.Error(), "\n\r<>") {
			t.Errorf("%q", e.Err)
		}
	}
}

func TestOnError(t *testing.T) {
	var got error
	s := newSite(t, csrf.Config{OnError: func(w http.ResponseWriter, _ *http.Request, err error) {
		got = err
		w.WriteHeader(http.StatusTeapot)
	}})
	s.do("POST", "/save", nil, crossSite).want(t, http.StatusTeapot, "")
	var refused *csrf.Error
	if !errors.As(got, &refused) || refused.Reason != csrf.CrossOrigin || refused.Header != "Sec-Fetch-Site" || refused.Value != "cross-site" {
		t.Errorf("%#v", got)
	}
	s.get("/start")
	s.store.fail(net.ErrClosed)
	s.post("/save", "x").want(t, http.StatusTeapot, "")
	if !errors.Is(got, net.ErrClosed) {
		t.Errorf("%v", got)
	}
}

// Without a factory around it, a protection says what is missing.
func TestNoMiddleware(t *testing.T) {
	p, err := csrf.New(csrf.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var formErr error
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, formErr = csrf.Field(r.Context()) })
	s := httptest.NewServer(p.Wrap(h))
	defer s.Close()
	b := &browser{t: t, client: s.Client(), base: s.URL}
	b.get("/")
	if !errors.Is(formErr, scarab.ErrNoMiddleware) {
		t.Errorf("Field inside Wrap: %v", formErr)
	}
	b.do("POST", "/", nil, "X-CSRF-Token: x").want(t, http.StatusInternalServerError, "scarab.Factory's Wrap")
	if err := p.Check(httptest.NewRequest("POST", "/", nil)); err == nil || errors.Is(err, scarab.ErrNoMiddleware) {
		t.Errorf("no token at all: %v", err) // is found before the session is missed
	}
	for _, f := range []func() (string, error){
		func() (string, error) { return csrf.Token(t.Context()) },
		func() (string, error) { return csrf.NewToken(t.Context()) },
	} {
		if _, err := f(); !errors.Is(err, scarab.ErrNoMiddleware) || !strings.Contains(err.Error(), "Protection.Wrap") {
			t.Errorf("outside: %v", err)
		}
	}
}

// An OnError that serves a page for the refused request does not open the
// handlers that are protected.
func TestOnErrorServesOn(t *testing.T) {
	var mux http.ServeMux
	s := newSite(t, csrf.Config{OnError: func(w http.ResponseWriter, r *http.Request, err error) {
		if r.URL.Path == "/secret" {
			io.WriteString(w, "refused again")
			return
		}
		r.URL.Path = "/secret"
		mux.ServeHTTP(w, r)
	}})
	mux.Handle("/secret", s.p.Require(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "secret") })))
	s.do("POST", "/save", nil, crossSite).want(t, http.StatusOK, "refused again")
}

// A protection outside of the factory is a mistake in the program, which an
// event tells too, and which ReportOnly does not hide.
func TestWrongOrder(t *testing.T) {
	for _, reportOnly := range []bool{false, true} {
		var events []scarab.Event
		p, err := csrf.New(csrf.Config{ReportOnly: reportOnly, OnEvent: func(_ context.Context, e scarab.Event) { events = append(events, e) }})
		if err != nil {
			t.Fatal(err)
		}
		sessions, err := scarab.New(scarab.Stored(&mapStore{}), scarab.Config{})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(p.Wrap(sessions.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))))
		defer server.Close()
		b := &browser{t: t, client: server.Client(), base: server.URL}
		status := http.StatusInternalServerError
		if reportOnly {
			status = http.StatusOK
		}
		b.do("POST", "/", nil, sameOrigin, "X-CSRF-Token: x").want(t, status, "")
		if len(events) != 1 || events[0].Reason != "no middleware" || !errors.Is(events[0].Err, scarab.ErrNoMiddleware) {
			t.Errorf("events: %v", events)
		}
	}
}
