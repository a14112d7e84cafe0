package pyramid

import (
	"bytes"
	"errors"
	"math"
	"math/big"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Dates and timedeltas are mapped, as the note of that vector allows.
var mapped = map[string]bool{"datetimes-p5": true}

func TestUnpickle_vectors(t *testing.T) {
	for _, v := range vectors(t, "pickle_values", 80) {
		t.Run(v.ID, func(t *testing.T) {
			v.compared()
			var refuse bool
			v.get(t, "refuse", &refuse)
			got, err := unpickle(v.bytes(t, "pickle_b64"))
			var text []byte
			if err == nil {
				text, err = renderExact(got, 1<<20)
			}
			if refuse && !mapped[v.ID] {
				if err == nil {
					t.Fatalf("%s: decoded as %s", v.Desc, text)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !sameJSON(t, text, v.raw["value"]) {
				t.Errorf("got  %s\nwant %s", text, v.raw["value"])
			}
		})
	}
}

// What is decoded goes through the notation that Go sees and back into a
// pickle without a change, types included.
func TestPickle_roundTripThroughNotation(t *testing.T) {
	for _, v := range vectors(t, "pickle_values", 80) {
		first, err := unpickle(v.bytes(t, "pickle_b64"))
		if err != nil {
			continue
		}
		text, err := render(first, 1<<20)
		if err != nil {
			continue // a list that holds itself
		}
		back, err := fromNotation(text)
		if err != nil {
			t.Errorf("%s: %s: %v", v.ID, text, err)
			continue
		}
		data, err := pickle(back)
		if err != nil {
			t.Errorf("%s: %v", v.ID, err)
			continue
		}
		second, err := unpickle(data)
		if err != nil {
			t.Errorf("%s: %v", v.ID, err)
			continue
		}
		if a, b := exact(t, first), exact(t, second); a != b {
			t.Errorf("%s changed:\n%s\n%s", v.ID, a, b)
		}
	}
}

func TestPickle_numbersKeepSizeAndKind(t *testing.T) {
	var values []any
	for _, shift := range []uint{0, 7, 8, 15, 16, 31, 32, 53, 62, 63, 64, 127, 128, 2040, 2048, 60000} {
		for _, d := range []int64{-1, 0, 1} {
			n := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), shift), big.NewInt(d))
			values = append(values, smallInt(n), smallInt(new(big.Int).Neg(n)))
		}
	}
	values = append(values, 0.1, 1.0, 1e16, 1e-7, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat64)
	for _, v := range values {
		data, err := pickle(v)
		if err != nil {
			t.Fatal(err)
		}
		got, err := unpickle(data)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := exact(t, v), exact(t, got); a != b {
			t.Errorf("%.60s came back as %.60s", a, b)
		}
	}
}

