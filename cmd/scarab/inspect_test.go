package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/cookiecodec"
	"github.com/scarab-go/scarab/pyramid"
)

// A vector is a cookie that Pyramid wrote or was made to read.
type vector struct {
	ID, Kind, Secret, Salt, HashAlg string
	CookieValue                     string          `json:"cookie_value"`
	CookieHeader                    string          `json:"cookie_header"`
	ReadAt                          float           `json:"read_at"`
	Timeout                         json.RawMessage `json:"timeout"`
	Lenient                         bool
	Expect                          *struct {
		Verdict           string
		Created, Accessed float
		State             json.RawMessage
	}
}

// A float is written {"$float": "1.5"}, or as a number.
type float string

func (f *float) UnmarshalJSON(b []byte) error {
	var tagged struct {
		Float string `json:"$float"`
	}
	if err := json.Unmarshal(b, &tagged); err == nil {
		*f = float(tagged.Float)
		return nil
	}
	*f = float(b)
	return nil
}

// inspect says of every cookie what Pyramid says of it.
func TestInspect_signedVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/signed_cookie_json.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []vector }
	if err := json.Unmarshal(text, &file); err != nil || len(file.Vectors) < 50 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	known := map[string]string{
		// A hash of Python's that the standard library does not have.
		"hash-blake2b": "usage",
		// Scarab trusts no time that is far ahead of its clock.
		"timeout-clock-back": "reject", "signed-odd-accessed-future": "reject", "signed-odd-accessed-inf": "reject", "signed-odd-accessed-nan": "reject",
	}
	tried := 0
	for _, v := range file.Vectors {
		cookie := v.CookieValue
		if cookie == "" {
			var ok bool
			if cookie, ok = strings.CutPrefix(v.CookieHeader, "session="); !ok || strings.ContainsAny(cookie, `;"`) {
				continue // about reading headers
			}
		}
		if v.Expect == nil || v.Lenient {
			continue
		}
		tried++
		t.Run(v.ID, func(t *testing.T) {
			args := []string{"inspect", "--format", "signed", "--secret", v.Secret, "--salt", v.Salt, "--hash", v.HashAlg, "--now", string(v.ReadAt)}
			if string(v.Timeout) == "null" {
				args = append(args, "--timeout", "none")
			} else if len(v.Timeout) > 0 {
				args = append(args, "--timeout", string(v.Timeout))
			}
			got := try("", append(args, cookie)...)
			if fromStdin := try(cookie+"\n", append(args, "-")...); fromStdin != got {
				t.Errorf("from standard input: %+v\nas an argument: %+v", fromStdin, got)
			}
			want := "reject"
			if v.Expect.Verdict == "accept" {
				want = "accept"
			}
			if known[v.ID] != "" {
				want = known[v.ID]
			}
			if want == "usage" {
				if got.code != exitUsage {
					t.Errorf("exit %d: %s", got.code, got.err)
				}
				return
			}
			var report verdict
			if err := json.Unmarshal([]byte(got.out), &report); err != nil || report.Verdict != want || (got.code == 0) != (want == "accept") {
				t.Fatalf("exit %d, want %s\n%s%s", got.code, want, got.out, got.err)
			}
			if want != "accept" {
				if report.Reason == "" {
					t.Error("no reason is given")
				}
				return
			}
			if a, b := normal(t, report.State), normal(t, v.Expect.State); a != b {
				t.Errorf("state\n%s\nwant\n%s", a, b)
			}
			for name, pair := range map[string][2]string{"created": {fmt.Sprint(*report.Created), string(v.Expect.Created)}, "accessed": {fmt.Sprint(*report.Accessed), string(v.Expect.Accessed)}} {
				var a, b float64
				fmt.Sscan(pair[0], &a)
				fmt.Sscan(pair[1], &b)
				if d := a - b; d < -1e-6 || d > 1e-6 {
					t.Errorf("%s is %v, want %v", name, a, b)
				}
			}
		})
	}
	if tried < 40 {
		t.Errorf("only %d vectors were tried", tried)
	}
}

