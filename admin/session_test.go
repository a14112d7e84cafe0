package admin_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/scarab-go/scarab/scarabtest"
)

var visitCount = regexp.MustCompile(`Visits to this page: <strong>(\d+)</strong>`)

func TestSession_countsVisits(t *testing.T) {
	s := newShop(t)
	for _, want := range []string{"1", "2", "3"} {
		if m := visitCount.FindStringSubmatch(s.Get("/admin/session").Body); m == nil || m[1] != want {
			t.Errorf("visit %s: %q", want, m)
		}
	}
}

var handleOf = regexp.MustCompile(`<dd class="mono">([0-9a-f]{32})`)

func TestSession_renewAndInvalidate(t *testing.T) {
	s := newShop(t)
	page := s.Get("/admin/session")
	handle := handleOf.FindStringSubmatch(page.Body)
	old := s.Cookie("https://example.com/", "__Host-session")
	page = s.submit(page, "/session/renew", nil)
	if again := handleOf.FindStringSubmatch(page.Body); handle == nil || again == nil || again[1] != handle[1] {
		t.Errorf("Renew changed the handle from %q to %q", handle, again)
	}
	if now := s.Cookie("https://example.com/", "__Host-session"); now == old || now == "" {
		t.Error("Renew kept the token")
	}
	stale := s.Get("/admin/session")
	page = s.submit(s.Get("/admin/session"), "/session/csrf", nil)
	if page.Status != http.StatusOK {
		t.Errorf("new CSRF token: status %d", page.Status)
	}
	if got := s.submit(stale, "/session/renew", nil); got.Status != http.StatusForbidden {
		t.Errorf("a form from before the new CSRF token: status %d", got.Status)
	}
	page = s.submit(s.Get("/admin/session"), "/session/invalidate", nil)
	if !strings.HasSuffix(page.URL, "/login") || !strings.Contains(page.Body, "You are logged out.") {
		t.Errorf("Invalidate led to %s\n%s", page.URL, page.Body)
	}
	if page := s.Get("/admin/"); !strings.HasSuffix(page.URL, "/login") {
		t.Error("still logged in")
	}
}

func TestSession_queues(t *testing.T) {
	s := newShop(t)
	do := func(queue, what, message string) *scarabtest.Page {
		t.Helper()
		page := s.Get("/admin/session")
		return s.PostForm("/admin/session/queue", url.Values{"csrf_token": {page.Field("csrf_token")}, "queue": {queue}, "do": {what}, "message": {message}})
	}
	waiting := func(page *scarabtest.Page, queue string) string {
		_, after, _ := strings.Cut(page.Body, "<h3>"+queue+" ")
		n, _, _ := strings.Cut(after[strings.Index(after, ">")+1:], " ")
		return n
	}
	do("default", "push", "one")
	do("default", "push", "one")
	page := do("extra", "push", "other")
	if waiting(page, "default") != "2" || waiting(page, "extra") != "1" {
		t.Fatalf("after pushing:\n%s", page.Body)
	}
	page = do("default", "unique", "one")
	if got := flashes(t, page); waiting(page, "default") != "2" || len(got) != 1 || !strings.HasPrefix(got[0], "warning: An equal message is waiting") {
		t.Errorf("a duplicate: %s waiting, %q", waiting(page, "default"), got)
	}
	if page = do("default", "unique", "two"); waiting(page, "default") != "3" {
		t.Error("a message that is no duplicate was not pushed")
	}
	if page = do("default", "peek", ""); waiting(page, "default") != "3" || !strings.Contains(page.Body, "Peek of queue default returned 3 messages") {
		t.Errorf("peeking:\n%s", page.Body)
	}
	if page = do("default", "pop", ""); waiting(page, "default") != "0" || !strings.Contains(page.Body, "Pop of queue default returned 3 messages") {
		t.Errorf("popping:\n%s", page.Body)
	}
	if page = do("default", "pop", ""); !strings.Contains(page.Body, "Pop of queue default returned 0 messages") {
		t.Errorf("popping again:\n%s", page.Body)
	}
	if waiting(page, "extra") != "1" {
		t.Error("the other queue was touched")
	}
	if page = do("nowhere", "pop", ""); page.Status != http.StatusNotFound {
		t.Errorf("an unknown queue: status %d", page.Status)
	}
}
