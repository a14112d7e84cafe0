package scarab

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// payloads are what Pyramid signed: seeds for all that reads JSON.
func payloads(f *testing.F) [][]byte {
	b, err := os.ReadFile("testdata/pyramid/signed_cookie_json.json")
	if err != nil {
		f.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			Payload string `json:"payload_b64"`
		}
	}
	if err := json.Unmarshal(b, &file); err != nil {
		f.Fatal(err)
	}
	var list [][]byte
	for _, v := range file.Vectors {
		if p, err := base64.StdEncoding.DecodeString(v.Payload); err == nil && len(p) > 0 {
			list = append(list, p)
		}
	}
	if len(list) < 30 {
		f.Fatalf("%d payloads", len(list))
	}
	return list
}

// oddJSON is what a scanner gets wrong.
var oddJSON = []string{
	``, ` `, `x`, `nul`, `nulll`, `NaN`, `-NaN`, `Infinity`, `-Infinity`, `+Infinity`, `Infinit`, `"NaN"`, `[NaN, Infinity, -Infinity]`, `{"a": NaN}`, `{NaN: 1}`,
	`0`, `-0`, `00`, `01`, `-`, `1.`, `.1`, `1.5e`, `1.5e+`, `1E5`, `1e-5`, `1e999`, `0x1`, `1_0`, `-1.5E+10`, `123456789012345678901234567890`,
	`""`, `"`, `"\"`, `"\\"`, `"\x"`, `"\u12"`, `"\u12g4"`, `"\b\f\n\r\t\/\"\\\u00E9\uABCD"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ude00\ud83d"`, "\"\x00\"", "\"\n\"", "\"\xff\"", "\"\u2028\"", `"😀"`, "\"\x7f\"",
	`[`, `]`, `[]`, `[ ]`, `[,]`, `[1,]`, `[1 2]`, `[1,2`, `[[]]`, `[}`, `{}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1 "b":2}`, `{1:2}`, `{"a":1,"a":2}`, ` {"a" : [ 1 , {} ] } `,
	`true false`, `tru`, `[true,false,null]`, "\ufeff1", "1\x00", `1//`, `/**/1`,
}

// The scanner accepts what encoding/json does, in UTF-8, not too deep, and
// Python's three words.
func FuzzScanner(f *testing.F) {
	for _, s := range oddJSON {
		f.Add([]byte(s))
	}
	for _, p := range payloads(f) {
		f.Add(p)
	}
	f.Add([]byte(strings.Repeat("[", 499) + "1" + strings.Repeat("]", 499)))
	f.Add([]byte(strings.Repeat("[", 500) + "1" + strings.Repeat("]", 500)))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := scanner{b: data}
		s.space()
		err := s.skip(maxDepth)
		s.space()
		ok := err == nil && s.i == len(data)

		want := json.Valid(wordless(data)) && utf8.Valid(data)
		if depth(data) >= maxDepth {
			want = ok && want // it may give up
		}
		if ok != want {
			t.Fatalf("%q: the scanner says %t, encoding/json %t", data, ok, want)
		}
		v, err := decode(data)
		if (err == nil) != ok {
			t.Fatalf("%q: decode says %v", data, err)
		}
		if !ok || !json.Valid(data) {
			return
		}
		// Where encoding/json reads it too, it reads the same.
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		var ref any
		if err := dec.Decode(&ref); err != nil {
			t.Fatal(err)
		}
		if !equalValue(v, ref) {
			t.Errorf("%q: decode has %#v, encoding/json %#v", data, v, ref)
		}
		if list, err := elements(data); (err == nil) != (trimmed(data)[0] == '[') {
			t.Errorf("%q: elements %q, %v", data, list, err)
		} else if l, _ := ref.([]any); len(list) != len(l) {
			t.Errorf("%q: %d elements, want %d", data, len(list), len(l))
		}
		keys := 0
		err = members(data, func(_ []byte, v json.RawMessage) error {
			if keys++; !json.Valid(v) || len(trimmed(v)) != len(v) {
				t.Errorf("%q: a member is %q", data, v)
			}
			return nil
		})
		if m, _ := ref.(map[string]any); (err == nil) != (trimmed(data)[0] == '{') || keys < len(m) {
			t.Errorf("%q: %d members, %v", data, keys, err)
		}
	})
}

func trimmed(b []byte) []byte { return bytes.Trim(b, " \t\r\n") }

// wordless is data with Python's words outside strings replaced by lists, which
// merge with nothing beside them.
func wordless(data []byte) []byte {
	var out []byte
	quoted := false
	for i := 0; i < len(data); {
		rest := data[i:]
		switch {
		case quoted && rest[0] == '\\' && len(rest) > 1:
			out = append(out, rest[:2]...)
			i += 2
			continue
		case rest[0] == '"':
			quoted = !quoted
		case !quoted:
			if n := wordLen(rest); n > 0 {
				out = append(out, "[]"...)
				i += n
				continue
			}
		}
		out = append(out, rest[0])
		i++
	}
	return out
}

func wordLen(b []byte) int {
	for _, w := range []string{"NaN", "Infinity", "-Infinity"} {
		if bytes.HasPrefix(b, []byte(w)) {
			return len(w)
		}
	}
	return 0
}

// depth is at least how deep data is nested.
func depth(data []byte) int {
	n, most := 0, 0
	for _, c := range data {
		switch c {
		case '[', '{':
			n++
			most = max(most, n)
		case ']', '}':
			n--
		}
	}
	return max(most, bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")))
}

// equalValue reports whether v, of Get's types, is what encoding/json read.
func equalValue(v, ref any) bool {
	switch ref := ref.(type) {
	case map[string]any:
		m, ok := v.(map[string]any)
		if !ok || len(m) != len(ref) {
			return false
		}
		for key := range ref {
			if e, ok := m[key]; !ok || !equalValue(e, ref[key]) {
				return false
			}
		}
		return true
	case []any:
		l, ok := v.([]any)
		return ok && slices.EqualFunc(l, ref, equalValue)
	case json.Number:
		switch v := v.(type) {
		case int64:
			return strconv.FormatInt(v, 10) == ref.String() || ref.String() == "-0"
		case float64:
			f, err := strconv.ParseFloat(ref.String(), 64)
			return err == nil && f == v && strings.ContainsAny(ref.String(), ".eE")
		}
		return v == ref
	}
	return v == ref
}
