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
