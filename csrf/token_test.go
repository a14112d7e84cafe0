package csrf

import (
	"bytes"
	"strings"
	"testing"
)

// Every kind of token that Pyramid and its session factories make: uuid4, 20
// and 32 random bytes in hexadecimal.
var secretsOfPyramid = []string{
	"56b11bb81eab4c7793a564b086a2092e",
	"0c0262c3be7e818e1babb162a39a8f0fc472019a",
	"6f1ed002ab5595859014ebf0951522d96f1ed002ab5595859014ebf0951522d9",
}

func TestMask(t *testing.T) {
	secrets := append(secretsOfPyramid, newSecret(), strings.Repeat("é", 20), strings.Repeat("x", minSecret), strings.Repeat("x", maxSecret))
	for _, secret := range secrets {
		one, two := appendMasked(nil, secret), appendMasked(nil, secret)
		if bytes.Equal(one, two) {
			t.Errorf("%q: two masked tokens are both %q", secret, one)
		}
		if bytes.Contains(one, []byte(secret)) || len(one) > maxMasked {
			t.Errorf("%q is masked as %q", secret, one)
		}
		for _, sent := range [][]byte{one, two, []byte(secret)} {
			if !verify(secret, sent) {
				t.Errorf("%q does not verify %q", secret, sent)
			}
		}
		for _, other := range secrets {
			if other != secret && (verify(other, one) || verify(other, []byte(secret))) {
				t.Errorf("%q verifies a token of %q", other, secret)
			}
		}
	}
}

// CVE-2020-36564: in nosurf an expected token that was malformed made every
// token right. Neither side may be.
func TestVerifyMalformed(t *testing.T) {
	secret := secretsOfPyramid[1]
	masked := string(appendMasked(nil, secret))
	malformed := []string{
		"", "x", secret[:minSecret-1], strings.Repeat("a", maxSecret+1), strings.Repeat("a", 1<<20),
		strings.Repeat("\x00", 8), marker, "null", "undefined",
	}
	for _, m := range malformed {
		for _, sent := range append(malformed, secret, masked) {
			if verify(m, []byte(sent)) {
				t.Errorf("the expected token %.20q verifies %.20q", m, sent)
			}
		}
		if verify(secret, []byte(m)) {
			t.Errorf("%.20q is verified", m)
		}
	}
	for _, sent := range []string{
		masked[:len(masked)-1], masked + "A", "\n" + masked[1:], masked[:50] + "\n" + masked[51:], masked + "\n",
		secret + " ", " " + secret, strings.ToUpper(secret), secret[1:] + secret[:1],
		strings.Repeat("A", len(masked)), strings.Repeat("=", len(masked)), strings.Repeat("~", len(masked)),
	} {
		if verify(secret, []byte(sent)) {
			t.Errorf("%q is verified", sent)
		}
	}
}

// The decoder skips line breaks. A masked token that ends in zero bytes would
// otherwise have a second spelling, with line breaks in their place.
func TestVerifyLineBreaks(t *testing.T) {
	secret := secretsOfPyramid[0]
	raw := make([]byte, 2*len(secret))
	copy(raw[len(secret)-3:], secret[len(secret)-3:]) // the mask's end, so that what is masked ends in zeros
	copy(raw[len(secret):], secret[:len(secret)-3])
	sent := encoding.EncodeToString(raw)
	if !verify(secret, []byte(sent)) {
		t.Fatalf("%q is not verified", sent)
	}
	for n := range 5 {
		other := sent[:len(sent)-n] + strings.Repeat("\n", n)
		if got, want := verify(secret, []byte(other)), n == 0; got != want {
			t.Errorf("%q: %v", other, got)
		}
	}
}

// A masked token has one spelling for each mask: no change of it is accepted.
func TestMaskedIsNotMalleable(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=\n\r \x00"
	secret := secretsOfPyramid[1]
	masked := appendMasked(nil, secret)
	for i := range masked {
		for _, c := range []byte(alphabet) {
			changed := bytes.Clone(masked)
			if changed[i] = c; c != masked[i] && verify(secret, changed) {
				t.Fatalf("%q is verified with %q at %d", masked, c, i)
			}
		}
	}
}

// Only the secret itself, plain or masked, is verified, whatever both sides
// are.
func FuzzVerify(f *testing.F) {
	for _, secret := range append(secretsOfPyramid, "", "short", marker, strings.Repeat("a", 200)) {
		f.Add(secret, []byte(secret))
		f.Add(secret, []byte{})
		f.Add(secret, []byte("%%%"))
		if usable(secret) {
			f.Add(secret, appendMasked(nil, secret))
		}
	}
	f.Fuzz(func(t *testing.T, secret string, sent []byte) {
		right := false
		if minSecret <= len(secret) && len(secret) <= maxSecret {
			right = string(sent) == secret
			if raw, err := encoding.DecodeString(string(sent)); err == nil && !bytes.ContainsAny(sent, "\r\n") && len(raw) == 2*len(secret) {
				plain := make([]byte, len(secret))
				for i := range plain {
					plain[i] = raw[i] ^ raw[len(secret)+i]
				}
				right = right || string(plain) == secret
			}
		}
		if got := verify(secret, sent); got != right {
			t.Errorf("verify(%q, %q) is %v", secret, sent, got)
		}
	})
}
