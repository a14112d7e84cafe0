package scarabtest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/memstore"
	"github.com/scarab-go/scarab/scarabtest"
)

// builtin is the backends of package scarab, with what each lacks.
var builtin = []struct {
	name    string
	backend func(t *testing.T) scarab.Backend
	opts    scarabtest.BackendOptions
}{
	{"memstore", func(t *testing.T) scarab.Backend { return scarab.Stored(memstore.New()) }, scarabtest.BackendOptions{}},
	{"cookie", func(t *testing.T) scarab.Backend { return scarab.InCookie(codec("key")) },
		scarabtest.BackendOptions{LastWins: true, CannotEnd: true}},
	{"cookie with a deny list", func(t *testing.T) scarab.Backend {
		return scarab.InCookie(codec("key"), scarab.DenyList(memstore.New()))
	},
		scarabtest.BackendOptions{LastWins: true}},
}

func TestHTTP(t *testing.T) {
	for _, b := range builtin {
		t.Run(b.name, func(t *testing.T) { scarabtest.TestHTTP(t, b.backend, b.opts) })
	}
}

func TestBackend(t *testing.T) {
	for _, b := range builtin {
		t.Run(b.name, func(t *testing.T) { scarabtest.TestBackend(t, b.backend, b.opts) })
	}
}

// codec is the plainest that cannot be forged.
type codec string

func (c codec) sum(name string, payload []byte) []byte {
	mac := hmac.New(sha256.New, []byte(c))
	mac.Write([]byte(name + "="))
	mac.Write(payload)
	return mac.Sum(nil)
}

func (c codec) Encode(name string, payload []byte) (string, error) {
	return base64.RawURLEncoding.EncodeToString(append(c.sum(name, payload), payload...)), nil
}

func (c codec) Decode(name, value string) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(value)
	if err != nil || len(b) < sha256.Size || !hmac.Equal(b[:sha256.Size], c.sum(name, b[sha256.Size:])) {
		return nil, errors.New("forged")
	}
	return b[sha256.Size:], nil
}
