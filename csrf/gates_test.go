package csrf_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
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

// Pages open WebSockets across sites, with cookies and without a preflight.
func TestWebSocket(t *testing.T) {
	for _, mode := range []csrf.Mode{csrf.OriginAndToken, csrf.OriginOnly, csrf.TokenOnly} {
		t.Run(mode.String(), func(t *testing.T) {
			s := newSite(t, csrf.Config{Mode: mode, TrustedOrigins: []string{"https://app.example.org"}}, func(_ *site, mux *http.ServeMux) {
				mux.HandleFunc("GET /ws", func(w http.ResponseWriter, r *http.Request) {
					conn, rw, err := http.NewResponseController(w).Hijack()
					if err != nil {
						t.Error(err)
						return
					}
					defer conn.Close()
					fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello")
					rw.Flush()
				})
			})
			tests := []struct {
				upgrade, headers string
				status           int
			}{
				{"websocket", "Origin: " + s.URL, http.StatusSwitchingProtocols},
				{"websocket", "Origin: https://app.example.org", http.StatusSwitchingProtocols},
				{"websocket", sameOrigin, http.StatusSwitchingProtocols},
				{"websocket", "Accept: */*", http.StatusSwitchingProtocols}, // a program
				{"websocket", "Origin: https://evil.example", http.StatusForbidden},
				{"WebSocket", "Origin: null", http.StatusForbidden},
				{"h2c, WebSocket", "Origin: https://evil.example", http.StatusForbidden},
				{"h2c\r\nUpgrade: websocket", "Origin: https://evil.example", http.StatusForbidden},
				{"websocket", crossSite, http.StatusForbidden},
				{"websocket", "Sec-Fetch-Site: same-site\r\nOrigin: " + s.URL, http.StatusForbidden},
				{"websocket", "Origin: http" + strings.TrimPrefix(s.URL, "https"), http.StatusForbidden},
			}
			host := strings.TrimPrefix(s.URL, "https://")
			for _, tt := range tests {
				conn, err := tls.Dial("tcp", host, &tls.Config{InsecureSkipVerify: true})
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: %s\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n\r\n", host, tt.upgrade, tt.headers)
				resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Fatal(err)
				}
				if resp.StatusCode != tt.status {
					t.Errorf("Upgrade: %s, %s: %d, want %d", tt.upgrade, tt.headers, resp.StatusCode, tt.status)
				}
				conn.Close()
			}
			// Another upgrade is not a browser's.
			s.do("GET", "/", nil, "Upgrade: h2c", "Origin: https://evil.example").want(t, http.StatusOK, "home")
		})
	}
}

// A pattern exempts what it matches and not what the mux would redirect there:
// CVE-2025-47910. So whatever is served without a token is served by the
// handler that is exempt.
func TestBypass(t *testing.T) {
	patterns := []string{"POST /hook", "/files/", "PUT /objects/{id}", "hooks.example.com/", "/deep/{rest...}"}
	served := ""
	s := newSite(t, csrf.Config{}, func(_ *site, mux *http.ServeMux) {
		for _, pattern := range patterns {
			mux.HandleFunc(pattern, func(http.ResponseWriter, *http.Request) { served = pattern })
		}
		mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) { served = "/" })
		mux.HandleFunc("POST /files/secret", func(http.ResponseWriter, *http.Request) { served = "secret" })
	})
	for _, pattern := range patterns {
		if err := s.p.AddInsecureBypassPattern(pattern); err != nil {
			t.Fatal(err)
		}
	}
	exempt := map[string]string{
		"POST /hook":                     "POST /hook",
		"POST /files/":                   "/files/",
		"DELETE /files/a":                "/files/",
		"PUT /objects/1":                 "PUT /objects/{id}",
		"POST //hooks.example.com/x":     "hooks.example.com/",
		"POST /deep/a/b":                 "/deep/{rest...}",
		"POST /hook/":                    "",
		"PUT /hook":                      "",
		"POST /Hook":                     "",
		"POST /files":                    "", // redirected to /files/
		"POST /x/../hook":                "", // redirected to /hook
		"POST /./hook":                   "",
		"POST //hook":                    "",
		"POST /files//a":                 "",
		"POST /files/../save":            "",
		"POST /deep":                     "",
		"POST /deep/a/../../save":        "",
		"PUT /objects/1/2":               "",
		"PUT /objects/":                  "",
		"POST /save":                     "",
		"POST //other.example.com/x":     "",
		"POST /hook%2f..%2fsave":         "",
		"POST /files%2fa":                "",
		"POST //hooks.example.com//x":    "",
		"POST //hooks.example.com/../x/": "",
	}
	for request, want := range exempt {
		method, path, _ := strings.Cut(request, " ")
		headers := []string{crossSite, "Origin: https://evil.example"}
		if host, rest, ok := strings.Cut(strings.TrimPrefix(path, "//"), "/"); ok && strings.HasPrefix(path, "//") && strings.Contains(host, ".") {
			headers = append(headers, "Host: "+host)
			path = "/" + rest
		}
		served = ""
		a := s.do(method, path, nil, headers...)
		if served != want || (a.status == http.StatusForbidden) != (want == "") {
			t.Errorf("%s: %d, served by %q; want %q", request, a.status, served, want)
		}
	}
	// The exempt pattern is wider than the handler, which a pattern can be:
	// Require is for that.
	s.do("POST", "/files/secret", nil, crossSite)
	if served != "secret" {
		t.Errorf("served by %q", served)
	}
	for _, pattern := range []string{"", "hook", "POST", "/{", "POST /hook", "/{a}/{a}", "/objects/{id...}/x"} {
		var bad *csrf.ConfigError
		if err := s.p.AddInsecureBypassPattern(pattern); !errors.As(err, &bad) || bad.Value != pattern {
			t.Errorf("%q: %v", pattern, err)
		}
	}
	s.do("POST", "/hook", nil, crossSite).want(t, http.StatusOK, "")
}

