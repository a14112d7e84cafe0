package scarab_test

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/scarab-go/scarab"
)

// What Get hands out may be changed in place, if Changed says so.
func TestSession_Changed(t *testing.T) {
	const saved, read = "LoadTouch Save", "LoadTouch"
	list := func(s *scarab.Session) []any { return s.Get("l").([]any) }
	object := func(s *scarab.Session) map[string]any { return s.Get("m").(map[string]any) }
	tests := []struct {
		name  string
		do    func(*scarab.Session)
		want  string
		calls string
	}{
		{"without Changed it is lost", func(s *scarab.Session) { list(s)[0] = 9 }, "[1 2] map[n:1]", read},
		{"a list", func(s *scarab.Session) { list(s)[0] = 9; s.Changed() }, "[9 2] map[n:1]", saved},
		{"an object", func(s *scarab.Session) { object(s)["x"] = []int{5}; s.Changed() }, "[1 2] map[n:1 x:[5]]", saved},
		{"both", func(s *scarab.Session) { list(s)[0] = 9; delete(object(s), "n"); s.Changed() }, "[9 2] map[]", saved},
		{"Changed first", func(s *scarab.Session) { l := list(s); s.Changed(); l[0] = 9 }, "[9 2] map[n:1]", saved},
		{"Changed before the value is handed out", func(s *scarab.Session) { s.Changed(); list(s)[0] = 9 }, "[9 2] map[n:1]", saved},
		{"more changes after Changed", func(s *scarab.Session) {
			l := list(s)
			l[0] = 9
			s.Changed()
			s.Get("l")
			l[1] = 8
		}, "[9 8] map[n:1]", saved},
		{"and back again", func(s *scarab.Session) { l := list(s); l[0] = 9; l[0] = int64(1); s.Changed() }, "[1 2] map[n:1]", read},
		{"equal bytes", func(s *scarab.Session) { object(s)["n"] = 1; s.Changed() }, "[1 2] map[n:1]", read},
		{"what SetDefault returned", func(s *scarab.Session) {
			s.SetDefault("l", nil).([]any)[0] = 9
			s.Changed()
		}, "[9 2] map[n:1]", saved},
		{"what All returned", func(s *scarab.Session) {
			for _, v := range s.All() {
				if m, ok := v.(map[string]any); ok {
					m["n"] = 7
				}
			}
			s.Changed()
		}, "[1 2] map[n:7]", saved},
		{"Get returns the same list again", func(s *scarab.Session) { list(s)[0] = 9; list(s)[1] = 8; s.Changed() }, "[9 8] map[n:1]", saved},
		{"a Set afterwards counts", func(s *scarab.Session) { list(s)[0] = 9; s.Set("l", []int{3}); s.Changed() }, "[3] map[n:1]", saved},
		{"what was handed out before a Set does not", func(s *scarab.Session) { l := list(s); s.Set("l", []int{3}); l[0] = 9; s.Changed() }, "[3] map[n:1]", saved},
		{"a Delete afterwards counts", func(s *scarab.Session) { l := list(s); s.Delete("l"); l[0] = 9; s.Changed() }, "<nil> map[n:1]", saved},
		{"Changed is seen by reads", func(s *scarab.Session) {
			list(s)[0] = 9
			s.Changed()
			if got, _ := scarab.Key[[]int]("l").Lookup(s); !slices.Equal(got, []int{9, 2}) {
				t.Errorf("Lookup = %v", got)
			}
		}, "[9 2] map[n:1]", saved},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newSite(t, scarab.Config{}).browser()
			b.visit(func(s *scarab.Session) { s.Set("l", []int{1, 2}); s.Set("m", map[string]int{"n": 1}) })
			if a := b.visit(tt.do); a.calls != tt.calls {
				t.Errorf("store calls %q, want %q", a.calls, tt.calls)
			}
			b.visit(func(s *scarab.Session) {
				if got := fmt.Sprint(s.Get("l"), " ", s.Get("m")); got != tt.want {
					t.Errorf("left %s, want %s", got, tt.want)
				}
			})
		})
	}
}

// Keys and All are snapshots: the session may be changed while they run.
func TestSession_iterators(t *testing.T) {
	newSite(t, scarab.Config{}).browser().visit(func(s *scarab.Session) {
		s.SetAll(map[string]any{"a": 1, "b": 2, "c": 3})
		keys := s.Keys()
		for key := range keys {
			s.Delete(key)
			s.Set("new "+key, 0)
		}
		if got := slices.Collect(keys); !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("Keys, run again: %q", got)
		}
		if got := contents(s); got != "new a=0 new b=0 new c=0" {
			t.Error(got)
		}
		n := 0
		for range s.All() {
			if n++; n == 2 {
				break
			}
		}
		var visited []string
		for key := range s.All() {
			visited = append(visited, key)
			s.Delete("new b")
			s.Set("later", 1)
		}
		if !slices.Equal(visited, []string{"new a", "new c"}) {
			t.Errorf("All visits %q", visited)
		}
		if s.Len() != 3 {
			t.Errorf("Len = %d", s.Len())
		}
	})
}

// A list with what Python writes and JSON has no word for is as it was.
func TestChanged_nan(t *testing.T) {
	site := newSiteOn(t, scarab.InCookie(python{}), scarab.Config{})
	b := site.browser()
	b.cookies[site.name] = `[1772452800, 1772452800.0, {"a": [NaN], "b": [1]}]`
	a := b.visit(func(s *scarab.Session) {
		s.Get("a")
		s.Get("b").([]any)[0] = 2
		s.Changed()
	})
	if a.status != 200 || !strings.Contains(b.token(), "%5BNaN%5D%2C%20%22b%22:%20%5B2%5D") {
		t.Errorf("%d, %s", a.status, b.token())
	}
	if a := b.visit(func(s *scarab.Session) { s.Get("a").([]any)[0] = math.Inf(1); s.Changed() }); a.status != 500 {
		t.Errorf("a change to what JSON has no word for: %d", a.status)
	}
}

// python is a codec that hides nothing.
type python struct{}

func (python) Encode(_ string, payload []byte) (string, error) {
	return url.PathEscape(string(payload)), nil
}
func (python) Decode(_, value string) ([]byte, error) {
	s, err := url.PathUnescape(value)
	return []byte(s), err
}
