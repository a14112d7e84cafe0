package limit

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
)

// A session's token against cross-site requests is 40 hexadecimal digits, the
// sample's. It goes out masked: random bytes, and the token xor these.
const csrfSize = 40

// Mask returns the token at key in another guise.
func (d Data) Mask(key string) string {
	start, end, _ := d.find(key)
	if end-start != csrfSize+2 {
		return ""
	}
	var b [2 * csrfSize]byte
	rand.Read(b[:csrfSize])
	subtle.XORBytes(b[csrfSize:], b[:csrfSize], d[start+1:end-1])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Unmasks reports whether masked is the token at key.
func (d Data) Unmasks(key, masked string) bool {
	start, end, _ := d.find(key)
	var b [2 * csrfSize]byte
	if end-start != csrfSize+2 || base64.RawURLEncoding.DecodedLen(len(masked)) != len(b) {
		return false
	}
	if _, err := base64.RawURLEncoding.Decode(b[:], []byte(masked)); err != nil {
		return false
	}
	subtle.XORBytes(b[csrfSize:], b[:csrfSize], b[csrfSize:])
	return subtle.ConstantTimeCompare(b[csrfSize:], d[start+1:end-1]) == 1
}
