package scarab

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// What appendPython writes is what Python would, and it writes that again as it
// is.
func FuzzAppendPython(f *testing.F) {
	for _, s := range oddJSON {
		f.Add([]byte(s))
	}
	for _, p := range payloads(f) {
		f.Add(p)
	}
	for _, s := range []string{`1e16`, `1e15`, `123456789.123456789`, `1e-4`, `0.0001`, `0.00001`, `5e-324`, `1.7976931348623157e308`, `-1e-7`, `1e22`, `1E+2`, `100.0`, `-0.0`, `1e400`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := appendPython(nil, data)
		s := scanner{b: data}
		_, valid := s.value(maxDepth)
		if s.space(); (err == nil) != (valid == nil && s.i == len(data)) {
			t.Fatalf("%q: %v", data, err)
		}
		if err != nil {
			return
		}
		for _, c := range got {
			if c < ' ' || c >= 0x7f {
				t.Fatalf("%q: writes %q", data, got)
			}
		}
		checkCopied(t, data, got)
		if again, err := appendPython(nil, got); err != nil || !bytes.Equal(again, got) {
			t.Errorf("%q\nwrites %s\nthen   %s, %v", data, got, again, err)
		}
		if !json.Valid(data) || bytes.Contains(bytes.ToLower(data), []byte(`\ud`)) {
			return // encoding/json knows neither the words nor half a surrogate
		}
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		if want := pythonDumps(t, dec); string(got) != want {
			t.Errorf("%q\nwrites %s\nPython %s", data, got, want)
		}
	})
}

// checkCopied checks a value that nobody changes between two cookies: it is
// written as Python would, and copied if that is how it came.
func checkCopied(t *testing.T, data, want []byte) {
	t.Helper()
	var st State
	if err := st.parsePayload(slices.Concat([]byte(`[1, 2.0, {"k": `), data, []byte("}]"))); err != nil || len(st.Values) != 1 {
		return // nested too deep, or more than a value
	}
	b := inCookie{cfg: &Config{Lifetime: Never}}
	got, err := b.appendPayload(nil, &st)
	if err != nil || !bytes.Contains(got, slices.Concat([]byte(`{"k": `), want, []byte("}"))) {
		t.Errorf("%q: a cookie that has it is written again as %q, %v, want %q in it", data, got, err, want)
	}
	v := st.Values[0]
	asPython := bytes.Equal(v.JSON, want)
	switch copied := v.python == &v.JSON[0]; {
	case copied && !asPython:
		t.Errorf("%q is taken for what Python writes, which is %q", data, want)
	case !copied && asPython && !bytes.ContainsAny(want, `.eE\`): // of a number or an escape it is not known
		t.Errorf("%q is what Python writes, and spelled anew", data)
	}
}

// pythonDumps is json.dumps(json.loads(...)), but for keys that come twice.
func pythonDumps(t *testing.T, dec *json.Decoder) string {
	token, err := dec.Token()
	if err != nil {
		t.Fatal(err)
	}
	switch v := token.(type) {
	case json.Delim:
		var parts []string
		for dec.More() {
			part := pythonDumps(t, dec)
			if v == '{' {
				part += ": " + pythonDumps(t, dec)
			}
			parts = append(parts, part)
		}
		end, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		return v.String() + strings.Join(parts, ", ") + end.(json.Delim).String()
	case string:
		return pythonString(v)
	case json.Number:
		return pythonNumber(t, v.String())
	case bool:
		return strconv.FormatBool(v)
	}
	return "null"
}

func pythonString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, u := range utf16.Encode([]rune(s)) {
		switch i := strings.IndexRune("\"\\\n\r\t\b\f", rune(u)); {
		case i >= 0:
			b.WriteString(`\` + `"\nrtbf`[i:i+1])
		case u >= ' ' && u <= '~':
			b.WriteByte(byte(u))
		default:
			h := strconv.FormatUint(uint64(u), 16)
			b.WriteString(`\u` + strings.Repeat("0", 4-len(h)) + h)
		}
	}
	return b.String() + `"`
}

func pythonNumber(t *testing.T, text string) string {
	if !strings.ContainsAny(text, ".eE") {
		n, ok := new(big.Int).SetString(text, 10)
		if !ok {
			t.Fatal(text)
		}
		return n.String()
	}
	v, _ := strconv.ParseFloat(text, 64)
	if math.IsInf(v, 0) {
		return strings.Replace("-Infinity", "-", map[bool]string{true: "-"}[v < 0], 1)
	}
	// float.__repr__: the shortest digits; an exponent if the decimal point would be
	// more than 16 digits to the right or 4 zeros to the left.
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', -1, 64), "e")
	sign := ""
	if mantissa[0] == '-' {
		sign, mantissa = "-", mantissa[1:]
	}
	digits := strings.Replace(mantissa, ".", "", 1)
	point, err := strconv.Atoi(exponent)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case point < -4 && v != 0, point >= 16:
		return sign + mantissa + "e" + exponent
	case point < 0:
		return sign + "0." + strings.Repeat("0", -point-1) + digits
	case point+1 >= len(digits):
		return sign + digits + strings.Repeat("0", point+1-len(digits)) + ".0"
	}
	return sign + digits[:point+1] + "." + digits[point+1:]
}

// Times are read and written without loss, to the microsecond that is kept.
func TestPythonTime(t *testing.T) {
	for _, at := range []time.Time{time.Unix(0, 0), time.Unix(1, 5e8), time.Unix(1700000000, 1000), time.Unix(1700000000, 999999000), time.Unix(4102444800, 123456000)} {
		text := appendPythonTime(nil, at)
		got, ok := pythonTime(text)
		if !ok || !got.Round(time.Microsecond).Equal(at) {
			t.Errorf("%v is written %s and read %v", at, text, got)
		}
	}
}
