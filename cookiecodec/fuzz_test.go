package cookiecodec

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// seeds adds each value, and fails if there is none.
func seeds(f *testing.F, values []string) {
	f.Helper()
	n := 0
	for _, v := range values {
		if v != "" {
			n++
		}
		f.Add(v)
	}
	if n == 0 {
		f.Fatal("no seeds")
	}
}

// decodeBudget is how much Decode may allocate for one value: a value of 4096
// characters, the ciphers, and what the runtime does meanwhile.
const decodeBudget = 64 << 10

// Every value has one spelling: what Decode accepts, Encode would have written.
func FuzzSigned_Decode(f *testing.F) {
	var values []string
	for _, kind := range []string{"write", "size"} {
		for _, v := range pyramidVectors(f, kind) {
			values = append(values, v.Value)
		}
	}
	for _, v := range pyramidVectors(f, "read") {
		values = append(values, strings.TrimPrefix(v.Header, "session="))
	}
	seeds(f, values)
	c := newTestSigned(f, pyramidVectors(f, "write")[0].config())
	f.Fuzz(func(t *testing.T, value string) {
		var payload []byte
		var err error
		if n := allocated(func() { payload, err = c.Decode("session", value) }); n > decodeBudget {
			t.Errorf("%d bytes allocated for a value of %d", n, len(value))
		}
		switch {
		case err == nil:
			if got := encode(t, c, "session", payload); got != value {
				t.Errorf("two spellings of one value:\n%q\n%q", value, got)
			}
		case err != ErrInvalid || payload != nil:
			t.Errorf("payload %q, error %v", payload, err)
		}
	})
}

// What was signed is read back, and not after a change of any one byte.
func FuzzSigned_Change(f *testing.F) {
	for _, v := range pyramidVectors(f, "write") {
		f.Add([]byte(v.Payload), uint16(7), byte(1))
	}
	c := newTestSigned(f, SignedConfig{SecretText: []string{"a secret for tests"}})
	f.Fuzz(func(t *testing.T, payload []byte, at uint16, flip byte) {
		checkChange(t, c, "session", payload, at, flip)
	})
}

// As FuzzSigned_Decode. What Encode would have written depends on the salt.
func FuzzSealed_Decode(f *testing.F) {
	vectors := sealedVectors(f)
	var values []string
	for _, v := range vectors {
		values = append(values, v.Value)
	}
	seeds(f, values)
	c := newTestSealed(f, vectors[2].ring(f))
	f.Fuzz(func(t *testing.T, value string) {
		var payload []byte
		var err error
		if n := allocated(func() { payload, err = c.Decode("__Host-session", value) }); n > decodeBudget {
			t.Errorf("%d bytes allocated for a value of %d", n, len(value))
		}
		switch {
		case err == nil:
			salt := fromBase64(t, value)[saltAt:commitmentAt]
			c.sealer.random = func(b []byte) { copy(b, salt) }
			if got := encode(t, c, "__Host-session", payload); got != value {
				t.Errorf("two spellings of one value:\n%q\n%q", value, got)
			}
		case err != ErrInvalid || payload != nil:
			t.Errorf("payload %q, error %v", payload, err)
		}
	})
}

// As FuzzSigned_Change.
func FuzzSealed_Change(f *testing.F) {
	for _, v := range sealedVectors(f) {
		f.Add(v.Name, []byte(v.Payload), uint16(40), byte(0x80))
	}
	c := newTestSealed(f, newTestRing(f, newTestKey(f)))
	f.Fuzz(func(t *testing.T, name string, payload []byte, at uint16, flip byte) {
		checkChange(t, c, name, payload, at, flip)
		value := encode(t, c, name, payload)
		if _, err := c.Decode(name+"x", value); err != ErrInvalid {
			t.Errorf("read under another name: %v", err)
		}
	})
}

func checkChange(t *testing.T, c codec, name string, payload []byte, at uint16, flip byte) {
	value := encode(t, c, name, payload)
	if len(value) > maxText {
		return // no browser sends it
	}
	if got, err := c.Decode(name, value); err != nil || !bytes.Equal(got, payload) {
		t.Fatalf("Decode(Encode(%q)) = %q, %v", payload, got, err)
	}
	b := fromBase64(t, value)
	b[int(at)%len(b)] ^= flip
	if _, err := c.Decode(name, toBase64(b)); (err == nil) != (flip == 0) {
		t.Errorf("byte %d changed by %#x: %v", int(at)%len(b), flip, err)
	}
}

// An envelope of the store's is not limited in size, and is not opened in place.
func FuzzSealer_Open(f *testing.F) {
	vectors := recordVectors(f)
	for _, v := range vectors {
		f.Add([]byte(v.Sealed))
	}
	v := vectors[0]
	sealer, err := newSealer(v.ring(f), v.Audience, "record")
	if err != nil {
		f.Fatal(err)
	}
	subject := []string{string(v.Handle), string(v.Secret), v.Principal}
	f.Fuzz(func(t *testing.T, box []byte) {
		before := bytes.Clone(box)
		var data []byte
		var err error
		if n := allocated(func() { data, err = sealer.open(nil, box, subject...) }); n > decodeBudget+uint64(2*len(box)) {
			t.Errorf("%d bytes allocated for %d", n, len(box))
		}
		if !bytes.Equal(before, box) {
			t.Error("open changed the envelope")
		}
		switch {
		case err == nil:
			sealer.random = func(b []byte) { copy(b, box[saltAt:]) }
			if got, err := sealer.seal(nil, data, subject...); err != nil || !bytes.Equal(got, box) {
				t.Errorf("two spellings of one envelope:\n%x\n%x, %v", box, got, err)
			}
		case err != errForged && err != errNoKey && err != errNotSealed || data != nil:
			t.Errorf("data %q, error %v", data, err)
		}
	})
}

// A key that is read is the one that was written; a refusal shows none of it.
func FuzzParseKey(f *testing.F) {
	var keys []string
	for _, v := range sealedVectors(f) {
		keys = append(keys, hex.EncodeToString(v.Key))
	}
	keys = append(keys, newTestKey(f).Reveal(), strings.Repeat("deadbeef", 8), "correct horse battery staple", "\xff")
	seeds(f, keys)
	f.Fuzz(func(t *testing.T, s string) {
		k, err := ParseKey(s)
		if err != nil {
			var refused *KeyError
			if !errors.As(err, &refused) || k != (Key{}) {
				t.Errorf("%v, %v", k, err)
			}
			if len(s) > 16 && strings.Contains(err.Error(), s[:16]) {
				t.Errorf("%q shows the key", err)
			}
			return
		}
		if got := k.Reveal(); got != strings.ToLower(strings.TrimSpace(s)) {
			t.Errorf("%q was read as %q", s, got)
		}
		if again, err := ParseKey(k.Reveal()); err != nil || again.ID() != k.ID() {
			t.Errorf("read again: %v, %v, want %v", again, err, k)
		}
	})
}
