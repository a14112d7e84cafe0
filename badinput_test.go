package scarab_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/cookiecodec"
	"github.com/scarab-go/scarab/memstore"
	"github.com/scarab-go/scarab/scarabtest"
)

// reject visits with a cookie header that is no good, and checks what holds
// for all of them: a new session, an ordinary answer, no cookie, nothing
// written.
func reject(t *testing.T, site *site, what string, cookies []string, calls string, events ...string) {
	t.Helper()
	a := site.browser().visit(func(s *scarab.Session) {
		if !s.IsNew() || s.Len() != 0 || s.Principal() != "" || s.Started() {
			t.Errorf("%s opens a session: %s", what, contents(s))
		}
	}, header("Cookie", cookies...))
	if a.status != http.StatusOK || a.set != nil || a.failures != nil || a.calls != calls {
		t.Errorf("%s: %d, Set-Cookie %q, errors %v, store calls %q, want %q", what, a.status, a.set, a.failures, a.calls, calls)
	}
	if got := kinds(a.events); !slices.Equal(got, events) {
		t.Errorf("%s: events %q, want %q", what, got, events)
	}
	for _, e := range a.events {
		if text := fmt.Sprint(e); len(text) > 200 {
			t.Errorf("%s: an event of %d characters: %.100s…", what, len(text), text)
		}
	}
}

func TestBadInput_token(t *testing.T) {
	const malformed, unknown = "session_rejected:malformed", "session_rejected:unknown"
	site := newSite(t, scarab.Config{})
	b := site.browser()
	b.visit(func(s *scarab.Session) { s.Set("a", 1) })
	token := b.token()
	random := func(n int) string { return strings.Repeat("A", 60) + fmt.Sprintf("%04d", n) }
	tests := []struct {
		name   string
		value  string
		calls  string
		events []string
	}{
		{"nothing", "", "", []string{malformed}},
		{"one character", "x", "", []string{malformed}},
		{"a token that was never", random(0), "LoadTouch", []string{unknown}},
		{"cut", token[:63], "", []string{malformed}},
		{"cut in half", token[:32], "", []string{malformed}},
		{"one character more", token + "A", "", []string{malformed}},
		{"twice as long", token + token, "", []string{malformed}},
		{"with padding", token + "=", "", []string{malformed}},
		{"in quotes", `"` + token + `"`, "", []string{malformed}},
		{"of the other alphabet", "+/" + token[2:], "", []string{malformed}},
		{"not ASCII", "ä" + token[2:], "", []string{malformed}},
		{"binary", "\xff\xfe" + token[2:], "", []string{malformed}},
		{"a blank inside", token[:30] + " " + token[31:], "", []string{malformed}},
		{"another secret", token[:63] + flip(token[63]), "LoadTouch", []string{unknown}},
		{"another secret, first bit", token[:22] + flip(token[22]) + token[23:], "LoadTouch", []string{unknown}},
		{"another handle", flip(token[0]) + token[1:], "LoadTouch", []string{unknown}},
		{"the handle in hexadecimal", strings.Repeat("0", 32), "", []string{malformed}},
		{"too long for a cookie", strings.Repeat("x", 4097-len(site.name)), "", []string{"session_rejected:oversized"}},
		{"just not too long", strings.Repeat("x", 4096-len(site.name)), "", []string{malformed}},
		{"code", `<script>alert(1)</script>`, "", []string{malformed}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			reject(t, site, tt.name, []string{site.name + "=" + tt.value}, tt.calls, tt.events...)
		})
	}
	if got := b.sees(); got != "a=1" {
		t.Errorf("then the session has %s", got)
	}
}

