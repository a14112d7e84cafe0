package scarabtest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func mustParse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// What browsers take, and what they refuse without a word.
func TestJar_set(t *testing.T) {
	long := strings.Repeat("x", 4096)
	for _, tt := range []struct {
		name, from, line string
		refused          string // in part; "" if it is taken
	}{
		{"a plain cookie", "https://example.com/", "a=1", ""},
		{"no name", "https://example.com/", "1", ""},
		{"nothing", "https://example.com/", "=; Path=/", "empty"},
		{"a control character", "https://example.com/", "a=1\x00", "control"},
		{"4096 octets", "https://example.com/", "a=" + long[1:], ""},
		{"4097 octets", "https://example.com/", "a=" + long, "4096"},

		{"Secure over https", "https://example.com/", "a=1; Secure", ""},
		{"Secure over http", "http://example.com/", "a=1; Secure", "https"},
		{"None with Secure", "https://example.com/", "a=1; SameSite=None; Secure", ""},
		{"None without Secure", "https://example.com/", "a=1; SameSite=None", "Secure"},
		{"Partitioned without Secure", "https://example.com/", "a=1; Partitioned", "Secure"},

		{"__Secure- with Secure", "https://example.com/", "__Secure-a=1; Secure; Domain=example.com", ""},
		{"__Secure- without", "https://example.com/", "__Secure-a=1", "Secure"},
		{"__Host- as it should be", "https://example.com/x/y", "__Host-a=1; Secure; Path=/", ""},
		{"__Host- without Secure", "https://example.com/", "__Host-a=1; Path=/", "Secure"},
		{"__Host- with a Domain", "https://example.com/", "__Host-a=1; Secure; Path=/; Domain=example.com", "Domain"},
		{"__Host- of another Path", "https://example.com/", "__Host-a=1; Secure; Path=/x", "Path"},
		{"__Host- without Path", "https://example.com/", "__Host-a=1; Secure", "Path"},
		{"a prefix in another case", "https://example.com/", "__hOsT-a=1; Secure; Path=/; Domain=example.com", "Domain"},
		{"a prefix and no name", "https://example.com/", "=__Host-a=1; Secure; Path=/", "prefix"},
		{"__Http- with HttpOnly", "https://example.com/", "__Http-a=1; Secure; HttpOnly", ""},
		{"__Http- without", "https://example.com/", "__Http-a=1; Secure", "HttpOnly"},
		{"__Host-Http- without HttpOnly", "https://example.com/", "__Host-Http-a=1; Secure; Path=/", "HttpOnly"},
		{"__Host-Http- without Path", "https://example.com/", "__Host-Http-a=1; Secure; HttpOnly", "Path"},

		{"the parent's Domain", "https://www.example.com/", "a=1; Domain=.Example.com", ""},
		{"a stranger's Domain", "https://evil.example/", "a=1; Domain=example.com", "Domain"},
		{"a child's Domain", "https://example.com/", "a=1; Domain=www.example.com", "Domain"},
		{"a name that ends alike", "https://badexample.com/", "a=1; Domain=example.com", "Domain"},
		{"a public suffix", "https://example.com/", "a=1; Domain=com", "suffix"},
		{"an overlong Domain is none", "https://evil.example/", "a=1; Domain=" + long[:1025], ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var j jar
			v := visit{url: mustParse(t, tt.from), method: http.MethodGet, navigates: true, now: time.Now()}
			refused := j.set(v, tt.line)
			if (refused == "") != (tt.refused == "") || !strings.Contains(refused, tt.refused) {
				t.Errorf("refused: %q, want %q", refused, tt.refused)
			}
			if kept := len(j.cookies) == 1; kept != (tt.refused == "") {
				t.Errorf("the jar has %d cookies", len(j.cookies))
			}
		})
	}
}

