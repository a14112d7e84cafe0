package app

import (
	"encoding/gob"
	"encoding/json"
	"fmt"
	"strings"
)

// A Sample is what a session holds.
type Sample struct {
	Name    string
	Values  []Value // besides the CSRF token and the message
	CSRF    string  // 40 hexadecimal digits
	Message string  // a flash message that is waiting
}

// A Value is a key and what is there: an int, int64, string or []string.
type Value struct {
	Key   string
	Value any
}

// The keys that handlers use.
const (
	userKey    = "user_id"
	counterKey = "counter"
	csrfKey    = "csrf"
	flashKey   = "flash"
)

const user int64 = 123456789

// S is a small session: 6 values, 234 bytes of JSON.
var S = Sample{
	Name: "S",
	Values: []Value{
		{userKey, user},
		{"username", "twelve_chars"},
		{counterKey, 1},
		{"roles", []string{"admin", "editor", "viewer"}},
	},
	CSRF:    "0f1e2d3c4b5a69788796a5b4c3d2e1f001234567",
	Message: "Your changes to the page were saved. They are public from now on, to anyone.",
}

// L is S and ten strings of 212 bytes: 2 484 bytes of JSON.
var L = func() Sample {
	l := S
	l.Name = "L"
	l.Values = append([]Value(nil), S.Values...)
	for i := range 10 {
		l.Values = append(l.Values, Value{fmt.Sprintf("extra_%d", i), text(212)})
	}
	return l
}()

// Sized is a session of that many bytes of JSON: S with another value, or less
// than S.
func Sized(size int) Sample {
	s := S
	if size < S.Size()+len(`,"extra":""`) {
		s = Sample{Values: []Value{{userKey, user}, {counterKey, 1}}}
	}
	s.Name = fmt.Sprintf("%d bytes", size)
	rest := size - s.Size() - len(`,"extra":""`)
	s.Values = append(append([]Value(nil), s.Values...), Value{"extra", text(max(1, rest))})
	return s
}

// Keyed is a session of that many keys with short values.
func Keyed(keys int) Sample {
	s := S
	s.Name = fmt.Sprintf("%d keys", keys)
	s.Values = []Value{{userKey, user}, {counterKey, 1}}
	for i := range keys {
		s.Values = append(s.Values, Value{fmt.Sprintf("key_%04d", i), "sixteen letters!"})
	}
	return s
}

// Size returns how long s is as a JSON object.
func (s Sample) Size() int {
	all := map[string]any{}
	for _, v := range s.Values {
		all[v.Key] = v.Value
	}
	if s.CSRF != "" {
		all[csrfKey] = s.CSRF
	}
	if s.Message != "" {
		all[flashKey] = []string{s.Message}
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err) // a sample is a constant of this package
	}
	return len(text)
}

// text has no letter twice in a row, so that nothing can compress it by chance.
func text(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	return strings.Repeat(letters, n/len(letters)+1)[:n]
}

func init() {
	gob.Register([]string{})
	gob.Register([]any{})
	gob.Register(map[string]any{})
}
