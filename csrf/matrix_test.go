package csrf_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/csrf"
)

// Every method with every Sec-Fetch-Site, every kind of Origin and Referer, at
// every kind of site, with a token and without.
func TestMatrix(t *testing.T) {
	sites := []struct {
		name           string
		cfg            csrf.Config
		plain          bool // the connection has no TLS
		host           string
		own, strangers []string
	}{
		{
			name: "https", host: "example.com",
			own:       []string{"https://example.com", "https://example.com:443", "https://EXAMPLE.com", "HTTPS://example.com"},
			strangers: []string{"http://example.com", "https://example.com:8443", "https://example.com:80", "https://www.example.com", "https://example.com.evil.example", "https://evilexample.com"},
		},
		{
			name: "https, the default port in Host", host: "EXAMPLE.com:443",
			own:       []string{"https://example.com", "https://example.com:443"},
			strangers: []string{"http://example.com", "http://example.com:443"},
		},
		{
			name: "https, another port", host: "example.com:8443",
			own:       []string{"https://example.com:8443"},
			strangers: []string{"https://example.com", "http://example.com:8443", "https://example.com:8444"},
		},
		{
			name: "https, IPv6", host: "[2001:db8::1]",
			own:       []string{"https://[2001:db8::1]", "https://[2001:DB8::1]:443"},
			strangers: []string{"https://[2001:db8::2]", "https://2001:db8::1", "http://[2001:db8::1]"},
		},
		{
			name: "https, IPv6 and another port", host: "[::1]:8443",
			own:       []string{"https://[::1]:8443"},
			strangers: []string{"https://[::1]", "http://[::1]:8443"},
		},
		{
			name: "http", host: "192.168.1.7:8080", plain: true, cfg: csrf.Config{Insecure: true},
			own:       []string{"http://192.168.1.7:8080"},
			strangers: []string{"https://192.168.1.7:8080", "http://192.168.1.7", "http://192.168.1.8:8080"},
		},
		{
			name: "http, the default port", host: "intranet", plain: true, cfg: csrf.Config{Insecure: true},
			own:       []string{"http://intranet", "http://intranet:80"},
			strangers: []string{"https://intranet", "https://intranet:80"},
		},
		{
			name: "TLS at a proxy that keeps Host", host: "www.example.com", plain: true,
			own:       []string{"https://www.example.com"},
			strangers: []string{"http://www.example.com", "https://example.com"},
		},
		{
			name: "TLS at a proxy that changes Host", host: "10.0.0.7:8080", plain: true, cfg: csrf.Config{Origins: []string{"https://www.example.com", "https://example.com"}},
			own:       []string{"https://www.example.com", "https://example.com"},
			strangers: []string{"http://www.example.com", "https://10.0.0.7:8080", "http://10.0.0.7:8080"},
		},
		{
			name: "Insecure, and TLS all the same", host: "localhost:8443", cfg: csrf.Config{Insecure: true},
			own:       []string{"https://localhost:8443"},
			strangers: []string{"http://localhost:8443"},
		},
	}
	for i, site := range sites {
		// What sites differ in is the origin, so one of them is enough for all
		// methods.
		methods := []string{"GET", "POST"}
		if i == 0 {
			methods = []string{"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "post", "PROPFIND"}
		}
		t.Run(site.name, func(t *testing.T) {
			site.cfg.TrustedOrigins = []string{"https://pay.example.org"}
			p, err := csrf.New(site.cfg)
			if err != nil {
				t.Fatal(err)
			}
			sessions, err := scarab.New(scarab.Stored(&mapStore{}), scarab.Config{})
			if err != nil {
				t.Fatal(err)
			}
			served := false
			h := sessions.Wrap(p.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				served = true
				s, _ := scarab.From(r.Context())
				io.WriteString(w, s.CSRFToken())
			})))
			server := httptest.NewServer(h)
			if !site.plain {
				server.Close()
				server = httptest.NewTLSServer(h)
			}
			defer server.Close()
			b := &browser{t: t, client: server.Client(), base: server.URL} // no jar: the cookie is sent by hand
			first := b.get("/")
			cookie, _, _ := strings.Cut(first.header.Get("Set-Cookie"), ";")

			strangers := append(site.strangers, "null", "garbage", "https://evil.example", "http://pay.example.org", "https://evil@"+site.host, "http://evil@"+site.host, site.own[0]+"/")
			const none, own, trusted, foreign = 0, 1, 2, 3
			type from struct {
				origin, referer string
				class           int
			}
			froms := []from{
				{"", "", none},
				{"https://pay.example.org", "", trusted}, {"https://PAY.example.org:443", "", trusted},
				{"https://evil.example", site.own[0] + "/form", foreign}, // Origin comes before Referer
				{"null", site.own[0] + "/form", foreign},
			}
			for _, o := range site.own {
				froms = append(froms, from{o, "", own}, from{o, "https://evil.example/", own}, from{"", o + "/form?a=b#c", own}, from{"", o, own})
			}
			for _, o := range strangers {
				froms = append(froms, from{o, "", foreign})
				if !strings.HasSuffix(o, "/") {
					froms = append(froms, from{"", o + "/form", foreign})
				}
			}
			for _, method := range methods {
				for _, fetch := range []string{"", "same-origin", "none", "same-site", "cross-site", "Same-Origin", "*", "same-origin, none"} {
					for _, f := range froms {
						for _, token := range []string{first.body, ""} {
							passes := true
							switch {
							case f.class == trusted:
							case fetch == "same-site" || fetch == "cross-site":
								passes = false
							case fetch != "same-origin" && fetch != "none":
								passes = f.class != foreign
							}
							safe := method == "GET" || method == "HEAD" || method == "OPTIONS"
							want := safe || passes && token != ""

							headers := []string{"Host: " + site.host, "Cookie: " + cookie}
							for _, h := range [...][2]string{{"Sec-Fetch-Site", fetch}, {"Origin", f.origin}, {"Referer", f.referer}, {"X-CSRF-Token", token}} {
								if h[1] != "" {
									headers = append(headers, h[0]+": "+h[1])
								}
							}
							served = false
							a := b.do(method, "/", nil, headers...)
							if served != want || (a.status == http.StatusOK) != want || !want && a.status != http.StatusForbidden {
								t.Errorf("%s %q: %d, served %v; want %v", method, headers, a.status, served, want)
							}
							if depends := strings.Contains(a.header.Get("Vary"), "Sec-Fetch-Site, Origin"); depends != !safe {
								t.Errorf("%s: Vary is %q", method, a.header["Vary"])
							}
						}
					}
				}
			}
		})
	}
}

