package pyramid

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// A vector is one case of testdata/vectors, whatever the format.
type vector struct {
	file    string
	ID      string
	Desc    string
	Kind    string
	Lenient bool
	raw     map[string]json.RawMessage
}

// vectors reads testdata/vectors/name.json. It fails if there are fewer than
// least: a test over no cases passes.
func vectors(t testing.TB, name string, least int) []vector {
	t.Helper()
	raws, err := readVectors(name)
	if err != nil {
		t.Fatal(err)
	}
	if len(raws) < least {
		t.Fatalf("%s has %d vectors, fewer than %d", name, len(raws), least)
	}
	list := make([]vector, len(raws))
	for i, raw := range raws {
		v := vector{file: name, raw: raw}
		v.get(t, "id", &v.ID)
		v.get(t, "desc", &v.Desc)
		v.get(t, "kind", &v.Kind)
		v.get(t, "lenient", &v.Lenient)
		list[i] = v
	}
	return list
}

func readVectors(name string) ([]map[string]json.RawMessage, error) {
	data, err := os.ReadFile("testdata/vectors/" + name + ".json")
	if err != nil {
		return nil, err
	}
	var file struct{ Vectors []map[string]json.RawMessage }
	err = json.Unmarshal(data, &file)
	return file.Vectors, err
}

// get decodes a field, and reports whether it is there.
func (v vector) get(t testing.TB, field string, p any) bool {
	t.Helper()
	raw, ok := v.raw[field]
	if !ok || string(raw) == "null" {
		return false
	}
	if err := json.Unmarshal(raw, p); err != nil {
		t.Fatalf("%s: field %s: %v", v.ID, field, err)
	}
	return true
}

func (v vector) text(t testing.TB, field string) string {
	t.Helper()
	var s string
	v.get(t, field, &s)
	return s
}

func (v vector) bytes(t testing.TB, field string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(v.text(t, field))
	if err != nil {
		t.Fatalf("%s: field %s: %v", v.ID, field, err)
	}
	return b
}

// value decodes a field that is in the exact notation.
func (v vector) value(t testing.TB, field string) any {
	t.Helper()
	raw, ok := v.raw[field]
	if !ok {
		t.Fatalf("%s: no field %s", v.ID, field)
	}
	return typed(t, raw)
}

func typed(t testing.TB, raw []byte) any {
	t.Helper()
	value, err := fromNotation(raw)
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return value
}

// when decodes a field that holds seconds since 1970.
func (v vector) when(t testing.TB, field string) time.Time {
	t.Helper()
	at, ok := toTime(v.value(t, field))
	if !ok {
		t.Fatalf("%s: field %s is no time", v.ID, field)
	}
	return at
}

// exact is the exact notation of a value, as a test compares it.
func exact(t testing.TB, value any) string {
	t.Helper()
	b, err := renderExact(value, 1<<22)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sameJSON compares two texts of JSON, whatever the order of keys.
func sameJSON(t testing.TB, a, b []byte) bool {
	t.Helper()
	return reflect.DeepEqual(looseJSON(t, a), looseJSON(t, b))
}

func looseJSON(t testing.TB, text []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// Every file of vectors has its tests, and testdata/README.md names them.
func TestVectors_listed(t *testing.T) {
	readme, err := os.ReadFile("testdata/README.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/vectors/*.json")
	if err != nil || len(files) < 23 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		general := strings.NewReplacer("_modern", "_*", "_legacy", "_*").Replace(name)
		if !strings.Contains(string(readme), "`"+general+"`") {
			t.Errorf("testdata/README.md does not name %s", name)
		}
	}
}
