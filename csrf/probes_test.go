package csrf_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/scarab-go/scarab/csrf"
)

// What the probes of the peers found, and what happens here instead.
func TestProbes(t *testing.T) {
	t.Run("csrf-1: a form of a site on plain http is accepted", func(t *testing.T) {
		s := newSite(t, csrf.Config{Insecure: true})
		s.get("/start")
		a := s.do("POST", "/save", url.Values{"csrf_token": {s.form("/form")}}, "Origin: "+s.URL, "Referer: "+s.URL+"/form")
		a.want(t, http.StatusOK, "saved")
	})
	t.Run("csrf-2: CVE-2025-47909: a trusted origin is trusted with its scheme", func(t *testing.T) {
		s := newSite(t, csrf.Config{TrustedOrigins: []string{"https://partner.example"}})
		s.get("/start")
		token := s.get("/token").body
		for origin, status := range map[string]int{
			"https://partner.example":       http.StatusOK,
			"https://PARTNER.example:443":   http.StatusOK,
			"http://partner.example":        http.StatusForbidden,
			"https://partner.example:8443":  http.StatusForbidden,
			"https://partner.example.":      http.StatusForbidden,
			"https://www.partner.example":   http.StatusForbidden,
			"https://evil@partner.example":  http.StatusForbidden,
			"https://partner.example/":      http.StatusForbidden,
			"https://partner.example.evil":  http.StatusForbidden,
			"partner.example":               http.StatusForbidden,
			"ftp://partner.example":         http.StatusForbidden,
			"https://partner.example, null": http.StatusForbidden,
		} {
			for _, fetch := range []string{crossSite, "X-None: 1"} {
				a := s.do("POST", "/save", nil, "Origin: "+origin, "X-CSRF-Token: "+token, fetch)
				if a.status != status {
					t.Errorf("%s, %s: %d, want %d", origin, fetch, a.status, status)
				}
			}
		}
	})
	t.Run("csrf-3: a request with none of the three headers needs a token, and no more", func(t *testing.T) {
		s := newSite(t, csrf.Config{})
		s.get("/start")
		token := s.get("/token").body
		s.do("POST", "/save", nil, "X-CSRF-Token: "+token).want(t, http.StatusOK, "saved")
		s.do("POST", "/save", nil).want(t, http.StatusForbidden, "no token")
	})
	t.Run("cop-1: an origin with user information is refused", func(t *testing.T) {
		s := newSite(t, csrf.Config{Mode: csrf.OriginOnly})
		host := strings.TrimPrefix(s.URL, "https://")
		if err := http.NewCrossOriginProtection().Check(&http.Request{Method: "POST", Host: host, Header: http.Header{"Origin": {"http://evil@" + host}}}); err != nil {
			t.Logf("net/http refuses it by now: %v", err)
		}
		for _, scheme := range []string{"http", "https"} {
			s.do("POST", "/save", nil, "Origin: "+scheme+"://evil@"+host).want(t, http.StatusForbidden, "user information")
		}
	})
	t.Run("cop-2: same-site and null are refused, TRACE is unsafe", func(t *testing.T) {
		s := newSite(t, csrf.Config{Mode: csrf.OriginOnly})
		s.do("POST", "/save", nil, "Sec-Fetch-Site: same-site").want(t, http.StatusForbidden, "same-site")
		s.do("POST", "/save", nil, "Origin: null").want(t, http.StatusForbidden, "null")
		s.do("TRACE", "/save", nil, crossSite).want(t, http.StatusForbidden, "cross-site")
	})
	t.Run("fib-5: two pages have different tokens, and both work", func(t *testing.T) {
		s := newSite(t, csrf.Config{})
		s.get("/start")
		one, two := s.form("/form"), s.form("/form")
		if one == two {
			t.Errorf("both are %q", one)
		}
		s.post("/save", one).want(t, http.StatusOK, "saved")
		s.post("/save", two).want(t, http.StatusOK, "saved")
		s.post("/save", one).want(t, http.StatusOK, "saved")
	})
}

// CVE-2025-24358 and CVE-2025-46721: the check of the Referer asked for a scheme
// that no request has on a server, and never ran.
func TestRefererIsCheckedOverTLS(t *testing.T) {
	s := newSite(t, csrf.Config{})
	s.get("/start")
	form := url.Values{"csrf_token": {s.form("/form")}}
	s.do("POST", "/save", form, "Referer: https://evil.example/").want(t, http.StatusForbidden, "Referer")
	s.do("POST", "/save", form, "Referer: http"+strings.TrimPrefix(s.URL, "https")+"/").want(t, http.StatusForbidden, "Referer")
	s.do("POST", "/save", form, "Origin: https://evil.example").want(t, http.StatusForbidden, "Origin")
	s.do("POST", "/save", form, "Referer: "+s.URL+"/form").want(t, http.StatusOK, "saved")
	if n := s.saved.Load(); n != 1 {
		t.Errorf("%d requests were served", n)
	}
}
