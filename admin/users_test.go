package admin_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab/admin"
	"github.com/scarab-go/scarab/admin/state"
	"github.com/scarab-go/scarab/scarabtest"
)

func TestPassword_login(t *testing.T) {
	s := newShop(t, withState(t))
	for _, tt := range []struct {
		name, user, password string
		status               int
	}{
		{"right", "admin", password, 200},
		{"in other letters", "ADMIN", password, 200},
		{"wrong password", "admin", "another sentence", 403},
		{"no such user", "nobody", password, 403},
		{"nothing", "", "", 403},
		{"a megabyte", "admin", strings.Repeat("x", 5000), 403},
	} {
		other := s.another()
		page := other.logInWith(tt.user, tt.password)
		if page.Status != tt.status {
			t.Errorf("%s: status %d\n%s", tt.name, page.Status, page.Body)
		}
		in := !strings.HasSuffix(other.Get("/admin/").URL, "/login")
		if in != (tt.status == 200) {
			t.Errorf("%s: logged in: %t", tt.name, in)
		}
		if tt.status == 200 && !strings.Contains(page.Body, "Welcome, admin.") {
			t.Errorf("%s: %s", tt.name, page.Body)
		}
	}
}

// A login gives a new token: one that was planted before is worth nothing.
func TestPassword_newToken(t *testing.T) {
	s := newShop(t, withState(t)).another()
	s.submit(s.Get("/admin/login"), "/admin/language", map[string][]string{"language": {"en"}})
	planted := s.Cookie("https://example.com/", "__Host-session")
	if planted == "" {
		t.Fatal("choosing a language started no session")
	}
	s.logInWith("admin", password)
	if now := s.Cookie("https://example.com/", "__Host-session"); now == planted || now == "" {
		t.Error("the token is the old one")
	}
	thief := s.another()
	if refused := thief.SetCookie("https://example.com/", "__Host-session="+planted+"; Path=/; Secure"); refused != "" {
		t.Fatal(refused)
	}
	if page := thief.Get("/admin/"); !strings.HasSuffix(page.URL, "/login") {
		t.Error("the planted token opens the session")
	}
}

func TestPassword_rateLimit(t *testing.T) {
	clock := scarabtest.NewClock(time.Now())
	s := newShop(t, withState(t), func(c *admin.Config) { c.Clock = clock.Now })
	guess := s.another()
	for range 5 {
		if page := guess.logInWith("admin", "a wrong sentence"); page.Status != 403 {
			t.Fatalf("status %d", page.Status)
		}
	}
	page := guess.logInWith("admin", password)
	if page.Status != http.StatusTooManyRequests || page.Header.Get("Retry-After") == "" {
		t.Errorf("the sixth: status %d, Retry-After %q", page.Status, page.Header.Get("Retry-After"))
	}
	clock.Advance(5 * time.Minute)
	if page := guess.logInWith("admin", password); page.Status != 200 {
		t.Errorf("five minutes later: status %d", page.Status)
	}
	for i := range 30 {
		guess.another().logInWith(fmt.Sprint("name", i), "whatever it is")
	}
	if page := s.another().logInWith("somebody", password); page.Status != http.StatusTooManyRequests {
		t.Errorf("thirty names from one address: status %d", page.Status)
	}
}

// What a user may do is asked at every request.
func TestGrants(t *testing.T) {
	s := newShop(t, withState(t))
	if err := s.state.AddUser(t.Context(), state.User{Name: "eve", Grants: map[string]state.Permission{"tags": state.Write, "*": state.Read, "orders": state.None}}, password); err != nil {
		t.Fatal(err)
	}
	eve := s.another()
	eve.logInWith("eve", password)
	check := func(wants map[string]int) {
		t.Helper()
		for path, want := range wants {
			if page := eve.Get("/admin" + path); page.Status != want {
				t.Errorf("%s: status %d, want %d", path, page.Status, want)
			}
		}
	}
	check(map[string]int{"/t/tags/new": 200, "/t/products": 200, "/t/products/new": 403, "/t/orders": 404, "/sessions": 404, "/audit": 404})
	if err := s.state.SetGrants(t.Context(), state.User{Name: "eve", Grants: map[string]state.Permission{"orders": state.Read, state.Sessions: state.Read}}); err != nil {
		t.Fatal(err)
	}
	check(map[string]int{"/t/tags/new": 404, "/t/orders": 200, "/sessions": 200})
	if err := s.state.RemoveUser(t.Context(), "eve"); err != nil {
		t.Fatal(err)
	}
	check(map[string]int{"/t/orders": 404, "/sessions": 404, "/": 200})
}

// The audit log says who changed what, and shows a table's values only to those
// who may read it.
func TestAudit(t *testing.T) {
	s := newShop(t, withState(t))
	s.submit(s.Get("/admin/t/tags/new"), "/t/tags/new", map[string][]string{"v.name": {"made <b>up</b>"}})
	s.submit(s.Get("/admin/t/tags/row/13"), "/row/13", map[string][]string{"v.color": {"#ffffff"}})
	s.submit(s.Get("/admin/t/tags/row/13/delete"), "/row/13/delete", nil)
	entries, err := s.state.Entries(t.Context(), "tags", 0, 10)
	if err != nil || len(entries) != 3 {
		t.Fatalf("%+v, %v", entries, err)
	}
	for i, want := range []struct{ action, column, from, to string }{
		{"delete", "color", "#ffffff", ""}, {"update", "color", "#4a5568", "#ffffff"}, {"insert", "name", "", "made <b>up</b>"},
	} {
		e := entries[i]
		c := e.Details[want.column]
		if e.Action != want.action || e.Principal != "admin" || e.Row != "13" || e.Handle == "" || deref(c.From) != want.from || deref(c.To) != want.to {
			t.Errorf("entry %d: %+v, %s from %q to %q", i, e, want.column, deref(c.From), deref(c.To))
		}
	}
	if entries[1].Details["name"] != (state.Change{}) {
		t.Error("what was not changed is in the log")
	}
	page := s.Get("/admin/audit")
	if !strings.Contains(page.Body, "made &lt;b&gt;up&lt;/b&gt;") || !strings.Contains(page.Body, `href="/admin/t/tags/row/13"`) {
		t.Errorf("the page:\n%s", page.Body)
	}
	if err := s.state.AddUser(t.Context(), state.User{Name: "auditor", Grants: map[string]state.Permission{state.Audit: state.Read}}, password); err != nil {
		t.Fatal(err)
	}
	// A table that is not there any more: its values are not for everyone yet.
	if err := s.state.Record(t.Context(), state.Entry{Principal: "x", Action: "insert", Target: "dropped", Row: "made-key", Details: map[string]state.Change{"c": {To: new(string)}}}); err != nil {
		t.Fatal(err)
	}
	auditor := s.another()
	auditor.logInWith("auditor", password)
	if page := auditor.Get("/admin/audit"); page.Status != 200 || strings.Contains(page.Body, "made") || !strings.Contains(page.Body, "tags") || !strings.Contains(page.Body, "dropped") {
		t.Errorf("to someone who may not read the table: status %d\n%s", page.Status, page.Body)
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
