package scarab_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
)

// What one request leaves, the next one finds; what is no change, the store
// does not hear of.
func TestSession_dictionary(t *testing.T) {
	const saved, read = "LoadTouch Save", "LoadTouch"
	abc := func(s *scarab.Session) { s.SetAll(map[string]any{"a": 1, "b": 2, "c": 3}) }
	nothing := func(s *scarab.Session) { s.Login("ann"); s.Clear() } // a session without a key
	tests := []struct {
		name   string
		before func(*scarab.Session)
		change func(*scarab.Session)
		want   string
		calls  string
	}{
		{"SetAll adds in alphabetical order", abc, func(s *scarab.Session) {}, "a=1 b=2 c=3", read},
		{"Set adds at the end", abc, func(s *scarab.Session) { s.Set("0", "x") }, `a=1 b=2 c=3 0="x"`, saved},
		{"Set keeps the place of a key", abc, func(s *scarab.Session) { s.Set("a", true) }, "a=true b=2 c=3", saved},
		{"a key that was deleted comes back at the end", abc, func(s *scarab.Session) { s.Delete("a"); s.Set("a", 9) }, "b=2 c=3 a=9", saved},
		{"the empty key is a key", abc, func(s *scarab.Session) { s.Set("", 0) }, "a=1 b=2 c=3 =0", saved},
		{"SetAll replaces and adds", abc, func(s *scarab.Session) { s.SetAll(map[string]any{"d": 4, "b": 0}) }, "a=1 b=0 c=3 d=4", saved},
		{"SetAll of nothing is no change", abc, func(s *scarab.Session) { s.SetAll(nil) }, "a=1 b=2 c=3", read},
		{"SetDefault sets what is absent", abc, func(s *scarab.Session) {
			if got := s.SetDefault("d", 4); got != int64(4) {
				t.Errorf("SetDefault = %#v", got)
			}
		}, "a=1 b=2 c=3 d=4", saved},
		{"SetDefault leaves what is there", abc, func(s *scarab.Session) {
			if got := s.SetDefault("b", 4); got != int64(2) {
				t.Errorf("SetDefault = %#v", got)
			}
		}, "a=1 b=2 c=3", read},
		{"SetDefault leaves a null", func(s *scarab.Session) { s.Set("a", nil) }, func(s *scarab.Session) {
			if got := s.SetDefault("a", 4); got != nil {
				t.Errorf("SetDefault = %#v", got)
			}
		}, "a=<nil>", read},
		{"Delete removes", abc, func(s *scarab.Session) { s.Delete("b") }, "a=1 c=3", saved},
		{"Delete of nothing is no change", abc, func(s *scarab.Session) { s.Delete("x") }, "a=1 b=2 c=3", read},
		{"Pop removes and returns", abc, func(s *scarab.Session) {
			if v, ok := s.Pop("b"); v != int64(2) || !ok {
				t.Errorf("Pop = %#v, %t", v, ok)
			}
			if v, ok := s.Pop("b"); v != nil || ok {
				t.Errorf("second Pop = %#v, %t", v, ok)
			}
		}, "a=1 c=3", saved},
		{"Pop of nothing is no change", abc, func(s *scarab.Session) {
			if v, ok := s.Pop("x"); v != nil || ok {
				t.Errorf("Pop = %#v, %t", v, ok)
			}
		}, "a=1 b=2 c=3", read},
		{"PopItem takes the last one", abc, func(s *scarab.Session) {
			if key, v, ok := s.PopItem(); key != "c" || v != int64(3) || !ok {
				t.Errorf("PopItem = %q, %#v, %t", key, v, ok)
			}
		}, "a=1 b=2", saved},
		{"PopItem of nothing is no change", nothing, func(s *scarab.Session) {
			if key, v, ok := s.PopItem(); key != "" || v != nil || ok {
				t.Errorf("PopItem = %q, %#v, %t", key, v, ok)
			}
		}, "", read},
		{"Clear removes everything", abc, func(s *scarab.Session) { s.Clear(); s.Set("z", 1) }, "z=1", saved},
		{"Clear of nothing is no change", nothing, func(s *scarab.Session) { s.Clear() }, "", read},
		{"a session that was cleared stays", abc, func(s *scarab.Session) { s.Clear() }, "", saved},
		{"SetLabel to what it is is no change", func(s *scarab.Session) { abc(s); s.SetLabel("phone") },
			func(s *scarab.Session) { s.SetLabel("phone") }, "a=1 b=2 c=3", read},
		{"SetPersistent to what it is is no change", func(s *scarab.Session) { abc(s); s.SetPersistent(true) },
			func(s *scarab.Session) { s.SetPersistent(true) }, "a=1 b=2 c=3", read},
		{"SetTimeouts(0, 0) is no change", abc, func(s *scarab.Session) { s.SetTimeouts(0, 0) }, "a=1 b=2 c=3", read},
		{"Changed of nothing is no change", abc, func(s *scarab.Session) { s.Changed() }, "a=1 b=2 c=3", read},
		{"reading is no change", abc, func(s *scarab.Session) {
			s.Get("a")
			s.Lookup("b")
			s.Has("c")
			s.Len()
			contents(s)
			s.Principal()
			s.Expires()
		}, "a=1 b=2 c=3", read},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newSite(t, scarab.Config{}).browser()
			if a := b.visit(tt.before); a.calls != "Create" {
				t.Fatalf("before: store calls %q", a.calls)
			}
			var now string
			a := b.visit(func(s *scarab.Session) {
				tt.change(s)
				now = contents(s)
			})
			if a.status != http.StatusOK || a.calls != tt.calls {
				t.Errorf("%d, store calls %q, want %q", a.status, a.calls, tt.calls)
			}
			if next := b.sees(); now != tt.want || next != tt.want {
				t.Errorf("this request sees %s\nthe next one     %s\nwant             %s", now, next, tt.want)
			}
		})
	}
}

