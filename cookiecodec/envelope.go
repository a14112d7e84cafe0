package cookiecodec

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"slices"
	"sync"
)

// The layout of an envelope; the package documentation has the table.
const (
	// version is none that text or a scarab record without a seal starts with.
	version = 0xe1

	idAt           = 1
	saltAt         = idAt + len(keyID{})
	commitmentAt   = saltAt + saltSize
	headerSize     = commitmentAt + commitmentSize
	saltSize       = 24
	commitmentSize = 16
	tagSize        = 16
	block          = 64 // of padding
)

// Why an envelope does not open. Whoever sent it is not told which.
var (
	errNotSealed = errors.New("data is not sealed")
	errNoKey     = errors.New("sealed under a key that is not in the keyring")
	errForged    = errors.New("sealed data is damaged or belongs to something else")
)

// A sealer seals and opens envelopes for one audience and purpose.
type sealer struct {
	keys    []*sealerKey
	context []byte       // audience and purpose, as fields
	random  func([]byte) // fills a salt
}

func newSealer(ring *Keyring, audience, purpose string) (*sealer, error) {
	if ring == nil {
		return nil, errors.New("cookiecodec: keyring is nil: was the error of NewKeyring dropped?")
	}
	s := &sealer{random: func(b []byte) { rand.Read(b) }} // never fails
	s.context = appendField(appendField(nil, audience), purpose)
	for _, k := range ring.keys {
		s.keys = append(s.keys, newSealerKey(k.k))
	}
	if _, err := s.seal(nil, nil); err != nil {
		return nil, fmt.Errorf("cookiecodec: this build cannot seal: %w", err)
	}
	return s, nil
}

// seal appends the envelope of payload to dst. It opens with the same subject
// only.
func (s *sealer) seal(dst, payload []byte, subject ...string) ([]byte, error) {
	k := s.keys[0]
	w := k.get()
	defer k.put(w)
	start := len(dst)
	dst = slices.Grow(dst, headerSize+len(payload)+block+tagSize)
	dst = append(dst, version)
	dst = append(dst, k.id[:]...)
	dst = append(dst, make([]byte, saltSize)...)
	salt := dst[start+saltAt:]
	s.random(salt)
	commitment, aead, err := w.derive(salt)
	if err != nil {
		return nil, err
	}
	dst = append(dst, commitment...)
	plain := len(dst)
	dst = append(dst, payload...)
	dst = append(dst, 0x80)
	dst = append(dst, make([]byte, -(len(payload)+1)&(block-1))...)
	return aead.Seal(dst[:plain], zeroNonce[:], dst[plain:], s.associated(w, k.id, subject)), nil
}

// open appends the payload of box to dst, which may be where the ciphertext of
// box is.
func (s *sealer) open(dst, box []byte, subject ...string) ([]byte, error) {
	if len(box) == 0 || box[0] != version {
		return nil, errNotSealed
	}
	if n := len(box) - headerSize - tagSize; n < block || n%block != 0 {
		return nil, errForged
	}
	i := slices.IndexFunc(s.keys, func(k *sealerKey) bool { return bytes.Equal(k.id[:], box[idAt:saltAt]) })
	if i < 0 {
		return nil, errNoKey
	}
	k := s.keys[i]
	w := k.get()
	defer k.put(w)
	commitment, aead, err := w.derive(box[saltAt:commitmentAt])
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(commitment, box[commitmentAt:headerSize]) {
		return nil, errForged
	}
	start := len(dst)
	dst, err = aead.Open(dst, zeroNonce[:], box[headerSize:], s.associated(w, k.id, subject))
	if err != nil {
		return nil, errForged
	}
	// Authentic, so padded by seal; anything else would be a second spelling.
	plain := bytes.TrimRight(dst[start:], "\x00")
	n := len(plain) - 1
	if n < 0 || plain[n] != 0x80 || len(dst)-start-n > block {
		return nil, errForged
	}
	return dst[:start+n], nil
}

// associated returns what the envelope is bound to, in w.
func (s *sealer) associated(w *work, id keyID, subject []string) []byte {
	b := w.fields[:0]
	b = append(b, 0, 0, 0, 1, version)
	b = append(b, 0, 0, 0, byte(len(id)))
	b = append(b, id[:]...)
	b = append(b, s.context...)
	for _, field := range subject {
		b = appendField(b, field)
	}
	w.fields = b
	return b
}

func appendField(b []byte, field string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(field)))
	return append(b, field...)
}

// zeroNonce is right for a key that encrypts one message.
var zeroNonce [12]byte

// A sealerKey keeps the HMAC states from which keys for values are derived.
type sealerKey struct {
	id   keyID
	pool sync.Pool
}

func newSealerKey(k *key) *sealerKey {
	sk := &sealerKey{id: k.id}
	sk.pool.New = func() any { return &work{mac: hmac.New(sha256.New, k.secret.prk)} }
	return sk
}

func (k *sealerKey) get() *work { return k.pool.Get().(*work) }

func (k *sealerKey) put(w *work) {
	clear(w.out[:])
	w.fields = keep(w.fields)
	k.pool.Put(w)
}

// work is what one call needs, and nobody else meanwhile.
type work struct {
	mac    hash.Hash // HMAC-SHA-256 under the key's prk
	info   [len(label) + saltSize + 1]byte
	out    [2 * sha256.Size]byte
	fields []byte
}

const label = "scarab sealed 1"

// derive returns the commitment and the cipher of the value with this salt.
//
// It is hkdf.Expand(sha256.New, prk, label+salt, 48), RFC 5869, section 2.3, in
// a quarter of the time: that one sets up HMAC for each value, which costs more
// than all the rest of a cookie.
func (w *work) derive(salt []byte) (commitment []byte, aead cipher.AEAD, err error) {
	copy(w.info[:], label)
	copy(w.info[len(label):], salt)
	counter := &w.info[len(w.info)-1]

	*counter = 1
	w.mac.Reset()
	w.mac.Write(w.info[:])
	first := w.mac.Sum(w.out[:0])

	*counter = 2
	w.mac.Reset()
	w.mac.Write(first)
	w.mac.Write(w.info[:])
	w.mac.Sum(first)

	c, err := aes.NewCipher(w.out[:32])
	if err != nil {
		return nil, nil, err
	}
	aead, err = cipher.NewGCM(c)
	return w.out[32 : 32+commitmentSize], aead, err
}
