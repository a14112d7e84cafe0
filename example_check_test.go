package scarab_test

import (
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/scarabtest"
)

// The examples keep what they promise: whoever copies one, copies no mistake.

func TestExampleStore(t *testing.T) {
	scarabtest.TestStore(t, func(*testing.T) scarab.Store {
		return &Shelf{records: map[scarab.Handle]scarab.Record{}}
	}, scarabtest.StoreOptions{})
}

func TestExampleBackend(t *testing.T) {
	cloakroom := func(*testing.T) scarab.Backend { return &Cloakroom{hooks: map[string]*hook{}} }
	scarabtest.TestBackend(t, cloakroom, scarabtest.BackendOptions{})
	scarabtest.TestHTTP(t, cloakroom, scarabtest.BackendOptions{})
}

func TestExampleCodec(t *testing.T) {
	scarabtest.TestHTTP(t, func(*testing.T) scarab.Backend {
		return scarab.InCookie(Seal{Key: []byte("a key for tests")})
	}, scarabtest.BackendOptions{LastWins: true, CannotEnd: true})
}
