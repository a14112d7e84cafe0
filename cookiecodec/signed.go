package cookiecodec

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"hash"
	"sync"
	"unicode/utf8"

	"github.com/scarab-go/scarab"
)

// A SignedConfig has the parameters of Pyramid's SignedCookieSessionFactory
// that make the cookie's value. Zero values are Pyramid's defaults.
type SignedConfig struct {
	// Secrets are the keys, as bytes: the first writes, all read. At least
	// one is needed, here or in SecretText. Pyramid has one; to rotate, put
	// the new one last, then first in both applications at once.
	//
	// Use 64 random bytes. A short secret can be guessed from any one cookie,
	// and whoever has it logs in as anybody; it is not refused, because
	// Pyramid does not refuse it.
	Secrets [][]byte

	// SecretText is instead of Secrets, for secrets that Pyramid has as text.
	// Their bytes are what Pyramid makes of them: latin-1, but UTF-8 for both
	// if the secret or Salt has a character that latin-1 lacks. For ASCII
	// there is no difference.
	SecretText []string

	// Salt is Pyramid's salt, as text; the default is "pyramid.session.",
	// whose last dot belongs to it. It keeps apart what is signed with the
	// same secret for different ends. Beside Secrets its bytes are latin-1,
	// or UTF-8 if it has a character that latin-1 lacks.
	Salt string

	// NoSalt stands for salt='' in Pyramid.
	NoSalt bool

	// Hash is Pyramid's hashalg: md5, sha1, sha224, sha256, sha384, sha512
	// (the default), sha512_224, sha512_256, sha3_224, sha3_256, sha3_384 or
	// sha3_512.
	Hash string

	// HashFunc is instead of Hash, for a hash that is not in the standard
	// library, such as BLAKE2b.
	HashFunc func() hash.Hash
}

// Signed is the codec of Pyramid 2's SignedCookieSessionFactory. The browser
// that holds a value can read it, but not change it.
//
// A value is base64url, without padding, of HMAC(salt ‖ secret, payload) ‖
// payload. The name of the cookie is not part of it: give each cookie a salt
// of its own. Reading is stricter than Python's in what no Pyramid writes:
// padding, the characters + and /, spare bits and junk are refused.
//
// Methods may be called by any number of goroutines.
//
// Source: pyramid.session.SignedCookieSessionFactory and webob.cookies.SignedSerializer.
type Signed struct {
	macs []*macPool // one for each secret
}

var _ scarab.Codec = (*Signed)(nil)

// NewSigned returns a codec for c, or an error that says what is wrong with c.
func NewSigned(c SignedConfig) (*Signed, error) {
	keys, err := c.keys()
	if err != nil {
		return nil, err
	}
	newHash := c.HashFunc
	switch {
	case newHash != nil && c.Hash != "":
		return nil, errors.New("cookiecodec: Hash and HashFunc are both set: drop one")
	case newHash == nil && c.Hash == "":
		newHash = hashes["sha512"]
	case newHash == nil:
		if newHash, err = hashByName(c.Hash); err != nil {
			return nil, err
		}
	}
	s := new(Signed)
	for _, key := range keys {
		p, err := newMACPool(newHash, key)
		if err != nil {
			return nil, err
		}
		s.macs = append(s.macs, p)
	}
	return s, nil
}

// keys returns the HMAC keys: Pyramid puts salt and secret together.
func (c *SignedConfig) keys() (keys [][]byte, err error) {
	salt := c.Salt
	switch {
	case c.NoSalt && salt != "":
		return nil, fmt.Errorf("cookiecodec: Salt is %q and NoSalt is set: drop one", salt)
	case !c.NoSalt && salt == "":
		salt = "pyramid.session."
	case !utf8.ValidString(salt):
		return nil, errors.New("cookiecodec: Salt is not UTF-8: give it as text, as Pyramid has it")
	}
	switch {
	case len(c.Secrets) > 0 && len(c.SecretText) > 0:
		return nil, errors.New("cookiecodec: Secrets and SecretText are both set: drop one")
	case len(c.Secrets) == 0 && len(c.SecretText) == 0:
		return nil, errors.New("cookiecodec: no secret: set Secrets or SecretText")
	}
	for i, secret := range c.Secrets {
		if len(secret) == 0 {
			return nil, fmt.Errorf("cookiecodec: Secrets[%d] is empty: is the setting it comes from missing?", i)
		}
		keys = append(keys, append(pyramidBytes(salt), secret...))
	}
	for i, secret := range c.SecretText {
		switch {
		case secret == "":
			return nil, fmt.Errorf("cookiecodec: SecretText[%d] is empty: is the setting it comes from missing?", i)
		case !utf8.ValidString(secret):
			return nil, fmt.Errorf("cookiecodec: SecretText[%d] is not UTF-8: use Secrets for bytes", i)
		}
		// Of both together: one that is not latin-1 makes both UTF-8.
		keys = append(keys, pyramidBytes(salt+secret))
	}
	return keys, nil
}

// pyramidBytes turns text into bytes: latin-1, which is one byte for each of
// the first 256 characters, or UTF-8 if that cannot hold it.
func pyramidBytes(s string) []byte {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			return []byte(s)
		}
		b = append(b, byte(r))
	}
	return b
}

// Encode signs payload with the first secret. It sets no limit to the size:
// scarab.InCookie does, and can say which values take the most. Decode refuses
// more than 4096 characters, which no browser sends.
func (s *Signed) Encode(_ string, payload []byte) (string, error) {
	m := s.macs[0].get()
	defer s.macs[0].put(m)
	m.sign(payload)
	m.buf = append(m.buf, payload...)
	var value string
	m.buf, value = encodeText(m.buf)
	return value, nil
}

// Decode returns the payload of a value that was signed with one of the
// secrets. Any other gets [ErrInvalid].
func (s *Signed) Decode(_, value string) ([]byte, error) {
	b, err := decodeText(value)
	size := s.macs[0].size
	if err != nil || len(b) < size {
		return nil, ErrInvalid
	}
	signature, payload := b[:size], b[size:]
	for _, p := range s.macs {
		if p.verify(signature, payload) {
			return payload, nil
		}
	}
	return nil, ErrInvalid
}

// A mac is the HMAC state of one secret. It serves one call at a time and is
// reset before each, so that nothing of one cookie gets into another's.
type mac struct {
	hash.Hash
	buf []byte
}

// sign leaves the signature of payload in buf.
func (m *mac) sign(payload []byte) {
	m.Reset()
	m.Write(payload)
	m.buf = m.Sum(m.buf[:0])
}

// A macPool keeps the states of one secret: to set one up costs more than to
// sign a cookie with it.
type macPool struct {
	pool sync.Pool
	size int // of a signature
}

func newMACPool(newHash func() hash.Hash, key []byte) (p *macPool, err error) {
	// hmac.New panics if newHash is wrong, or not approved in FIPS 140 mode.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cookiecodec: the hash cannot be used: %v", r)
		}
	}()
	p = new(macPool)
	p.pool.New = func() any { return &mac{Hash: hmac.New(newHash, key)} }
	m := p.get()
	p.size = m.Size()
	p.put(m)
	return p, nil
}

func (p *macPool) get() *mac { return p.pool.Get().(*mac) }

func (p *macPool) put(m *mac) {
	m.buf = keep(m.buf)
	p.pool.Put(m)
}

func (p *macPool) verify(signature, payload []byte) bool {
	m := p.get()
	defer p.put(m)
	m.sign(payload)
	return hmac.Equal(m.buf, signature)
}
