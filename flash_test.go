package scarab_test

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
)

type notice struct{ Text string }

func TestQueue(t *testing.T) {
	const saved, read = "LoadTouch Save", "LoadTouch"
	const text, numbers, notices = scarab.Queue[string](""), scarab.Queue[int](""), scarab.Queue[notice]("notices")
	same := func(t *testing.T, what string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %#v, want %#v", what, got, want)
		}
	}
	tests := []struct {
		name   string
		before func(*scarab.Session)
		do     func(*testing.T, *scarab.Session)
		left   string // under "_f_", as JSON
		calls  string
	}{
		{"Pop returns all in order, once", func(s *scarab.Session) { s.Flash("one"); s.Flash("two"); s.Flash("one") }, func(t *testing.T, s *scarab.Session) {
			same(t, "PopFlash", s.PopFlash(), []string{"one", "two", "one"})
			same(t, "second PopFlash", s.PopFlash(), []string(nil))
		}, `null`, saved},
		{"Peek leaves them", func(s *scarab.Session) { s.Flash("one") }, func(t *testing.T, s *scarab.Session) {
			same(t, "PeekFlash", s.PeekFlash(), []string{"one"})
			same(t, "second PeekFlash", s.PeekFlash(), []string{"one"})
		}, `["one"]`, read},
		{"Pop of nothing is no change", func(s *scarab.Session) { s.Set("a", 1) }, func(t *testing.T, s *scarab.Session) {
			same(t, "PopFlash", s.PopFlash(), []string(nil))
		}, `null`, read},
		{"Pop of an empty list is no change", func(s *scarab.Session) { s.Set("_f_", []int{}) }, func(t *testing.T, s *scarab.Session) {
			same(t, "PopFlash", s.PopFlash(), []string(nil))
		}, `[]`, read},
		{"Pop of what is no list is no change", func(s *scarab.Session) { s.Set("_f_", "text") }, func(t *testing.T, s *scarab.Session) {
			same(t, "PopFlash", s.PopFlash(), []string(nil))
		}, `"text"`, read},
		{"push and pop in one request", func(s *scarab.Session) { s.Flash("old") }, func(t *testing.T, s *scarab.Session) {
			s.Flash("new")
			same(t, "PopFlash", s.PopFlash(), []string{"old", "new"})
			s.Flash("newer")
		}, `["newer"]`, saved},
		{"messages of another type stay", func(s *scarab.Session) { s.Flash("text"); numbers.Push(s, 1); s.Flash("more"); numbers.Push(s, 2) }, func(t *testing.T, s *scarab.Session) {
			same(t, "numbers.Peek", numbers.Peek(s), []int{1, 2})
			same(t, "numbers.Pop", numbers.Pop(s), []int{1, 2})
			same(t, "numbers.Pop again", numbers.Pop(s), []int(nil))
			same(t, "PeekFlash", s.PeekFlash(), []string{"text", "more"})
		}, `["text","more"]`, saved},
		{"Queue[any] takes all", func(s *scarab.Session) { s.Flash("text"); numbers.Push(s, 1); scarab.Queue[any]("").Push(s, nil) }, func(t *testing.T, s *scarab.Session) {
			same(t, "Pop", scarab.Queue[any]("").Pop(s), []any{"text", 1.0, nil})
		}, `null`, saved},
		{"a null is no text", func(s *scarab.Session) { scarab.Queue[any]("").Push(s, nil); s.Flash("text") }, func(t *testing.T, s *scarab.Session) {
			same(t, "PopFlash", s.PopFlash(), []string{"text"})
			same(t, "numbers.Pop", numbers.Pop(s), []int(nil))
			same(t, "structs", scarab.Queue[notice]("").Pop(s), []notice(nil))
		}, `[null]`, saved},
		{"a null is a nil pointer", func(s *scarab.Session) { scarab.Queue[*notice]("").Push(s, nil) }, func(t *testing.T, s *scarab.Session) {
			same(t, "Pop", scarab.Queue[*notice]("").Pop(s), []*notice{nil})
		}, `null`, saved},
		{"queues are apart", func(s *scarab.Session) { s.Flash("text"); notices.Push(s, notice{"n"}) }, func(t *testing.T, s *scarab.Session) {
			same(t, "notices.Pop", notices.Pop(s), []notice{{"n"}})
		}, `["text"]`, saved},
		{"a queue is a key", func(s *scarab.Session) { s.Set("_f_", []any{"set", 1}) }, func(t *testing.T, s *scarab.Session) {
			same(t, "Get", s.Get("_f_"), []any{"set", int64(1)})
			same(t, "PopFlash", s.PopFlash(), []string{"set"})
		}, `[1]`, saved},
		{"Delete empties a queue", func(s *scarab.Session) { s.Flash("text") }, func(t *testing.T, s *scarab.Session) {
			s.Delete("_f_")
			same(t, "PopFlash", s.PopFlash(), []string(nil))
		}, `null`, saved},
		{"Clear empties queues", func(s *scarab.Session) { s.Flash("text") }, func(t *testing.T, s *scarab.Session) {
			s.Clear()
			same(t, "PopFlash", s.PopFlash(), []string(nil))
		}, `null`, saved},
		{"PushUnique of what waits is left out", func(s *scarab.Session) { s.Flash("text") }, func(t *testing.T, s *scarab.Session) {
			text.PushUnique(s, "text")
			text.PushUnique(s, "other")
			text.PushUnique(s, "other")
		}, `["text","other"]`, saved},
		{"PushUnique into another queue is not", func(s *scarab.Session) { scarab.Queue[string]("q").Push(s, "text") }, func(t *testing.T, s *scarab.Session) {
			text.PushUnique(s, "text")
		}, `["text"]`, saved},
		{"PushUnique of what was popped is not", func(s *scarab.Session) { s.Flash("text") }, func(t *testing.T, s *scarab.Session) {
			s.PopFlash()
			text.PushUnique(s, "text")
		}, `["text"]`, saved},
		{"PushUnique compares JSON", func(s *scarab.Session) { scarab.Queue[any]("").Push(s, map[string]int{"b": 1, "a": 2}) }, func(t *testing.T, s *scarab.Session) {
			scarab.Queue[struct {
				A int `json:"a"`
				B int `json:"b"`
			}]("").PushUnique(s, struct {
				A int `json:"a"`
				B int `json:"b"`
			}{2, 1})
			s.Set("more", 1)
		}, `[{"a":2,"b":1}]`, saved},
		{"PushUnique of what waits, in any letters", func(s *scarab.Session) { s.Flash("José <&> 😀") }, func(t *testing.T, s *scarab.Session) {
			text.PushUnique(s, "José <&> 😀")
			same(t, "PopFlash", s.PopFlash(), []string{"José <&> 😀"})
		}, `null`, saved},
		{"PushUnique tells types apart", func(s *scarab.Session) { s.Flash("1") }, func(t *testing.T, s *scarab.Session) {
			numbers.PushUnique(s, 1)
			scarab.Queue[bool]("").PushUnique(s, true)
		}, `["1",1,true]`, saved},
		{"a message changed in place", func(s *scarab.Session) { s.Flash("text") }, func(t *testing.T, s *scarab.Session) {
			s.Get("_f_").([]any)[0] = "changed"
			s.Changed()
			s.Flash("new")
			same(t, "PopFlash", s.PopFlash(), []string{"changed", "new"})
		}, `null`, saved},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for kind, site := range map[string]*site{"stored": newSite(t, scarab.Config{}), "signed": newCookieSite(t, scarab.Config{})} {
				b := site.browser()
				b.visit(tt.before)
				cookie := b.token()
				site.clock.Advance(time.Second) // the cookie's time: what is saved again differs
				a := b.visit(func(s *scarab.Session) { tt.do(t, s) })
				if kind == "stored" && a.calls != tt.calls || kind == "signed" && (b.token() != cookie) != (tt.calls == saved) {
					t.Errorf("%s: store calls %q, want %q; cookie set: %q", kind, a.calls, tt.calls, a.set)
				}
				b.visit(func(s *scarab.Session) {
					left, _ := scarab.Key[rawText]("_f_").Lookup(s)
					if left == "" {
						left = "null"
					}
					if string(left) != tt.left {
						t.Errorf("%s: left %s, want %s", kind, left, tt.left)
					}
				})
			}
		})
	}
}

