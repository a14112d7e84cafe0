package admin_test

import (
	"net/http"
	"strings"
	"testing"
)

// Pages are in the language that the browser asks for, until another is
// chosen; the choice lasts, over a login and a logout too.
func TestLanguage(t *testing.T) {
	s := newShop(t, withState(t))
	words := map[string]string{"en": "Tables", "ru": "Таблицы", "ja": "テーブル"}
	for language, word := range words {
		other := *s.another()
		other.Header = http.Header{"Accept-Language": {language}}
		other.logInWith("admin", password)
		page := other.Get("/admin/")
		if !strings.Contains(page.Body, "<h1>"+word+"</h1>") || !strings.Contains(page.Body, `<html lang="`+language+`">`) || page.Header.Get("Content-Language") != language {
			t.Errorf("%s:\n%s", language, page.Body)
		}
	}
	visitor := s.another()
	page := visitor.submit(visitor.Get("/admin/login"), "/admin/language", map[string][]string{"language": {"ja"}})
	if !strings.HasSuffix(page.URL, "/admin/login") || !strings.Contains(page.Body, "ログイン") {
		t.Errorf("before the login: %s\n%s", page.URL, page.Body)
	}
	visitor.logInWith("admin", password)
	if page := visitor.Get("/admin/t/tags"); !strings.Contains(page.Body, "12 行") {
		t.Errorf("after the login:\n%s", page.Body)
	}
	page = visitor.submit(visitor.Get("/admin/t/tags?sort=name"), "/admin/language", map[string][]string{"language": {"ru"}})
	if page.URL != "https://example.com/admin/t/tags?sort=name" || !strings.Contains(page.Body, "строк: 12") {
		t.Errorf("the switch led to %s\n%s", page.URL, page.Body)
	}
	page = visitor.submit(visitor.Get("/admin/"), "/admin/logout", nil)
	if !strings.Contains(page.Body, "Вы вышли.") {
		t.Errorf("after the logout:\n%s", page.Body)
	}
}

// The switch leads back to a page of this site and to no other.
func TestLanguage_back(t *testing.T) {
	s := newShop(t)
	s.ManualRedirects = true
	for _, back := range []string{"https://evil.example/", "//evil.example/", "/\\evil.example", "/admin/\r\nSet-Cookie: a=b", "javascript:alert(1)", "/other", "/admin//../../x", ""} {
		page := s.submit(s.Get("/admin/session"), "/admin/language", map[string][]string{"language": {"en"}, "back": {back}})
		got := page.Header.Get("Location")
		if page.Status != http.StatusSeeOther || !strings.HasPrefix(got, "/admin/") && got != "/x" || strings.Contains(got, "evil") || page.Header.Get("Set-Cookie") != "" {
			t.Errorf("%q led to %q (%d, %v)", back, got, page.Status, page.Header)
		}
	}
}
