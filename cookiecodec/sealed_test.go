package cookiecodec

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"
)

// A sealedVector is an entry of testdata/vectors/sealed.json or records.json,
// which generate.py beside them wrote.
type sealedVector struct {
	Key      hexBytes
	KeyID    string `json:"key_id"`
	Salt     hexBytes
	Audience string

	Name    string // of sealed.json
	Payload hexBytes
	Value   string

	Handle, Secret hexBytes // of records.json
	Principal      string
	Data, Sealed   hexBytes
}

func sealedVectors(t testing.TB) []sealedVector { return vectorsOf(t, "sealed.json", 16) }
func recordVectors(t testing.TB) []sealedVector { return vectorsOf(t, "records.json", 6) }

func vectorsOf(t testing.TB, file string, n int) (vectors []sealedVector) {
	t.Helper()
	readJSON(t, "testdata/vectors/"+file, &vectors)
	if len(vectors) != n {
		t.Fatalf("%s has %d vectors, want %d", file, len(vectors), n)
	}
	return vectors
}

// ring has only the vector's key, which ParseKey refuses.
func (v sealedVector) ring(t testing.TB) *Keyring {
	t.Helper()
	k, err := newKey(v.Key)
	if err != nil {
		t.Fatal(err)
	}
	if k.ID() != v.KeyID {
		t.Errorf("key %x has the id %s, want %s", []byte(v.Key), k.ID(), v.KeyID)
	}
	return newTestRing(t, k)
}

func TestSealed_KnownAnswers(t *testing.T) {
	for i, v := range sealedVectors(t) {
		c := newTestSealed(t, v.ring(t), Audience(v.Audience))
		c.sealer.random = func(b []byte) { copy(b, v.Salt) }
		if got := encode(t, c, v.Name, v.Payload); got != v.Value {
			t.Errorf("%d:\ngot  %s\nwant %s", i, got, v.Value)
		}
		if got, err := c.Decode(v.Name, v.Value); err != nil || !bytes.Equal(got, v.Payload) {
			t.Errorf("%d: Decode: %x, %v, want %x", i, got, err, []byte(v.Payload))
		}
	}
}

