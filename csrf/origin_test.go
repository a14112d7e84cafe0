package csrf

import (
	"cmp"
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestParseOrigin(t *testing.T) {
	tests := []struct {
		in   string
		want string // as parseOrigin(in).String(); "" for an error
		err  error
	}{
		{in: "https://example.com", want: "https://example.com"},
		{in: "HTTPS://Example.COM", want: "https://example.com"},
		{in: "https://example.com:443", want: "https://example.com"},
		{in: "http://example.com:80", want: "http://example.com"},
		{in: "https://example.com:80", want: "https://example.com:80"},
		{in: "http://example.com:443", want: "http://example.com:443"},
		{in: "https://example.com:8443", want: "https://example.com:8443"},
		{in: "https://example.com.", want: "https://example.com."}, // another origin, to browsers too
		{in: "https://xn--mnchen-3ya.example", want: "https://xn--mnchen-3ya.example"},
		{in: "https://a_b.example", want: "https://a_b.example"},
		{in: "http://127.0.0.1:8080", want: "http://127.0.0.1:8080"},
		{in: "https://[::1]", want: "https://[::1]"},
		{in: "https://[::1]:443", want: "https://[::1]"},
		{in: "https://[2001:DB8::1]:8443", want: "https://[2001:db8::1]:8443"},
		{in: "chrome-extension://abcdefgh", want: "chrome-extension://abcdefgh"},
		{in: "null", err: errNull},
		{in: "NULL", err: errNoOrigin},
		{in: "", err: errNoOrigin},
		{in: "garbage", err: errNoOrigin},
		{in: "example.com", err: errNoOrigin},
		{in: "//example.com", err: errNoOrigin},
		{in: "://example.com", err: errNoOrigin},
		{in: "1https://example.com", err: errNoOrigin},
		{in: "https:example.com", err: errNoOrigin},
		{in: "https://", err: errNoOrigin},
		{in: "https://:443", err: errNoOrigin},
		{in: "https://example.com:", err: errNoOrigin},
		{in: "https://example.com:0443", err: errNoOrigin},
		{in: "https://example.com:0", err: errNoOrigin},
		{in: "https://example.com:+443", err: errNoOrigin},
		{in: "https://example.com:123456", err: errNoOrigin},
		{in: "https://example.com:443:443", err: errNoOrigin},
		{in: "https://%65xample.com", err: errNoOrigin},
		{in: "https://exam ple.com", err: errNoOrigin},
		{in: "https://example.com\x00", err: errNoOrigin},
		{in: "https://münchen.example", err: errNoOrigin},
		{in: "https://\u212Aexample.com", err: errNoOrigin}, // the Kelvin sign folds to k
		{in: "https://::1", err: errNoOrigin},
		{in: "https://[::1", err: errNoOrigin},
		{in: "https://[]", err: errNoOrigin},
		{in: "https://[example.com]", err: errNoOrigin},
		{in: "https://[127.0.0.1]", err: errNoOrigin},
		{in: "https://[fe80::1%25eth0]", err: errNoOrigin},
		{in: "https://[::1]x", err: errNoOrigin},
		{in: "https://a https://b", err: errMoreParts},
		{in: "https://example.com/", err: errMoreParts},
		{in: "https://example.com?", err: errMoreParts},
		{in: "https://example.com#", err: errMoreParts},
		{in: `https://example.com\evil`, err: errMoreParts},
		{in: "https://evil@example.com", err: errUserInfo},
		{in: "https://evil:pw@example.com", err: errUserInfo},
		{in: "https://@example.com", err: errUserInfo},
		{in: "https://evil@example.com:443", err: errUserInfo},
		{in: "https://evil@example.com/", err: errUserInfo},
	}
	for _, tt := range tests {
		o, err := parseOrigin(tt.in)
		if !errors.Is(err, tt.err) || err == nil && o.String() != tt.want {
			t.Errorf("%q is %v, %v; want %q, %v", tt.in, o, err, tt.want, tt.err)
		}
	}
}

func TestParseReferer(t *testing.T) {
	tests := []struct {
		in   string
		want string
		err  error
	}{
		{in: "https://example.com", want: "https://example.com"},
		{in: "https://example.com/a?b=c#d", want: "https://example.com"},
		{in: "https://example.com?u=https://evil.example", want: "https://example.com"},
		{in: "https://example.com:8443/a@b", want: "https://example.com:8443"},
		{in: "/relative", err: errNoOrigin},
		{in: "null", err: errNoOrigin},
		{in: "https://user@example.com/", err: errUserInfo},
		{in: "https://example.com@evil.example/", err: errUserInfo},
		{in: `https://evil.example\@example.com/`, err: errUserInfo},
		{in: `https://example.com\.evil.example/`, err: errNoOrigin},
	}
	for _, tt := range tests {
		o, err := parseReferer(tt.in)
		if !errors.Is(err, tt.err) || err == nil && o.String() != tt.want {
			t.Errorf("%q is %v, %v; want %q, %v", tt.in, o, err, tt.want, tt.err)
		}
	}
}

// What is an origin has one meaning: the standard library, which is laxer, sees
// the same host in it, and what String returns is the same origin again.
func FuzzParseOrigin(f *testing.F) {
	for _, s := range []string{
		"https://example.com", "http://[::1]:8080", "null", "https://evil@victim", "https://a.b:443",
		"https://%76ictim", "https://victim\\@evil", "HTTP://X:80", "x-y+z.1://host",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o, err := parseOrigin(s)
		if err != nil {
			return
		}
		again, err := parseOrigin(o.String())
		if err != nil || !again.equal(o) || again.String() != o.String() {
			t.Errorf("%q is %v, and that is %v, %v", s, o, again, err)
		}
		u, err := url.Parse(s)
		if err != nil {
			t.Fatalf("%q is an origin here, and no URL: %v", s, err)
		}
		if !strings.EqualFold(u.Scheme, o.scheme) || u.User != nil || u.Path != "" ||
			cmp.Or(u.Port(), defaultPort(u.Scheme)) != cmp.Or(o.port, defaultPort(o.scheme)) ||
			!strings.EqualFold(u.Hostname(), strings.Trim(o.host, "[]")) {
			t.Errorf("%q: url.Parse sees %#v, parseOrigin %v", s, u, o)
		}
		r, err := parseReferer(s)
		if err != nil || !r.equal(o) {
			t.Errorf("%q as a Referer is %v, %v", s, r, err)
		}
	})
}

