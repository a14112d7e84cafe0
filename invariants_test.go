package scarab_test

import (
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/invariants"
	"github.com/scarab-go/scarab/memstore"
)

func newMemstore(*testing.T) scarab.Store { return memstore.New() }

// TestInvariants has one test for each, such as TestInvariants/I9_…
func TestInvariants(t *testing.T) { invariants.Run(t, newMemstore) }

// A store that cannot load and touch at once is touched by the commit.
func TestInvariants_plainStore(t *testing.T) {
	invariants.Run(t, func(*testing.T) scarab.Store { return invariants.Plain(memstore.New()) })
}

// What a cookie keeps by itself, and with a deny list.
func TestInvariants_cookies(t *testing.T) {
	invariants.RunCookies(t, signedCodec(t), nil)
}

func TestInvariants_denyList(t *testing.T) {
	invariants.RunCookies(t, signedCodec(t), newMemstore)
}
