package scarab

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// A stream that gives out values for a long time keeps those that count.
func TestViews_bounded(t *testing.T) {
	f, err := New(InCookie(openCodec{}), Config{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(f.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := From(r.Context())
		if err != nil {
			t.Error(err)
			return
		}
		cart := Key[[]int]("cart")
		for i := range 100 {
			s.Set("list", []int{i})
			s.Get("list")
			cart.Set(s, []int{i})
			*cart.Edit(s) = []int{i, i}
			if err := s.Save(r.Context()); err != nil {
				t.Error(err)
			}
			if got := cart.Get(s); len(got) != 2 {
				t.Errorf("cart %v", got)
			}
		}
		if n := len(s.views); n > 4 {
			t.Errorf("%d views are kept of two keys", n)
		}
	})))
	defer server.Close()
	res, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
}

type openCodec struct{}

func (openCodec) Encode(string, []byte) (string, error) { return "v", nil }
func (openCodec) Decode(string, string) ([]byte, error) { return nil, errJSON }
