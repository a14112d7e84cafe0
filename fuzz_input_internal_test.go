package scarab

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// What was read from a cookie is written so that the same is read again.
func FuzzPayload(f *testing.F) {
	for _, p := range payloads(f) {
		f.Add(p)
	}
	for _, s := range []string{
		`{"deadline": 1700003600.5, "principal": "ann", "label": "é", "handle": "00", "auth_time": 1.5, "idle": 60.0, "persistent": true}`,
		`{"deadline": null, "idle": null, "persistent": false}`, `{}`, `{"idle": 1e-9}`, `{"later": [1]}`,
	} {
		f.Add([]byte(`[1700000000, 1700000000.25, {"a": 1, "_scarab_": ` + s + `}]`))
	}
	cfg := Config{}.withDefaults()
	b := &inCookie{cfg: &cfg}
	f.Fuzz(func(t *testing.T, data []byte) {
		st, err := parsePayload(data)
		if err != nil {
			return
		}
		if cap(st.Values) > len(data)+8 {
			t.Errorf("%d bytes make room for %d values", len(data), cap(st.Values))
		}
		first, err := b.appendPayload(nil, st)
		if err != nil {
			t.Fatalf("%q is read, but not written: %v", data, err)
		}
		again, err := parsePayload(first)
		if err != nil {
			t.Fatalf("%q\nis written %q,\nwhich is not read: %v", data, first, err)
		}
		if second, err := b.appendPayload(nil, again); err != nil || !bytes.Equal(first, second) {
			t.Errorf("%q\nis written %q\nand then   %q, %v", data, first, second, err)
		}
		if st.Principal != again.Principal || st.Label != again.Label || st.Handle != again.Handle || st.Idle != again.Idle && st.Idle != 0 && st.Idle != cfg.IdleTimeout || st.persistent != again.persistent {
			t.Errorf("%q: %+v, then %+v", data, st, again)
		}
	})
}

// Frames that are read are written again, and read the same; what they take is
// in proportion to what came.
func FuzzData(f *testing.F) {
	full := State{persistent: persistYes}
	full.set("a", json.RawMessage(`1`))
	full.set("", json.RawMessage(`"x"`))
	full.set("_f_", json.RawMessage(`["m","n"]`))
	full.number(7)
	full.set("_f_q", json.RawMessage(`[1]`))
	empty := State{}
	f.Add(full.appendData(nil))
	f.Add(empty.appendData(nil))
	f.Add([]byte("\x01\x00\xff\xff\xff\xff\x0f"))
	f.Add([]byte("\x01\x00\x01\x03a\x02[]\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Add([]byte("\x01\x00\x02\x02a\x011\x02a\x012"))
	f.Add([]byte{formatTombstone})
	h := Handle{1}
	f.Fuzz(func(t *testing.T, data []byte) {
		input := bytes.Clone(data)
		var st State
		if st.parseData(h, data) != nil {
			if len(st.Values) > len(data) || cap(st.Values) > 2*len(data) {
				t.Errorf("%d bytes that are nothing make room for %d values", len(data), cap(st.Values))
			}
			return
		}
		if cap(st.Values) > len(data)+2 || st.Handle != h.String() {
			t.Errorf("%d bytes make room for %d values; handle %s", len(data), cap(st.Values), st.Handle)
		}
		written := st.appendData(nil) // numbers are not read: they are copied
		var again State
		if err := again.parseData(h, written); err != nil {
			t.Fatalf("%q is written %q: %v", data, written, err)
		}
		if !slices.EqualFunc(st.Values, again.Values, sameValue) || st.persistent != again.persistent {
			t.Errorf("%q: %v, then %v", data, st.Values, again.Values)
		}
		st.loadNumbers()
		again.loadNumbers()
		room := 0
		for _, q := range st.numbers {
			room += cap(q.numbers)
			if strings.HasPrefix(q.key, queuePrefix) && !slices.Equal(again.numbersOf(q.key), st.numbersOf(q.key)) {
				t.Errorf("%q: the numbers of %q are %v, then %v", data, q.key, q.numbers, again.numbersOf(q.key))
			}
		}
		if room > len(data) {
			t.Errorf("%d bytes make room for %d numbers", len(data), room)
		}
		// And with the numbers read.
		var third State
		if err := third.parseData(h, st.appendData(nil)); err != nil || !slices.EqualFunc(st.Values, third.Values, sameValue) {
			t.Errorf("%q: %v", data, err)
		}
		st.set("new", json.RawMessage(`1`))
		st.remove("a")
		if !bytes.Equal(data, input) {
			t.Errorf("%q was changed to %q", input, data)
		}
	})
}

func sameValue(a, b Value) bool { return a.Key == b.Key && bytes.Equal(a.JSON, b.JSON) }

// A token has one spelling.
func FuzzToken(f *testing.F) {
	f.Add(newToken(Handle{1, 2, 3}).String())
	f.Add(strings.Repeat("A", tokenLen))
	f.Add(strings.Repeat("-", tokenLen))
	f.Add(strings.Repeat("A", tokenLen-2) + "\r\n")
	f.Add(strings.Repeat("A", tokenLen-1) + "=")
	f.Add(strings.Repeat("+", tokenLen))
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		tok, ok := parseToken(s)
		if ok && tok.String() != s {
			t.Errorf("%q is accepted, and %q is the same", s, tok)
		}
		if !ok && len(s) == tokenLen {
			if _, err := base64.RawURLEncoding.DecodeString(s); err == nil && !strings.ContainsAny(s, "\r\n") {
				t.Errorf("%q is refused", s)
			}
		}
	})
}

// The reader finds what is there, in order, each once, and stops in time.
func FuzzCookieValues(f *testing.F) {
	const name = "__Host-session"
	for _, s := range []string{
		"", ";", "=", "=;=", name, name + "=", name + "=a", name + " = a ", "a=1; " + name + "=b; c=d", strings.Repeat(name+"=x;", 10), name + "=a;" + name + "=b;" + name + "=c;" + name + "=d;" + name + "=e",
		"__host-session=a", name + `="a"`, name + "=a=b", "x" + name + "=a", name + "\t=\ta", name + "=a\n" + name + "=b", strings.Repeat(";", 1000) + name + "=z",
	} {
		f.Add(s, "")
		f.Add("other=1", s)
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		h := http.Header{"Cookie": {one, two}}
		var want []string
		for _, line := range []string{one, two} {
			for _, part := range strings.Split(line, ";") {
				key, value, ok := strings.Cut(part, "=")
				if value = strings.Trim(value, " \t"); ok && strings.Trim(key, " \t") == name && !slices.Contains(want, value) {
					want = append(want, value)
				}
			}
		}
		values, n := cookieValues(h, name)
		if got := values[:n]; !slices.Equal(got, want[:min(len(want), maxTried+1)]) {
			t.Errorf("%q, %q: got %q, want %q", one, two, got, want)
		}
		// Nothing that net/http finds is missed.
		for _, c := range (&http.Request{Header: h}).CookiesNamed(name) {
			if v := strings.Trim(c.Value, " \t"); v != "" && !c.Quoted && !slices.Contains(want, v) {
				t.Errorf("%q, %q: net/http finds %q", one, two, c.Value)
			}
		}
	})
}
