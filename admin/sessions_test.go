package admin_test

import (
	"context"
	"database/sql"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/admin"
	"github.com/scarab-go/scarab/admin/state"
	"github.com/scarab-go/scarab/memstore"
)

var firefox = http.Header{"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}}

// withUser opens a second browser, in which name is logged in.
func (s *site) withUser(name string) *site {
	other := s.another()
	other.Header = firefox
	other.logIn(name)
	return other
}

func loggedIn(s *site) bool { return !strings.HasSuffix(s.Get("/admin/").URL, "/login") }

func TestSessions_list(t *testing.T) {
	s := newShop(t)
	s.withUser("eve")
	page := s.Get("/admin/sessions")
	for _, want := range []string{"2 active", "Firefox on Linux", "127.0.0.1", ">eve<", "this one", `aria-label="In the last 24 hours: at most`} {
		if !strings.Contains(page.Body, want) {
			t.Errorf("there is no %q:\n%s", want, page.Body)
		}
	}
	if !strings.Contains(page.Body, "at most 2 active sessions, 2 logins") {
		t.Errorf("the chart:\n%s", page.Body)
	}
	if page := s.Get("/admin/sessions?user=eve"); !strings.Contains(page.Body, "1 active") || strings.Contains(page.Body, "this one") {
		t.Errorf("those of eve:\n%s", page.Body)
	}
	if strings.Contains(page.Body, s.Cookie("https://example.com/", "__Host-session")) {
		t.Error("a token is shown")
	}
}

func TestSessions_end(t *testing.T) {
	s := newShop(t)
	post := func(path string, form url.Values) string {
		t.Helper()
		form.Set("csrf_token", s.Get("/admin/sessions").Field("csrf_token"))
		page := s.PostForm("/admin/sessions/"+path, form)
		if page.Status != 200 {
			t.Errorf("%s: status %d\n%s", path, page.Status, page.Body)
		}
		return strings.Join(flashes(t, page), "\n")
	}
	eve, bob, bob2 := s.withUser("eve"), s.withUser("bob"), s.withUser("bob")
	handle := handleOf.FindStringSubmatch(eve.Get("/admin/session").Body)[1]
	if got := post("end", url.Values{"handle": {handle}}); got != "success: The session was ended." || loggedIn(eve) || !loggedIn(bob) {
		t.Errorf("ending one: %q; eve %t, bob %t", got, loggedIn(eve), loggedIn(bob))
	}
	if got := post("end-user", url.Values{"user": {"bob"}}); got != "success: 2 sessions of bob were ended." || loggedIn(bob) || loggedIn(bob2) {
		t.Errorf("ending those of bob: %q", got)
	}
	eve.logIn("eve")
	mine := s.withUser("admin")
	page := s.submit(s.Get("/admin/session"), "/end-others", nil)
	if got := flashes(t, page); len(got) != 1 || got[0] != "success: You are logged out in 1 other place." || loggedIn(mine) || !loggedIn(s) || !loggedIn(eve) {
		t.Errorf("everywhere else: %q", got)
	}
	if got := post("end-all", url.Values{}); got != "success: You are logged out." || loggedIn(eve) || loggedIn(s) {
		t.Errorf("everything: %q; eve %t, own %t", got, loggedIn(eve), loggedIn(s))
	}
}

// What a session holds: keys and sizes, and values for those who may see them.
func TestSessions_inside(t *testing.T) {
	grants := map[string]state.Permission{state.Sessions: state.Read}
	s := newShop(t, func(c *admin.Config) {
		c.Access = func(_ context.Context, principal, target string) admin.Permission {
			if principal == "admin" {
				return admin.Write
			}
			return grants[target]
		}
	})
	eve := s.withUser("eve")
	handle := handleOf.FindStringSubmatch(eve.Get("/admin/session").Body)[1]
	path := "/admin/sessions/" + handle
	if page := s.Get(path); !strings.Contains(page.Body, ">visits<") || !strings.Contains(page.Body, `<dd class="mono">1 `) || !strings.Contains(page.Body, "End this session") {
		t.Errorf("to the administrator:\n%s", page.Body)
	}
	page := eve.Get(path)
	if page.Status != 200 || !strings.Contains(page.Body, ">visits<") || !strings.Contains(page.Body, "1 byte<") || strings.Contains(page.Body, "End this session") {
		t.Errorf("to someone who may only look: status %d\n%s", page.Status, page.Body)
	}
	if page := eve.PostForm("/admin/sessions/end", url.Values{"csrf_token": {page.Field("csrf_token")}, "handle": {handle}}); page.Status != http.StatusForbidden {
		t.Errorf("ending one: status %d", page.Status)
	}
	for _, path := range []string{"/admin/sessions/nothing", "/admin/sessions/" + strings.Repeat("0", 32)} {
		if page := s.Get(path); page.Status != http.StatusNotFound {
			t.Errorf("%s: status %d", path, page.Status)
		}
	}
}

// Rejected cookies are counted by reason.
func TestSessions_rejected(t *testing.T) {
	s := newShop(t)
	other := s.another()
	for _, value := range []string{"nonsense", strings.Repeat("A", 64)} {
		if refused := other.SetCookie("https://example.com/", "__Host-session="+value+"; Path=/; Secure"); refused != "" {
			t.Fatal(refused)
		}
		other.Get("/admin/")
	}
	page := s.Get("/admin/sessions")
	_, panel, _ := strings.Cut(page.Body, "Rejected cookies")
	for _, want := range []string{"rejected malformed", "rejected unknown"} {
		if !strings.Contains(panel, want) {
			t.Errorf("there is no %q:\n%s", want, panel)
		}
	}
}

// The stream shows what changes, and ends with the session of whoever watches.
func TestSessions_live(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, links, events := memstore.New(), new(admin.Links), new(admin.Events)
		factory, err := scarab.New(scarab.Stored(store), scarab.Config{OnEvent: events.Record})
		if err != nil {
			t.Fatal(err)
		}
		h, err := admin.New(liveDB(t), admin.Config{Links: links, Dialect: admin.SQLite, Sessions: &admin.Sessions{Factory: factory, Store: store, Events: events}})
		if err != nil {
			t.Fatal(err)
		}
		handler := factory.Wrap(h)
		cookie, handle := begin(t, factory, "admin")
		w, done, cancel := watch(t, handler, cookie)
		defer cancel()
		if got := w.event(t); !strings.HasPrefix(got, "event: update") || !strings.Contains(got, "1 active") {
			t.Errorf("the first event:\n%s", got)
		}
		begin(t, factory, "eve")
		if got := w.event(t); !strings.Contains(got, "2 active") || !strings.Contains(got, ">eve<") {
			t.Errorf("after another login:\n%s", got)
		}
		if err := factory.Revoke(t.Context(), handle); err != nil {
			t.Fatal(err)
		}
		started := time.Now()
		<-done
		if took := time.Since(started); took > 10*time.Second {
			t.Errorf("the stream ended after %v", took)
		}
		if last := w.drain(); !strings.Contains(last, "event: ended\ndata: /login") {
			t.Errorf("the last event:\n%s", last)
		}
	})
}

