package rows

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"github.com/scarab-go/scarab/admin/internal/schema"
)

// Keys stand in URLs, as one path segment: the values of the primary key with
// dots between. A whole number is written as such, a plain word as such, and
// everything else as a tilde, a letter for its type, and base64url.

// EncodeKey writes a key, or "" if it has a NULL: such a row is not told apart
// from others.
func EncodeKey(values []any) string {
	var b strings.Builder
	for i, v := range values {
		if i > 0 {
			b.WriteByte('.')
		}
		switch v := v.(type) {
		case int64:
			b.WriteString(strconv.FormatInt(v, 10))
		case bool:
			b.WriteString("~o" + strconv.FormatBool(v))
		case float64:
			b.WriteString("~f" + base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatFloat(v, 'g', -1, 64))))
		case string:
			if plainWord(v) {
				b.WriteString(v)
			} else {
				b.WriteString("~t" + base64.RawURLEncoding.EncodeToString([]byte(v)))
			}
		case []byte:
			b.WriteString("~b" + base64.RawURLEncoding.EncodeToString(v))
		default:
			return ""
		}
	}
	return b.String()
}

// plainWord reports whether s is not mistaken for a number or a tilde.
func plainWord(s string) bool {
	if s == "" || s[0] == '-' || '0' <= s[0] && s[0] <= '9' {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && r != '-' && (r < '0' || '9' < r) && (r < 'A' || 'Z' < r) && (r < 'a' || 'z' < r)
	})
}

var errKey = errors.New("the key in the address is malformed")

// DecodeKey reads what EncodeKey wrote for a row of t.
func DecodeKey(t *schema.Table, s string) ([]any, error) {
	parts := strings.Split(s, ".")
	if len(t.Key) == 0 || len(parts) != len(t.Key) {
		return nil, errKey
	}
	values := make([]any, len(parts))
	for i, p := range parts {
		v, err := decodePart(p)
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	return values, nil
}

func decodePart(p string) (any, error) {
	if !strings.HasPrefix(p, "~") {
		if plainWord(p) {
			return p, nil
		}
		n, err := strconv.ParseInt(p, 10, 64)
		if err != nil || strconv.FormatInt(n, 10) != p {
			return nil, errKey
		}
		return n, nil
	}
	if p == "~otrue" || p == "~ofalse" {
		return p == "~otrue", nil
	}
	if len(p) < 2 {
		return nil, errKey
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(p[2:])
	if err != nil {
		return nil, errKey
	}
	switch p[1] {
	case 't':
		if plainWord(string(b)) {
			return nil, errKey
		}
		return string(b), nil
	case 'b':
		return b, nil
	case 'f':
		f, err := strconv.ParseFloat(string(b), 64)
		if err != nil || strconv.FormatFloat(f, 'g', -1, 64) != string(b) {
			return nil, errKey
		}
		return f, nil
	}
	return nil, errKey
}
