package memstore_test

import (
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/memstore"
	"github.com/scarab-go/scarab/scarabtest"
)

func TestStore(t *testing.T) {
	for name, opts := range map[string][]memstore.Option{
		"unlimited": nil,
		"Refuse":    {memstore.MaxBytes(64<<20, memstore.Refuse)},
		"Evict":     {memstore.MaxBytes(64<<20, memstore.Evict)},
	} {
		t.Run(name, func(t *testing.T) {
			scarabtest.TestStore(t, func(t *testing.T) scarab.Store { return memstore.New(opts...) }, scarabtest.StoreOptions{})
		})
	}
}

// Nobody is no principal: the visitors who are not logged in are not a list.
func TestStore_nobody(t *testing.T) {
	s := memstore.New()
	if err := s.Create(t.Context(), scarab.Record{Version: 1, Expires: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	for r := range s.Principal(t.Context(), "") {
		t.Errorf("lists %v", r.Handle)
	}
	if n, err := s.RevokePrincipal(t.Context(), "", time.Now()); err == nil || n != 0 || s.Len() != 1 {
		t.Errorf("revoked %d of nobody, error %v", n, err)
	}
}
