package csrf

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
)

// marker stands in a form for the token of a visitor who has no session. It is
// no secret: a request with it passes only if there is nothing to protect, and
// the first gate saw where it came from.
const marker = "no-session"

// What is shorter or longer than this is no token, whoever made it. Pyramid
// and its session factories make them of 32, 40 and 64 characters.
const (
	minSecret = 16
	maxSecret = 128
	maxMasked = (2*maxSecret*8 + 5) / 6
)

// usable reports whether a stored token can be one. An empty or broken one
// must never be equal to what a request sends.
func usable(secret string) bool { return minSecret <= len(secret) && len(secret) <= maxSecret }

// newSecret makes a token for a cookie, in the form of those in sessions: 160
// random bits as 40 hexadecimal digits.
func newSecret() string {
	var b [20]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b[:])
}

var encoding = base64.RawURLEncoding.Strict()

// appendMasked appends secret in a form that differs at each call: random
// bytes, then the secret XORed with them, in base64url. An attacker who can
// see how well pages compress that hold the secret and a text of his learns
// nothing, because the secret is never there twice.
//
// Source: Gluck, Harris, Prado, "BREACH: Reviving the CRIME Attack", on masking
// secrets.
func appendMasked(dst []byte, secret string) []byte {
	var buf [2 * maxSecret]byte
	mask, masked := buf[:len(secret)], buf[len(secret):2*len(secret)]
	rand.Read(mask)
	for i := range masked {
		masked[i] = secret[i] ^ mask[i]
	}
	return encoding.AppendEncode(dst, buf[:2*len(secret)])
}

// verify reports whether sent is secret, plain or masked, in a time that
// depends on lengths only.
func verify(secret string, sent []byte) bool {
	if !usable(secret) {
		return false
	}
	var want, got [maxSecret]byte
	n := len(secret)
	copy(want[:], secret)
	if len(sent) == n {
		return subtle.ConstantTimeCompare(sent, want[:n]) == 1
	}
	if len(sent) != encoding.EncodedLen(2*n) {
		return false
	}
	var buf [2 * maxSecret]byte
	if m, err := encoding.Decode(buf[:], sent); err != nil || m != 2*n {
		return false // or a line break, which the decoder skips
	}
	subtle.XORBytes(got[:n], buf[:n], buf[n:2*n])
	return subtle.ConstantTimeCompare(got[:n], want[:n]) == 1
}