// A session that is new and ends empty is not created.
func TestSession_newAndEmpty(t *testing.T) {
	tests := []struct {
		name string
		do   func(*scarab.Session)
	}{
		{"nothing", func(*scarab.Session) {}},
		{"reading", func(s *scarab.Session) { s.Get("a"); s.PopFlash(); s.PeekFlash(); contents(s); s.Expires() }},
		{"Set and Delete", func(s *scarab.Session) { s.Set("a", 1); s.Delete("a") }},
		{"Set and Clear", func(s *scarab.Session) { s.Set("a", 1); s.Clear() }},
		{"Flash and PopFlash", func(s *scarab.Session) { s.Flash("hi"); s.PopFlash() }},
		{"Renew", func(s *scarab.Session) { s.Renew() }},
		{"Invalidate", func(s *scarab.Session) { s.Set("a", 1); s.Invalidate() }},
		{"SetTimeouts", func(s *scarab.Session) { s.SetTimeouts(time.Minute, time.Hour) }},
		{"SetPersistent", func(s *scarab.Session) { s.SetPersistent(true) }},
		{"SetLabel", func(s *scarab.Session) { s.SetLabel("phone") }},
		{"Changed", func(s *scarab.Session) { s.Changed() }},
		{"an Edit that changes nothing", func(s *scarab.Session) { scarab.Key[[]int]("a").Edit(s) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := newSite(t, scarab.Config{}).browser().visit(func(s *scarab.Session) {
				tt.do(s)
				if s.Started() {
					t.Error("Started = true")
				}
			})
			if a.status != http.StatusOK || a.calls != "" || a.set != nil {
				t.Errorf("%d, store calls %q, Set-Cookie %q", a.status, a.calls, a.set)
			}
		})
	}
}