// Which request carries a cookie that https://www.example.com/a/b has set.
func TestJar_get(t *testing.T) {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	const post, script = "POST", "FETCH"
	for _, tt := range []struct {
		name, line string
		to, by     string // by: the method, or a script
		from       string // another page, if any
		later      time.Duration
		want       bool
	}{
		{"the same host and folder", "a=1", "https://www.example.com/a/c", "GET", "", 0, true},
		{"another port", "a=1", "https://www.example.com:8443/a/c", "GET", "", 0, true},
		{"the parent host", "a=1", "https://example.com/a/", "GET", "", 0, false},
		{"a child", "a=1", "https://x.www.example.com/a/", "GET", "", 0, false},
		{"a child, by Domain", "a=1; Domain=www.example.com", "https://x.www.example.com/a/", "GET", "", 0, true},
		{"a sibling, by Domain", "a=1; Domain=example.com", "https://x.example.com/a/", "GET", "", 0, true},
		{"another folder", "a=1", "https://www.example.com/b", "GET", "", 0, false},
		{"a folder that starts alike", "a=1", "https://www.example.com/ab", "GET", "", 0, false},
		{"everywhere, by Path", "a=1; Path=/", "https://www.example.com", "GET", "", 0, true},
		{"http", "a=1", "http://www.example.com/a/", "GET", "", 0, true},
		{"http, Secure", "a=1; Secure", "http://www.example.com/a/", "GET", "", 0, false},

		{"a day later", "a=1", "https://www.example.com/a/", "GET", "", 24 * time.Hour, true},
		{"before Max-Age", "a=1; Max-Age=60", "https://www.example.com/a/", "GET", "", 59 * time.Second, true},
		{"at Max-Age", "a=1; Max-Age=60", "https://www.example.com/a/", "GET", "", time.Minute, false},
		{"Max-Age before Expires", "a=1; Max-Age=60; Expires=Tue, 01 Jan 2030 01:00:00 GMT", "https://www.example.com/a/", "GET", "", time.Minute, false},
		{"before Expires", "a=1; Expires=Tue, 01 Jan 2030 01:00:00 GMT", "https://www.example.com/a/", "GET", "", 59 * time.Minute, true},
		{"at Expires", "a=1; Expires=Tue, 01 Jan 2030 01:00:00 GMT", "https://www.example.com/a/", "GET", "", time.Hour, false},
		{"Max-Age of 0", "a=1; Max-Age=0", "https://www.example.com/a/", "GET", "", 0, false},
		{"399 days of a century", "a=1; Max-Age=3155760000", "https://www.example.com/a/", "GET", "", 399 * 24 * time.Hour, true},
		{"400 days of a century", "a=1; Max-Age=3155760000", "https://www.example.com/a/", "GET", "", 400 * 24 * time.Hour, false},
		{"a Max-Age without end", "a=1; Max-Age=99999999999999999999", "https://www.example.com/a/", "GET", "", 399 * 24 * time.Hour, true},

		{"a link elsewhere", "a=1", "https://www.example.com/a/", "GET", "https://evil.example/", 0, true},
		{"a form elsewhere", "a=1", "https://www.example.com/a/", post, "https://evil.example/", 0, false},
		{"a script elsewhere", "a=1", "https://www.example.com/a/", script, "https://evil.example/", 0, false},
		{"a form of the site", "a=1", "https://www.example.com/a/", post, "https://other.example.com/", 0, true},
		{"a form of the site over http", "a=1", "https://www.example.com/a/", post, "http://www.example.com/", 0, false},
		{"Strict, a link elsewhere", "a=1; SameSite=Strict", "https://www.example.com/a/", "GET", "https://evil.example/", 0, false},
		{"Strict, the address bar", "a=1; SameSite=Strict", "https://www.example.com/a/", "GET", "", 0, true},
		{"None, a form elsewhere", "a=1; SameSite=None; Secure", "https://www.example.com/a/", post, "https://evil.example/", 0, true},
		{"None, a script elsewhere", "a=1; SameSite=None; Secure", "https://www.example.com/a/", script, "https://evil.example/", 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var j jar
			set := visit{url: mustParse(t, "https://www.example.com/a/b"), method: "GET", navigates: true, now: now}
			if refused := j.set(set, tt.line); refused != "" {
				t.Fatal(refused)
			}
			v := visit{url: mustParse(t, tt.to), method: strings.Replace(tt.by, script, "GET", 1), navigates: tt.by != script, now: now.Add(tt.later)}
			if tt.from != "" {
				v.crossSite = !sameSite(mustParse(t, tt.from), v.url)
			}
			if got := len(j.get(v)) == 1; got != tt.want {
				t.Errorf("sent: %v, want %v", got, tt.want)
			}
		})
	}
}

// One cookie takes the place of another only if name, host and path agree.
func TestJar_replace(t *testing.T) {
	var j jar
	now := time.Now()
	at := func(u string) visit {
		return visit{url: mustParse(t, u), method: "GET", navigates: true, now: now}
	}
	for _, line := range []string{"a=1; Path=/", "b=1; Path=/", "a=2; Path=/", "a=3; Path=/x", "a=4; Path=/; Domain=example.com", "a=5; Path=/; Partitioned; Secure"} {
		if refused := j.set(at("https://example.com/"), line); refused != "" {
			t.Fatalf("%s: %s", line, refused)
		}
	}
	var got []string
	for _, c := range j.get(at("https://example.com/x/")) {
		got = append(got, c.pair())
	}
	if want := "a=3 a=2 b=1 a=4 a=5"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q: longer paths first, then the older", got, want)
	}
	j.set(at("https://example.com/"), "a=; Path=/; Max-Age=0")
	if n := len(j.cookies); n != 4 {
		t.Errorf("%d cookies after one was cleared, want 4", n)
	}
	j.restart()
	if n := len(j.cookies); n != 0 {
		t.Errorf("%d cookies after the browser was closed, want 0", n)
	}
}

// A page over http cannot hide a Secure cookie behind its own.
func TestJar_leaveSecureAlone(t *testing.T) {
	var j jar
	now := time.Now()
	j.set(visit{url: mustParse(t, "https://example.com/"), navigates: true, now: now}, "id=good; Secure; Path=/")
	refused := j.set(visit{url: mustParse(t, "http://www.example.com/"), navigates: true, now: now}, "id=evil; Path=/; Domain=example.com")
	if refused == "" || len(j.cookies) != 1 || j.cookies[0].value != "good" {
		t.Errorf("refused: %q; %d cookies", refused, len(j.cookies))
	}
}