// flip is another letter of the base64url alphabet.
func flip(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

// The name is compared exactly: browsers ignore case in prefixes, so anybody can
// set __host-session.
func TestBadInput_name(t *testing.T) {
	site := newSite(t, scarab.Config{})
	b := site.browser()
	b.visit(func(s *scarab.Session) { s.Set("a", 1) })
	for _, name := range []string{"__host-session", "__HOST-SESSION", "__Host-Session", "__Host-session2", "x__Host-session", "session", "$__Host-session"} {
		reject(t, site, name, []string{name + "=" + b.token()}, "")
	}
	for _, line := range []string{
		"%s=%s", " %s = %s ", "\t%s\t=\t%s", "a=1; %s=%s", "a=1;%s=%s;b=2", ";;; ; %s=%s ;", "novalue; %s=%s", "=; %s=%s", "bad\"name=1; %s=%s", "__host-session=x; %s=%s",
	} {
		a := b.visit(func(s *scarab.Session) {
			if contents(s) != "a=1" {
				t.Errorf("%q is not read", line)
			}
		}, header("Cookie", fmt.Sprintf(line, site.name, b.token())))
		if a.events != nil {
			t.Errorf("%q: events %q", line, kinds(a.events))
		}
	}
}

// Several cookies of one name: a sibling host, or a path, may have planted some.
func TestBadInput_several(t *testing.T) {
	const malformed, unknown, many, ambiguous = "session_rejected:malformed", "session_rejected:unknown", "session_rejected:too many cookies of one name", "session_rejected:ambiguous"
	site := newSite(t, scarab.Config{})
	b, mallory := site.browser(), site.browser()
	b.visit(func(s *scarab.Session) { s.Set("a", 1) })
	mallory.visit(func(s *scarab.Session) { s.Set("planted", 1) })
	good, planted := b.token(), mallory.token()
	forged := func(n int) []string {
		var list []string
		for i := range n {
			list = append(list, strings.Repeat("A", 60)+fmt.Sprintf("%04d", i))
		}
		return list
	}
	list := func(parts ...any) (values []string) {
		for _, p := range parts {
			switch p := p.(type) {
			case string:
				values = append(values, p)
			case []string:
				values = append(values, p...)
			}
		}
		return values
	}
	tests := []struct {
		name   string
		values []string
		opens  bool
		calls  int
		events []string
	}{
		{"the same twice", list(good, good), true, 1, nil},
		{"the same 3000 times", slices.Repeat(list(good), 3000), true, 1, nil},
		{"a forged one first", list(forged(1), good), true, 2, []string{unknown}},
		{"a forged one last", list(good, forged(1)), true, 2, []string{unknown}},
		{"malformed ones", list("x", good, "y"), true, 1, []string{malformed, malformed}},
		{"two that open", list(good, planted), false, 2, []string{ambiguous}},
		{"two that open, the other way round", list(planted, good), false, 2, []string{ambiguous}},
		{"two that open and a forged one", list(planted, forged(1), good), false, 3, []string{unknown, ambiguous}},
		{"three forged", list(forged(3)), false, 3, []string{unknown, unknown, unknown}},
		{"the good one is the third", list(forged(2), good), true, 3, []string{unknown, unknown}},
		{"the good one is the fourth", list(forged(3), good), false, 3, []string{unknown, unknown, unknown, many}},
		{"100", list(forged(100)), false, 3, []string{unknown, unknown, unknown, many}},
		{"100 after the good one", list(good, forged(100)), true, 3, []string{unknown, unknown, many}},
		{"3000", list(forged(3000)), false, 3, []string{unknown, unknown, unknown, many}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var lines []string
			for _, v := range tt.values {
				lines = append(lines, site.name+"="+v)
			}
			for how, cookies := range map[string][]string{"one line": {strings.Join(lines, "; ")}, "many lines": lines} {
				calls := strings.TrimSpace(strings.Repeat("LoadTouch ", tt.calls))
				if !tt.opens {
					reject(t, site, how, cookies, calls, tt.events...)
					continue
				}
				a := site.browser().visit(func(s *scarab.Session) {
					if contents(s) != "a=1" {
						t.Errorf("%s: it has %q", how, contents(s))
					}
				}, header("Cookie", cookies...))
				if got := kinds(a.events); a.calls != calls || !slices.Equal(got, tt.events) {
					t.Errorf("%s: store calls %s, want %s; events %q, want %q", how, a.calls, calls, got, tt.events)
				}
			}
		})
	}
}

// A megabyte: net/http answers by itself, unless it was told to take it.
func TestBadInput_megabyte(t *testing.T) {
	site := newSite(t, scarab.Config{})
	big := header("Cookie", site.name+"="+strings.Repeat("x", 2<<20))
	a, err := site.browser().try(func(http.ResponseWriter, *http.Request) { t.Error("the handler runs") }, big)
	if err == nil && a.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%d", a.status)
	}
	site.limit = 8 << 20
	site.serve(site.factory.Wrap)
	reject(t, site, "2 MB", []string{site.name + "=" + strings.Repeat("x", 2<<20)}, "", "session_rejected:oversized")
	reject(t, site, "2 MB of others", []string{strings.Repeat("x=y; ", 400_000)}, "")
}

