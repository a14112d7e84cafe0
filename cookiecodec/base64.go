package cookiecodec

import (
	"encoding/base64"
	"errors"
	"strings"
)

// ErrInvalid is what Decode says of a value that the codec did not write,
// whatever is wrong with it.
var ErrInvalid = errors.New("cookiecodec: value is forged, damaged or of another key")

// maxText is how many characters of a value Decode looks at. Browsers ignore a
// cookie with more octets of name and value: RFC 6265bis, section 5.6.
const maxText = 4096

// text is base64url without padding and without spare bits in the last
// character, which would be a second spelling.
var text = base64.RawURLEncoding.Strict()

// encodeText appends the text of b to b itself, so that a buffer used again
// serves both, and returns the text alone as well.
func encodeText(b []byte) (buf []byte, value string) {
	n := len(b)
	buf = text.AppendEncode(b, b)
	return buf, string(buf[n:])
}

// decodeText reads what encodeText wrote and nothing else.
func decodeText(value string) ([]byte, error) {
	// The decoder skips line breaks: a second spelling.
	if len(value) > maxText || strings.IndexByte(value, '\n') >= 0 || strings.IndexByte(value, '\r') >= 0 {
		return nil, ErrInvalid
	}
	b, err := text.DecodeString(value)
	if err != nil {
		return nil, ErrInvalid
	}
	return b, nil
}

// maxKept is the capacity of buffers worth keeping for the next cookie.
const maxKept = 16 << 10

func keep(buf []byte) []byte {
	if cap(buf) > maxKept {
		return nil
	}
	return buf
}
