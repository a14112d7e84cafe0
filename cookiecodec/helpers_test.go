package cookiecodec

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"runtime"
	"testing"
)

// readJSON reads a file of vectors into v.
func readJSON(t testing.TB, file string, v any) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatalf("vectors: %v", err)
	}
}

// hexBytes are bytes that vectors have in hexadecimal.
type hexBytes []byte

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

func newTestKey(t testing.TB) Key {
	t.Helper()
	k, err := GenerateKey(512)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newTestRing(t testing.TB, keys ...Key) *Keyring {
	t.Helper()
	r, err := NewKeyring(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newTestSealed(t testing.TB, ring *Keyring, opts ...SealOption) *Sealed {
	t.Helper()
	c, err := NewSealed(ring, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newTestSigned(t testing.TB, c SignedConfig) *Signed {
	t.Helper()
	s, err := NewSigned(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type codec interface {
	Encode(name string, payload []byte) (string, error)
	Decode(name, value string) ([]byte, error)
}

func encode(t testing.TB, c codec, name string, payload []byte) string {
	t.Helper()
	value, err := c.Encode(name, payload)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// bothCodecs are for tests of what they have in common.
func bothCodecs(t testing.TB) map[string]codec {
	return map[string]codec{
		"signed": newTestSigned(t, SignedConfig{SecretText: []string{"a secret for tests"}}),
		"sealed": newTestSealed(t, newTestRing(t, newTestKey(t), newTestKey(t))),
	}
}

// allocated returns how many bytes f allocates. Nothing else may run meanwhile.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// fromBase64 and toBase64 are of the value's text.
func fromBase64(t testing.TB, value string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func toBase64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
