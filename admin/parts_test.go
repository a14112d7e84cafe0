package admin

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/admin/internal/schema"
)

func TestAddress(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.7:1234": "192.0.2.7", "[2001:db8::7]:1": "2001:db8::/64", "[::ffff:192.0.2.7]:1": "192.0.2.7", "[fe80::1%eth0]:1": "fe80::/64", "@": "@", "": "",
	} {
		if got := address(remote); got != want {
			t.Errorf("%q: %q, want %q", remote, got, want)
		}
	}
}

func TestDevice(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                           "Firefox on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0":    "Edge on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15":            "Safari on macOS",
		"Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36":                     "Chrome on Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile Safari/604.1": "Safari on iPhone",
		"curl/8.10.0": "curl", "": "Browser", "<script>": "Browser",
	} {
		if got := device(agent); got != want {
			t.Errorf("%q: %q, want %q", agent, got, want)
		}
	}
}

// Whoever is held up does not hold up others, and memory is bounded.
func TestLimiter(t *testing.T) {
	var l limiter
	now := time.Unix(1_700_000_000, 0)
	for range 5 {
		l.try(now, "eve", "192.0.2.1")
	}
	if l.wait(now, "eve", "192.0.2.1") != 5*time.Minute || l.wait(now, "eve", "192.0.2.2") != 0 || l.wait(now, "bob", "192.0.2.1") != 0 {
		t.Error("five failures: eve from there waits, and nobody else")
	}
	if l.wait(now.Add(5*time.Minute), "eve", "192.0.2.1") != 0 {
		t.Error("five minutes later eve still waits")
	}
	for i := range 20 {
		l.try(now, "zoe", "192.0.2.9")
		l.succeed("zoe", "192.0.2.9")
		if l.wait(now, "zoe", "192.0.2.9") != 0 {
			t.Fatalf("after %d good logins zoe waits", i)
		}
	}
	for i := range 3 * maxCounted {
		l.try(now, fmt.Sprint(i), fmt.Sprint(i%7))
	}
	if len(l.counts) > maxCounted+3 {
		t.Errorf("%d counts are kept", len(l.counts))
	}
}

// The counts of a day are kept, and those of the day before are not.
func TestEvents_day(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	e := &Events{Clock: func() time.Time { return now }}
	login := scarab.Event{Kind: scarab.EventLogin, Principal: "eve"}
	e.Record(context.Background(), login)
	e.Sample(7)
	now = now.Add(slotLength)
	e.Record(context.Background(), login)
	e.Record(context.Background(), login)
	slots, recent := e.day()
	if len(slots) != daySlots || slots[daySlots-1].logins() != 2 || slots[daySlots-2].logins() != 1 || slots[daySlots-2].active != 7 || slots[daySlots-1].active != 7 || len(recent) != 3 {
		t.Errorf("%+v, %d recent", slots[daySlots-2:], len(recent))
	}
	now = now.Add(24*time.Hour - slotLength)
	if slots, _ := e.day(); slots[0].logins() != 2 {
		t.Errorf("a day later the oldest is %+v", slots[0])
	}
	now = now.Add(slotLength)
	slots, _ = e.day()
	for _, s := range slots {
		if s.logins() != 0 {
			t.Errorf("after a day there still is %+v", s)
		}
	}
	for i := range 1000 {
		e.Record(context.Background(), scarab.Event{Kind: scarab.EventRejected, Reason: fmt.Sprint(i)})
	}
	if slots, recent := e.day(); len(slots[daySlots-1].counts) > reasonsKept+1 || len(recent) != recentKept {
		t.Errorf("%d reasons, %d recent", len(slots[daySlots-1].counts), len(recent))
	}
}

func TestFileName(t *testing.T) {
	for want, parts := range map[string][]string{
		"products-1-picture": {"products", "1", "picture"}, "": {"..", "/", "\r\n"}, "etcpasswd": {"../etc/passwd", `"; x="` + "\x00"},
		strings.Repeat("x", 60): {strings.Repeat("x", 500)},
	} {
		got := fileName(parts...)
		if strings.Contains(want, "etc") {
			got = strings.TrimSuffix(got, "-x")
		}
		if got != want {
			t.Errorf("%q: %q, want %q", parts, got, want)
		}
	}
}

func TestDefaultText(t *testing.T) {
	text := func(s string) *string { return &s }
	for _, tt := range []struct {
		kind schema.Kind
		def  *string
		want string
		ok   bool
	}{
		{schema.Text, nil, "", false}, {schema.Text, text("'it''s'"), "it's", true}, {schema.Text, text("'new'::character varying"), "new", true},
		{schema.Integer, text("-5"), "-5", true}, {schema.Decimal, text("1.50"), "1.50", true}, {schema.Bool, text("1"), "true", true}, {schema.Bool, text("FALSE"), "false", true},
		{schema.DateTime, text("CURRENT_TIMESTAMP"), "", false}, {schema.Text, text("lower('X')"), "", false}, {schema.Text, text("'a' || 'b'"), "", false},
	} {
		got, ok := defaultText(&schema.Column{Kind: tt.kind, Default: tt.def})
		if ok != tt.ok || ok && got != tt.want {
			t.Errorf("%v: %q, %t; want %q, %t", tt.def, got, ok, tt.want, tt.ok)
		}
	}
}

func TestJSONProblem(t *testing.T) {
	for text, want := range map[string]string{`{}`: "", `[1, "x", null]`: "", ` 1 `: "", `{"a":}`: "line 1", "{\n\n]": "line 3", `{} {}`: "after the value", ``: "EOF", `{"a": 1,}`: "line 1"} {
		if got := jsonProblem(text); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
