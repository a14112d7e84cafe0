package scarab_test

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/scarab-go/scarab"
)

type cart struct {
	Items []string
	Owner *string `json:",omitempty"`
}

func TestKey_Lookup(t *testing.T) {
	b := newSite(t, scarab.Config{}).browser()
	b.visit(func(s *scarab.Session) {
		s.SetAll(map[string]any{"n": 7, "text": "x", "null": nil, "cart": cart{Items: []string{"tea"}}, "half": 1.5})
	})
	b.visit(func(s *scarab.Session) {
		lookUp(t, s, scarab.Key[int]("n"), 7, "")
		lookUp(t, s, scarab.Key[uint8]("n"), 7, "")
		lookUp(t, s, scarab.Key[float64]("n"), 7, "")
		lookUp(t, s, scarab.Key[any]("n"), any(7.0), "")
		lookUp(t, s, scarab.Key[string]("text"), "x", "")
		lookUp(t, s, scarab.Key[[]byte]("text"), nil, "illegal base64")
		lookUp(t, s, scarab.Key[cart]("cart"), cart{Items: []string{"tea"}}, "")
		lookUp(t, s, scarab.Key[*cart]("cart"), &cart{Items: []string{"tea"}}, "")
		lookUp(t, s, scarab.Key[int]("null"), 0, "")
		lookUp(t, s, scarab.Key[*int]("null"), nil, "")
		lookUp(t, s, scarab.Key[int]("half"), 0, `the value at key "half" is no int`)
		lookUp(t, s, scarab.Key[int64]("half"), 0, `the value at key "half" is no int64`)
		lookUp(t, s, scarab.Key[string]("n"), "", `the value at key "n" is no string`)
		lookUp(t, s, scarab.Key[int]("text"), 0, `the value at key "text" is no int`)
		lookUp(t, s, scarab.Key[cart]("n"), cart{}, `the value at key "n" is no scarab_test.cart`)
		lookUp(t, s, scarab.Key[int]("absent"), 0, scarab.ErrNoValue.Error())
		if _, err := scarab.Key[int]("absent").Lookup(s); !errors.Is(err, scarab.ErrNoValue) {
			t.Errorf("absent: %v", err)
		}
		if _, err := scarab.Key[int]("text").Lookup(s); errors.Is(err, scarab.ErrNoValue) {
			t.Errorf("another type: %v", err)
		}
	})
}

func lookUp[T any](t *testing.T, s *scarab.Session, k scarab.Key[T], want T, wantErr string) {
	t.Helper()
	got, err := k.Lookup(s)
	if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(k.Get(s), want) {
		t.Errorf("%s as %T: Lookup %#v, Get %#v, want %#v", k, want, got, k.Get(s), want)
	}
	if (err == nil) != (wantErr == "") || err != nil && !strings.Contains(err.Error(), wantErr) {
		t.Errorf("%s as %T: error %v, want %q", k, want, err, wantErr)
	}
}