// What browsers send once and comes twice is not believed.
func TestDoubledHeaders(t *testing.T) {
	s := newSite(t, csrf.Config{Mode: csrf.OriginOnly, TrustedOrigins: []string{"https://pay.example.org"}})
	evil := "Origin: https://evil.example"
	for _, headers := range [][]string{
		{evil, "Origin: " + s.URL},
		{"Origin: " + s.URL, evil},
		{"Origin: https://pay.example.org", evil},
		{"Origin: " + s.URL + " https://evil.example"},
		{"Origin: https://evil.example " + s.URL},
		{"Referer: " + s.URL + "/", "Referer: https://evil.example/"},
		{sameOrigin, crossSite, evil},
		{sameOrigin, sameOrigin, evil},
	} {
		if a := s.do("POST", "/save", nil, headers...); a.status != http.StatusForbidden {
			t.Errorf("%q: %d", headers, a.status)
		}
	}
	s.do("POST", "/save", nil, sameOrigin, crossSite, "Origin: "+s.URL).want(t, http.StatusOK, "saved")
}

// No header, field or query parameter changes what the method is.
func TestMethodOverride(t *testing.T) {
	s := newSite(t, csrf.Config{})
	s.get("/start")
	s.do("POST", "/save?_method=GET", url.Values{"_method": {"GET"}}, "X-HTTP-Method-Override: GET", "X-HTTP-Method: GET", "X-Method-Override: GET").
		want(t, http.StatusForbidden, "no token")
}

// Preflights are for requests that need none: what a page can send without one
// is checked too.
func TestNoPreflight(t *testing.T) {
	s := newSite(t, csrf.Config{})
	s.get("/start")
	for _, contentType := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", ""} {
		a := s.send("POST", "/save", strings.NewReader("a=1"), "Content-Type: "+contentType)
		a.want(t, http.StatusForbidden, "no token")
	}
	s.send("POST", "/save", nil).want(t, http.StatusForbidden, "no token")
}