// normal writes JSON with its keys in order.
func normal(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestInspect_sealed(t *testing.T) {
	key := strings.TrimSpace(try("", "keygen").out)
	parsed, err := cookiecodec.ParseKey(key)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := cookiecodec.NewKeyring(parsed)
	if err != nil {
		t.Fatal(err)
	}
	codec, err := cookiecodec.NewSealed(ring)
	if err != nil {
		t.Fatal(err)
	}
	cookie, err := codec.Encode("__Host-session", []byte(`[1700000007, 1700000000.25, {"a": 1.5, "n": [NaN, -Infinity], "big": 9007199254740993, "<": "NaN", "_scarab_": {"deadline": 1700050000, "principal": "bob"}}]`))
	if err != nil {
		t.Fatal(err)
	}
	args := func(more ...string) []string {
		return append([]string{"inspect", "--format", "sealed", "--key", key}, more...)
	}
	got := try("", args("--now", "1700000010", cookie)...)
	want := `{"verdict":"accept","created":1700000000.25,"accessed":1700000007,"state":{"a":{"$float":"1.5"},"n":[{"$float":"nan"},{"$float":"-inf"}],"big":{"$int":"9007199254740993"},"<":"NaN"}}` + "\n"
	if got.code != 0 || got.out != want {
		t.Errorf("exit %d\n%swant\n%s%s", got.code, got.out, want, got.err)
	}
	for _, tt := range []struct {
		name, reason string
		args         []string
	}{
		{"unused for too long", "expired: idle", args("--now", "1700001208", cookie)},
		{"lived for too long", "expired: absolute", args("--now", "1700050000", "--timeout", "none", cookie)},
		{"of another name", "forged", args("--now", "1700000010", "--name", "other", cookie)},
		{"cut", "forged", args("--now", "1700000010", cookie[:len(cookie)-1])},
		{"nothing", "forged", args("--now", "1700000010", "")},
	} {
		got := try("", tt.args...)
		if got.code != exitFailed || !strings.Contains(got.out, `"reason":"`+tt.reason+`"`) {
			t.Errorf("%s: exit %d, %s%s", tt.name, got.code, got.out, got.err)
		}
	}
	if got := try("", "inspect", "--format", "sealed", cookie); got.code != exitUsage {
		t.Errorf("without a key: exit %d, %s", got.code, got.err)
	}
	if got := try("", "inspect", "--format", "wax", cookie); got.code != exitUsage || !strings.Contains(got.err, "signed, sealed, ") {
		t.Errorf("an unknown format: exit %d, %s", got.code, got.err)
	}
}

// A cookie may begin with a hyphen.
func TestInspect_hyphen(t *testing.T) {
	codec, err := cookiecodec.NewSigned(cookiecodec.SignedConfig{SecretText: []string{"s"}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2000 {
		cookie, err := codec.Encode("", fmt.Appendf(nil, `[%d, 1, {}]`, i))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(cookie, "-") {
			continue
		}
		for _, args := range [][]string{{"--secret", "s", "--now", fmt.Sprint(i), cookie}, {cookie, "--secret", "s", "--now", fmt.Sprint(i)}, {"--secret", "s", "--now", fmt.Sprint(i), "--", cookie}} {
			if got := try("", append([]string{"inspect", "--format", "signed"}, args...)...); got.code != 0 {
				t.Errorf("%v: exit %d, %s%s", args, got.code, got.out, got.err)
			}
		}
		return
	}
	t.Fatal("no cookie begins with a hyphen")
}

func TestPythonFloat(t *testing.T) {
	for f, want := range map[float64]string{0: "0.0", 1: "1.0", -0.5: "-0.5", 1e15: "1000000000000000.0", 1e16: "1e+16", 1.5e300: "1.5e+300", 0.0001: "0.0001", 0.00001: "1e-05", 1.0 / 3: "0.3333333333333333"} {
		if got := pythonFloat(f); got != want {
			t.Errorf("%g is written %q, want %q", f, got, want)
		}
	}
}

// What replaceWords leaves is JSON whenever what came was.
func FuzzNotation(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":[NaN,-Infinity,Infinity,1.5]}`, `{"NaN":"NaN\\\"NaN"}`, `{"$a":{"b":1e400}}`, `"\u0000scarab nan"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		valid := json.Valid(b)
		out, err := notation(b)
		if valid && err != nil {
			t.Errorf("%q: %v", b, err)
		}
		if err == nil && !json.Valid(out) {
			t.Errorf("%q became %q", b, out)
		}
	})
}

// A cookie of Beaker's, encrypted, with JSON in it.
func TestInspect_beaker(t *testing.T) {
	const encryptKey, validateKey = "an encrypt_key", "a validate_key"
	for _, crypto := range []pyramid.BeakerCrypto{pyramid.BeakerCTR, pyramid.BeakerGCM} {
		for _, bits := range []int{128, 48} {
			backend, err := pyramid.BeakerCookie(pyramid.BeakerConfig{
				EncryptKey: encryptKey, ValidateKey: validateKey, Crypto: crypto, NonceBits: bits, Serializer: pyramid.JSON,
			})
			if err != nil {
				t.Fatal(err)
			}
			now := time.Unix(1_700_000_000, 0)
			st := &scarab.State{Created: now, Seen: now, Values: []scarab.Value{{Key: "user", JSON: []byte(`"ann"`)}}}
			cookie, err := backend.Commit(t.Context(), now, "beaker.session.id", "", scarab.Create, st)
			if err != nil {
				t.Fatal(err)
			}
			args := []string{"inspect", "--format", "beaker-cookie", "--secret", validateKey, "--key", hex.EncodeToString([]byte(encryptKey)), "--now", "1700000010", "--serializer", "json"}
			got := try("", append(args, "--crypto", string(crypto), "--nonce-bits", fmt.Sprint(bits), cookie)...)
			if got.code != 0 || !strings.Contains(got.out, `"user":"ann"`) {
				t.Errorf("%s, %d bits: exit %d, %s%s", crypto, bits, got.code, got.out, got.err)
			}
			if got := try("", append(args, "--crypto", "rot13", cookie)...); got.code != exitUsage {
				t.Errorf("an unknown crypto: exit %d, %s%s", got.code, got.out, got.err)
			}
		}
	}
}
