package limit

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Signed keeps sessions in their cookies with an HMAC-SHA-512 in front, in the
// format of Pyramid's SignedCookieSessionFactory: [renewed, created, {…}].
type Signed struct{ macs sync.Pool }

// NewSigned returns a Signed with that key.
func NewSigned(key []byte) *Signed {
	return &Signed{sync.Pool{New: func() any { return hmac.New(sha512.New, key) }}}
}

func (s *Signed) sum(dst, payload []byte) []byte {
	mac := s.macs.Get().(hash.Hash)
	defer s.macs.Put(mac)
	mac.Reset()
	mac.Write(payload)
	return mac.Sum(dst)
}

// Create implements Backend.
func (s *Signed) Create(data Data) (string, error) {
	size := sha512.Size + 32 + len(data)*2
	buf := make([]byte, sha512.Size, size)
	now := time.Now().Unix()
	buf = strconv.AppendInt(append(buf, '['), now, 10)
	buf = strconv.AppendInt(append(buf, ", "...), now, 10)
	buf = append(buf, ", {"...)
	separator := ""
	for key, value := range data.All() {
		buf = append(append(buf, separator...), '"')
		buf = append(append(buf, key...), `": `...)
		buf = append(buf, value...)
		separator = ", "
	}
	buf = append(buf, "}]"...)
	s.sum(buf[:0], buf[sha512.Size:])
	return base64.RawURLEncoding.EncodeToString(buf), nil
}

// Load implements Backend.
func (s *Signed) Load(cookie string) (Loaded, error) {
	buf, err := base64.RawURLEncoding.AppendDecode(nil, []byte(cookie))
	if err != nil || len(buf) < sha512.Size {
		return Loaded{}, nil
	}
	payload := buf[sha512.Size:]
	var sum [sha512.Size]byte
	if !hmac.Equal(s.sum(sum[:0], payload), buf[:sha512.Size]) {
		return Loaded{}, nil
	}
	data, ok := parse(string(payload))
	if !ok {
		return Loaded{}, nil
	}
	return Loaded{Data: data, cookie: cookie}, nil
}

// Save implements Backend.
func (s *Signed) Save(_ Loaded, data Data) (string, error) { return s.Create(data) }

// parse makes Data of a payload, whose values it copies as they are.
func parse(payload string) (Data, bool) {
	renewed, rest, ok := strings.Cut(strings.TrimPrefix(payload, "["), ", ")
	_, rest, ok2 := strings.Cut(rest, ", {")
	if at, err := strconv.ParseInt(renewed, 10, 64); !ok || !ok2 || err != nil || time.Since(time.Unix(at, 0)) > lifetime {
		return nil, false
	}
	data := make(Data, 0, len(payload)+64)
	for rest != "}]" {
		key := valueEnd(rest)
		if key < 2 || key+2 > len(rest) {
			return nil, false
		}
		value := rest[key+2:]
		end := valueEnd(value)
		data = data.Append(rest[1:key-1], value[:end])
		rest = strings.TrimPrefix(value[end:], ", ")
	}
	return data, true
}

// valueEnd returns the length of the JSON value that s begins with.
func valueEnd(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			for i++; i < len(s) && s[i] != '"'; i++ {
				if s[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '[', '{':
			depth++
		case ']', '}':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return len(s)
}