// The gate agrees with net/http's CrossOriginProtection on every request except
// the ones this test names, and each of the names is needed.
func TestCrossOriginProtection(t *testing.T) {
	const trusted = "https://pay.example.com"
	std := http.NewCrossOriginProtection()
	if err := std.AddTrustedOrigin(trusted); err != nil {
		t.Fatal(err)
	}
	strict, err := New(Config{Mode: OriginOnly, TrustedOrigins: []string{trusted}})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := New(Config{Mode: OriginOnly, TrustedOrigins: []string{trusted}, Insecure: true})
	if err != nil {
		t.Fatal(err)
	}

	// difference names why the two may disagree; "" if they must not.
	difference := func(r *http.Request, scheme string) (name string, weAllow bool) {
		site, from, referer := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin"), r.Header.Get("Referer")
		o, err := parseOrigin(from)
		known := site == "same-origin" || site == "none" || site == "same-site" || site == "cross-site"
		own := err == nil && o.equal(mustHost(t, scheme, r.Host))
		ownHost := err == nil && o.equal(mustHost(t, o.scheme, r.Host))
		trusts := err == nil && o.String() == trusted
		switch {
		case isHandshake(r):
			return "handshakes are checked", false
		case harmless(r):
			return "", false
		case trusts && from != trusted:
			return "case and default port do not matter", true
		case known || trusts:
			return "", false
		case from == "" && referer != "" && !strings.HasPrefix(referer, scheme+"://"+r.Host+"/"):
			return "Referer is looked at", false
		case site != "" && (from == "" || own):
			return "an unknown Sec-Fetch-Site counts as absent", true
		case site != "" || from == "":
			return "", false
		case errors.Is(err, errUserInfo):
			return "hole: user information", false
		case own && from != scheme+"://"+r.Host:
			return "case and default port do not matter", true
		case ownHost && !own:
			return "hole: scheme", false
		case err != nil && from != "null":
			return "an Origin is no more than an origin", false
		}
		return "", false
	}
	seen := map[string]int{}
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "TRACE", "POST", "PUT", "PATCH", "DELETE", "post", "CONNECT", "FROB"} {
		for _, site := range []string{"", "same-origin", "none", "same-site", "cross-site", "Same-Origin", "future"} {
			for _, scheme := range []string{"https", "http"} {
				for _, host := range []string{"example.com", "example.com:8443", "example.com:443", "[::1]", "[::1]:8080"} {
					for _, from := range []string{
						"", "null", "https://" + host, "http://" + host, "HTTPS://" + strings.ToUpper(host),
						"https://example.com", "http://example.com", "https://[::1]", "https://evil.example", "https://evil@" + host, "http://evil@" + host,
						"https://" + host + "/", "https://%65xample.com", trusted, "http://pay.example.com", "https://PAY.example.com:443", "garbage",
					} {
						for _, referer := range []string{"", scheme + "://" + host + "/form", "https://evil.example/"} {
							for _, upgrade := range []string{"", "websocket"} {
								r := &http.Request{Method: method, Host: host, Header: http.Header{}, URL: &url.URL{Path: "/"}}
								p := strict
								if scheme == "http" {
									p = plain
								} else {
									r.TLS = &tls.ConnectionState{}
								}
								for k, v := range map[string]string{"Sec-Fetch-Site": site, "Origin": from, "Referer": referer, "Upgrade": upgrade} {
									if v != "" {
										r.Header.Set(k, v)
									}
								}
								theirs, ours := std.Check(r) == nil, p.Check(r) == nil
								name, weAllow := difference(r, scheme)
								switch {
								case theirs == ours:
								case name == "":
									t.Errorf("%s %s://%s %v: net/http allows %v, we %v", method, scheme, host, r.Header, theirs, ours)
								case ours != weAllow:
									t.Errorf("%s %s://%s %v: %s, but we allow %v", method, scheme, host, r.Header, name, ours)
								default:
									seen[name]++
								}
							}
						}
					}
				}
			}
		}
	}
	for _, name := range []string{
		"hole: user information", "hole: scheme", "handshakes are checked", "Referer is looked at", "an Origin is no more than an origin",
		"an unknown Sec-Fetch-Site counts as absent", "case and default port do not matter",
	} {
		if seen[name] == 0 {
			t.Errorf("no request differed because of %q", name)
		}
		delete(seen, name)
	}
	if len(seen) > 0 {
		t.Errorf("not in the list: %v", seen)
	}
}