// rawText is the JSON of a value, without spaces.
type rawText string

func (r *rawText) UnmarshalJSON(b []byte) error {
	*r = rawText(strings.ReplaceAll(strings.ReplaceAll(string(b), ", ", ","), ": ", ":"))
	return nil
}

// A queue holds 100 messages; the oldest give way, and somebody is told.
func TestQueue_limit(t *testing.T) {
	push := func(from, to int) func(*scarab.Session) {
		return func(s *scarab.Session) {
			for i := from; i < to; i++ {
				scarab.Queue[int]("").Push(s, i)
			}
		}
	}
	tests := []struct {
		name     string
		requests []func(*scarab.Session)
		first    int    // of the messages that are left
		n        int    // how many
		event    string // of the last request
	}{
		{"100 fit", []func(*scarab.Session){push(0, 60), push(60, 100)}, 0, 100, ""},
		{"one more", []func(*scarab.Session){push(0, 100), push(100, 101)}, 1, 100, "1 messages did not fit into a queue of 100"},
		{"many more in one request", []func(*scarab.Session){push(0, 250)}, 150, 100, "150 messages did not fit into a queue of 100"},
		{"after a pop there is room", []func(*scarab.Session){push(0, 100), func(s *scarab.Session) { scarab.Queue[int]("").Pop(s); push(100, 200)(s) }}, 100, 100, ""},
		{"a unique one that waits drops none", []func(*scarab.Session){push(0, 100), func(s *scarab.Session) { scarab.Queue[int]("").PushUnique(s, 0) }}, 0, 100, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newSite(t, scarab.Config{}).browser()
			var a answer
			for _, f := range tt.requests {
				a = b.visit(f)
			}
			event := ""
			for _, e := range a.events {
				if e.Kind == scarab.EventDropped {
					event = e.Err.Error()
				}
			}
			if a.status != http.StatusOK || event != tt.event {
				t.Errorf("%d, event %q, want %q", a.status, event, tt.event)
			}
			b.visit(func(s *scarab.Session) {
				got := scarab.Queue[int]("").Pop(s)
				if len(got) != tt.n || got[0] != tt.first {
					t.Errorf("%d messages: %v", len(got), got)
				}
			})
		})
	}
}