// Whoever may not see the sessions any more does not see them in a stream that
// is open, either.
func TestSessions_livePermission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		factory, err := scarab.New(scarab.Stored(store), scarab.Config{})
		if err != nil {
			t.Fatal(err)
		}
		var may atomic.Int32
		may.Store(int32(admin.Read))
		h, err := admin.New(liveDB(t), admin.Config{Dialect: admin.SQLite, Sessions: &admin.Sessions{Factory: factory, Store: store},
			Access: func(context.Context, string, string) admin.Permission { return admin.Permission(may.Load()) }})
		if err != nil {
			t.Fatal(err)
		}
		cookie, _ := begin(t, factory, "eve")
		w, done, cancel := watch(t, factory.Wrap(h), cookie)
		defer cancel()
		w.event(t)
		may.Store(int32(admin.None))
		time.Sleep(11 * time.Second)
		synctest.Wait()
		select {
		case <-done:
		default:
			t.Error("eleven seconds later the stream goes on")
			cancel()
			<-done
		}
		if last := w.drain(); !strings.Contains(last, "event: ended") {
			t.Errorf("the last event:\n%s", last)
		}
	})
}

// watch opens the stream; done is closed when it has ended.
func watch(t *testing.T, h http.Handler, cookie *http.Cookie) (w *stream, done chan struct{}, cancel context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	req := httptest.NewRequestWithContext(ctx, http.MethodGet, "https://example.com/sessions/live", nil)
	req.AddCookie(cookie)
	w = &stream{header: http.Header{}, lines: make(chan string, 10_000)}
	done = make(chan struct{})
	go func() {
		defer close(done)
		h.ServeHTTP(w, req)
	}()
	return w, done, cancel
}

// begin logs someone in, and returns the cookie and the handle.
func begin(t *testing.T, f *scarab.Factory, principal string) (*http.Cookie, string) {
	t.Helper()
	var s *scarab.Session
	w := httptest.NewRecorder()
	f.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var err error
		if s, err = scarab.From(r.Context()); err != nil {
			t.Error(err)
			return
		}
		s.Login(principal)
	})).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "https://example.com/", nil))
	return w.Result().Cookies()[0], s.Handle()
}

// A stream is an answer that is read while it is written.
type stream struct {
	header http.Header
	rest   string
	lines  chan string
}

func (s *stream) Header() http.Header { return s.header }
func (s *stream) WriteHeader(int)     {}
func (s *stream) Flush()              {}
func (s *stream) Write(b []byte) (int, error) {
	s.rest += string(b)
	for {
		line, rest, ok := strings.Cut(s.rest, "\n")
		if !ok {
			return len(b), nil
		}
		s.lines <- line
		s.rest = rest
	}
}

// event waits for the next event.
func (s *stream) event(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for line := range s.lines {
		if line == "" {
			return b.String()
		}
		b.WriteString(line + "\n")
	}
	t.Fatal("the stream ended")
	return ""
}

func (s *stream) drain() string {
	close(s.lines)
	var b strings.Builder
	for line := range s.lines {
		b.WriteString(line + "\n")
	}
	return b.String()
}

// liveDB is a database that needs no goroutine of its own in the bubble.
func liveDB(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
