package pyramid

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/scarab-go/scarab"
)

// verdict is what a CSRF vector expects: true, false or the name of an error,
// of Pyramid 2.1 where the versions differ.
func (v vector) verdict(t testing.TB) (ok bool, detail string) {
	t.Helper()
	var expect struct {
		Result json.RawMessage
		Detail string
	}
	if !v.get(t, "expect_2_1", &expect) {
		v.get(t, "expect", &expect)
	}
	return string(expect.Result) == "true", expect.Detail
}

func (v vector) flag(t testing.TB, field string) bool {
	t.Helper()
	var b bool
	v.get(t, field, &b)
	return b
}

func (v vector) list(t testing.TB, field string) []string {
	t.Helper()
	raw := v.raw[field]
	if len(raw) > 0 && raw[0] == '"' {
		return strings.Fields(v.text(t, field))
	}
	var list []string
	v.get(t, field, &list)
	return list
}

func TestCheckOrigin_vectors(t *testing.T) {
	for _, v := range vectors(t, "csrf_origin_check", 61) {
		v.compared()
		r := httptest.NewRequest("POST", v.text(t, "url"), nil)
		r.TLS = nil
		for _, name := range []string{"Origin", "Referer"} {
			var value string
			if v.get(t, strings.ToLower(name), &value) {
				r.Header[name] = []string{value}
			}
		}
		c := OriginConfig{
			Trusted: v.list(t, "trusted"), AllowNoOrigin: v.flag(t, "allow_no_origin"),
			HTTPS: strings.HasPrefix(v.text(t, "url"), "https:"),
		}
		if string(v.raw["trusted"]) == "null" {
			c.Trusted = v.list(t, "setting")
		}
		ok, detail := v.verdict(t)
		err := CheckOrigin(r, c)
		var bad *CSRFError
		switch {
		case (err == nil) != ok:
			t.Errorf("%s (%s): %v", v.ID, v.Desc, err)
		case err != nil && (!errors.As(err, &bad) || !bad.Origin):
			t.Errorf("%s: %T", v.ID, err)
		case detail != "" && bad.Detail != detail:
			t.Errorf("%s:\ngot  %s\nwant %s", v.ID, bad.Detail, detail)
		}
	}
}

func TestCheckToken_vectors(t *testing.T) {
	for _, v := range vectors(t, "csrf_token_check", 31) {
		v.compared()
		body := v.text(t, "body")
		var form map[string]string
		if v.get(t, "form", &form) {
			values := url.Values{}
			for key, value := range form {
				values.Set(key, value)
			}
			body = values.Encode()
		}
		r := httptest.NewRequest(v.text(t, "method"), v.text(t, "path"), strings.NewReader(body))
		if kind := v.text(t, "content_type"); kind != "" {
			r.Header.Set("Content-Type", kind)
		}
		var headers map[string]string
		v.get(t, "headers", &headers)
		for name, value := range headers {
			r.Header.Set(name, value)
		}
		c := TokenConfig{Field: v.text(t, "token_param"), Header: v.text(t, "header")}
		c.NoField, c.NoHeader = c.Field == "", c.Header == ""
		ok, _ := v.verdict(t)
		err := CheckToken(r, v.text(t, "stored"), c)
		if v.ID == "stored-empty-legacy" {
			if err == nil {
				t.Error("an empty token is right")
			}
			continue // better than the original: an empty token protects nothing
		}
		if (err == nil) != ok {
			t.Errorf("%s: %v, want %s", v.ID, err, v.raw["expect"])
		}
		rest, err := io.ReadAll(r.Body)
		if err != nil || string(rest) != body {
			t.Errorf("%s: the handler reads %q, %v", v.ID, rest, err)
		}
	}
}

func TestCSRFCookie_vectors(t *testing.T) {
	// Octal escapes in quotes: no policy makes such a token, and net/http does
	// not read it. There is no token then, and a new one is made.
	unread := map[string]bool{"get-present-latin1": true}
	for _, v := range vectors(t, "csrf_cookie", 14) {
		v.compared()
		var o struct {
			Name     string `json:"cookie_name"`
			Secure   bool
			HTTPOnly bool
			Domain   string
			MaxAge   int `json:"max_age"`
			Path     string
			SameSite *string
		}
		v.get(t, "options", &o)
		c := &CSRFCookie{Name: o.Name, Secure: o.Secure, HTTPOnly: o.HTTPOnly, Domain: o.Domain, MaxAge: o.MaxAge, Path: o.Path}
		if strings.Contains(string(v.raw["options"]), `"samesite": null`) {
			c.SameSite = http.SameSiteDefaultMode
		} else if o.SameSite != nil && *o.SameSite == "Strict" {
			c.SameSite = http.SameSiteStrictMode
		}
		var want struct {
			Get       string
			New       []string
			SetCookie []string `json:"set_cookie"`
			Check     json.RawMessage
		}
		if !v.get(t, "expect_2_1", &want) {
			v.get(t, "expect", &want)
		}
		r := httptest.NewRequest("POST", "/", nil)
		if cookie := v.text(t, "cookie"); cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		w := httptest.NewRecorder()
		r.Header.Set("X-CSRF-Token", v.text(t, "supplied"))
		if len(want.New) > 0 {
			first, second := c.NewToken(w), c.NewToken(w)
			if got := c.Token(w, r); first == second || got != second {
				t.Errorf("%s: %s after %s and %s", v.ID, got, first, second)
			}
			continue // one line, where the original sends both
		}
		check := CheckToken(r, c.stored(r), TokenConfig{}) == nil
		got := c.Token(w, r)
		lines := w.Header()["Set-Cookie"]
		if unread[v.ID] {
			if len(lines) != 1 || check {
				t.Errorf("%s: is as the original", v.ID)
			}
			continue
		}
		if check != (string(want.Check) == "true") {
			t.Errorf("%s: check is %v", v.ID, check)
		}
		if len(lines) != len(want.SetCookie) {
			t.Errorf("%s: %q, want %q", v.ID, lines, want.SetCookie)
			continue
		}
		if len(lines) == 0 {
			if got != want.Get {
				t.Errorf("%s: token %s, want %s", v.ID, got, want.Get)
			}
			continue
		}
		if a, b := attributes(lines[0], got), attributes(want.SetCookie[0], want.Get); a != b || len(got) != 32 {
			t.Errorf("%s:\ngot  %s\nwant %s", v.ID, a, b)
		}
	}
}