func TestBadInput_cookie(t *testing.T) {
	key, err := cookiecodec.GenerateKey(256)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := cookiecodec.NewKeyring(key)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := cookiecodec.NewSealed(ring)
	if err != nil {
		t.Fatal(err)
	}
	for kind, codec := range map[string]scarab.Codec{"signed": signedCodec(t), "sealed": sealed} {
		t.Run(kind, func(t *testing.T) {
			site := newSiteOn(t, scarab.InCookie(codec), scarab.Config{IdleTimeout: time.Hour, Lifetime: 90 * time.Minute})
			other := newSiteOn(t, scarab.InCookie(codec), scarab.Config{Cookie: scarab.Cookie{Name: "other"}})
			b, o := site.browser(), other.browser()
			b.visit(func(s *scarab.Session) { s.Set("a", 1) })
			o.visit(func(s *scarab.Session) { s.Set("a", 1) })
			value := b.token()
			cookie := func(v string) []string { return []string{site.name + "=" + v} }
			const forged = "session_rejected:forged"
			for what, v := range map[string]string{
				"nothing":             "",
				"text":                "hello",
				"cut by one":          value[:len(value)-1],
				"cut by four":         value[:len(value)-4],
				"cut in half":         value[:len(value)/2],
				"one character more":  value + "A",
				"twice":               value + value,
				"first byte changed":  flip(value[0]) + value[1:],
				"middle byte changed": value[:len(value)/2] + flip(value[len(value)/2]) + value[len(value)/2+1:],
				"with padding":        value + "=",
				"a token of a store":  strings.Repeat("A", 64),
				"no signature":        base64.RawURLEncoding.EncodeToString([]byte(`[1772452800, 1772452800.0, {"admin": true}]`)),
			} {
				reject(t, site, what, cookie(v), "", forged)
			}
			if kind == "sealed" { // Pyramid's signature does not know the name
				reject(t, site, "the value of another cookie", cookie(o.token()), "", forged)
			}
			reject(t, site, "too long", cookie(strings.Repeat("A", 4096)), "", "session_rejected:oversized")

			site.clock.Advance(59 * time.Minute)
			if got := b.clone().sees(); got != "a=1" {
				t.Errorf("before the idle timeout: %s", got)
			}
			site.clock.Advance(2 * time.Minute)
			reject(t, site, "after the idle timeout", cookie(value), "", "session_expired:idle")
			site.clock.Advance(29 * time.Minute)
			reject(t, site, "after the lifetime", cookie(value), "", "session_expired:absolute")
			site.clock.Advance(-3 * time.Hour)
			reject(t, site, "from the future", cookie(value), "", "session_rejected:from the future")
		})
	}
}