// Require checks what a pattern exempts, and a request once.
func TestRequire(t *testing.T) {
	s := newSite(t, csrf.Config{}, func(s *site, mux *http.ServeMux) {
		if err := s.p.AddInsecureBypassPattern("/api/"); err != nil {
			t.Fatal(err)
		}
		mux.Handle("/api/", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		mux.Handle("/api/keys", s.p.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, r.FormValue("name"))
		})))
		mux.Handle("/keys", s.p.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, r.FormValue("name"))
		})))
	})
	s.get("/start")
	token := s.form("/form")
	s.do("POST", "/api/x", nil, crossSite).want(t, http.StatusOK, "")
	s.do("POST", "/api/keys", nil, crossSite).want(t, http.StatusForbidden, "cross-origin")
	s.do("POST", "/api/keys", nil).want(t, http.StatusForbidden, "no token")
	s.get("/api/keys")
	for _, path := range []string{"/api/keys", "/keys"} {
		a := s.do("POST", path, url.Values{"csrf_token": {token}, "name": {"N"}}, sameOrigin)
		a.want(t, http.StatusOK, "N")
		if vary := a.header["Vary"]; !slices.Contains(vary, "Sec-Fetch-Site, Origin") || len(vary) != 2 {
			t.Errorf("%s: Vary is %q", path, vary)
		}
	}
	if got, want := s.kinds(), []string{"csrf_blocked cross-origin", "csrf_blocked no token"}; !slices.Equal(got, want) {
		t.Errorf("events: %q, want %q", got, want)
	}
}

// Handler by handler, without Wrap: the page and what it posts to.
func TestRequireAlone(t *testing.T) {
	p, err := csrf.New(csrf.Config{})
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := scarab.New(scarab.Stored(&mapStore{}), scarab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/start", sessions.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *scarab.Session) error {
		s.Set("a", 1)
		return nil
	}))
	page(mux, "GET /form", func(_ http.ResponseWriter, r *http.Request) (string, error) {
		field, err := csrf.Field(r.Context())
		return string(field), err
	})
	mux.Handle("POST /save", p.Require(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "saved") })))
	mux.HandleFunc("POST /check", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, p.Check(r)) })
	s := &site{Server: httptest.NewTLSServer(sessions.Wrap(mux))}
	defer s.Close()
	b := s.visitor(t)
	if token := b.form("/form"); token != "no-session" {
		t.Errorf("the token of a visitor is %q", token)
	}
	b.post("/save", "no-session").want(t, http.StatusOK, "saved")
	b.do("POST", "/start", nil).want(t, http.StatusOK, "")
	token := b.form("/form")
	b.post("/save", token).want(t, http.StatusOK, "saved")
	b.post("/save", "").want(t, http.StatusForbidden, "no token")
	b.post("/check", token).want(t, http.StatusOK, "<nil>")
	b.post("/check", "").want(t, http.StatusOK, "csrf: no token")
	b.do("POST", "/check", nil, crossSite).want(t, http.StatusOK, "csrf: cross-origin: Sec-Fetch-Site")
}

