package cookiecodec

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"strings"
	"testing"
)

// A pyramidVector is an entry of testdata/signed_cookie_json.json, whose
// cookies Pyramid made and judged. What the codec can decide is the envelope:
// the JSON in it is not its business.
type pyramidVector struct {
	ID, Kind, Secret, Salt, HashAlg string
	Payload                         []byte `json:"payload_b64"`
	Value                           string `json:"cookie_value"`
	Header                          string `json:"cookie_header"`
	Lenient                         bool
	Expect                          struct{ Verdict string }
}

func (v pyramidVector) config() SignedConfig {
	c := SignedConfig{SecretText: []string{v.Secret}, Salt: v.Salt, NoSalt: v.Salt == "", Hash: v.HashAlg}
	if v.HashAlg == "blake2b" {
		c.Hash, c.HashFunc = "", newBLAKE2b
	}
	return c
}

func pyramidVectors(t testing.TB, kind string) (vectors []pyramidVector) {
	t.Helper()
	var file struct{ Vectors []pyramidVector }
	readJSON(t, "testdata/signed_cookie_json.json", &file)
	for _, v := range file.Vectors {
		if v.Kind == kind {
			vectors = append(vectors, v)
		}
	}
	return vectors
}

func TestSigned_WritesWhatPyramidWrites(t *testing.T) {
	vectors := pyramidVectors(t, "write")
	if len(vectors) != 31 {
		t.Fatalf("%d vectors, want 31", len(vectors))
	}
	for _, v := range vectors {
		c := newTestSigned(t, v.config())
		if got := encode(t, c, "session", v.Payload); got != v.Value {
			t.Errorf("%s:\ngot  %s\nwant %s", v.ID, got, v.Value)
		}
		if got, err := c.Decode("session", v.Value); err != nil || string(got) != string(v.Payload) {
			t.Errorf("%s: Decode: %q, %v", v.ID, got, err)
		}
	}
}

func TestSigned_JudgesAsPyramidDoes(t *testing.T) {
	verdicts := map[bool]int{}
	for _, v := range pyramidVectors(t, "read") {
		c := newTestSigned(t, v.config())
		// The last cookie of the name, as Pyramid takes it.
		value := ""
		for pair := range strings.SplitSeq(v.Header, "; ") {
			if name, text, _ := strings.Cut(pair, "="); name == "session" {
				value = text
			}
		}
		// Vectors with a payload are signed well, even if Pyramid then
		// stumbles over the payload. Of the spellings that Python writes to
		// nobody, none is taken.
		want := (v.Payload != nil || v.Expect.Verdict == "accept" || v.Expect.Verdict == "expired") && !v.Lenient
		payload, err := c.Decode("session", value)
		if got := err == nil; got != want {
			t.Errorf("%s: signature taken: %v, want %v (%v)", v.ID, got, want, err)
		}
		if v.Payload != nil && string(payload) != string(v.Payload) {
			t.Errorf("%s: payload %q, want %q", v.ID, payload, v.Payload)
		}
		verdicts[want]++
	}
	if verdicts[true] != 42 || verdicts[false] != 25 {
		t.Errorf("%d taken and %d refused, want 42 and 25", verdicts[true], verdicts[false])
	}
}

// Pyramid stores at most 4064 characters, which is the caller's to hold to.
func TestSigned_LongestOfPyramid(t *testing.T) {
	for _, v := range pyramidVectors(t, "size") {
		if v.ID != "size-max" {
			continue
		}
		c := newTestSigned(t, v.config())
		payload, err := c.Decode("session", v.Value)
		if err != nil || encode(t, c, "session", payload) != v.Value || len(v.Value) != 4064 {
			t.Errorf("value of %d characters: %v", len(v.Value), err)
		}
		return
	}
	t.Error("no vector size-max")
}

// Without the vectors: the format in three lines.
func TestSigned_Defaults(t *testing.T) {
	payload := []byte("payload")
	mac := hmac.New(sha512.New, []byte("pyramid.session."+"secret"))
	mac.Write(payload)
	want := toBase64(append(mac.Sum(nil), payload...))
	for _, c := range []SignedConfig{
		{Secrets: [][]byte{[]byte("secret")}},
		{SecretText: []string{"secret"}},
		{SecretText: []string{"secret"}, Salt: "pyramid.session.", Hash: "sha512"},
		{SecretText: []string{"pyramid.session.secret"}, NoSalt: true},
		{SecretText: []string{"secret"}, HashFunc: sha512.New},
	} {
		if got := encode(t, newTestSigned(t, c), "any", payload); got != want {
			t.Errorf("%+v:\ngot  %s\nwant %s", c, got, want)
		}
	}
}