// A signed payload that is no session is none either: somebody else may sign with
// the same key.
func TestBadInput_payload(t *testing.T) {
	codec := signedCodec(t)
	site := newSiteOn(t, scarab.InCookie(codec), scarab.Config{})
	for _, payload := range []string{
		``, `x`, `null`, `{}`, `[]`, `[1772452800, 1772452800.0]`, `[1772452800, 1772452800.0, {}, 1]`, `[1772452800, 1772452800.0, 1]`, `[1772452800, 1772452800.0, {}] x`,
		`["x", 1772452800.0, {}]`, `[NaN, 1, {}]`, `[1e999, 1, {}]`, `[1772452800, Infinity, {}]`, `[null, 1, {}]`, `[1772452800, 1772452800.0, [["a"]]]`, `[1772452800, 1772452800.0, [[1, 2]]]`,
		`[1772452800, 1772452800.0, {"a": }]`, `[1772452800, 1772452800.0, {"a": 01}]`, `[1772452800, 1772452800.0, {a: 1}]`, "[1772452800, 1772452800.0, {\"\xff\": 1}]",
		`[1772452800, 1772452800.0, {"_scarab_": 1}]`, `[1772452800, 1772452800.0, {"_scarab_": {"deadline": "x"}}]`, `[1772452800, 1772452800.0, {"_scarab_": {"principal": 1}}]`,
		`[1772452800, 1772452800.0, {"_scarab_": {"principal": NaN}}]`, `[1772452800, 1772452800.0, {"_scarab_": {"idle": -1}}]`, `[1772452800, 1772452800.0, {"_scarab_": {"idle": "x"}}]`,
		`[1772452800, 1772452800.0, {"_scarab_": {"idle": 1e300}}]`, `[1772452800, 1772452800.0, {"_scarab_": {"auth_time": {}}}]`,
		`[1772452800, 1772452800.0, {"a": ` + strings.Repeat("[", 600) + strings.Repeat("]", 600) + `}]`,
	} {
		value, err := codec.Encode(site.name, []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		reject(t, site, payload[:min(len(payload), 80)], []string{site.name + "=" + value}, "", "session_rejected:malformed")
	}
}

// A record that does not decode is no session, and stays for the operator.
func TestBadInput_record(t *testing.T) {
	for name, data := range map[string]string{
		"none":                         "",
		"one byte":                     "\x01",
		"a format of later versions":   "\x09\x00\x00",
		"an unknown persistence":       "\x01\x07\x00",
		"more entries than bytes":      "\x01\x00\x7f",
		"a key beyond the end":         "\x01\x00\x01\x7fa\x011",
		"a value beyond the end":       "\x01\x00\x01\x02a\x7f1",
		"a length without end":         "\x01\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01a",
		"something after the end":      "\x01\x00\x00x",
		"numbers beyond the end":       "\x01\x00\x01\x03a\x02[]\x7f",
		"numbers without end":          "\x01\x00\x01\x03a\x02[]\x01\xff",
		"the data of somebody else's":  `{"a": 1}`,
		"a count of four billion keys": "\x01\x00\xff\xff\xff\xff\x0f",
	} {
		t.Run(name, func(t *testing.T) {
			site := newSite(t, scarab.Config{})
			b := site.browser()
			b.visit(func(s *scarab.Session) { s.Set("a", 1) })
			site.edit(b, func(r *scarab.Record) { r.Data = []byte(data) })
			reject(t, site, name, []string{site.name + "=" + b.token()}, "LoadTouch", "session_rejected:undecodable")
			// Somebody who starts anew gets another record.
			a := b.visit(func(s *scarab.Session) { s.Set("b", 1) })
			if a.status != http.StatusOK || a.calls != "LoadTouch Create" || b.sees() != "b=1" {
				t.Errorf("starting anew: %d, store calls %s", a.status, a.calls)
			}
			found := false
			for r := range site.store.Scan(t.Context()) {
				found = found || string(r.Data) == data
			}
			if !found {
				t.Error("the record is gone")
			}
		})
	}
}

// What was ended opens nothing, and nothing takes its place.
func TestBadInput_ended(t *testing.T) {
	fallback := []scarab.Fallback{{Backend: scarab.InCookie(signedCodec(t)), CookieName: "old"}}
	for name, end := range map[string]func(*site, *scarab.Session){
		"invalidated": func(_ *site, s *scarab.Session) { s.Invalidate() },
		"revoked":     func(site *site, s *scarab.Session) { _ = site.factory.Revoke(context.Background(), s.Handle()) },
	} {
		for _, cfg := range []scarab.Config{{}, {Fallbacks: fallback}} {
			site := newSite(t, cfg)
			b := site.browser()
			b.visit(func(s *scarab.Session) { s.Set("a", 1) })
			token := b.token()
			b.visit(func(s *scarab.Session) { end(site, s) })
			reject(t, site, name, []string{site.name + "=" + token}, "LoadTouch", "session_rejected:unknown")
		}
		// One that came from a fallback is not adopted again.
		old := newSiteOn(t, fallback[0].Backend, scarab.Config{Cookie: scarab.Cookie{Name: "old"}}).browser()
		old.visit(func(s *scarab.Session) { s.Set("a", 1) })
		site := newSite(t, scarab.Config{Fallbacks: fallback})
		b := site.browser()
		b.cookies["old"] = old.token()
		if got := b.sees(); got != "a=1" {
			t.Errorf("%s: adopted %s", name, got)
		}
		b.visit(func(s *scarab.Session) { end(site, s) })
		reject(t, site, name, []string{"old=" + old.token()}, "Load", "session_rejected:ended")
	}
	// A tombstone has the handle and no secret: no token opens it.
	site := newSite(t, scarab.Config{Fallbacks: fallback})
	handle := strings.Repeat("0", 32)
	if err := site.factory.Revoke(t.Context(), handle); err != nil {
		t.Fatal(err)
	}
	reject(t, site, "the token of a tombstone", []string{site.name + "=" + strings.Repeat("A", 64)}, "LoadTouch", "session_rejected:unknown")
}

// A cookie that a deny list has ended.
func TestBadInput_denied(t *testing.T) {
	denied := scarabtest.NewFailingStore(memstore.New())
	site := newCookieSite(t, scarab.Config{}, scarab.DenyList(denied))
	b := site.browser()
	b.visit(func(s *scarab.Session) { s.Set("a", 1) })
	copied := b.token()
	b.visit((*scarab.Session).Invalidate)
	reject(t, site, "a copied cookie", []string{site.name + "=" + copied}, "", "session_rejected:ended")
	denied.On(scarabtest.Load, 1, scarabtest.Refuse)
	a := b.ask(func(w http.ResponseWriter, r *http.Request) {
		if _, err := scarab.From(r.Context()); !errors.Is(err, scarabtest.ErrFault) {
			t.Errorf("From, with the deny list out of reach: %v", err)
		}
	}, header("Cookie", site.name+"="+copied))
	if a.set != nil {
		t.Errorf("Set-Cookie %q", a.set)
	}
}

// Events of one kind and reason that a stranger can cause come 60 a minute, then
// as a count.
func TestEvents_limit(t *testing.T) {
	site := newSite(t, scarab.Config{})
	visit := func(value string) []scarab.Event {
		return site.browser().visit(func(*scarab.Session) {}, header("Cookie", site.name+"="+value)).events
	}
	n := 0
	for range 200 {
		n += len(visit("forged"))
	}
	if n != 60 {
		t.Errorf("%d events of one kind in a minute", n)
	}
	if got := kinds(visit(strings.Repeat("A", 64))); !slices.Equal(got, []string{"session_rejected:unknown"}) {
		t.Errorf("another reason: %q", got)
	}
	site.clock.Advance(time.Minute)
	events := visit("forged")
	if len(events) != 1 || events[0].Err == nil || events[0].Err.Error() != "140 more were not reported" {
		t.Errorf("a minute later: %v", events)
	}
	if events := visit("forged"); len(events) != 1 || events[0].Err != nil {
		t.Errorf("and the next one: %v", events)
	}
	// What the application does is never held back.
	n = 0
	for range 100 {
		n += len(site.browser().visit(func(s *scarab.Session) { s.Set("a", 1) }).events)
	}
	if n != 100 {
		t.Errorf("%d of 100 sessions were reported", n)
	}
}

// A backend may have any number of reasons; they cost a bounded amount of memory.
func TestEvents_limitOfReasons(t *testing.T) {
	n := 0
	site := newSiteOn(t, rejecting(func() error {
		n++
		return fmt.Errorf("%w: reason %d", scarab.ErrNoSession, n)
	}), scarab.Config{})
	passed := 0
	for range 1000 {
		passed += len(site.browser().visit(func(*scarab.Session) {}, header("Cookie", site.name+"=x")).events)
	}
	if passed != 100+60 {
		t.Errorf("%d of 1000 reasons were reported", passed)
	}
}

// rejecting is a backend that has no session, for the reason it is told.
type rejecting func() error

func (r rejecting) Load(context.Context, time.Time, string, string) (*scarab.State, error) {
	return nil, r()
}

func (r rejecting) Commit(context.Context, time.Time, string, string, scarab.Op, *scarab.State) (string, error) {
	return "", errors.ErrUnsupported
}

// A codec may say why it refuses a value, in words that events show.
func TestCodec_reason(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{errors.New("the secret is 1234"), "session_rejected:forged"},
		{scarab.ErrNoSession, "session_rejected:unknown"},
		{fmt.Errorf("%w: a pickle that calls", scarab.ErrNoSession), "session_rejected:a pickle that calls"},
	} {
		site := newSiteOn(t, scarab.InCookie(refusing{tt.err}), scarab.Config{})
		reject(t, site, tt.want, []string{site.name + "=x"}, "", tt.want)
	}
}

// refusing is a codec that accepts nothing.
type refusing struct{ err error }

func (r refusing) Encode(string, []byte) (string, error) { return "x", nil }
func (r refusing) Decode(string, string) ([]byte, error) { return nil, r.err }

func TestOp_String(t *testing.T) {
	if got := fmt.Sprint(scarab.Create, scarab.Delete, scarab.Op(0), scarab.Op(6)); got != "create delete none Op(6)" {
		t.Error(got)
	}
}
