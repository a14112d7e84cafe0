package scarab

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// A token is what the browser has: a handle, which is public, and a secret,
// whose hash the store keeps.
//
// Source: OWASP Session Management Cheat Sheet, "Session ID Entropy"; NIST SP
// 800-63B-4, section 5.1. The secret has 256 bits, four times what they ask.
type token struct {
	handle Handle
	secret [32]byte
}

// tokenLen is 48 bytes in base64url: no padding, no spare bits.
const tokenLen = 64

var tokenEncoding = base64.RawURLEncoding.Strict()

func newHandle() (h Handle) {
	rand.Read(h[:]) // never fails: crypto/rand ends the program instead
	return h
}

func newToken(h Handle) token {
	t := token{handle: h}
	rand.Read(t.secret[:])
	return t
}

// parseToken decodes strictly: a token has one spelling.
func parseToken(s string) (t token, ok bool) {
	if len(s) != tokenLen {
		return token{}, false
	}
	// The decoder skips line breaks, which would be a second spelling, and then
	// has too few bytes.
	var b [48]byte
	if n, err := tokenEncoding.Decode(b[:], []byte(s)); err != nil || n != len(b) {
		return token{}, false
	}
	copy(t.handle[:], b[:16])
	copy(t.secret[:], b[16:])
	return t, true
}

func (t token) String() string {
	var b [48]byte
	copy(b[:16], t.handle[:])
	copy(b[16:], t.secret[:])
	return tokenEncoding.EncodeToString(b[:])
}

// hash is what the store keeps of the secret. A fast hash is enough: there is
// nothing to guess in 256 random bits.
func (t token) hash() [32]byte { return sha256.Sum256(t.secret[:]) }