// The table of the package documentation, step by step.
func TestSealed_Layout(t *testing.T) {
	key := newTestKey(t)
	raw, _ := hex.DecodeString(key.Reveal())
	payload := []byte(strings.Repeat("payload ", 20))
	b := fromBase64(t, encode(t, newTestSealed(t, newTestRing(t, key), Audience("shop")), "__Host-session", payload))

	if len(b) != 49+192+16 {
		t.Fatalf("%d bytes", len(b))
	}
	must := func(b []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	prk := must(hkdf.Extract(sha256.New, raw, nil))
	id := must(hkdf.Expand(sha256.New, prk, "scarab key id 1", 8))
	derived := must(hkdf.Expand(sha256.New, prk, "scarab sealed 1"+string(b[9:33]), 48))
	if b[0] != 0xe1 || !bytes.Equal(b[1:9], id) || !bytes.Equal(b[33:49], derived[32:]) {
		t.Errorf("version %#x, id %x, commitment %x; want id %x, commitment %x", b[0], b[1:9], b[33:49], id, derived[32:])
	}
	var associated []byte
	for _, field := range []string{"\xe1", string(id), "shop", "cookie", "__Host-session"} {
		associated = binary.BigEndian.AppendUint32(associated, uint32(len(field)))
		associated = append(associated, field...)
	}
	block, err := aes.NewCipher(derived[:32])
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	plain := must(gcm.Open(nil, make([]byte, 12), b[49:], associated))
	if want := string(payload) + "\x80" + strings.Repeat("\x00", 31); string(plain) != want {
		t.Errorf("plaintext %q, want %q", plain, want)
	}
}

// derive is hkdf.Expand.
func TestDerive(t *testing.T) {
	for range 50 {
		k := newTestKey(t)
		sk := newSealerKey(k.k)
		for _, salt := range [][]byte{make([]byte, 24), bytes.Repeat([]byte{0xff}, 24), k.k.secret.bytes[:24]} {
			w := sk.get()
			commitment, aead, err := w.derive(salt)
			want, wantErr := hkdf.Expand(sha256.New, k.k.secret.prk, "scarab sealed 1"+string(salt), 48)
			if err != nil || wantErr != nil || aead == nil || !bytes.Equal(commitment, want[32:]) || !bytes.Equal(w.out[:48], want) {
				t.Errorf("%x, %v, want %x, %v", w.out[:48], err, want, wantErr)
			}
			sk.put(w)
		}
	}
}

func TestSealed_BelongsToOneCookie(t *testing.T) {
	ring, other := newTestRing(t, newTestKey(t)), newTestRing(t, newTestKey(t))
	c := newTestSealed(t, ring, Audience("shop"))
	value := encode(t, c, "session", []byte("payload"))
	for _, tt := range []struct {
		what  string
		codec *Sealed
		name  string
		want  error
	}{
		{"itself", c, "session", nil},
		{"a codec made the same way", newTestSealed(t, ring, Audience("shop")), "session", nil},
		{"another name", c, "flash", ErrInvalid},
		{"a longer name", c, "session2", ErrInvalid},
		{"no name", c, "", ErrInvalid},
		{"another case", c, "Session", ErrInvalid},
		{"another audience", newTestSealed(t, ring, Audience("bank")), "session", ErrInvalid},
		{"no audience", newTestSealed(t, ring), "session", ErrInvalid},
		{"the same bytes cut elsewhere", newTestSealed(t, ring, Audience("shopcookies")), "ession", ErrInvalid},
		{"another key", newTestSealed(t, other, Audience("shop")), "session", ErrInvalid},
	} {
		if got, err := tt.codec.Decode(tt.name, value); err != tt.want || (err == nil) != (string(got) == "payload") {
			t.Errorf("%s: %q, %v", tt.what, got, err)
		}
	}
}

// The purpose alone keeps a cookie and a record apart.
func TestSealer_PurposeCounts(t *testing.T) {
	ring := newTestRing(t, newTestKey(t))
	cookies, err := newSealer(ring, "", "cookie")
	if err != nil {
		t.Fatal(err)
	}
	records, err := newSealer(ring, "", "record")
	if err != nil {
		t.Fatal(err)
	}
	box, err := cookies.seal(nil, []byte("payload"), "subject")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := cookies.open(nil, box, "subject"); err != nil || string(got) != "payload" {
		t.Errorf("as what it is: %q, %v", got, err)
	}
	if _, err := records.open(nil, box, "subject"); err != errForged {
		t.Errorf("for another purpose: %v", err)
	}
}

func TestSealed_Rotation(t *testing.T) {
	old, fresh := newTestKey(t), newTestKey(t)
	of := func(keys ...Key) *Sealed { return newTestSealed(t, newTestRing(t, keys...)) }
	opens := func(c *Sealed, value string) bool {
		payload, err := c.Decode("session", value)
		return err == nil && string(payload) == "payload"
	}
	for _, tt := range []struct {
		name        string
		wrote, read *Sealed
		want        bool
	}{
		{"the first key writes", of(old, fresh), of(old), true},
		{"the second does not", of(old, fresh), of(fresh), false},
		{"the second reads", of(fresh, old), of(fresh, old), true},
		{"what the old one wrote is read on", of(old), of(fresh, old), true},
		{"what a server ahead wrote is read", of(fresh, old), of(old, fresh), true},
		{"a dropped key reads no more", of(old), of(fresh), false},
	} {
		if got := opens(tt.read, encode(t, tt.wrote, "session", []byte("payload"))); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// The id in front picks one key. A value with the id of another key of the
// ring is not tried under its own.
func TestSealed_TriesOneKey(t *testing.T) {
	a, b := newTestKey(t), newTestKey(t)
	c := newTestSealed(t, newTestRing(t, a, b))
	raw := fromBase64(t, encode(t, c, "session", []byte("payload")))
	if !bytes.Equal(raw[1:9], a.k.id[:]) {
		t.Fatalf("id %x, want %s", raw[1:9], a.ID())
	}
	copy(raw[1:9], b.k.id[:])
	if _, err := c.Decode("session", toBase64(raw)); err != ErrInvalid {
		t.Error(err)
	}
}

// A ciphertext that opens by its tag is refused if its commitment is another:
// otherwise one value could be made to open under two keys.
func TestSealed_CommitmentCounts(t *testing.T) {
	c := newTestSealed(t, newTestRing(t, newTestKey(t)))
	raw := fromBase64(t, encode(t, c, "session", []byte("payload")))
	copy(raw[commitmentAt:], make([]byte, commitmentSize))
	if _, err := c.sealer.open(nil, raw, "session"); err != errForged {
		t.Error(err)
	}
}

// Only a holder of the key can pad otherwise; it would be a second spelling.
func TestSealed_PaddingHasOneForm(t *testing.T) {
	c := newTestSealed(t, newTestRing(t, newTestKey(t)))
	for name, padded := range map[string]string{
		"no mark":      strings.Repeat("x", 64),
		"zeros only":   strings.Repeat("\x00", 64),
		"another mark": "payload\x01" + strings.Repeat("\x00", 56),
		"a block more": "payload\x80" + strings.Repeat("\x00", 56+64),
	} {
		raw := fromBase64(t, encode(t, c, "session", make([]byte, len(padded)-1)))
		k := c.sealer.keys[0]
		w := k.get()
		_, aead, err := w.derive(raw[saltAt:commitmentAt])
		if err != nil {
			t.Fatal(err)
		}
		raw = aead.Seal(raw[:headerSize], zeroNonce[:], []byte(padded), c.sealer.associated(w, k.id, []string{"session"}))
		k.put(w)
		if got, err := c.Decode("session", toBase64(raw)); err != ErrInvalid {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestSealed_HidesContentAndLength(t *testing.T) {
	c := newTestSealed(t, newTestRing(t, newTestKey(t)))
	lengths := map[int]int{}
	values := map[string]bool{}
	for n := range 256 {
		payload := []byte(strings.Repeat("secret", 50)[:n])
		value := encode(t, c, "session", payload)
		lengths[len(value)]++
		values[value] = true
		values[encode(t, c, "session", payload)] = true
		if n > 5 && bytes.Contains(fromBase64(t, value), []byte("secre")) {
			t.Errorf("readable: %q", value)
		}
	}
	if len(lengths) != 4 || lengths[(65+64)*4/3] != 64 {
		t.Errorf("lengths of values by frequency: %v, want 4 of 64 payloads each", lengths)
	}
	if len(values) != 2*256 {
		t.Errorf("%d values of %d are different", len(values), 2*256)
	}
}

// A salt is 24 bytes of the random source, asked for anew for each value.
func TestSealed_Salt(t *testing.T) {
	c := newTestSealed(t, newTestRing(t, newTestKey(t)))
	seen := map[string]bool{}
	for range 1000 {
		seen[string(fromBase64(t, encode(t, c, "session", nil))[saltAt:commitmentAt])] = true
	}
	if len(seen) != 1000 {
		t.Errorf("%d different salts of 1000", len(seen))
	}
	var asked []int
	c.sealer.random = func(b []byte) { asked = append(asked, len(b)) }
	encode(t, c, "session", nil)
	if len(asked) != 1 || asked[0] != 24 {
		t.Errorf("asked for %v random bytes, want 24 once", asked)
	}
}

func TestNewSealed_NilKeyring(t *testing.T) {
	if c, err := NewSealed(nil); err == nil || c != nil || !strings.Contains(err.Error(), "keyring is nil") {
		t.Errorf("%v, %v", c, err)
	}
}
