package pyramid

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
)

// budget fails the test if f allocates more than a fuzzed input may cost. What
// goes beyond is the fuzzer's own: its goroutines allocate as well.
func budget(t *testing.T, size int, f func()) {
	t.Helper()
	start := time.Now()
	used, _ := memoryOf(func() error { f(); return nil })
	if used > 256<<20 {
		t.Fatalf("%d bytes took %d MB", size, used>>20)
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Fatalf("%d bytes took %v", size, d)
	}
}

// What Beaker stores, whatever it holds: no panic, bounded memory, and a session
// that is taken is written back the same.
func FuzzBeaker_open(f *testing.F) {
	n := 0
	for _, v := range vectors(f, "beaker_cookie_session", 92) {
		for _, layers := range []string{"layers", "layers_legacy"} {
			var l struct{ Text string }
			if v.get(f, layers, &l) && l.Text != "" {
				f.Add(l.Text)
				n++
			}
		}
	}
	for _, bomb := range []string{"\x80\x04X\xff\xff\xff\x7fabcd", "\x80\x04]\x94h\x00a.", "\x80\x02}X\x01\x00\x00\x00a)\x85\x85\x85s."} {
		f.Add(base64.StdEncoding.EncodeToString([]byte(bomb)))
	}
	f.Add(base64.StdEncoding.EncodeToString(deflated(f, 2*maxPickle)))
	if n == 0 {
		f.Fatal("no seeds")
	}
	key := BeakerConfig{EncryptKey: "encrypt-golden-dev-1", ValidateKey: "validate-golden-dev-1", Timeout: scarab.Never}
	var formats []*beaker
	for _, s := range []Serializer{Pickle, JSON} {
		for _, c := range []BeakerCrypto{"", BeakerCTR, BeakerGCM} {
			config := key
			config.Serializer, config.Crypto = s, c
			if c == "" {
				config.EncryptKey = ""
			}
			data, err := config.data()
			if err != nil {
				f.Fatal(err)
			}
			formats = append(formats, &beaker{c: config, data: data})
		}
	}
	now := time.Unix(1700000000, 0)
	f.Fuzz(func(t *testing.T, text string) {
		for _, b := range formats {
			budget(t, len(text), func() {
				st, c, err := b.decode(now, text, none)
				if err != nil {
					return
				}
				value, _, err := b.encode(now, "id", st, c)
				if err != nil {
					return // a time that JSON cannot hold, say
				}
				again, _, err := b.decode(now, value, none)
				if err != nil {
					t.Fatalf("%v in %v", err, value)
				}
				if len(again.Values) != len(st.Values) {
					t.Fatalf("%d values became %d", len(st.Values), len(again.Values))
				}
				for i, v := range st.Values {
					if w := again.Values[i]; v.Key != w.Key || !bytes.Equal(v.JSON, w.JSON) {
						t.Fatalf("%s: %s became %s: %s", v.Key, v.JSON, w.Key, w.JSON)
					}
				}
			})
		}
	})
}

// deflated is zlib's of that many spaces.
func deflated(t testing.TB, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zlib.NewWriterLevel(&b, zlib.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(bytes.Repeat([]byte(" "), n)) // a Buffer takes everything
	w.Close()
	return b.Bytes()
}

// A few KB that are more than is read, however much it is.
func TestInflate_bounded(t *testing.T) {
	small := deflated(t, maxPickle)
	if data, err := inflate(small); err != nil || len(data) != maxPickle {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	large := deflated(t, 4*maxPickle)
	used, err := memoryOf(func() error { _, err := inflate(large); return err })
	if err == nil || used > 6*maxPickle {
		t.Errorf("%d bytes became %d MB, %v", len(large), used>>20, err)
	}
}

// Any value of an encrypted cookie, and any contents of a well encrypted one.
func FuzzNaCl_decode(f *testing.F) {
	n := 0
	for _, file := range []string{"nacl_json", "nacl_pickle"} {
		for _, v := range vectors(f, file, 39) {
			if value := v.text(f, "cookie_value"); value != "" {
				f.Add(value, v.bytes(f, "plaintext_b64"))
				n++
			}
		}
	}
	if n == 0 {
		f.Fatal("no seeds")
	}
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	box := &boxer{keys: [][32]byte{[32]byte(key)}}
	codec := pickled{box}
	f.Fuzz(func(t *testing.T, value string, plain []byte) {
		budget(t, len(value)+len(plain), func() {
			codec.Decode("session", value)
			sealed, err := box.Encode("session", plain)
			if err != nil {
				t.Fatal(err)
			}
			opened, err := box.Decode("session", sealed)
			if err != nil || !bytes.Equal(opened, plain) {
				t.Fatalf("% x, %v", opened, err)
			}
			payload, err := codec.Decode("session", sealed)
			if err != nil {
				return
			}
			again, err := codec.Encode("session", payload)
			if errors.Is(err, scarab.ErrTooLarge) {
				return // Python's pickle of it would not fit
			}
			if err != nil {
				t.Fatalf("%v in %s", err, payload)
			}
			if second, err := codec.Decode("session", again); err != nil || !bytes.Equal(payload, second) {
				t.Fatalf("%s became %s, %v", payload, second, err)
			}
		})
	})
}

// JSON that Go sets, in the notation or not: what is taken comes back from
// Python the same.
func FuzzNotation(f *testing.F) {
	for _, seed := range []string{
		`{"a": [1, 2.5, "x", null, true]}`, `{"$tuple": [1, {"$set": [1, 1.0]}]}`, `{"$bytes": "AAH+/w=="}`, `{"$dict": [[1, 2], ["$", 3]]}`,
		`{"$obj": "datetime.datetime", "repr": "datetime.datetime(2023, 11, 14, 22, 13, 20, 250000)"}`, `[NaN, Infinity, -Infinity, 1e999, -0]`,
		`"\ud83d \ud83d\ude00"`, `{"$int": "123456789012345678901234567890"}`, `{"$float": "nan"}`, `{"$frozenset": []}`, `{"$bytearray": ""}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		budget(t, len(text), func() {
			v, err := fromNotation(text)
			if err != nil {
				return
			}
			shown, err := render(v, 1<<26)
			if err != nil {
				return // as deep as it may be, and a level more in the notation
			}
			data, err := pickle(v)
			if err != nil {
				t.Fatalf("%v in %s", err, shown)
			}
			back, err := unpickle(data)
			if err != nil {
				t.Fatalf("%v in % x", err, data)
			}
			if again, err := render(back, 1<<26); err != nil || !bytes.Equal(shown, again) {
				t.Fatalf("%s became %s, %v", shown, again, err)
			}
		})
	})
}
