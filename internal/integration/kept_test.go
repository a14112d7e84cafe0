package integration

import (
	"net/http"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/testserver"
	"github.com/scarab-go/scarab/redisstore"
	"github.com/scarab-go/scarab/scarabtest"
)

// A session that a revocation has kept is one like any other: everything that
// can be done to a session can be done to it, and it stays listed.
func TestKeptSession(t *testing.T) {
	stores := map[string]func(*testing.T) scarab.Store{
		"Redis": func(t *testing.T) scarab.Store {
			return newRedisStore(newRedis(t, rueidis.ClientOption{}, testserver.SharedRedis(t).Addr), redisstore.Config{})
		},
		"Redis Cluster": func(t *testing.T) scarab.Store {
			return newRedisStore(newRedis(t, rueidis.ClientOption{}, testserver.RedisCluster(t).Addrs()...), redisstore.Config{})
		},
	}
	for _, d := range databases {
		stores[d.name] = func(t *testing.T) scarab.Store {
			store, _ := newSQLStore(t, d.open(t), d.dialect)
			return store
		}
	}
	for name, open := range stores {
		t.Run(name, func(t *testing.T) { testKeptSession(t, open(t)) })
	}
}

func testKeptSession(t *testing.T, store scarab.Store) {
	clock := scarabtest.NewClock(time.Now())
	sessions, err := scarab.New(scarab.Stored(store), scarab.Config{Clock: clock.Now})
	must(t, err)
	mux := http.NewServeMux()
	handle := func(path string, f func(*http.Request, *scarab.Session) error) {
		mux.Handle("POST "+path, sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *scarab.Session) error {
			return f(r, s)
		}))
	}
	var keptHandle string
	handle("/login", func(r *http.Request, s *scarab.Session) error {
		s.Login("ann")
		return nil
	})
	handle("/revoke-others", func(r *http.Request, s *scarab.Session) error {
		keptHandle = s.Handle()
		n, err := sessions.RevokePrincipal(r.Context(), "ann", s)
		if n != 1 {
			t.Errorf("%d sessions are revoked, want 1", n)
		}
		return err
	})
	steps := []struct {
		path string
		do   func(*scarab.Session)
	}{
		{"/set", func(s *scarab.Session) { s.Set("a", 1) }},
		{"/renew", (*scarab.Session).Renew},
		{"/shorter", func(s *scarab.Session) { s.SetTimeouts(time.Minute, 2*time.Hour) }},
		{"/longer", func(s *scarab.Session) { s.SetTimeouts(2*time.Hour, 48*time.Hour) }},
		{"/never", func(s *scarab.Session) { s.SetTimeouts(scarab.Never, scarab.Never) }},
		{"/ever", func(s *scarab.Session) { s.SetTimeouts(time.Hour, 24*time.Hour) }},
		{"/label", func(s *scarab.Session) { s.SetLabel("Firefox on Linux") }},
		{"/login-again", func(s *scarab.Session) { s.Login("ann") }},
	}
	for _, step := range steps {
		handle(step.path, func(_ *http.Request, s *scarab.Session) error {
			if s.Principal() != "ann" {
				t.Errorf("%s is asked of a session of %q", step.path, s.Principal())
			}
			step.do(s)
			return nil
		})
	}

	kept := scarabtest.NewClient(t, sessions.Wrap(mux))
	kept.Now = clock.Now
	other := kept.NewBrowser()
	for _, c := range []*scarabtest.Client{kept, other} {
		wantPage(t, "/login", c.PostForm("/login", nil), http.StatusOK, "")
	}
	clock.Advance(time.Second)
	wantPage(t, "/revoke-others", kept.PostForm("/revoke-others", nil), http.StatusOK, "")
	for _, step := range steps {
		clock.Advance(time.Second)
		wantPage(t, step.path, kept.PostForm(step.path, nil), http.StatusOK, "")
		var listed []string
		for info, err := range sessions.Sessions(t.Context(), "ann") {
			must(t, err)
			listed = append(listed, info.Handle)
		}
		if len(listed) != 1 || listed[0] != keptHandle {
			t.Errorf("after %s the sessions are %q, want %q", step.path, listed, keptHandle)
		}
	}
}
