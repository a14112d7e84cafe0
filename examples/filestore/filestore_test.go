package filestore_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/examples/filestore"
	"github.com/scarab-go/scarab/scarabtest"
)

func TestStore(t *testing.T) {
	scarabtest.TestStore(t, func(t *testing.T) scarab.Store {
		s, err := filestore.New(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}, scarabtest.StoreOptions{})
}

// A file that somebody has damaged is an error of the store, not a session that
// is absent: the visitor is not logged out, and the operator hears of it.
func TestStore_damaged(t *testing.T) {
	dir := t.TempDir()
	s, err := filestore.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, scarab.Handle{}.String()), []byte(`{"Version":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(t.Context(), scarab.Handle{}, time.Now()); err == nil || errors.Is(err, scarab.ErrNoSession) {
		t.Errorf("Load: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%d files, %v", len(entries), err)
	}
}