func TestKey_changes(t *testing.T) {
	const saved, read = "LoadTouch Save", "LoadTouch"
	const n, absent, text = scarab.Key[int]("n"), scarab.Key[int]("absent"), scarab.Key[string]("text")
	const basket = scarab.Key[cart]("cart")
	tests := []struct {
		name  string
		do    func(*testing.T, *scarab.Session)
		want  string // of n, text, the cart and what was absent
		calls string
	}{
		{"Set", func(t *testing.T, s *scarab.Session) { n.Set(s, 8) }, `8 "x" {[tea] <nil>} 0`, saved},
		{"Delete", func(t *testing.T, s *scarab.Session) { n.Delete(s) }, `0 "x" {[tea] <nil>} 0`, saved},
		{"Delete of nothing is no change", func(t *testing.T, s *scarab.Session) { absent.Delete(s) }, `7 "x" {[tea] <nil>} 0`, read},
		{"Update", func(t *testing.T, s *scarab.Session) { n.Update(s, func(n int) int { return n + 1 }) }, `8 "x" {[tea] <nil>} 0`, saved},
		{"Update twice", func(t *testing.T, s *scarab.Session) {
			n.Update(s, func(n int) int { return n + 1 })
			n.Update(s, func(n int) int { return n * 2 })
		}, `16 "x" {[tea] <nil>} 0`, saved},
		{"Update starts from zero", func(t *testing.T, s *scarab.Session) {
			absent.Update(s, func(n int) int { return n + 5 })
			n.Set(s, absent.Get(s))
		}, `5 "x" {[tea] <nil>} 5`, saved},
		{"Update of what Edit has", func(t *testing.T, s *scarab.Session) {
			*n.Edit(s) = 10
			n.Update(s, func(n int) int { return n + 1 })
		}, `11 "x" {[tea] <nil>} 0`, saved},

		{"Edit", func(t *testing.T, s *scarab.Session) { *n.Edit(s) = 8 }, `8 "x" {[tea] <nil>} 0`, saved},
		{"Edit of a struct", func(t *testing.T, s *scarab.Session) {
			c := basket.Edit(s)
			c.Items = append(c.Items, "milk")
		}, `7 "x" {[tea milk] <nil>} 0`, saved},
		{"Edit of an element", func(t *testing.T, s *scarab.Session) { basket.Edit(s).Items[0] = "coffee" }, `7 "x" {[coffee] <nil>} 0`, saved},
		{"Edit returns the same pointer again", func(t *testing.T, s *scarab.Session) {
			*n.Edit(s)++
			*n.Edit(s)++
		}, `9 "x" {[tea] <nil>} 0`, saved},
		{"Edit that ends as it began is no change", func(t *testing.T, s *scarab.Session) {
			p := n.Edit(s)
			*p = 8
			*p = 7
		}, `7 "x" {[tea] <nil>} 0`, read},
		{"Edit that does nothing is no change", func(t *testing.T, s *scarab.Session) { basket.Edit(s) }, `7 "x" {[tea] <nil>} 0`, read},
		{"Edit of nothing that does nothing is no change", func(t *testing.T, s *scarab.Session) { absent.Edit(s) }, `7 "x" {[tea] <nil>} 0`, read},
		{"Edit of nothing", func(t *testing.T, s *scarab.Session) {
			*absent.Edit(s) = 3
			n.Set(s, absent.Get(s))
		}, `3 "x" {[tea] <nil>} 3`, saved},
		{"what Edit changed is seen by reads", func(t *testing.T, s *scarab.Session) {
			*n.Edit(s) = 8
			if n.Get(s) != 8 || s.Get("n") != int64(8) || !strings.HasPrefix(contents(s), "cart=") || !s.Started() {
				t.Errorf("Get = %d, contents %s", n.Get(s), contents(s))
			}
		}, `8 "x" {[tea] <nil>} 0`, saved},
		{"a Set after Edit counts", func(t *testing.T, s *scarab.Session) {
			p := n.Edit(s)
			n.Set(s, 20)
			*p = 8
		}, `20 "x" {[tea] <nil>} 0`, saved},
		{"a Delete after Edit counts", func(t *testing.T, s *scarab.Session) {
			p := n.Edit(s)
			n.Delete(s)
			*p = 8
		}, `0 "x" {[tea] <nil>} 0`, saved},
		{"a Clear after Edit counts", func(t *testing.T, s *scarab.Session) {
			p, q := n.Edit(s), absent.Edit(s)
			s.Clear()
			*p, *q = 8, 8
		}, `0 "" {[] <nil>} 0`, saved},
		{"Edit goes on after a Save", func(t *testing.T, s *scarab.Session) {
			p := n.Edit(s)
			*p = 8
			if err := s.Save(t.Context()); err != nil {
				t.Error(err)
			}
			*p = 9
		}, `9 "x" {[tea] <nil>} 0`, "LoadTouch Save Save"},
		{"Edit and Get of one key are two things", func(t *testing.T, s *scarab.Session) {
			s.Get("cart").(map[string]any)["Items"] = nil
			basket.Edit(s).Items[0] = "coffee"
		}, `7 "x" {[coffee] <nil>} 0`, saved},

		{"Pop", func(t *testing.T, s *scarab.Session) {
			if v, ok := n.Pop(s); v != 7 || !ok {
				t.Errorf("Pop = %d, %t", v, ok)
			}
			if v, ok := n.Pop(s); v != 0 || ok {
				t.Errorf("second Pop = %d, %t", v, ok)
			}
		}, `0 "x" {[tea] <nil>} 0`, saved},
		{"Pop of nothing is no change", func(t *testing.T, s *scarab.Session) {
			if v, ok := absent.Pop(s); v != 0 || ok {
				t.Errorf("Pop = %d, %t", v, ok)
			}
		}, `7 "x" {[tea] <nil>} 0`, read},
		{"Pop leaves another type", func(t *testing.T, s *scarab.Session) {
			if v, ok := scarab.Key[int]("text").Pop(s); v != 0 || ok {
				t.Errorf("Pop = %d, %t", v, ok)
			}
		}, `7 "x" {[tea] <nil>} 0`, read},
		{"Pop of what this request has set", func(t *testing.T, s *scarab.Session) {
			n.Set(s, 9)
			if v, ok := n.Pop(s); v != 9 || !ok {
				t.Errorf("Pop = %d, %t", v, ok)
			}
			text.Set(s, "y")
		}, `0 "y" {[tea] <nil>} 0`, saved},
		{"Pop returns what Edit has", func(t *testing.T, s *scarab.Session) {
			*n.Edit(s) = 9
			if v, ok := n.Pop(s); v != 9 || !ok {
				t.Errorf("Pop = %d, %t", v, ok)
			}
		}, `0 "x" {[tea] <nil>} 0`, saved},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newSite(t, scarab.Config{}).browser()
			b.visit(func(s *scarab.Session) {
				basket.Set(s, cart{Items: []string{"tea"}})
				n.Set(s, 7)
				text.Set(s, "x")
			})
			a := b.visit(func(s *scarab.Session) { tt.do(t, s) })
			if a.status != http.StatusOK || a.calls != tt.calls {
				t.Errorf("%d, store calls %q, want %q", a.status, a.calls, tt.calls)
			}
			b.visit(func(s *scarab.Session) {
				if got := fmt.Sprintf("%d %q %v %d", n.Get(s), text.Get(s), basket.Get(s), absent.Get(s)); got != tt.want {
					t.Errorf("left %s, want %s", got, tt.want)
				}
			})
		})
	}
}