// Messages stay where nobody sees them.
func TestQueue_unseen(t *testing.T) {
	tests := []struct {
		name string
		edit func(*http.Request)
		seen bool
	}{
		{"GET", method("GET"), true},
		{"POST", method("POST"), true},
		{"HEAD", method("HEAD"), false},
		{"prefetch", header("Sec-Purpose", "prefetch"), false},
		{"prefetch with a detail", header("Sec-Purpose", "prefetch;prerender"), false},
		{"another purpose", header("Sec-Purpose", "something"), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newSite(t, scarab.Config{}).browser()
			b.visit(func(s *scarab.Session) { s.Flash("hi"); s.Set("a", 1) })
			a := b.visit(func(s *scarab.Session) {
				if got := s.PopFlash(); !slices.Equal(got, []string{"hi"}) {
					t.Errorf("PopFlash = %q", got)
				}
				s.Set("a", 2) // is a change all the same
				s.Flash("later")
			}, tt.edit)
			if a.status != http.StatusOK || a.calls != "LoadTouch Save" {
				t.Errorf("%d, store calls %s", a.status, a.calls)
			}
			want := `_f_=[]interface {}{"hi", "later"} a=2`
			if tt.seen {
				want = `a=2 _f_=[]interface {}{"later"}`
			}
			if got := b.sees(); got != want {
				t.Errorf("left %s, want %s", got, want)
			}
		})
	}
	t.Run("nothing but a pop", func(t *testing.T) {
		b := newSite(t, scarab.Config{}).browser()
		b.visit(func(s *scarab.Session) { s.Flash("hi") })
		if a := b.visit(func(s *scarab.Session) { s.PopFlash() }, method("HEAD")); a.calls != "LoadTouch" {
			t.Errorf("store calls %s", a.calls)
		}
	})
}

