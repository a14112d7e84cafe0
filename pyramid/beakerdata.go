package pyramid

import (
	"bytes"
	"compress/zlib"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A BeakerCrypto is how Beaker encrypts: its option crypto_type.
type BeakerCrypto string

const (
	// BeakerCTR is AES-256-CTR, of crypto_type=pycrypto and pycryptopp. It is
	// not authenticated: in a storage, whoever writes there can change a
	// session without the key. In cookies there is a signature around it.
	BeakerCTR BeakerCrypto = "pycrypto"

	// BeakerGCM is AES-256-GCM, of crypto_type=cryptography.
	BeakerGCM BeakerCrypto = "cryptography"
)

// beakerData turns a session's dict into what Beaker stores, and back.
type beakerData struct {
	legacy        bool
	serializer    Serializer
	encrypt, salt string // encrypt_key and validate_key; encrypt == "": not encrypted
	crypto        BeakerCrypto
	nonceBytes    int

	random func([]byte) // nil: crypto/rand
}

func (c BeakerConfig) data() (*beakerData, error) {
	serializer, err := c.Serializer.or(Pickle)
	if err != nil {
		return nil, err
	}
	d := &beakerData{legacy: c.Legacy, serializer: serializer, encrypt: c.EncryptKey, salt: c.ValidateKey, crypto: c.Crypto}
	switch c.NonceBits {
	case 0, 128:
		d.nonceBytes = 16
	case 48:
		d.nonceBytes = 6
	default:
		return nil, fmt.Errorf("pyramid: NonceBits is %d; Beaker has 128, the default, and 48", c.NonceBits)
	}
	if c.Timeout < 0 {
		return nil, fmt.Errorf("pyramid: Timeout is %v: use scarab.Never for none", c.Timeout)
	}
	if c.EncryptKey == "" {
		return d, nil
	}
	switch c.Crypto {
	case BeakerCTR, BeakerGCM:
	case "":
		return nil, errors.New("pyramid: EncryptKey is set and Crypto is not: use BeakerGCM for crypto_type cryptography, BeakerCTR for pycrypto")
	default:
		return nil, fmt.Errorf("pyramid: no crypto_type %q: use BeakerGCM or BeakerCTR", c.Crypto)
	}
	if c.ValidateKey == "" {
		return nil, errors.New("pyramid: EncryptKey needs ValidateKey: it is a part of the key")
	}
	for _, key := range []string{c.EncryptKey, c.ValidateKey} {
		if strings.ContainsFunc(key, func(r rune) bool { return r >= 0x80 }) {
			return nil, errors.New("pyramid: EncryptKey and ValidateKey are ASCII in Beaker")
		}
	}
	return d, nil
}

// plain reports whether values are written as JSON, in which no notation means
// anything.
func (d *beakerData) plain() bool {
	return d.serializer == JSON && !(d.legacy && d.encrypt == "")
}

// seal returns what Beaker gives its storage: text, or the dict itself.
func (d *beakerData) seal(dict *pyDict) (any, error) {
	if d.legacy && d.encrypt == "" {
		return dict, nil
	}
	return d.sealText(dict)
}

func (d *beakerData) sealText(dict *pyDict) (string, error) {
	plain, err := d.serialize(dict)
	if err != nil {
		return "", err
	}
	if d.encrypt == "" {
		return base64.StdEncoding.EncodeToString(plain), nil
	}
	nonce := d.fill(make([]byte, d.nonceBytes))
	// Beaker cuts the text of the nonce; both sizes it knows are whole.
	text := base64.StdEncoding.EncodeToString(nonce)
	box, err := d.cipher(text)
	if err != nil {
		return "", err
	}
	sealed := box.seal(plain)
	return text + base64.StdEncoding.EncodeToString(sealed), nil
}

// open returns the dict that seal made a value of, in either generation.
func (d *beakerData) open(value any) (*pyDict, error) {
	switch v := value.(type) {
	case *pyDict:
		if d.encrypt == "" {
			return v, nil
		}
		return nil, errors.New("pyramid: the value is not encrypted")
	case string:
		return d.openText(v)
	case pyBytes:
		return d.openText(string(v))
	}
	return nil, errUndecodable
}

func (d *beakerData) openText(text string) (*pyDict, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, errUndecodable
	}
	nonce := ""
	if d.encrypt != "" {
		size := base64.StdEncoding.EncodedLen(d.nonceBytes)
		if len(text) < size {
			return nil, errUndecodable
		}
		nonce, text = text[:size], text[size:]
	}
	plain, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errUndecodable
	}
	if d.encrypt != "" {
		box, err := d.cipher(nonce)
		if err != nil {
			return nil, err
		}
		if plain, err = box.open(plain); err != nil {
			return nil, err
		}
	}
	return d.deserialize(plain)
}

