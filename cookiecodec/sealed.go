package cookiecodec

import (
	"sync"

	"github.com/scarab-go/scarab"
)

// A SealOption is an option of [NewSealed] and [SealStore].
type SealOption func(*sealOptions)

type sealOptions struct{ audience string }

// Audience names the application, or the tenant, that values are for. Those of
// another audience do not open, even if the keys are the same. The default is
// the empty name.
func Audience(name string) SealOption {
	return func(o *sealOptions) { o.audience = name }
}

func audienceOf(opts []SealOption) string {
	var o sealOptions
	for _, opt := range opts {
		opt(&o)
	}
	return o.audience
}

// Sealed is a codec that encrypts with AES-256-GCM, under a key derived for
// each value. The browser that holds a value can neither read nor change it,
// nor move it to a cookie of another name. The package documentation has the
// format and the reasons for it.
//
// Methods may be called by any number of goroutines.
type Sealed struct {
	sealer *sealer
	bufs   sync.Pool // of *[]byte
}

var _ scarab.Codec = (*Sealed)(nil)

// NewSealed returns a codec that seals with the first key of ring and opens
// with all.
func NewSealed(ring *Keyring, opts ...SealOption) (*Sealed, error) {
	sealer, err := newSealer(ring, audienceOf(opts), "cookie")
	if err != nil {
		return nil, err
	}
	s := &Sealed{sealer: sealer}
	s.bufs.New = func() any { return new([]byte) }
	return s, nil
}

// Encode seals payload for the cookie of that name. It sets no limit to the
// size: scarab.InCookie does, and can say which values take the most. Decode
// refuses more than 4096 characters, which no browser sends; that is a payload
// of 2943 bytes.
func (s *Sealed) Encode(name string, payload []byte) (string, error) {
	buf := s.bufs.Get().(*[]byte)
	defer s.bufs.Put(buf)
	box, err := s.sealer.seal((*buf)[:0], payload, name)
	if err != nil {
		return "", err
	}
	box, value := encodeText(box)
	*buf = keep(box)
	return value, nil
}

// Decode returns the payload of a value that was sealed for the cookie of that
// name with a key of the ring. Any other gets [ErrInvalid].
func (s *Sealed) Decode(name, value string) ([]byte, error) {
	box, err := decodeText(value)
	if err != nil || len(box) < headerSize {
		return nil, ErrInvalid
	}
	payload, err := s.sealer.open(box[headerSize:headerSize], box, name)
	if err != nil {
		return nil, ErrInvalid
	}
	return payload, nil
}