// ReportOnly lets everything pass, with its body, and counts it.
func TestReportOnly(t *testing.T) {
	s := newSite(t, csrf.Config{ReportOnly: true}, func(_ *site, mux *http.ServeMux) {
		mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) {
			n, err := io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, n, err)
		})
	})
	s.get("/start")
	s.do("POST", "/save", nil, crossSite).want(t, http.StatusOK, "saved")
	s.do("POST", "/save", nil).want(t, http.StatusOK, "saved")
	s.post("/save", "wrong").want(t, http.StatusOK, "saved")
	s.post("/save", s.form("/form")).want(t, http.StatusOK, "saved")
	big := strings.Repeat("x", 3<<20)
	s.send("POST", "/echo", strings.NewReader(big), "Content-Type: application/x-www-form-urlencoded").want(t, http.StatusOK, "3145728 <nil>")
	s.send("POST", "/echo", io.MultiReader(strings.NewReader(big)), "Content-Type: application/x-www-form-urlencoded").want(t, http.StatusOK, "3145728 <nil>")
	got := s.kinds()
	if want := []string{"csrf_reported cross-origin", "csrf_reported no token", "csrf_reported wrong token", "csrf_reported body", "csrf_reported body"}; !slices.Equal(got, want) {
		t.Errorf("events: %q, want %q", got, want)
	}
}

// An event about a session says whose it is, and never has the token.
func TestEventsNameTheSession(t *testing.T) {
	s := newSite(t, csrf.Config{})
	s.post("/login", s.form("/form")).want(t, http.StatusOK, "")
	s.post("/save", strings.Repeat("ab", 20)).want(t, http.StatusForbidden, "wrong token")
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.events) != 1 {
		t.Fatalf("events: %v", s.events)
	}
	var refused *csrf.Error
	e := s.events[0]
	if e.Kind != csrf.EventBlocked || e.Principal != "ann" || len(e.Handle) != 32 || !errors.As(e.Err, &refused) || refused.Reason != csrf.WrongToken {
		t.Errorf("%+v", e)
	}
	if strings.Contains(fmt.Sprintf("%+v", refused), "abab") || refused.Value != "" {
		t.Errorf("the token is in %+v", refused)
	}
}

// The text of an error says which header had which value and what to change.
func TestErrorText(t *testing.T) {
	const host = "www.example.com"
	tests := []struct {
		name    string
		cfg     csrf.Config
		headers []string
		want    []string // parts of the text
	}{
		{"cross-site", csrf.Config{}, []string{crossSite, "Origin: https://evil.example"}, []string{`Sec-Fetch-Site is "cross-site"`, "https://evil.example", "csrf.Config.TrustedOrigins"}},
		{"cross-site, origin hidden", csrf.Config{}, []string{crossSite, "Origin: null"}, []string{`Sec-Fetch-Site is "cross-site"`, "Origin is null"}},
		{"same-site", csrf.Config{}, []string{"Sec-Fetch-Site: same-site"}, []string{`"same-site"`, "another origin"}},
		{"other origin", csrf.Config{}, []string{"Origin: https://evil.example"}, []string{`Origin is "https://evil.example", not "https://www.example.com"`, "TrustedOrigins", "csrf.Config.Origins"}},
		{"other port", csrf.Config{}, []string{"Origin: https://www.example.com:8443"}, []string{"csrf.Config.Origins"}},
		{"plain http", csrf.Config{}, []string{"Origin: http://www.example.com"}, []string{"csrf.Config.Insecure", "https"}},
		{"https, and Insecure is set", csrf.Config{Insecure: true}, []string{"Origin: https://www.example.com"}, []string{"drop csrf.Config.Insecure"}},
		{"Origins", csrf.Config{Origins: []string{"https://a.example", "https://b.example"}}, []string{"Referer: https://c.example/x"}, []string{`Referer is "https://c.example/x"`, "https://a.example or one of 1 more", "TrustedOrigins"}},
		{"null", csrf.Config{}, []string{"Origin: null"}, []string{`Origin is "null"`, "Referrer-Policy"}},
		{"no Host", csrf.Config{}, []string{"Host: a b", "Origin: https://evil.example"}, []string{"csrf.Config.Origins"}},
		{"several", csrf.Config{}, []string{"Origin: https://a.example", "Origin: https://b.example"}, []string{"https://a.example, https://b.example", "proxy"}},
		{"no token", csrf.Config{}, nil, []string{"X-CSRF-Token", "csrf.Field", "csrf.Token"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := csrf.New(tt.cfg)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest("POST", "/", nil)
			r.Host = host
			for _, h := range tt.headers {
				name, value, _ := strings.Cut(h, ": ")
				if name == "Host" {
					r.Host = value
					continue
				}
				r.Header.Add(name, value)
			}
			err = p.Check(r)
			var refused *csrf.Error
			if !errors.As(err, &refused) {
				t.Fatalf("%v", err)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%v\nlacks %q", err, part)
				}
			}
		})
	}
}