// The memory that a pickle takes is bounded whatever it says: lengths that are
// lies, a million levels, references that double at each step.
func TestUnpickle_bombs(t *testing.T) {
	doubling := func(start, step string, n int) []byte {
		return []byte("\x80\x04" + start + strings.Repeat(step, n) + ".")
	}
	bombs := map[string][]byte{
		"11 bytes that announce 2 GB":      []byte("\x80\x04X\xff\xff\xff\x7fabcd"),
		"11 bytes that announce 16 EB":     []byte("\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff"),
		"a frame of 16 EB":                 []byte("\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xff."),
		"a million nested tuples":          doubling(")", "\x85", 1_000_000),
		"a million nested lists":           []byte("\x80\x02" + strings.Repeat("]", 1_000_000) + strings.Repeat("a", 999_999) + "."),
		"300 nested lists":                 []byte("\x80\x02" + strings.Repeat("]", 300) + strings.Repeat("a", 299) + "."),
		"tuples that double 60 times":      doubling(")", "2\x86", 60),
		"lists that double 60 times":       doubling("]", "2\x86", 60),
		"text of 1 KB, doubled 60 times":   doubling("X\x00\x04\x00\x00"+strings.Repeat("a", 1024), "2\x86", 60),
		"a dict key that doubles 60 times": []byte("\x80\x04})" + strings.Repeat("2\x86", 60) + "Ns."),
		"a million marks":                  []byte(strings.Repeat("(", 4_000_000) + "."),
		"a million references":             []byte("\x80\x02X\x01\x00\x00\x00aq\x00(" + strings.Repeat("h\x00", 2_000_000) + "t."),
		"a million memo entries":           []byte("\x80\x04N" + strings.Repeat("\x94", 4_000_000) + "."),
		"a million empty dicts":            []byte("\x80\x02(" + strings.Repeat("}", 4_000_000) + "t."),
		"dicts of one entry":               []byte("\x80\x02(" + strings.Repeat("}K\x00Ns", 800_000) + "t."),
		"a set of a million":               []byte("\x80\x04\x8f(" + strings.Repeat("M\x01\x02", 1_000_000) + "\x90."),
		"a number of 4 MB":                 append([]byte("\x80\x02\x8b\xf0\xff\x3f\x00"), bytes.Repeat([]byte{0x7f}, 4<<20-16)...),
		"digits of 4 MB":                   []byte("I" + strings.Repeat("9", 4<<20-3) + "\n."),
		"a list that holds itself":         []byte("\x80\x04]\x94h\x00a."),
		"a dict that holds itself":         []byte("\x80\x04}\x94Nh\x00s."),
		"a key of 1 MB, a million times":   []byte("\x80\x04X\x00\x00\x10\x00" + strings.Repeat("a", 1<<20) + "q\x000}(" + strings.Repeat("h\x00N", 1_000_000) + "u."),
		"more than is read":                bytes.Repeat([]byte("N"), maxPickle+1),
	}
	for name, data := range bombs {
		t.Run(name, func(t *testing.T) {
			used, err := memoryOf(func() error {
				v, err := unpickle(data)
				if err == nil {
					_, err = render(v, renderLimit(len(data)))
				}
				return err
			})
			if err == nil {
				t.Error("was taken")
			}
			// A map that grows allocates about twice what it holds in the end.
			if limit := uint64(4*maxMemory + 8*len(data)); used > limit {
				t.Errorf("allocated %d MB for %d bytes (%v)", used>>20, len(data), err)
			}
		})
	}
}

// memoryOf returns how many bytes f allocates, freed ones included.
func memoryOf(f func() error) (uint64, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, err
}

func TestPickle_refusesWhatIsNested(t *testing.T) {
	list := &pyList{}
	list.items = []any{list}
	if _, err := pickle(list); !errors.Is(err, errDepth) {
		t.Errorf("a list that holds itself: %v", err)
	}
}

// Protocol 2 unless there are bytes: Python 2 reads nothing else.
func TestPickle_protocol(t *testing.T) {
	for _, tt := range []struct {
		name string
		v    any
		want byte
	}{
		{"plain", &pyList{[]any{int64(1), "a", nil, true, 1.5}}, 2},
		{"a set", &pySet{}, 2},
		{"a timedelta", pyTimedelta{days: 1}, 2},
		{"bytes", &pyTuple{[]any{pyBytes("a")}}, 3},
		{"a date", pyDate{7, 231, 1, 1}, 3},
	} {
		data, err := pickle(tt.v)
		if err != nil || data[0] != 0x80 || data[1] != tt.want {
			t.Errorf("%s: % x, %v, want protocol %d", tt.name, data, err, tt.want)
		}
	}
}

