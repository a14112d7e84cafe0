package invariants

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A Browser keeps cookies and sends all of them. Its Secure cookies, their
// names and their paths are the business of other tests.
type Browser struct {
	site *Site

	mu      sync.Mutex
	cookies map[string]string
}

// Browser returns one without cookies.
func (s *Site) Browser() *Browser { return &Browser{site: s, cookies: make(map[string]string)} }

// Clone returns a browser with the same cookies: a thief, or a test of what an
// old cookie still opens.
func (b *Browser) Clone() *Browser { return b.On(b.site) }

// On is Clone for another site: another process, or a later deployment.
func (b *Browser) On(s *Site) *Browser {
	b.mu.Lock()
	defer b.mu.Unlock()
	return &Browser{site: s, cookies: maps.Clone(b.cookies)}
}

// Token returns the session's cookie.
func (b *Browser) Token() string { return b.Cookie(b.site.cookie) }

// Cookie returns the value of a cookie, "" if there is none.
func (b *Browser) Cookie(name string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cookies[name]
}

// SetCookie plants a cookie; no value removes it.
func (b *Browser) SetCookie(name, value string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cookies[name] = value; value == "" {
		delete(b.cookies, name)
	}
}

// Take keeps the cookies of an answer.
func (b *Browser) Take(a Answer) {
	for _, line := range a.SetCookie {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			b.site.t.Errorf("Set-Cookie: %s: %v", line, err)
			continue
		}
		if c.MaxAge < 0 {
			c.Value = ""
		}
		b.SetCookie(c.Name, c.Value)
	}
}

// An Answer is what came back.
type Answer struct {
	Status    int
	Header    http.Header
	Body      string
	SetCookie []string // the lines
	Failed    error    // that From returned, or OnError was called with
	Err       error    // of the client: there was no whole answer
}

// OK reports whether the request succeeded: its answer is the handler's own.
func (a Answer) OK() bool { return a.Err == nil && a.Failed == nil }

func (a Answer) String() string {
	return fmt.Sprintf("%d %q %q %v", a.Status, a.Body, a.SetCookie, errors.Join(a.Failed, a.Err))
}

// A Request is one that was begun.
type Request struct {
	visit  *Visit
	header chan Answer // without its body
	answer chan Answer
}

// Do sends a request that h answers and takes the cookies of the answer.
func (b *Browser) Do(h func(*Visit), edits ...func(*http.Request)) Answer {
	b.site.t.Helper()
	r := b.send(&Visit{handler: h}, edits)
	a := r.Finish()
	b.Take(a)
	return a
}

// Raw is Do for a handler that opens the session itself, or does not.
func (b *Browser) Raw(h http.HandlerFunc, edits ...func(*http.Request)) Answer {
	b.site.t.Helper()
	a := b.send(&Visit{raw: h}, edits).Finish()
	b.Take(a)
	return a
}

// Begin sends a request and returns when its handler has called Hold: it has
// loaded its session and done the first part of its work.
func (b *Browser) Begin(h func(*Visit), edits ...func(*http.Request)) *Request {
	b.site.t.Helper()
	r := b.send(&Visit{handler: h}, edits)
	select {
	case <-r.visit.reached:
	case a := <-r.answer:
		b.site.t.Fatalf("the request was answered before it called Hold: %v", a)
	}
	return r
}

// Start sends a request and does not wait for its handler, which may be held
// by the store. Finish waits.
func (b *Browser) Start(h func(*Visit), edits ...func(*http.Request)) *Request {
	return b.send(&Visit{handler: h}, edits)
}

// Finish lets the handler go on and returns the answer. Nobody has taken its
// cookies yet.
func (r *Request) Finish() Answer {
	r.visit.resume()
	a := <-r.answer
	if r.visit.begun.Load() {
		<-r.visit.done // a client may have its answer before the server is done
		a.Failed = r.visit.failed
	}
	return a
}

// Header returns the answer as soon as its header is there; the handler may not
// have returned.
func (r *Request) Header() Answer { return <-r.header }

// FinishAll lets all handlers go on at once and returns the answers.
func FinishAll(requests []*Request) []Answer {
	for _, r := range requests {
		r.visit.resume()
	}
	answers := make([]Answer, len(requests))
	for i, r := range requests {
		answers[i] = r.Finish()
	}
	return answers
}

func (b *Browser) send(v *Visit, edits []func(*http.Request)) *Request {
	s := b.site
	s.t.Helper()
	v.reached, v.release, v.done = make(chan struct{}), make(chan struct{}), make(chan struct{})
	r, err := http.NewRequest(http.MethodGet, s.URL+"/", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	id := strconv.Itoa(len(s.visits))
	s.visits[id] = v
	s.mu.Unlock()
	r.Header.Set("X-Visit", id)
	b.mu.Lock()
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(b.cookies)) {
		pairs = append(pairs, name+"="+b.cookies[name])
	}
	b.mu.Unlock()
	if len(pairs) > 0 {
		r.Header.Set("Cookie", strings.Join(pairs, "; "))
	}
	for _, edit := range edits {
		edit(r)
	}
	request := &Request{visit: v, header: make(chan Answer, 1), answer: make(chan Answer, 1)}
	go func() { request.answer <- request.ask(s.client, r) }()
	return request
}

func (r *Request) ask(client *http.Client, request *http.Request) (a Answer) {
	res, err := client.Do(request)
	if err != nil {
		r.header <- Answer{Err: err}
		return Answer{Err: err}
	}
	defer res.Body.Close()
	a = Answer{Status: res.StatusCode, Header: res.Header, SetCookie: res.Header["Set-Cookie"]}
	r.header <- a
	body, err := io.ReadAll(res.Body)
	a.Body, a.Err = string(body), err
	return a
}
