//go:build cgo

package integration

import (
	"path/filepath"
	"testing"

	_ "github.com/mattn/go-sqlite3"

	"github.com/scarab-go/scarab/sqlstore"
)

// The other SQLite driver, which is C.
func TestSQLStore_mattn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sessions.sqlite")
	testSQLStore(t, open(t, "sqlite3", "file:"+file+"?_journal_mode=wal&_synchronous=normal&_busy_timeout=5000"), sqlstore.SQLite)
}