// Other requests of the same session come in between.
func TestKey_conflicts(t *testing.T) {
	const n, m = scarab.Key[int]("n"), scarab.Key[int]("m")
	add := func(d int) func(*scarab.Session) {
		return func(s *scarab.Session) { n.Update(s, func(n int) int { return n + d }) }
	}
	tests := []struct {
		name            string
		first, meantime func(*scarab.Session)
		want            string
		err             error
	}{
		{"Updates add up", add(1), add(10), "n=12 m=1", nil},
		{"an Update of what was deleted starts from zero", add(1), func(s *scarab.Session) { n.Delete(s) }, "m=1 n=1", nil},
		{"an Update of what is another type now fails", add(1), func(s *scarab.Session) { s.Set("n", "x") }, `n="x" m=1`, errors.New("no int")},
		{"Edits of two keys", func(s *scarab.Session) { *n.Edit(s) = 5 }, func(s *scarab.Session) { *m.Edit(s) = 6 }, "n=5 m=6", nil},
		{"the last Edit of one key wins", func(s *scarab.Session) { *n.Edit(s) = 5 }, func(s *scarab.Session) { *n.Edit(s) = 6 }, "n=5 m=1", nil},
		{"an Edit that does nothing overwrites nothing", func(s *scarab.Session) { n.Edit(s); m.Set(s, 3) }, add(10), "n=11 m=3", nil},
		{"an Edit goes on after a Save that met a conflict", func(s *scarab.Session) {
			p := n.Edit(s)
			m.Set(s, 3)
			if err := s.Save(t.Context()); err != nil {
				t.Error(err)
			}
			*p = 5
		}, add(10), "n=5 m=3", nil},
		{"what is changed in place goes on after a Save that met a conflict", func(s *scarab.Session) {
			list := s.SetDefault("l", []int{1}).([]any)
			if err := s.Save(t.Context()); err != nil {
				t.Error(err)
			}
			list[0] = 2
			s.Changed()
		}, add(10), "n=11 m=1 l=[]interface {}{2}", nil},
		{"Pop of what was popped", func(s *scarab.Session) { n.Pop(s); m.Set(s, 3) }, func(s *scarab.Session) { n.Pop(s) }, "m=1", scarab.ErrPopped},
		{"Pop of what was changed", func(s *scarab.Session) { n.Pop(s); m.Set(s, 3) }, add(10), "n=11 m=1", scarab.ErrPopped},
		{"Pop beside other changes", func(s *scarab.Session) { n.Pop(s) }, func(s *scarab.Session) { m.Set(s, 3) }, "m=3", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site := newSite(t, scarab.Config{})
			b := site.browser()
			b.visit(func(s *scarab.Session) { n.Set(s, 1); m.Set(s, 1) })
			a := b.visit(func(s *scarab.Session) {
				if other := b.clone().visit(tt.meantime); other.status != http.StatusOK {
					t.Errorf("the request in between: %d", other.status)
				}
				tt.first(s)
			})
			switch {
			case tt.err == nil:
				if a.status != http.StatusOK {
					t.Errorf("%d: %v", a.status, a.failures)
				}
			case len(a.failures) != 1 || !errors.Is(a.failures[0], tt.err) && !strings.Contains(a.failures[0].Error(), tt.err.Error()):
				t.Errorf("%d, errors %v, want %v", a.status, a.failures, tt.err)
			case errors.Is(tt.err, scarab.ErrPopped) != (a.status == http.StatusConflict):
				t.Errorf("status %d", a.status)
			}
			if got := b.sees(); got != tt.want {
				t.Errorf("left %s, want %s", got, tt.want)
			}
		})
	}
}

