package scarab_test

import (
	"strings"
	"testing"

	"github.com/scarab-go/scarab"
)

func TestParseHandle(t *testing.T) {
	for _, text := range []string{"00112233445566778899aabbccddeeff", strings.Repeat("0", 32)} {
		if h, err := scarab.ParseHandle(text); err != nil || h.String() != text {
			t.Errorf("%s: %s, %v", text, h, err)
		}
	}
	for text, says := range map[string]string{
		"":                                  "32 hexadecimal digits, not 0",
		"00":                                "32 hexadecimal digits, not 2",
		strings.Repeat("0", 33):             "32 hexadecimal digits, not 33",
		strings.Repeat("0", 31) + "g":       "not a handle",
		strings.Repeat("A", 64):             "32 hexadecimal digits, not 64", // a token is none
		"../../etc/passwd; rm -rf / #aaaaa": "32 hexadecimal digits, not 33",
	} {
		if h, err := scarab.ParseHandle(text); err == nil || !strings.Contains(err.Error(), says) || h != (scarab.Handle{}) {
			t.Errorf("%q: %s, %v, want %q", text, h, err, says)
		}
	}
}
