package pyramid

import (
	"bytes"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	ogórek "github.com/kisielk/og-rek"
)

// ogrek decodes with the library that others wrote, at its strictest.
func ogrek(data []byte) (any, error) {
	return ogórek.NewDecoderWithConfig(bytes.NewReader(data), &ogórek.DecoderConfig{StrictUnicode: true, PyDict: true}).Decode()
}

// Why the unpickler is not og-rek with an allow-list behind it: each of these is
// right here and wrong there, and no list can put it right afterwards. If a
// release of og-rek makes the test fail, look again.
func TestOgrek_contents(t *testing.T) {
	for _, tt := range []struct {
		name, pickle string
		ours         string // in the exact notation
		theirs       string // as Go prints it, or the error
	}{
		{"a set, as Python 3.4 and later write it", "\x80\x04\x8f\x94(K\x01K\x02\x90.",
			`{"$set": [1, 2]}`, "Unknown opcode 143"},
		{"a frozenset", "\x80\x04(K\x01\x91\x94.",
			`{"$frozenset": [1]}`, "Unknown opcode 145"},
		{"a number in four bytes of length, as Python writes those over 255 bytes", "\x80\x02\x8b\x01\x00\x00\x00\x07.",
			`7`, "Unknown opcode 139"},
		{"text with its length in eight bytes", "\x80\x04\x8d\x01\x00\x00\x00\x00\x00\x00\x00a\x94.",
			`"a"`, "Unknown opcode 141"},
		{"bytes with their length in eight bytes", "\x80\x04\x8e\x01\x00\x00\x00\x00\x00\x00\x00a\x94.",
			`{"$bytes": "YQ=="}`, "Unknown opcode 142"},
		{"a list that is in two places", "\x80\x02]q\x00(]q\x01(K\x01K\x02eh\x01e.",
			`[[1, 2], [1, 2]]`, "[[1 2] []]"},
		{"a list that is filled after it was referred to", "\x80\x02]q\x00h\x00(K\x01e\x86.",
			`{"$tuple": [[1], [1]]}`, "[[] [1]]"},
		{"the order of a dict", "\x80\x02}(X\x01\x00\x00\x00zK\x01X\x01\x00\x00\x00aK\x02u.",
			`{"z": 1, "a": 2}`, "{a: 2, z: 1}"},
		{"1 and True, which are one key", "\x80\x02}(K\x01K\x01\x88K\x02u.",
			`{"$dict": [[1, 2]]}`, "{true: 2}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, err := unpickle([]byte(tt.pickle))
			if err != nil {
				t.Fatal(err)
			}
			if got := exact(t, v); got != tt.ours {
				t.Errorf("here it is %s, want %s", got, tt.ours)
			}
			w, err := ogrek([]byte(tt.pickle))
			theirs := fmt.Sprint(w)
			if err != nil {
				theirs = err.Error()
			}
			if !strings.HasPrefix(theirs, tt.theirs) {
				t.Errorf("og-rek says %s, not %s", theirs, tt.theirs)
			}
		})
	}
}

// What a pickle costs to decode is bounded here, and there it is not: memory in
// proportion to what was sent, but a hundred times as much and more.
func TestOgrek_memory(t *testing.T) {
	for name, data := range map[string][]byte{
		"references": []byte("\x80\x04N" + strings.Repeat("\x94", maxPickle/8) + "."),
		"digits":     []byte("I" + strings.Repeat("9", maxPickle/32) + "\n."),
	} {
		ours, err := memoryOf(func() error { _, err := unpickle(data); return err })
		if err == nil || ours > 2*maxMemory {
			t.Errorf("%s: %d bytes take %d MB here, %v", name, len(data), ours>>20, err)
		}
		theirs, _ := memoryOf(func() error { _, err := ogrek(data); return err })
		if theirs < uint64(100*len(data)) {
			t.Errorf("%s: %d bytes take og-rek only %d MB", name, len(data), theirs>>20)
		}
	}
}

// A key that is a tuple of two tuples, and so on, is 2ⁿ keys to look at in 2n
// bytes: og-rek looks at all of them, and 120 bytes keep it busy for ever.
func TestOgrek_time(t *testing.T) {
	bomb := func(n int) []byte { return []byte("\x80\x04})" + strings.Repeat("2\x86", n) + "Ns.") }
	fastest := func(n int) time.Duration {
		least := time.Hour
		for range 3 {
			start := time.Now()
			if _, err := ogrek(bomb(n)); err != nil {
				t.Fatal(err)
			}
			least = min(least, time.Since(start))
		}
		return least
	}
	if small, large := fastest(14), fastest(19); large < 8*small {
		t.Errorf("og-rek takes %v for 14 steps and %v for 19, which is not 32 times as long", small, large)
	}
	if v, err := unpickle(bomb(60)); err == nil {
		t.Errorf("was taken: %T", v)
	}
}

// og-rek, which others wrote, reads what is written here.
func TestPickle_readByAnotherLibrary(t *testing.T) {
	v, err := fromNotation([]byte(`{"n": null, "t": [true, false], "i": [0, 255, 256, 65536, -1, 9007199254740993, 123456789012345678901234567890],
		"f": 1.5, "s": "Zoë \u0000", "tuple": {"$tuple": [1, 2, 3, 4]}, "b": {"$bytes": "AAH+/w=="}, "d": {"$dict": [[1, "one"]]}}`))
	if err != nil {
		t.Fatal(err)
	}
	data, err := pickle(v)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ogórek.NewDecoderWithConfig(bytes.NewReader(data), &ogórek.DecoderConfig{StrictUnicode: true}).Decode()
	if err != nil {
		t.Fatal(err)
	}
	huge, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	want := map[any]any{
		"n": ogórek.None{}, "t": []any{true, false}, "f": 1.5, "s": "Zoë \x00",
		"i":     []any{int64(0), int64(255), int64(256), int64(65536), int64(-1), big.NewInt(9007199254740993), huge},
		"tuple": ogórek.Tuple{int64(1), int64(2), int64(3), int64(4)}, "b": ogórek.Bytes("\x00\x01\xfe\xff"), "d": map[any]any{int64(1): "one"},
	}
	if a, b := fmt.Sprint(got), fmt.Sprint(want); a != b {
		t.Errorf("got  %s\nwant %s", a, b)
	}
}
