package limit

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"time"
)

const (
	handleSize = 16
	secretSize = 32
	lifetime   = 24 * time.Hour
)

// ErrConflict is the answer of a store whose version is not the one loaded.
var ErrConflict = errors.New("limit: another version")

// A token is a handle and a secret in base64.
type token [handleSize + secretSize]byte

func newToken() (t token) {
	rand.Read(t[:])
	return t
}

func parseToken(s string) (t token, ok bool) {
	if base64.RawURLEncoding.DecodedLen(len(s)) != len(t) {
		return t, false
	}
	n, err := base64.RawURLEncoding.Decode(t[:], []byte(s))
	return t, err == nil && n == len(t)
}

func (t *token) String() string { return base64.RawURLEncoding.EncodeToString(t[:]) }

func (t *token) handle() (h [handleSize]byte) { return [handleSize]byte(t[:]) }

func (t *token) hash() [sha256.Size]byte { return sha256.Sum256(t[handleSize:]) }

func (t *token) opens(hash []byte) bool {
	h := t.hash()
	return subtle.ConstantTimeCompare(h[:], hash) == 1
}
