package memstore_test

import (
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/memstore"
	"github.com/scarab-go/scarab/scarabtest"
)

func TestStore(t *testing.T) {
	scarabtest.TestStore(t, func(t *testing.T) scarab.Store { return memstore.New() }, scarabtest.StoreOptions{})
}