func TestSigned_Rotation(t *testing.T) {
	of := func(secrets ...string) *Signed { return newTestSigned(t, SignedConfig{SecretText: secrets}) }
	old, both, swapped, fresh := of("old"), of("old", "new"), of("new", "old"), of("new")
	opens := func(c *Signed, value string) bool {
		payload, err := c.Decode("session", value)
		return err == nil && string(payload) == "payload"
	}
	for _, tt := range []struct {
		name        string
		wrote, read *Signed
		want        bool
	}{
		{"the first secret writes", both, old, true},
		{"the second does not", both, fresh, false},
		{"the second reads", swapped, swapped, true},
		{"what the old one wrote is read on", old, swapped, true},
		{"what a server ahead wrote is read", swapped, both, true},
		{"a dropped secret reads no more", old, fresh, false},
	} {
		if got := opens(tt.read, encode(t, tt.wrote, "session", []byte("payload"))); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// The name is no part of Pyramid's format; a salt is what keeps cookies apart.
func TestSigned_SaltKeepsCookiesApart(t *testing.T) {
	a := newTestSigned(t, SignedConfig{SecretText: []string{"secret"}, Salt: "a."})
	b := newTestSigned(t, SignedConfig{SecretText: []string{"secret"}, Salt: "b."})
	value := encode(t, a, "one", []byte("payload"))
	if _, err := a.Decode("other", value); err != nil {
		t.Errorf("another name: %v", err)
	}
	if _, err := b.Decode("one", value); err != ErrInvalid {
		t.Errorf("another salt: %v", err)
	}
}

func TestSigned_TextBecomesPyramidsBytes(t *testing.T) {
	for _, tt := range []struct{ salt, secret, key string }{
		{"s.", "plain", "s.plain"},
		{"s.", "café", "s.caf\xe9"},
		{"é.", "ÿ", "\xe9.\xff"},
		{"s.", "ключ", "s.ключ"},
		{"é.", "ключ", "é.ключ"}, // not latin-1: then neither is
		{"соль.", "é", "соль.é"},
	} {
		keys, err := (&SignedConfig{SecretText: []string{tt.secret}, Salt: tt.salt}).keys()
		if err != nil || string(keys[0]) != tt.key {
			t.Errorf("salt %q and secret %q: %q, %v, want %q", tt.salt, tt.secret, keys[0], err, tt.key)
		}
	}
	for salt, key := range map[string]string{"é.": "\xe9.\xfe\xff", "соль.": "соль.\xfe\xff"} {
		keys, err := (&SignedConfig{Secrets: [][]byte{{0xfe, 0xff}}, Salt: salt}).keys()
		if err != nil || string(keys[0]) != key {
			t.Errorf("salt %q and bytes: %q, %v, want %q", salt, keys[0], err, key)
		}
	}
}

func TestSigned_TakesACopyOfSecrets(t *testing.T) {
	secret := []byte("secret of the caller")
	c := newTestSigned(t, SignedConfig{Secrets: [][]byte{secret}})
	value := encode(t, c, "session", []byte("payload"))
	clear(secret)
	if _, err := c.Decode("session", value); err != nil {
		t.Error(err)
	}
}

func TestNewSigned_Mistakes(t *testing.T) {
	once := sha256.New()
	for _, tt := range []struct {
		name, says string
		c          SignedConfig
	}{
		{"no secret", "no secret", SignedConfig{}},
		{"an empty secret", "Secrets[1] is empty", SignedConfig{Secrets: [][]byte{[]byte("a"), nil}}},
		{"an empty text", "SecretText[0] is empty", SignedConfig{SecretText: []string{""}}},
		{"bytes as text", "use Secrets", SignedConfig{SecretText: []string{"\xff"}}},
		{"bytes as salt", "not UTF-8", SignedConfig{SecretText: []string{"a"}, Salt: "\xff"}},
		{"both kinds of secrets", "drop one", SignedConfig{Secrets: [][]byte{[]byte("a")}, SecretText: []string{"a"}}},
		{"salt and no salt", "drop one", SignedConfig{SecretText: []string{"a"}, Salt: "a", NoSalt: true}},
		{"two hashes", "drop one", SignedConfig{SecretText: []string{"a"}, Hash: "sha256", HashFunc: sha256.New}},
		{"a hash that is not in the standard library", "set HashFunc", SignedConfig{SecretText: []string{"a"}, Hash: "blake2b"}},
		{"a hash that nobody has", "sha512_256", SignedConfig{SecretText: []string{"a"}, Hash: "sha-512"}},
		{"a hash function that returns one hash", "unique", SignedConfig{SecretText: []string{"a"}, HashFunc: func() hash.Hash { return once }}},
		{"a hash function that returns nil", "cannot be used", SignedConfig{SecretText: []string{"a"}, HashFunc: func() hash.Hash { return nil }}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := NewSigned(tt.c)
			if err == nil || s != nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, %v, want %q", s, err, tt.says)
			}
		})
	}
}

func TestHashes(t *testing.T) {
	for name, newHash := range hashes {
		c := newTestSigned(t, SignedConfig{SecretText: []string{"a"}, Hash: name})
		value := encode(t, c, "session", nil)
		if got, want := len(fromBase64(t, value)), newHash().Size(); got != want {
			t.Errorf("%s: signature of %d bytes, want %d", name, got, want)
		}
		if _, err := c.Decode("session", value[:len(value)-4]); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: shorter than a signature: %v", name, err)
		}
	}
}

func TestSigned_PrintsNoSecret(t *testing.T) {
	c := newTestSigned(t, SignedConfig{SecretText: []string{"tell nobody"}})
	encode(t, c, "session", nil)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		printed := fmt.Sprintf(format, c)
		for _, shown := range []string{"tell nobody", fmt.Sprintf("%x", "tell nobody"), strings.Trim(fmt.Sprint([]byte("tell nobody")), "[]")} {
			if strings.Contains(printed, shown) {
				t.Errorf("%s prints the secret: %s", format, printed)
			}
		}
	}
}