// What Edit points to is what another request has saved, after a Reload or a
// Save that merged.
func TestKey_Edit_after(t *testing.T) {
	cart := scarab.Key[[]string]("cart")
	for name, read := range map[string]func(*scarab.Session) error{
		"Reload": func(s *scarab.Session) error { return s.Reload(t.Context()) },
		"Save":   func(s *scarab.Session) error { s.Set("x", 1); return s.Save(t.Context()) },
	} {
		b := newSite(t, scarab.Config{}).browser()
		b.visit(func(s *scarab.Session) { cart.Set(s, []string{"a"}) })
		b.visit(func(s *scarab.Session) {
			early := cart.Edit(s)
			b.clone().visit(func(s *scarab.Session) { cart.Set(s, []string{"a", "b"}) })
			if err := read(s); err != nil {
				t.Error(err)
			}
			p := cart.Edit(s)
			if p != early || len(*p) != 2 || len(cart.Get(s)) != 2 {
				t.Errorf("after %s Edit points to %v, and Get returns %v", name, *p, cart.Get(s))
			}
			*p = append(*p, "c")
		})
		b.visit(func(s *scarab.Session) {
			if got := cart.Get(s); !slices.Equal(got, []string{"a", "b", "c"}) {
				t.Errorf("%s: %v", name, got)
			}
		})
	}
}
