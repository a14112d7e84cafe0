package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/testserver"
)

// visitors logs users in, on an application whose sessions are in the store at
// address, and returns their cookies.
func visitors(t *testing.T, address string, users ...string) []string {
	t.Helper()
	var cookies []string
	for _, user := range users {
		w := visit(t, address, "", func(s *scarab.Session) {
			s.Login(user)
			s.SetLabel("Firefox on " + user + "'s machine")
			s.Set("cart", []string{"beetle"})
		})
		cookies = append(cookies, w.Result().Cookies()[0].String())
	}
	return cookies
}

func visit(t *testing.T, address, cookie string, h func(*scarab.Session)) *httptest.ResponseRecorder {
	t.Helper()
	store, err := openStore(t.Context(), "--store", address, true)
	if err != nil {
		t.Fatal(err)
	}
	defer store.close()
	f, err := scarab.New(scarab.Stored(store.Store), scarab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	w := httptest.NewRecorder()
	f.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := scarab.From(r.Context())
		if err != nil {
			t.Fatal(err)
		}
		h(s)
	})).ServeHTTP(w, r)
	return w
}

// who returns who is logged in with a cookie.
func who(t *testing.T, address, cookie string) (user string) {
	t.Helper()
	visit(t, address, cookie, func(s *scarab.Session) { user = s.Principal() })
	return user
}

func stores(t *testing.T) map[string]string {
	dir := t.TempDir()
	return map[string]string{
		"SQLite": "sqlite:" + filepath.Join(dir, "sessions.sqlite"),
		"Redis":  "redis://" + testserver.Redis(t).Addr,
	}
}

func TestSessions(t *testing.T) {
	for name, address := range stores(t) {
		t.Run(name, func(t *testing.T) {
			cookies := visitors(t, address, "ann", "bob", "bob", "eve\x1b[31m")
			at := func(args ...string) result { return try("", append(args, "--store", address)...) }

			list := at("sessions", "list")
			if list.code != 0 || strings.Count(list.out, "\n") != 5 || strings.Contains(list.out, "\x1b") {
				t.Fatalf("list: %+v", list)
			}
			if got := at("sessions", "list", "--user", "bob"); strings.Count(got.out, "bob's machine") != 2 || strings.Contains(got.out, "ann") {
				t.Errorf("list --user bob: %+v", got)
			}
			for _, c := range cookies {
				_, token, _ := strings.Cut(c, "=")
				if strings.Contains(list.out, token[:40]) {
					t.Error("the list shows a token")
				}
			}

			ann := at("sessions", "list", "--user", "ann").out
			handle := strings.Fields(strings.Split(ann, "\n")[1])[0]
			show := at("sessions", "show", handle)
			if show.code != 0 || !strings.Contains(show.out, "cart") || strings.Contains(show.out, "beetle") {
				t.Errorf("show: %+v", show)
			}
			if got := at("sessions", "show", handle, "--values"); !strings.Contains(got.out, "beetle") {
				t.Errorf("show --values: %+v", got)
			}

			if got := at("sessions", "revoke", handle); got.code != 0 || who(t, address, cookies[0]) != "" {
				t.Errorf("revoke: %+v, and ann is still logged in", got)
			}
			if got := at("sessions", "show", handle); got.code != exitFailed || !strings.Contains(got.err, "hint:") {
				t.Errorf("show of an ended session: %+v", got)
			}
			if got := at("sessions", "revoke-user", "bob"); !strings.Contains(got.out, "Ended 2 sessions") || who(t, address, cookies[1]) != "" {
				t.Errorf("revoke-user: %+v", got)
			}
			if got := at("sessions", "sweep"); got.code != 0 {
				t.Errorf("sweep: %+v", got)
			}
		})
	}
}

func TestSessions_mistakes(t *testing.T) {
	for _, args := range [][]string{
		{"sessions"},
		{"sessions", "sing"},
		{"sessions", "list", "more", "--store", "sqlite:x"},
		{"sessions", "show", "--store", "sqlite:x"},
		{"sessions", "list"},
		{"sessions", "list", "--store", "memory:"},
		{"migrate", "--from", "sqlite:"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			if got := try("", args...); got.code != exitUsage || !strings.Contains(got.err, "hint:") {
				t.Errorf("%+v", got)
			}
		})
	}
	missing := filepath.Join(t.TempDir(), "missing.sqlite")
	if got := try("", "sessions", "list", "--store", "sqlite:"+missing); got.code != exitFailed || !strings.Contains(got.err, missing) {
		t.Errorf("a file that is not there: %+v", got)
	}
	if got := try("", "sessions", "list", "--store", "postgres://ann:s3cret@127.0.0.1:1/x"); got.code != exitFailed || strings.Contains(got.err, "s3cret") {
		t.Errorf("a server that is not there: %+v", got)
	}
}

// A token is good in the store that sessions were copied to, and a second run
// brings what changed since, but nothing older than what is there.
func TestMigrate(t *testing.T) {
	from := "sqlite:" + filepath.Join(t.TempDir(), "old.sqlite")
	to := "redis://" + testserver.Redis(t).Addr
	cookies := visitors(t, from, "ann", "bob")

	got := try("", "migrate", "--from", from, "--to", to)
	if got.code != 0 || !strings.Contains(got.out, "Copied 2 sessions") {
		t.Fatalf("%+v", got)
	}
	for i, user := range []string{"ann", "bob"} {
		if got := who(t, to, cookies[i]); got != user {
			t.Errorf("%s's token opens a session of %q", user, got)
		}
	}

	visit(t, from, cookies[0], func(s *scarab.Session) { s.Set("cart", "two beetles") })
	visit(t, to, cookies[1], func(s *scarab.Session) { s.Set("cart", "newer there") })
	visitors(t, from, "cid")
	got = try("", "migrate", "--from", from, "--to", to)
	if want := fmt.Sprintf("Copied %d sessions", 2); got.code != 0 || !strings.Contains(got.out, want) || !strings.Contains(got.out, "1 were there already") {
		t.Errorf("second run: %+v", got)
	}
	for i, want := range []string{"two beetles", "newer there"} {
		visit(t, to, cookies[i], func(s *scarab.Session) {
			if got := s.Get("cart"); got != want {
				t.Errorf("cart is %v, want %s", got, want)
			}
		})
	}
}

func TestMySQLDSN(t *testing.T) {
	for address, want := range map[string]string{
		"mysql://ann:p%40ss@db.example:3307/app?tls=true": "ann:p@ss@tcp(db.example:3307)/app?tls=true",
		"mysql://db.example/app":                          "tcp(db.example:3306)/app",
	} {
		if got, err := mysqlDSN(address); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", address, got, err, want)
		}
	}
}