// Get answers the same in the request that set the value and in the next one.
func TestSession_Get_types(t *testing.T) {
	tests := []struct {
		name      string
		set, want any
	}{
		{"nil", nil, nil},
		{"bool", true, true},
		{"int", 42, int64(42)},
		{"int64, the least", int64(math.MinInt64), int64(math.MinInt64)},
		{"int64, the greatest", int64(math.MaxInt64), int64(math.MaxInt64)},
		{"uint64 beyond int64", uint64(math.MaxUint64), json.Number("18446744073709551615")},
		{"a number of 40 digits", json.Number(strings.Repeat("7", 40)), json.Number(strings.Repeat("7", 40))},
		{"float64", 1.5, 1.5},
		{"float64 that is whole", 2.0, int64(2)}, // JSON has one kind of number
		{"float64, large", 1e300, 1e300},
		{"a number beyond float64", json.Number("1e999"), json.Number("1e999")},
		{"string", "plain", "plain"},
		{"string that needs escapes", "\"\\\n\x00<&>\u2028é😀", "\"\\\n\x00<&>\u2028é😀"},
		{"string that is not UTF-8", "a\xffb", "a\ufffdb"},
		{"list", []int{1, 2}, []any{int64(1), int64(2)}},
		{"nil slice", []int(nil), nil},
		{"map", map[string]any{"x": 1.5, "y": nil}, map[string]any{"x": 1.5, "y": nil}},
		{"struct", struct {
			A int
			b int
			C string `json:"c"`
		}{1, 2, "x"}, map[string]any{"A": int64(1), "c": "x"}},
		{"time", noon, "2026-03-02T12:00:00Z"},
		{"bytes", []byte{1, 2, 3}, "AQID"},
		{"raw JSON", json.RawMessage(`{ "n" : [ 1 ] }`), map[string]any{"n": []any{int64(1)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for kind, site := range map[string]*site{"stored": newSite(t, scarab.Config{}), "signed": newCookieSite(t, scarab.Config{})} {
				if kind == "signed" && tt.want == json.Number("1e999") {
					continue // Pyramid reads it as infinity, and so do its cookies
				}
				b := site.browser()
				var now, next any
				b.visit(func(s *scarab.Session) { s.Set("k", tt.set); now = s.Get("k") })
				b.visit(func(s *scarab.Session) {
					var ok bool
					if next, ok = s.Lookup("k"); !ok || !s.Has("k") {
						t.Errorf("%s: the value is gone", kind)
					}
				})
				if !reflect.DeepEqual(now, tt.want) || !reflect.DeepEqual(next, tt.want) {
					t.Errorf("%s: Get now %#v, next %#v, want %#v", kind, now, next, tt.want)
				}
			}
		})
	}
}

func TestSession_Set_encodesAtOnce(t *testing.T) {
	b := newSite(t, scarab.Config{}).browser()
	b.visit(func(s *scarab.Session) {
		list := []int{1}
		s.Set("l", list)
		list[0] = 2
		if got := s.Get("l"); !reflect.DeepEqual(got, []any{int64(1)}) {
			t.Errorf("Get = %v", got)
		}
	})
	if got := b.sees(); got != "l=[]interface {}{1}" {
		t.Error(got)
	}
}

type failingMarshaler struct{}

var errMarshal = errors.New("no words")

func (failingMarshaler) MarshalJSON() ([]byte, error) { return nil, errMarshal }

type cyclic struct{ Next *cyclic }

// A value that cannot be kept fails the commit, names key and type, and leaves
// everything as it was.
func TestSession_unencodable(t *testing.T) {
	loop := &cyclic{}
	loop.Next = loop
	deep := any(1)
	for range 1200 {
		deep = []any{deep}
	}
	tests := []struct {
		name string
		do   func(*scarab.Session)
		want []string // in the error
	}{
		{"func", func(s *scarab.Session) { s.Set("k", func() {}) }, []string{`"k"`, "func()"}},
		{"chan", func(s *scarab.Session) { s.Set("k", make(chan int)) }, []string{`"k"`, "chan int"}},
		{"complex", func(s *scarab.Session) { s.Set("k", 1i) }, []string{`"k"`, "complex128"}},
		{"NaN", func(s *scarab.Session) { s.Set("k", math.NaN()) }, []string{`"k"`, "float64"}},
		{"Infinity", func(s *scarab.Session) { s.Set("k", math.Inf(1)) }, []string{`"k"`, "float64"}},
		{"cycle", func(s *scarab.Session) { s.Set("k", loop) }, []string{`"k"`, "*scarab_test.cyclic"}},
		{"nested too deeply", func(s *scarab.Session) { s.Set("k", deep) }, []string{`"k"`, "[]interface {}"}},
		{"nested func", func(s *scarab.Session) { s.Set("k", map[string]any{"f": func() {}}) }, []string{`"k"`, "map[string]interface {}"}},
		{"MarshalJSON fails", func(s *scarab.Session) { s.Set("k", failingMarshaler{}) }, []string{`"k"`, "failingMarshaler", "no words"}},
		{"raw text that is no JSON", func(s *scarab.Session) { s.Set("k", json.RawMessage("{")) }, []string{`"k"`, "json.RawMessage"}},
		{"SetAll", func(s *scarab.Session) { s.SetAll(map[string]any{"a": 0, "k": func() {}, "z": 0}) }, []string{`"k"`, "func()"}},
		{"SetDefault", func(s *scarab.Session) { s.SetDefault("k", func() {}) }, []string{`"k"`, "func()"}},
		{"Key.Set", func(s *scarab.Session) { scarab.Key[chan int]("k").Set(s, make(chan int)) }, []string{`"k"`, "chan int"}},
		{"Key.Update", func(s *scarab.Session) { scarab.Key[float64]("k").Update(s, math.Log) }, []string{`"k"`, "float64"}},
		{"Key.Edit", func(s *scarab.Session) { *scarab.Key[float64]("k").Edit(s) = math.NaN() }, []string{`"k"`, "float64"}},
		{"Key.Edit of a type that is never encoded", func(s *scarab.Session) { scarab.Key[func()]("k").Edit(s) }, []string{`"k"`, "func()"}},
		{"Queue.Push", func(s *scarab.Session) { scarab.Queue[any]("q").Push(s, func() {}) }, []string{`"_f_q"`, "func()"}},
		{"Changed", func(s *scarab.Session) {
			s.Get("m").(map[string]any)["x"] = func() {}
			s.Changed()
		}, []string{`"m"`, "map[string]interface {}"}},
		{"a key that is not UTF-8", func(s *scarab.Session) { s.Set("\xff", 1) }, []string{`"\xff"`, "UTF-8"}},
		{"the reserved key", func(s *scarab.Session) { s.Set("_scarab_", 1) }, []string{`"_scarab_"`, "reserved"}},
		{"Login without a principal", func(s *scarab.Session) { s.Login("") }, []string{"Login", "Invalidate"}},
		{"a principal that is not UTF-8", func(s *scarab.Session) { s.Login("\xff") }, []string{`"\xff"`, "UTF-8"}},
		{"a principal with a NUL", func(s *scarab.Session) { s.Login("ann\x00") }, []string{`"ann\x00"`, "NUL"}},
		{"a negative timeout", func(s *scarab.Session) { s.SetTimeouts(-time.Second, 0) }, []string{"SetTimeouts", "-1s"}},
		{"a push onto what is no list", func(s *scarab.Session) { s.Set("_f_", "text"); s.Flash("hi") }, []string{`"_f_"`, "list"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for kind, site := range map[string]*site{"stored": newSite(t, scarab.Config{}), "signed": newCookieSite(t, scarab.Config{})} {
				b := site.browser()
				b.visit(func(s *scarab.Session) { s.Set("m", map[string]int{"n": 1}) })
				cookie := b.token()
				a := b.ask(func(w http.ResponseWriter, r *http.Request) {
					s, _ := scarab.From(r.Context())
					s.Set("other", 1)
					tt.do(s)
					s.Set("after", 1) // does not make it good
					if _, err := fmt.Fprint(w, "Saved!"); err == nil {
						t.Errorf("%s: Write says nothing", kind)
					}
				})
				if a.status != http.StatusInternalServerError || strings.Contains(a.body, "Saved") || len(a.failures) != 1 {
					t.Fatalf("%s: answer %d %q, errors %v", kind, a.status, a.body, a.failures)
				}
				for _, part := range tt.want {
					if !strings.Contains(a.failures[0].Error(), part) {
						t.Errorf("%s: the error %q does not name %s", kind, a.failures[0], part)
					}
				}
				if strings.Contains(a.calls, "Save") || b.token() != cookie || b.sees() != `m=map[string]interface {}{"n":1}` {
					t.Errorf("%s: store calls %q, left %s", kind, a.calls, b.sees())
				}
			}
		})
	}
}

// Invalidate drops a failure too: it was about data that is gone.
func TestSession_Invalidate_afterUnencodable(t *testing.T) {
	b := newSite(t, scarab.Config{}).browser()
	b.visit(func(s *scarab.Session) { s.Set("a", 1) })
	a := b.visit(func(s *scarab.Session) { s.Set("f", func() {}); s.Invalidate() })
	if a.status != http.StatusOK || a.calls != "LoadTouch Delete" {
		t.Errorf("%d, %s", a.status, a.calls)
	}
}

func TestSession_CSRFToken(t *testing.T) {
	tests := []struct {
		name   string
		before func(*scarab.Session)
		kept   bool
	}{
		{"one is made", func(s *scarab.Session) { s.Set("a", 1) }, false},
		{"Pyramid's is kept", func(s *scarab.Session) { s.Set("_csrft_", "0123456789abcdef0123456789abcdef01234567") }, true},
		{"an empty one is replaced", func(s *scarab.Session) { s.Set("_csrft_", "") }, false},
		{"a null is replaced", func(s *scarab.Session) { s.Set("_csrft_", nil) }, false},
		{"a number is replaced", func(s *scarab.Session) { s.Set("_csrft_", 1) }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newSite(t, scarab.Config{}).browser()
			b.visit(tt.before)
			var first, second, third string
			a := b.visit(func(s *scarab.Session) { first = s.CSRFToken() })
			if got := a.header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control: %s", got)
			}
			if saved := strings.Contains(a.calls, "Save"); saved == tt.kept {
				t.Errorf("store calls %s", a.calls)
			}
			b.visit(func(s *scarab.Session) { second = s.CSRFToken(); third = s.NewCSRFToken() })
			if first != second || second == third || len(third) != 40 || strings.Trim(third, "0123456789abcdef") != "" {
				t.Errorf("tokens %s, %s, then a new one %s", first, second, third)
			}
			b.visit(func(s *scarab.Session) {
				if s.CSRFToken() != third || s.Get("_csrft_") != third {
					t.Errorf("the new token did not stay")
				}
			})
		})
	}
}