// A pop that is applied again removes what its request saw, and no more.
func TestQueue_conflicts(t *testing.T) {
	const q = scarab.Queue[string]("")
	tests := []struct {
		name            string
		first, meantime func(*scarab.Session)
		want            []string
	}{
		{"pushes add up", func(s *scarab.Session) { q.Push(s, "mine") }, func(s *scarab.Session) { q.Push(s, "theirs") }, []string{"old", "theirs", "mine"}},
		{"a pop leaves what came later", func(s *scarab.Session) { q.Pop(s) }, func(s *scarab.Session) { q.Push(s, "new") }, []string{"new"}},
		{"a pop leaves an equal message that came later", func(s *scarab.Session) { q.Pop(s) }, func(s *scarab.Session) { q.Push(s, "old") }, []string{"old"}},
		{"a pop of what was popped and pushed again leaves it", func(s *scarab.Session) { q.Pop(s) }, func(s *scarab.Session) { q.Pop(s); q.Push(s, "old") }, []string{"old"}},
		{"a pop of what was set anew leaves it", func(s *scarab.Session) { q.Pop(s) }, func(s *scarab.Session) { s.Set("_f_", []string{"old"}) }, []string{"old"}},
		{"both pop", func(s *scarab.Session) { q.Pop(s) }, func(s *scarab.Session) { q.Pop(s) }, nil},
		{"a unique push looks again", func(s *scarab.Session) { q.PushUnique(s, "new") }, func(s *scarab.Session) { q.Push(s, "new") }, []string{"old", "new"}},
		{"push and pop of one request", func(s *scarab.Session) { q.Push(s, "mine"); q.Pop(s) }, func(s *scarab.Session) { q.Push(s, "mine") }, []string{"mine"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newSite(t, scarab.Config{}).browser()
			b.visit(func(s *scarab.Session) { q.Push(s, "old") })
			a := b.visit(func(s *scarab.Session) {
				b.clone().visit(tt.meantime)
				tt.first(s)
			})
			var got []string
			b.visit(func(s *scarab.Session) { got = q.Peek(s) })
			if a.status != http.StatusOK || !slices.Equal(got, tt.want) {
				t.Errorf("%d %v: %q, want %q", a.status, a.failures, got, tt.want)
			}
		})
	}
}

// A message outlives a redirect, and no more than that.
func TestFlash_redirect(t *testing.T) {
	b := newSite(t, scarab.Config{}).browser()
	a := b.ask(func(w http.ResponseWriter, r *http.Request) {
		s, _ := scarab.From(r.Context())
		s.Flash("Saved.")
		http.Redirect(w, r, "/list", http.StatusSeeOther)
	}, method("POST"))
	if a.status != http.StatusSeeOther || len(a.set) != 1 {
		t.Fatalf("%d, Set-Cookie %q", a.status, a.set)
	}
	page := func(w http.ResponseWriter, r *http.Request) {
		s, _ := scarab.From(r.Context())
		fmt.Fprint(w, s.PopFlash())
	}
	if first, second := b.ask(page).body, b.ask(page).body; first != "[Saved.]" || second != "[]" {
		t.Errorf("the page shows %s, then %s", first, second)
	}
}
