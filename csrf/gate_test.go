package csrf_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/scarab-go/scarab/csrf"
)

func TestTokenInQueryDoesNotCount(t *testing.T) {
	s := newSite(t, csrf.Config{})
	s.get("/start")
	token := url.QueryEscape(s.form("/form"))
	s.do("POST", "/save?csrf_token="+token, url.Values{"a": {"1"}}, sameOrigin).want(t, http.StatusForbidden, "no token")
	s.do("DELETE", "/save?csrf_token="+token, nil, sameOrigin).want(t, http.StatusForbidden, "no token")
}

func TestHeaderBeforeForm(t *testing.T) {
	s := newSite(t, csrf.Config{})
	s.get("/start")
	good, wrong := s.form("/form"), strings.Repeat("f", 40)
	plain := s.get("/plain").body
	tests := []struct {
		header, field string
		status        int
	}{
		{header: good, status: http.StatusOK},
		{header: plain, status: http.StatusOK},
		{field: good, status: http.StatusOK},
		{field: plain, status: http.StatusOK},
		{header: good, field: wrong, status: http.StatusOK},
		{header: wrong, field: good, status: http.StatusForbidden},
		{header: strings.ToUpper(plain), status: http.StatusForbidden},
		{header: wrong, status: http.StatusForbidden},
		{field: "no-session", status: http.StatusForbidden},
		{header: "no-session", status: http.StatusForbidden},
	}
	for _, tt := range tests {
		headers := []string{sameOrigin}
		if tt.header != "" {
			headers = append(headers, "X-CSRF-Token: "+tt.header)
		}
		if a := s.do("POST", "/save", url.Values{"csrf_token": {tt.field}}, headers...); a.status != tt.status {
			t.Errorf("%+v: %d", tt, a.status)
		}
	}
	// An empty header is none.
	s.do("POST", "/save", url.Values{"csrf_token": {good}}, sameOrigin, "X-CSRF-Token: ").want(t, http.StatusOK, "saved")
}

// CVE-2023-45128 and CVE-2023-45141: a token is worth nothing with the session
// of someone else.
func TestTokenOfAnotherSession(t *testing.T) {
	s := newSite(t, csrf.Config{})
	other := s.visitor(t)
	s.get("/start")
	other.get("/start")
	s.post("/save", other.form("/form")).want(t, http.StatusForbidden, "wrong token")
	other.post("/save", other.form("/form")).want(t, http.StatusOK, "saved")
}

// A cross-site request costs no store call, a broken token no more than one.
func TestOriginComesFirst(t *testing.T) {
	s := newSite(t, csrf.Config{})
	s.get("/start")
	token := s.form("/form")
	before := s.store.count()
	s.do("POST", "/save", url.Values{"csrf_token": {token}}, crossSite).want(t, http.StatusForbidden, "cross-origin")
	s.do("POST", "/save", nil, sameOrigin).want(t, http.StatusForbidden, "no token")
	if n := s.store.count() - before; n != 0 {
		t.Errorf("%d store calls", n)
	}
	s.post("/save", "wrong").want(t, http.StatusForbidden, "wrong token")
	if n := s.store.count() - before; n != 1 {
		t.Errorf("%d store calls", n)
	}
}

// A store that is down is no forgery.
func TestStoreDown(t *testing.T) {
	for _, reportOnly := range []bool{false, true} {
		s := newSite(t, csrf.Config{ReportOnly: reportOnly})
		s.get("/start")
		token := s.form("/form")
		s.store.fail(errors.New("down"))
		path := "/login" // it opens the session and answers with the error of that
		s.post(path, token).want(t, http.StatusServiceUnavailable, "")
		if a := s.do("GET", "/form", nil); a.status != http.StatusServiceUnavailable {
			t.Errorf("the form: %d", a.status)
		}
		if events := s.kinds(); events != nil {
			t.Errorf("events: %q", events)
		}
		s.store.fail(nil)
		s.post("/save", token).want(t, http.StatusOK, "saved")
	}
}
