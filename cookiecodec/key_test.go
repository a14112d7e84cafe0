package cookiecodec

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestGenerateKey(t *testing.T) {
	seen := map[string]bool{}
	for bits := minKey * 8; bits <= maxKey*8; bits += 8 {
		k, err := GenerateKey(bits)
		if err != nil {
			t.Fatal(err)
		}
		if len(k.Reveal()) != bits/4 || len(k.ID()) != 16 || seen[k.ID()] {
			t.Errorf("%d bits: key of %d digits with id %s", bits, len(k.Reveal()), k.ID())
		}
		seen[k.ID()] = true
		again, err := ParseKey("\n " + strings.ToUpper(k.Reveal()) + "\r\n")
		if err != nil || again.ID() != k.ID() || again.Reveal() != k.Reveal() {
			t.Errorf("ParseKey(Reveal()) = %v, %v, want %v", again, err, k)
		}
	}
	for _, bits := range []int{-8, 0, 8, 128, 255, 257, 1025, 1032, 1 << 40} {
		if k, err := GenerateKey(bits); err == nil || k != (Key{}) {
			t.Errorf("GenerateKey(%d) = %v, %v", bits, k, err)
		}
	}
}

func TestParseKey_Refuses(t *testing.T) {
	sequence := make([]byte, 64)
	for i := range sequence {
		sequence[i] = byte(i)
	}
	random := newTestKey(t).Reveal()
	hashed := sha256.Sum256([]byte("secret"))
	echoed := sha256.Sum256([]byte("changeme\n"))
	for _, tt := range []struct{ name, key, reason string }{
		{"nothing", "", "too short"},
		{"white space", " \n", "too short"},
		{"a password", "correct horse battery staple", "not hexadecimal"},
		{"base64", "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=", "not hexadecimal"},
		{"a prefix", "0x" + random, "not hexadecimal"},
		{"two keys", random + "\n" + random, "not hexadecimal"},
		{"half a byte", random[1:], "not hexadecimal"},
		{"a character that looks like a digit", "０" + random, "not hexadecimal"},
		{"128 bits", random[:32], "too short"},
		{"248 bits", random[:62], "too short"},
		{"1032 bits", strings.Repeat(random, 3)[:258], "too long"},
		{"a megabyte", strings.Repeat("ab", 1<<20), "too long"},
		{"zeros", strings.Repeat("00", 32), "low entropy"},
		{"a word in hexadecimal", strings.Repeat("deadbeef", 8), "low entropy"},
		{"all digits", strings.Repeat("0123456789abcdef", 4), "low entropy"},
		{"128 bits twice", random[:32] + random[:32], "low entropy"},
		{"160 bits, once and a bit", random[:40] + random[:40], "low entropy"},
		{"a sequence", hex.EncodeToString(sequence), "low entropy"},
		{"a sequence from elsewhere", hex.EncodeToString(sequence[7:39]), "low entropy"},
		{"doubled digits", strings.Repeat("00112233445566778899aabbccddeeff", 2), "low entropy"},
		{"a pass phrase in hexadecimal", hex.EncodeToString([]byte("Correct horse, battery staple! 42")), "low entropy"},
		{"hexadecimal in hexadecimal", hex.EncodeToString([]byte(random[:64])), "low entropy"},
		{"a key of NIST", strings.ToUpper(samples[0]), "sample"},
		{"the hash of a word", hex.EncodeToString(hashed[:]), "sample"},
		{"the hash of a word and a line break", hex.EncodeToString(echoed[:]), "sample"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k, err := ParseKey(tt.key)
			var refused *KeyError
			if !errors.As(err, &refused) || refused.Reason != tt.reason || k != (Key{}) {
				t.Fatalf("%v, %v, want %q", k, err, tt.reason)
			}
			if !strings.HasSuffix(err.Error(), "scarab keygen") {
				t.Errorf("no hint in %q", err)
			}
			if len(tt.key) > 8 && strings.Contains(err.Error(), tt.key[:8]) {
				t.Errorf("%q shows the key", err)
			}
		})
	}
}

// The keys of the vectors are in a public file.
func TestParseKey_RefusesTheKeysOfTheVectors(t *testing.T) {
	for _, v := range sealedVectors(t) {
		var refused *KeyError
		if _, err := ParseKey(hex.EncodeToString(v.Key)); !errors.As(err, &refused) || refused.Reason != "sample" {
			t.Errorf("key %x: %v", []byte(v.Key), err)
		}
	}
}

func TestKey_PrintsNoSecret(t *testing.T) {
	k := newTestKey(t)
	secret := k.k.secret.bytes
	ring := newTestRing(t, k)
	sealed := newTestSealed(t, ring)
	encode(t, sealed, "session", nil)

	type settings struct {
		Key    Key
		hidden Key // fmt cannot call its methods
	}
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	for _, v := range []any{k, &k, []Key{k}, settings{k, k}, &settings{k, k}, ring, *ring, sealed, map[Key]int{k: 1}} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X"} {
			fmt.Fprintf(&log, format+"\n", v)
		}
		logger.Info("", "value", v)
		if err := json.NewEncoder(&log).Encode(map[string]any{"value": fmt.Sprint(v)}); err != nil {
			t.Error(err)
		}
	}
	for _, shown := range []string{
		hex.EncodeToString(secret[:8]), strings.ToUpper(hex.EncodeToString(secret[:8])), string(secret[:8]),
		strings.Trim(fmt.Sprint(secret[:8]), "[]"), strings.TrimSuffix(fmt.Sprintf("%#v", secret[:4]), "}")[7:],
		hex.EncodeToString(k.k.secret.prk[:8]), strings.Trim(fmt.Sprint(k.k.secret.prk[:8]), "[]"),
	} {
		if strings.Contains(log.String(), shown) {
			t.Errorf("%q is in\n%s", shown, log.String())
		}
	}
	if want := "cookiecodec.Key(id " + k.ID() + ", redacted)"; !strings.Contains(log.String(), want) {
		t.Errorf("no %q", want)
	}
	if got, want := ring.String(), "cookiecodec.Keyring(ids "+k.ID()+")"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if zero := (Key{}); zero.String() != "cookiecodec.Key(id none, redacted)" || zero.Reveal() != "" {
		t.Errorf("the zero Key: %v, %q", zero, zero.Reveal())
	}
}

func TestNewKeyring_Mistakes(t *testing.T) {
	a, b := newTestKey(t), newTestKey(t)
	again, err := ParseKey(a.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		keys []Key
		says string
	}{
		"no key":          {nil, "needs a key"},
		"the zero key":    {[]Key{a, {}}, "key 1 of the keyring is the zero Key"},
		"zero keys first": {[]Key{{}, {}, a}, "key 0 of the keyring is the zero Key"},
		"a key twice":     {[]Key{b, a, again}, "keys 1 and 2 of the keyring are the same, with the id " + a.ID()},
	} {
		if r, err := NewKeyring(tt.keys...); err == nil || r != nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, %v, want %q", name, r, err, tt.says)
		}
	}
}

func TestNewKeyring_TakesACopy(t *testing.T) {
	keys := []Key{newTestKey(t), newTestKey(t)}
	ring := newTestRing(t, keys...)
	want := ring.String()
	keys[0], keys[1] = keys[1], keys[0]
	if got := ring.String(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
