package scarab_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/memstore"
)

func TestSmoke(t *testing.T) {
	f, err := scarab.New(scarab.Stored(memstore.New()), scarab.Config{OnEvent: func(_ context.Context, e scarab.Event) { t.Log(e) }})
	if err != nil {
		t.Fatal(err)
	}
	const visits = scarab.Key[int]("visits")
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s, err := scarab.From(r.Context())
		if err != nil {
			t.Error(err)
		}
		visits.Update(s, func(n int) int { return n + 1 })
		s.Flash("hi")
		fmt.Fprint(w, visits.Get(s), s.IsNew(), s.PopFlash(), s.Handle())
	})
	mux.HandleFunc("/out", func(w http.ResponseWriter, r *http.Request) {
		s, _ := scarab.From(r.Context())
		s.Invalidate()
		s.Flash("bye")
	})
	mux.HandleFunc("/in", func(w http.ResponseWriter, r *http.Request) {
		s, _ := scarab.From(r.Context())
		s.Login("ann")
	})
	srv := httptest.NewTLSServer(f.Wrap(mux))
	defer srv.Close()
	jar, _ := cookiejar.New(nil)
	c := srv.Client()
	c.Jar = jar
	for _, p := range []string{"/", "/", "/in", "/", "/out", "/"} {
		res, err := c.Get(srv.URL + p)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(res.Body)
		res.Body.Close()
		t.Log(p, res.Status, string(b), res.Header)
	}
}