func (d *beakerData) serialize(dict *pyDict) ([]byte, error) {
	if d.serializer == Pickle {
		return pickle(dict)
	}
	text, err := jsonOf(dict)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	w.Write(text) // a Buffer takes everything
	w.Close()
	return b.Bytes(), nil
}

func (d *beakerData) deserialize(plain []byte) (*pyDict, error) {
	var v any
	var err error
	if d.serializer == Pickle {
		v, err = unpickle(plain)
	} else {
		if plain, err = inflate(plain); err == nil {
			v, err = parseJSON(plain)
		}
	}
	if err != nil {
		return nil, err
	}
	dict, ok := v.(*pyDict)
	if !ok {
		return nil, errUndecodable
	}
	return dict, nil
}

// inflate decompresses at most maxPickle bytes.
func inflate(data []byte) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxPickle+1))
	if len(plain) > maxPickle {
		return nil, fmt.Errorf("more than %d bytes when decompressed", maxPickle)
	}
	return plain, err
}

func (d *beakerData) fill(b []byte) []byte {
	if d.random != nil {
		d.random(b)
	} else {
		rand.Read(b) // never fails
	}
	return b
}

// cipher returns the cipher of the value with this nonce. One round of PBKDF2
// is what Beaker takes: the key has to be random.
func (d *beakerData) cipher(nonce string) (*beakerBox, error) {
	key, err := pbkdf2.Key(sha1.New, d.encrypt, []byte(d.salt+nonce), 1, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return &beakerBox{d, block}, nil
}

type beakerBox struct {
	d     *beakerData
	block cipher.Block
}

const (
	gcmIV  = 12
	gcmTag = 16
)

// seal encrypts: GCM's IV, tag and ciphertext, or CTR from zero, which is safe
// since the nonce makes a key of its own for each value.
func (b *beakerBox) seal(plain []byte) []byte {
	if b.d.crypto == BeakerCTR {
		return b.ctr(plain)
	}
	iv := b.d.fill(make([]byte, gcmIV))
	sealed := b.gcm().Seal(nil, iv, plain, nil)
	end := len(sealed) - gcmTag
	return append(append(iv, sealed[end:]...), sealed[:end]...)
}

func (b *beakerBox) open(sealed []byte) ([]byte, error) {
	if b.d.crypto == BeakerCTR {
		return b.ctr(sealed), nil
	}
	if len(sealed) < gcmIV+gcmTag {
		return nil, errForged
	}
	iv, tag, text := sealed[:gcmIV], sealed[gcmIV:gcmIV+gcmTag], sealed[gcmIV+gcmTag:]
	plain, err := b.gcm().Open(nil, iv, append(append([]byte(nil), text...), tag...), nil)
	if err != nil {
		return nil, errForged
	}
	return plain, nil
}

func (b *beakerBox) ctr(data []byte) []byte {
	out := make([]byte, len(data))
	var zero [aes.BlockSize]byte
	cipher.NewCTR(b.block, zero[:]).XORKeyStream(out, data)
	return out
}

func (b *beakerBox) gcm() cipher.AEAD {
	aead, err := cipher.NewGCM(b.block)
	if err != nil {
		panic("pyramid: internal error: " + err.Error()) // AES has blocks of the right size
	}
	return aead
}
