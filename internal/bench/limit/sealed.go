package limit

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"time"
	"unsafe"
)

// Sealed keeps sessions in their cookies, encrypted with AES-256-GCM under one
// key and random nonces.
type Sealed struct{ aead cipher.AEAD }

// NewSealed returns a Sealed with a key of 32 bytes.
func NewSealed(key []byte) (*Sealed, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &Sealed{aead}, err
}

const nonceSize, timeSize = 12, 8

var cookieName = []byte(CookieName)

// Create implements Backend.
func (s *Sealed) Create(data Data) (string, error) {
	size := nonceSize + timeSize + len(data) + s.aead.Overhead()
	buf := make([]byte, nonceSize+timeSize, size+base64.RawURLEncoding.EncodedLen(size))
	rand.Read(buf[:nonceSize])
	binary.LittleEndian.PutUint64(buf[nonceSize:], uint64(time.Now().Unix()))
	buf = append(buf, data...)
	buf = s.aead.Seal(buf[:nonceSize], buf[:nonceSize], buf[nonceSize:], cookieName)
	text := buf[size:cap(buf)]
	base64.RawURLEncoding.Encode(text, buf)
	return unsafe.String(&text[0], len(text)), nil // nobody else has it
}

// Load implements Backend.
func (s *Sealed) Load(cookie string) (Loaded, error) {
	buf := make([]byte, base64.RawURLEncoding.DecodedLen(len(cookie)))
	n, err := base64.RawURLEncoding.Decode(buf, unsafe.Slice(unsafe.StringData(cookie), len(cookie)))
	if err != nil || n < nonceSize+timeSize {
		return Loaded{}, nil
	}
	buf = buf[:n]
	plain, err := s.aead.Open(buf[nonceSize:nonceSize], buf[:nonceSize], buf[nonceSize:], cookieName)
	if err != nil || time.Since(time.Unix(int64(binary.LittleEndian.Uint64(plain)), 0)) > lifetime {
		return Loaded{}, nil
	}
	return Loaded{Data: plain[timeSize:], cookie: cookie}, nil
}

// Save implements Backend.
func (s *Sealed) Save(_ Loaded, data Data) (string, error) { return s.Create(data) }
