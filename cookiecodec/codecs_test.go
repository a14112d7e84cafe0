package cookiecodec

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/scarab-go/scarab/memstore"
)

// What holds for both codecs.

func TestCodec_RoundTrip(t *testing.T) {
	for kind, c := range bothCodecs(t) {
		t.Run(kind, func(t *testing.T) {
			for size := range 300 {
				payload := bytes.Repeat([]byte{0x80, 0, 'x'}, 100)[:size]
				value := encode(t, c, "session", payload)
				if strings.Trim(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
					t.Fatalf("not base64url: %q", value)
				}
				if got, err := c.Decode("session", value); err != nil || !bytes.Equal(got, payload) {
					t.Fatalf("Decode(Encode(%q)) = %q, %v", payload, got, err)
				}
			}
		})
	}
}

func TestCodec_EveryBitFlipIsRejected(t *testing.T) {
	for kind, c := range bothCodecs(t) {
		t.Run(kind, func(t *testing.T) {
			b := fromBase64(t, encode(t, c, "session", []byte(`{"admin": false}`)))
			for bit := range len(b) * 8 {
				b[bit/8] ^= 1 << (bit % 8)
				if got, err := c.Decode("session", toBase64(b)); err != ErrInvalid || got != nil {
					t.Errorf("bit %d flipped: %q, %v", bit, got, err)
				}
				b[bit/8] ^= 1 << (bit % 8)
			}
			if _, err := c.Decode("session", toBase64(b)); err != nil {
				t.Errorf("unchanged: %v", err)
			}
		})
	}
}

func TestCodec_HasOneSpelling(t *testing.T) {
	for kind, c := range bothCodecs(t) {
		t.Run(kind, func(t *testing.T) {
			for size := range 3 { // each number of spare bits
				// A block of padding more for each byte, so that both codecs
				// go through all lengths modulo 3.
				value := encode(t, c, "session", bytes.Repeat([]byte("x"), 64*size))
				for _, other := range []string{
					"", " " + value, value + " ", value + "\n", "\r\n" + value,
					value[:9] + "\n" + value[9:], value[:9] + "\r" + value[9:],
					value + "=", value + "==", `"` + value + `"`, value[:len(value)-1], value[:len(value)-4], value + "A", value + "AAAA",
					value[:9] + "!!!!" + value[9:], value + "\x00", "é" + value,
				} {
					if _, err := c.Decode("session", other); err != ErrInvalid {
						t.Errorf("Decode(%q): %v", other, err)
					}
				}
				const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/"
				for i := range value {
					for _, r := range alphabet {
						other := value[:i] + string(r) + value[i+1:]
						if _, err := c.Decode("session", other); other != value && err != ErrInvalid {
							t.Errorf("character %d of %d replaced by %q: %v", i, len(value), r, err)
						}
					}
				}
			}
		})
	}
}

// A megabyte that somebody sends must not cost a megabyte of memory.
func TestCodec_DecodeBudget(t *testing.T) {
	for kind, c := range bothCodecs(t) {
		valid := encode(t, c, "session", bytes.Repeat([]byte("x"), 1<<20))
		for _, value := range []string{valid, strings.Repeat("A", 1<<20), strings.Repeat("\n", 1<<20), strings.Repeat("é", 1<<19)} {
			var err error
			if n := allocated(func() { _, err = c.Decode("session", value) }); n > 16<<10 {
				t.Errorf("%s: %d bytes allocated for %.8q… of %d bytes", kind, n, value, len(value))
			}
			if err != ErrInvalid {
				t.Errorf("%s: a value of %d characters: %v", kind, len(value), err)
			}
		}
	}
}

func TestCodec_LongestValue(t *testing.T) {
	for kind, c := range bothCodecs(t) {
		size := map[string]int{"signed": 3072 - 64, "sealed": 2943}[kind]
		for n, want := range map[int]error{size: nil, size + 1: ErrInvalid} {
			value := encode(t, c, "session", make([]byte, n))
			if _, err := c.Decode("session", value); err != want || len(value) > 4096 != (want != nil) {
				t.Errorf("%s: payload of %d bytes, value of %d: %v, want %v", kind, n, len(value), err, want)
			}
		}
	}
}

func TestCodec_NeitherKeepsNorChangesPayloads(t *testing.T) {
	for kind, c := range bothCodecs(t) {
		payload := []byte("first payload")
		value := encode(t, c, "session", payload)
		if string(payload) != "first payload" {
			t.Errorf("%s: Encode changed its argument to %q", kind, payload)
		}
		first, err := c.Decode("session", value)
		if err != nil {
			t.Fatal(err)
		}
		clear(payload)
		encode(t, c, "session", []byte("other payload"))
		if string(first) != "first payload" {
			t.Errorf("%s: a decoded payload became %q", kind, first)
		}
	}
}

func TestCodec_Concurrent(t *testing.T) {
	for kind, c := range bothCodecs(t) {
		var wg sync.WaitGroup
		for n := range 16 {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(uint64(n), 0))
				for i := range 200 {
					payload := bytes.Repeat(fmt.Appendf(nil, "%d.%d ", n, i), random.IntN(50))
					name := fmt.Sprint("cookie", n)
					value, err := c.Encode(name, payload)
					if err != nil {
						t.Error(err)
					}
					if got, err := c.Decode(name, value); err != nil || !bytes.Equal(got, payload) {
						t.Errorf("%s: got %q, %v, want %q", kind, got, err, payload)
					}
				}
			})
		}
		wg.Wait()
	}
}

// GODEBUG is read at the start of a program: this test is the program once
// more for each mode.
func TestFIPS140(t *testing.T) {
	if os.Getenv("COOKIECODEC_FIPS140_CHILD") != "" {
		ring := newTestRing(t, newTestKey(t))
		_, sealed := NewSealed(ring)
		_, store := SealStore(memstore.New(), ring)
		_, sha512 := NewSigned(SignedConfig{SecretText: []string{"s"}})
		_, md5 := NewSigned(SignedConfig{SecretText: []string{"s"}, Hash: "md5"})
		_, short := NewSigned(SignedConfig{SecretText: []string{"s"}, NoSalt: true})
		fmt.Println("works:", sealed == nil, store == nil, sha512 == nil, md5 == nil, short == nil)
		return
	}
	for mode, want := range map[string]string{
		"off":  "works: true true true true true",
		"on":   "works: true true true true true",
		"only": "works: false false true false false",
	} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFIPS140$")
		cmd.Env = append(os.Environ(), "COOKIECODEC_FIPS140_CHILD=1", "GODEBUG=fips140="+mode)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("fips140=%s: %v\n%s\nwant %q", mode, err, out, want)
		}
	}
}
