package cookiecodec

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
)

// A Key is what a [Keyring] holds: 32 to 128 random bytes. It prints as its
// id, which is public; only [Key.Reveal] shows the rest.
//
// The zero Key is none, and NewKeyring refuses it.
type Key struct{ k *key }

// A key has what is secret behind a second pointer: fmt cannot call the methods
// of a Key in an unexported field, and follows the first one for %s.
type key struct {
	id     keyID
	secret *secret
}

type secret struct {
	bytes []byte
	prk   []byte // what HKDF extracts from bytes
}

// A keyID names a key within a value.
type keyID [8]byte

// Bounds of a key. Less than 256 bits is less than AES-256 promises; more than
// 1024 adds nothing, and is likely to be a file of something else.
const (
	minKey = 32
	maxKey = 128
)

// GenerateKey returns a new random key of the given number of bits: 256 to
// 1024 in steps of 8. No number in that range is safer than another.
func GenerateKey(bits int) (Key, error) {
	if bits < minKey*8 || bits > maxKey*8 || bits%8 != 0 {
		return Key{}, fmt.Errorf("cookiecodec: a key has %d to %d bits, in steps of 8, not %d", minKey*8, maxKey*8, bits)
	}
	b := make([]byte, bits/8)
	rand.Read(b) // never fails: crypto/rand ends the program instead
	return newKey(b)
}

// ParseKey reads what [Key.Reveal] wrote: hexadecimal digits. White space
// around them, such as the line break at the end of a file, does not matter.
//
// It refuses what is not the work of a random generator: text in hexadecimal,
// repetitions and sequences, few different bytes, and keys that are known from
// a book, from these tests, or as the SHA-256 of "secret". A random key fails
// these tests less than once in 10¹⁰. Errors are of type *[KeyError], and never
// show any of the key.
func ParseKey(s string) (Key, error) {
	s = strings.TrimSpace(s)
	if i := strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF", r) }); i >= 0 {
		return Key{}, &KeyError{Reason: "not hexadecimal", detail: fmt.Sprintf(" at character %d of %d", i+1, len(s))}
	}
	b, err := hex.DecodeString(s)
	switch {
	case err != nil:
		return Key{}, &KeyError{Reason: "not hexadecimal", detail: fmt.Sprintf(": %d digits make no whole bytes", len(s))}
	case len(b) < minKey:
		return Key{}, &KeyError{Reason: "too short", detail: fmt.Sprintf(": %d bits, and at least %d are needed", len(b)*8, minKey*8)}
	case len(b) > maxKey:
		return Key{}, &KeyError{Reason: "too long", detail: fmt.Sprintf(": %d bits, and at most %d are taken", len(b)*8, maxKey*8)}
	case isSample(b):
		return Key{}, &KeyError{Reason: "sample", detail: ": it is printed somewhere, or the SHA-256 of a common word"}
	}
	if flaw := madeUp(b); flaw != "" {
		return Key{}, &KeyError{Reason: "low entropy", detail: ": " + flaw + ", not the work of a random generator"}
	}
	return newKey(b)
}

// A KeyError reports a text that ParseKey refuses.
type KeyError struct {
	// Reason is "not hexadecimal", "too short", "too long", "low entropy" or
	// "sample".
	Reason string
	detail string
}

func (e *KeyError) Error() string {
	return "cookiecodec: key is refused: " + e.Reason + e.detail + "; make one with: scarab keygen"
}

// newKey takes b over.
func newKey(b []byte) (Key, error) {
	prk, err := hkdf.Extract(sha256.New, b, nil)
	if err != nil {
		return Key{}, fmt.Errorf("cookiecodec: %w", err)
	}
	id, err := hkdf.Expand(sha256.New, prk, "scarab key id 1", len(keyID{}))
	if err != nil {
		return Key{}, fmt.Errorf("cookiecodec: %w", err)
	}
	return Key{&key{keyID(id), &secret{b, prk}}}, nil
}

// ID returns the id of the key, 16 hexadecimal digits. It is in front of every
// value that the key sealed, and may be logged.
func (k Key) ID() string {
	if k.k == nil {
		return "none"
	}
	return hex.EncodeToString(k.k.id[:])
}

// Reveal returns the key itself in hexadecimal, for the file or the secret
// manager that is to keep it.
func (k Key) Reveal() string {
	if k.k == nil {
		return ""
	}
	return hex.EncodeToString(k.k.secret.bytes)
}

// String returns the key's id, in words that say that the key is not shown.
func (k Key) String() string { return "cookiecodec.Key(id " + k.ID() + ", redacted)" }

// GoString is String, for %#v.
func (k Key) GoString() string { return k.String() }

// LogValue is String, for log/slog.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// madeUp says what shows that no random generator made b; "" if nothing does.
func madeUp(b []byte) string {
	steps := make([]byte, len(b)-1)
	text := true
	for i, c := range b {
		text = text && ' ' <= c && c <= '~'
		if i > 0 {
			steps[i-1] = c - b[i-1]
		}
	}
	switch {
	case text:
		return "it is text in hexadecimal"
	case repeats(b):
		return "it repeats itself"
	case different(b) < 12:
		return "it has few different bytes"
	case different(steps) < 12:
		return "it is a sequence"
	}
	return ""
}

// different counts the values in b.
func different(b []byte) (n int) {
	var seen [256]bool
	for _, c := range b {
		if !seen[c] {
			seen[c] = true
			n++
		}
	}
	return n
}

// repeats says whether b is one pattern again and again.
func repeats(b []byte) bool {
	for period := 1; period <= len(b)/2; period++ {
		if bytes.Equal(b[period:], b[:len(b)-period]) {
			return true
		}
	}
	return false
}

// Keys that look random and are printed somewhere.
var samples = [...]string{
	// NIST SP 800-38A, appendix F, AES-256.
	"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
	// testdata/vectors of this package.
	"752ad11d6b7bef0a0f9f9accb76a6419580973dafa9670955b7e5084bba3c51a",
	"d1182382011cb36f177fa2fae16e843ad98835444aa8f0680de1c853a77206fc" +
		"35f8b9f54998e8e0e64d4e78db25c9d3897e6cbe122555757ee90a94da40de35",
}

// isSample knows samples, and hashes of words that people hash to get a key.
func isSample(b []byte) bool {
	for _, s := range samples {
		if hex.EncodeToString(b) == s {
			return true
		}
	}
	for _, word := range [...]string{"", "secret", "password", "changeme", "key", "test", "session", "scarab", "hello"} {
		for _, end := range [...]string{"", "\n"} { // echo adds a line break
			if h := sha256.Sum256([]byte(word + end)); bytes.Equal(b, h[:]) {
				return true
			}
		}
	}
	return false
}
