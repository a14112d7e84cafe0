package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestUser(t *testing.T) {
	db := t.TempDir() + "/app.sqlite"
	const password = "a sentence that is long"
	for _, tt := range []struct {
		name, in string
		args     []string
		code     int
		want     string
	}{
		{"add", password + "\n", []string{"add", "eve", "--write", "tags, orders", "--read", "*"}, 0, "Added eve."},
		{"add again", password, []string{"add", "EVE", "--admin"}, exitFailed, "already"},
		{"add with nothing to do", password, []string{"add", "bob"}, exitUsage, "--admin"},
		{"a short password", "abc", []string{"add", "bob", "--admin"}, exitFailed, "at least 8"},
		{"a password that will do", "eight ch", []string{"add", "bob", "--admin"}, 0, "15 or more are better"},
		{"no password", "", []string{"add", "zoe", "--admin"}, exitUsage, "pipe it in"},
		{"an odd name", password, []string{"add", "-", "--admin"}, exitFailed, "begins with a letter"},
		{"list", "", []string{"list"}, 0, "read *, write orders, write tags"},
		{"list admins", "", []string{"list"}, 0, "everything"},
		{"grant", "", []string{"grant", "eve", "--read", "tags"}, 0, "eve may do: read tags"},
		{"password", password + " indeed", []string{"password", "eve"}, 0, "another now"},
		{"remove", "", []string{"remove", "eve"}, 0, "Removed eve"},
		{"remove again", "", []string{"remove", "eve"}, exitFailed, "user list"},
		{"nothing", "", nil, exitUsage, "add NAME"},
		{"something else", "", []string{"praise", "eve"}, exitUsage, "add NAME"},
		{"no name", "", []string{"add"}, exitUsage, "needs one NAME"},
	} {
		got := try(tt.in, append([]string{"user", "--db", db}, tt.args...)...)
		if got.code != tt.code || !strings.Contains(got.out+got.err, tt.want) {
			t.Errorf("%s: exit %d, want %d and %q\n%s%s", tt.name, got.code, tt.code, tt.want, got.out, got.err)
		}
	}
}

// A user who was added logs in with the password, and may do what was granted.
func TestServe_password(t *testing.T) {
	dir := emptyDir(t)
	if got := try("correct horse battery\n", "user", "add", "eve", "--db", dir+"/app.sqlite", "--read", "*"); got.code != 0 {
		t.Fatal(got.err)
	}
	p := start(t, dir, "--sessions", "memory:")
	b := newBrowser(t)
	_, page := b.get(p.base + "/login")
	if where, body := b.post(page, p.base+"/login", url.Values{"name": {"eve"}, "password": {"wrong horse battery"}}); where != "/login" || !strings.Contains(body, "do not fit together") {
		t.Errorf("a wrong password led to %s\n%s", where, body)
	}
	if where, body := b.post(page, p.base+"/login", url.Values{"name": {"Eve"}, "password": {"correct horse battery"}}); where != "/" || !strings.Contains(body, "Welcome, eve.") {
		t.Fatalf("the right password led to %s\n%s", where, body)
	}
	for path, want := range map[string]int{"/": http.StatusOK, "/sessions": http.StatusNotFound, "/audit": http.StatusNotFound} {
		r, err := b.Get(p.base + path)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("%s: status %d, want %d", path, r.StatusCode, want)
		}
	}
}
