package pyramid

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/cookiecodec"
	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/blake2s"
	"golang.org/x/crypto/nacl/secretbox"
)

// A Serializer is how the contents of a session become bytes. The zero value
// stands for the default of the Python package in question.
type Serializer string

// The serializers.
const (
	JSON   Serializer = "json"   // JSONSerializer, data_serializer=json
	Pickle Serializer = "pickle" // PickleSerializer, data_serializer=pickle
)

func (s Serializer) or(def Serializer) (Serializer, error) {
	switch s {
	case "":
		return def, nil
	case JSON, Pickle:
		return s, nil
	}
	return "", fmt.Errorf("pyramid: no serializer %q: use JSON or Pickle", string(s))
}

// A SignedConfig has the parameters of SignedCookieSessionFactory that make the
// cookie's value. Names and attributes of the cookie are in scarab.Config,
// timeout is its IdleTimeout, reissue_time its TouchInterval, set_on_exception
// its DropOnError, the other way round.
type SignedConfig struct {
	// Secrets is Pyramid's secret, as text. With several, the first signs and
	// all are read. At least one is needed.
	Secrets []string

	Salt   string // Pyramid's salt; "" is the default, "pyramid.session."
	NoSalt bool   // salt=''

	// Hash is Pyramid's hashalg; "" is the default, sha512. It is one of
	// cookiecodec.SignedConfig's, blake2b or blake2s.
	Hash string

	// Serializer is JSON, the default of Pyramid 2, or Pickle, the default of
	// Pyramid 1.5 to 1.10.
	Serializer Serializer
}

// SignedCookie returns the backend of Pyramid's SignedCookieSessionFactory. The
// session is in the cookie, which its visitor can read and not change; opts are
// those of [scarab.InCookie], such as a deny list.
//
// With Pickle, whoever learns the secret runs code in the Pyramid application:
// prefer JSON as soon as both applications can.
func SignedCookie(c SignedConfig, opts ...scarab.CookieOption) (scarab.Backend, error) {
	codec, err := c.codec()
	if err != nil {
		return nil, err
	}
	return scarab.InCookie(codec, opts...), nil
}

func (c SignedConfig) codec() (scarab.Codec, error) {
	serializer, err := c.Serializer.or(JSON)
	if err != nil {
		return nil, err
	}
	config := cookiecodec.SignedConfig{SecretText: c.Secrets, Salt: c.Salt, NoSalt: c.NoSalt, Hash: c.Hash}
	if h := otherHashes[c.Hash]; h != nil {
		config.Hash, config.HashFunc = "", h
	}
	signed, err := cookiecodec.NewSigned(config)
	if err != nil {
		return nil, err
	}
	return serialized(signed, serializer), nil
}

// otherHashes are those of hashlib that the standard library does not have.
var otherHashes = map[string]func() hash.Hash{
	"blake2b": func() hash.Hash { h, _ := blake2b.New512(nil); return h }, // fails for long keys only
	"blake2s": func() hash.Hash { h, _ := blake2s.New256(nil); return h },
}

// An UnencryptedConfig has the parameters of UnencryptedCookieSessionFactoryConfig
// that make the cookie's value.
type UnencryptedConfig struct {
	// Secrets is Pyramid's secret, as text. With several, the first signs and
	// all are read. At least one is needed.
	Secrets []string
}

// UnencryptedCookie returns the backend of UnencryptedCookieSessionFactoryConfig
// of Pyramid 1.x, which Pyramid 2 no longer has. Like SignedCookie it is signed
// and readable; it is older: HMAC-SHA1, no salt, pickle only. What SignedCookie
// says of pickles holds here.
func UnencryptedCookie(c UnencryptedConfig, opts ...scarab.CookieOption) (scarab.Backend, error) {
	codec, err := c.codec()
	if err != nil {
		return nil, err
	}
	return scarab.InCookie(codec, opts...), nil
}

func (c UnencryptedConfig) codec() (scarab.Codec, error) {
	s, err := newSigner(c.Secrets)
	if err != nil {
		return nil, err
	}
	return serialized(s, Pickle), nil
}

