package scarab_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/memstore"
)

// What databases refuse in a text is left out of a label, which is often made
// of what a browser says.
func TestFactory_texts(t *testing.T) {
	store := memstore.New()
	f, err := scarab.New(scarab.Stored(store), scarab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewTLSServer(f.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := scarab.From(r.Context())
		if err != nil {
			t.Error(err)
			return
		}
		s.Login("ann")
		s.SetLabel("Fire\xfffox\x00 on Linux")
	})))
	defer srv.Close()
	res, err := srv.Client().Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	for info, err := range f.Sessions(t.Context(), "ann") {
		if err != nil || info.Label != "Firefox on Linux" {
			t.Errorf("%q, %v", info.Label, err)
		}
	}
	for _, err := range f.Sessions(t.Context(), "") {
		if err == nil {
			t.Error("nobody has sessions")
		}
	}
	if _, err := f.RevokePrincipal(t.Context(), ""); err == nil {
		t.Error("nobody's sessions were revoked")
	}
}

// A session that is still in the store moved away from ends with the others.
func TestFactory_RevokePrincipal_fallback(t *testing.T) {
	old, now := memstore.New(), memstore.New()
	before, err := scarab.New(scarab.Stored(old), scarab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	after, err := scarab.New(scarab.Stored(now), scarab.Config{Fallbacks: []scarab.Fallback{{Backend: scarab.Stored(old)}}})
	if err != nil {
		t.Fatal(err)
	}
	visit := func(f *scarab.Factory, cookie string, h func(*scarab.Session)) *http.Response {
		srv := httptest.NewTLSServer(f.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			s, err := scarab.From(r.Context())
			if err != nil {
				t.Error(err)
				return
			}
			h(s)
		})))
		defer srv.Close()
		r, err := http.NewRequest(http.MethodGet, srv.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		res, err := srv.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res
	}
	res := visit(before, "", func(s *scarab.Session) { s.Login("ann") })
	cookie := "__Host-session=" + res.Cookies()[0].Value

	if n, err := after.RevokePrincipal(t.Context(), "ann"); n != 1 || err != nil {
		t.Errorf("revoked %d, %v", n, err)
	}
	visit(after, cookie, func(s *scarab.Session) {
		if s.Principal() != "" {
			t.Errorf("%s is still logged in", s.Principal())
		}
	})
}