func TestDatetime_repr(t *testing.T) {
	for _, text := range []string{
		"datetime.datetime(2023, 11, 14, 22, 13, 20, 250000)",
		"datetime.datetime(2023, 11, 14, 22, 13)",
		"datetime.datetime(2023, 11, 14, 22, 13, 20)",
		"datetime.datetime(2023, 11, 14, 22, 13, 0, 5, fold=1)",
		"datetime.datetime(2023, 11, 14, 0, 0, tzinfo=datetime.timezone.utc)",
		"datetime.datetime(2023, 11, 14, 0, 0, fold=1, tzinfo=datetime.timezone(datetime.timedelta(seconds=3600), 'CET'))",
		"datetime.datetime(2023, 11, 14, 0, 0, tzinfo=datetime.timezone(datetime.timedelta(days=-1, seconds=68400)))",
		"datetime.date(2024, 2, 29)",
		"datetime.timedelta(0)",
		"datetime.timedelta(days=-999999999)",
		"datetime.timedelta(days=1, seconds=2, microseconds=3)",
		"datetime.timezone.utc",
	} {
		v, err := parseRepr(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := reprTime(v); got != text {
			t.Errorf("%s came back as %s", text, got)
		}
	}
	for _, text := range []string{
		"", "datetime.datetime()", "datetime.date(2023, 2, 29)", "datetime.date(2023, 02, 9)", "datetime.datetime(2023, 1, 1, 24, 0)",
		"datetime.timedelta(seconds=86400)", "datetime.timedelta(seconds=-1)", "os.system('x')", "datetime.date(2024, 2, 29) ",
		"datetime.datetime(2023, 300, 1, 0, 0)", "datetime.datetime(2023, 1, 1, 0, 0, tzinfo=datetime.date(2024, 2, 29))",
		strings.Repeat("datetime.timezone(", 100_000),
	} {
		if v, err := parseRepr(text); err == nil {
			t.Errorf("%.60s was read as %v", text, v)
		}
	}
}

func pickleSeeds(f *testing.F) {
	n := 0
	for _, v := range vectors(f, "pickle_values", 80) {
		f.Add(v.bytes(f, "pickle_b64"))
		n++
	}
	if n == 0 {
		f.Fatal("no seeds")
	}
}

// Whatever a pickle holds: no panic, bounded memory and time, and what is
// taken comes back the same from what is written.
func FuzzUnpickle(f *testing.F) {
	pickleSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		var v any
		var text []byte
		start := time.Now()
		used, err := memoryOf(func() (err error) {
			if v, err = unpickle(data); err == nil {
				text, err = render(v, renderLimit(len(data)))
			}
			return err
		})
		// Other goroutines of the fuzzer allocate too.
		if used > 256<<20 {
			t.Fatalf("%d bytes took %d MB", len(data), used>>20)
		}
		if d := time.Since(start); d > 10*time.Second {
			t.Fatalf("%d bytes took %v", len(data), d)
		}
		if err != nil {
			return
		}
		back, err := fromNotation(text)
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		again, err := pickle(back)
		if err != nil {
			t.Fatal(err)
		}
		second, err := unpickle(again)
		if err != nil {
			t.Fatalf("%v in % x", err, again)
		}
		text2, err := render(second, 1<<26)
		if err != nil || !bytes.Equal(text, text2) {
			t.Fatalf("changed (%v):\n%s\n%s", err, text, text2)
		}
	})
}

// Python's pickles are no longer than they are expected to be.
func TestPickle_growth(t *testing.T) {
	n := 0
	for _, v := range vectors(t, "pickle_values", 80) {
		newest := strings.HasSuffix(v.ID, "-p5") || strings.HasSuffix(v.ID, "-p4")
		if !newest && !strings.HasSuffix(v.ID, "-p2") {
			continue
		}
		original := v.bytes(t, "pickle_b64")
		value, err := unpickle(original)
		if err != nil {
			continue
		}
		ours, err := pickle(value)
		if err != nil {
			t.Fatalf("%s: %v", v.ID, err)
		}
		n++
		if most := len(ours) + pythonGrowth(value, newest); len(original) > most {
			t.Errorf("%s: Python's has %d bytes, ours %d, and it was expected to have %d at most", v.ID, len(original), len(ours), most)
		}
	}
	if n < 25 {
		t.Errorf("%d cases", n)
	}
}