func mustHost(t *testing.T, scheme, host string) origin {
	o, err := parseHost(scheme, host)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// What opens a WebSocket is checked, and by its origin only: over HTTP/1.1 it is
// a GET, over HTTP/2 a CONNECT with a protocol (RFC 8441).
func TestIsHandshake(t *testing.T) {
	tests := []struct {
		method string
		header http.Header
		want   bool
	}{
		{"GET", http.Header{"Upgrade": {"websocket"}}, true},
		{"GET", http.Header{"Upgrade": {"h2c , WebSocket"}}, true},
		{"GET", http.Header{"Upgrade": {"h2c", "websocket"}}, true},
		{"GET", http.Header{"Upgrade": {"h2c"}}, false},
		{"GET", http.Header{"Upgrade": {"websockets"}}, false},
		{"GET", http.Header{"Connection": {"Upgrade"}}, false},
		{"GET", http.Header{":protocol": {"websocket"}}, false},
		{"CONNECT", http.Header{":protocol": {"websocket"}}, true},
		{"CONNECT", http.Header{":protocol": {"connect-udp"}}, false},
		{"CONNECT", http.Header{}, false},
		{"POST", http.Header{"Upgrade": {"websocket"}}, false},
	}
	p, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		r := &http.Request{Method: tt.method, Host: "example.com", Header: tt.header, URL: &url.URL{Path: "/"}}
		if got := isHandshake(r); got != tt.want {
			t.Errorf("%s %v: %v", tt.method, tt.header, got)
		}
		// With a good origin a handshake needs no token, all else that is
		// unsafe does.
		r.Header.Set("Origin", "https://example.com")
		if got, want := p.Check(r) == nil, tt.want || tt.method == "GET"; got != want {
			t.Errorf("%s %v of the same origin: %v", tt.method, tt.header, p.Check(r))
		}
		r.Header.Set("Origin", "https://evil.example")
		if got, want := p.Check(r) == nil, !tt.want && tt.method == "GET"; got != want {
			t.Errorf("%s %v of another origin: %v", tt.method, tt.header, p.Check(r))
		}
	}
}
