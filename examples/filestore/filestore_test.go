package filestore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
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

// What the walk-through shows is the code.
func TestWalkThrough(t *testing.T) {
	source := read(t, "filestore.go") + read(t, "filestore_test.go")
	blocks := strings.Split(read(t, "../../docs/writing-a-store.md"), "```go\n")[1:]
	if len(blocks) != 6 {
		t.Errorf("%d blocks of code, want 6", len(blocks))
	}
	for _, b := range blocks {
		code, _, _ := strings.Cut(b, "```")
		if !strings.Contains(source, code) {
			t.Errorf("not in the source:\n%s", code)
		}
	}
	if n := strings.Count(read(t, "filestore.go"), "\n"); n >= 100 {
		t.Errorf("%d lines, and they are said to be under 100", n)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