// attributes is a Set-Cookie line as browsers read it, without its value and
// the date that Max-Age overrides.
func attributes(line, value string) string {
	c, err := http.ParseSetCookie(strings.Replace(line, value, "VALUE", 1))
	if err != nil {
		return err.Error()
	}
	return (&http.Cookie{
		Name: c.Name, Value: c.Value, Path: c.Path, Domain: c.Domain, MaxAge: c.MaxAge,
		Secure: c.Secure, HttpOnly: c.HttpOnly, SameSite: c.SameSite,
	}).String()
}

func TestRequireCSRF_vectors(t *testing.T) {
	backend, err := SignedCookie(SignedConfig{Secrets: []string{"s"}})
	if err != nil {
		t.Fatal(err)
	}
	a := newApp(t, backend)
	for _, v := range vectors(t, "csrf_automatic", 42) {
		if v.Kind != "view" {
			continue // there are no exception views in Go
		}
		v.compared()
		a.cookie = ""
		a.visit(func(s *scarab.Session) { s.Set("_csrft_", v.text(t, "stored_token")) })

		var defaults *struct {
			RequireCSRF   *bool `json:"require_csrf"`
			Token, Header *string
			SafeMethods   []string `json:"safe_methods"`
			CheckOrigin   *bool    `json:"check_origin"`
			AllowNoOrigin bool     `json:"allow_no_origin"`
		}
		v.get(t, "defaults", &defaults)
		c := CSRFConfig{Origin: OriginConfig{HTTPS: v.text(t, "scheme") == "https"}}
		required := false
		if d := defaults; d != nil {
			required = d.RequireCSRF == nil || *d.RequireCSRF
			set := func(p *string, none *bool, value *string, field string) {
				if value != nil {
					*p, *none = *value, *value == ""
				} else if strings.Contains(string(v.raw["defaults"]), field+`": null`) {
					*none = true
				}
			}
			set(&c.Token.Field, &c.Token.NoField, d.Token, `"token`)
			set(&c.Token.Header, &c.Token.NoHeader, d.Header, `"header`)
			c.SafeMethods, c.Origin.AllowNoOrigin = d.SafeMethods, d.AllowNoOrigin
			c.NoOriginCheck = d.CheckOrigin != nil && !*d.CheckOrigin
		}
		var view *bool
		if v.get(t, "view", &view) {
			required = *view
		}
		var callback *bool
		calls := 0
		if v.get(t, "callback_returns", &callback) {
			c.Exempt = func(*http.Request) bool { calls++; return !*callback }
		}
		var h http.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		if required {
			h = RequireCSRF(h, c)
		}
		r := httptest.NewRequest(v.text(t, "method"), "/", nil)
		r.Host = v.text(t, "host")
		r.Header.Set("Cookie", a.name+"="+a.cookie)
		var headers map[string]string
		v.get(t, "headers", &headers)
		for name, value := range headers {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		a.f.Wrap(h).ServeHTTP(w, r)
		var want struct {
			Outcome string
			Status  int
		}
		v.get(t, "expect", &want)
		if w.Code != want.Status {
			t.Errorf("%s: status %d %s, want %d", v.ID, w.Code, w.Body, want.Status)
		}
		if origin := strings.Contains(w.Body.String(), "Origin"); origin != (want.Outcome == "BadCSRFOrigin") {
			t.Errorf("%s: %s, want %s", v.ID, w.Body, want.Outcome)
		}
		wantCalls := 0
		v.get(t, "callback_calls", &wantCalls)
		if calls != wantCalls {
			t.Errorf("%s: %d calls of Exempt, want %d", v.ID, calls, wantCalls)
		}
	}
}

// A big upload streams: what is read ahead is bounded, and the handler reads
// the whole.
func TestCheckToken_upload(t *testing.T) {
	part := "--b\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n\r\nright\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n"
	const size = 64 << 20
	r := httptest.NewRequest("POST", "/", io.MultiReader(strings.NewReader(part), io.LimitReader(zeros{}, size)))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	used, err := memoryOf(func() error { return CheckToken(r, "right", TokenConfig{}) })
	if err != nil || used > 4<<20 {
		t.Errorf("%v, %d bytes allocated", err, used)
	}
	if n, err := io.Copy(io.Discard, r.Body); err != nil || n != int64(len(part)+size) {
		t.Errorf("the handler reads %d bytes, %v", n, err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