// A signer makes values of hexadecimal HMAC-SHA1 and base64, as
// pyramid.session.signed_serialize of Pyramid 1.x does.
type signer struct{ keys [][]byte }

func newSigner(secrets []string) (*signer, error) {
	if len(secrets) == 0 {
		return nil, errors.New("pyramid: Secrets is empty: give it the secret of the Pyramid application")
	}
	s := new(signer)
	for i, secret := range secrets {
		if secret == "" {
			return nil, fmt.Errorf("pyramid: Secrets[%d] is empty: is the setting it comes from missing?", i)
		}
		key, ok := latin1(secret)
		if !ok {
			key = []byte(secret)
		}
		s.keys = append(s.keys, key)
	}
	return s, nil
}

const hexSHA1 = 2 * sha1.Size

func sumSHA1(key, data []byte) string {
	m := hmac.New(sha1.New, key)
	m.Write(data)
	return hex.EncodeToString(m.Sum(nil))
}

var errForged = errors.New("pyramid: value is forged, damaged or of another secret")

func (s *signer) Encode(_ string, payload []byte) (string, error) {
	return sumSHA1(s.keys[0], payload) + base64.StdEncoding.EncodeToString(payload), nil
}

func (s *signer) Decode(_, value string) ([]byte, error) {
	if len(value) < hexSHA1 || strings.ContainsAny(value, "\r\n") {
		return nil, errForged
	}
	payload, err := base64.StdEncoding.DecodeString(value[hexSHA1:])
	if err != nil {
		return nil, errForged
	}
	for _, key := range s.keys {
		if hmac.Equal([]byte(sumSHA1(key, payload)), []byte(value[:hexSHA1])) {
			return payload, nil
		}
	}
	return nil, errForged
}

// A NaClConfig has the parameters of pyramid_nacl_session's
// EncryptedCookieSessionFactory that make the cookie's value.
type NaClConfig struct {
	// Keys is its secret, 32 bytes; hexadecimal text is decoded first. With
	// several, the first encrypts and all are read. At least one is needed.
	Keys [][]byte

	Serializer Serializer // "" is the default, Pickle
}

// NaCl returns the backend of pyramid_nacl_session: the session is in the
// cookie, encrypted.
func NaCl(c NaClConfig, opts ...scarab.CookieOption) (scarab.Backend, error) {
	codec, err := c.codec()
	if err != nil {
		return nil, err
	}
	return scarab.InCookie(codec, opts...), nil
}

func (c NaClConfig) codec() (scarab.Codec, error) {
	serializer, err := c.Serializer.or(Pickle)
	if err != nil {
		return nil, err
	}
	if len(c.Keys) == 0 {
		return nil, errors.New("pyramid: Keys is empty: give it the 32 bytes of the Pyramid application's secret")
	}
	box := new(boxer)
	for i, key := range c.Keys {
		if len(key) != 32 {
			return nil, fmt.Errorf("pyramid: Keys[%d] has %d bytes, not 32: is it still hexadecimal?", i, len(key))
		}
		box.keys = append(box.keys, [32]byte(key))
	}
	return serialized(box, serializer), nil
}

// A boxer makes values of a nonce and a secretbox.
type boxer struct {
	keys  [][32]byte
	nonce func([]byte) // nil: random
}

const nonceSize = 24

func (b *boxer) Encode(_ string, payload []byte) (string, error) {
	var nonce [nonceSize]byte
	if b.nonce != nil {
		b.nonce(nonce[:])
	} else {
		rand.Read(nonce[:]) // never fails
	}
	return base64.RawURLEncoding.EncodeToString(secretbox.Seal(nonce[:], payload, &nonce, &b.keys[0])), nil
}

func (b *boxer) Decode(_, value string) ([]byte, error) {
	// Versions 0.1 and 0.2 wrote padding.
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimRight(value, "="))
	if err != nil || len(sealed) < nonceSize+secretbox.Overhead || strings.ContainsAny(value, "\r\n") {
		return nil, errForged
	}
	nonce := [nonceSize]byte(sealed)
	for i := range b.keys {
		if payload, ok := secretbox.Open(nil, sealed[nonceSize:], &nonce, &b.keys[i]); ok {
			return payload, nil
		}
	}
	return nil, errForged
}