// Nothing that a request contains is markup in the answer, or a second line in
// a log.
func TestErrorsAreInert(t *testing.T) {
	s := newSite(t, csrf.Config{})
	s.get("/start")
	const evil = `<script>alert('x')</script>&amp;"`
	long := strings.Repeat("<", 10_000)
	for _, headers := range [][]string{
		{"Origin: " + evil}, {"Referer: " + evil}, {"Origin: " + long}, {"Origin: https://a.example\t\x85\xff"},
		{"Origin: a", "Origin: " + evil}, {crossSite, "Origin: " + evil}, {"X-CSRF-Token: " + evil},
		{"Content-Type: multipart/form-data; boundary=" + evil},
	} {
		a := s.send("POST", "/save", strings.NewReader("csrf_token="+url.QueryEscape(evil)), headers...)
		if a.status != http.StatusForbidden || strings.ContainsAny(a.body, "<>&'") || len(a.body) > 5000 {
			t.Errorf("%.100q: %d %q", headers, a.status, a.body)
		}
		if strings.ContainsFunc(a.body, func(r rune) bool { return r > 0x7e || r < ' ' && r != '\n' }) {
			t.Errorf("%.100q: not plain: %q", headers, a.body)
		}
		for name, want := range map[string]string{"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s is %q", name, got)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if strings.ContainsAny(e.Err.Error(), "\n\r<>") {
			t.Errorf("%q", e.Err)
		}
	}
}

func TestOnError(t *testing.T) {
	var got error
	s := newSite(t, csrf.Config{OnError: func(w http.ResponseWriter, _ *http.Request, err error) {
		got = err
		w.WriteHeader(http.StatusTeapot)
	}})
	s.do("POST", "/save", nil, crossSite).want(t, http.StatusTeapot, "")
	var refused *csrf.Error
	if !errors.As(got, &refused) || refused.Reason != csrf.CrossOrigin || refused.Header != "Sec-Fetch-Site" || refused.Value != "cross-site" {
		t.Errorf("%#v", got)
	}
	s.get("/start")
	s.store.fail(net.ErrClosed)
	s.post("/save", "x").want(t, http.StatusTeapot, "")
	if !errors.Is(got, net.ErrClosed) {
		t.Errorf("%v", got)
	}
}

// Without a factory around it, a protection says what is missing.
func TestNoMiddleware(t *testing.T) {
	p, err := csrf.New(csrf.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var formErr error
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, formErr = csrf.Field(r.Context()) })
	s := httptest.NewServer(p.Wrap(h))
	defer s.Close()
	b := &browser{t: t, client: s.Client(), base: s.URL}
	b.get("/")
	if !errors.Is(formErr, scarab.ErrNoMiddleware) {
		t.Errorf("Field inside Wrap: %v", formErr)
	}
	b.do("POST", "/", nil, "X-CSRF-Token: x").want(t, http.StatusInternalServerError, "")
	if err := p.Check(httptest.NewRequest("POST", "/", nil)); err == nil || errors.Is(err, scarab.ErrNoMiddleware) {
		t.Errorf("no token at all: %v", err) // is found before the session is missed
	}
	for _, f := range []func() (string, error){
		func() (string, error) { return csrf.Token(t.Context()) },
		func() (string, error) { return csrf.NewToken(t.Context()) },
	} {
		if _, err := f(); !errors.Is(err, scarab.ErrNoMiddleware) || !strings.Contains(err.Error(), "Protection.Wrap") {
			t.Errorf("outside: %v", err)
		}
	}
}
