package integration

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/testserver"
	"github.com/scarab-go/scarab/sqlstore"
)

// A full disk makes errors. What was acknowledged stays, what is there can be
// read and deleted, and when there is room again all goes on.
func TestFault_sqliteFull(t *testing.T) {
	t.Run("pages", func(t *testing.T) {
		// SQLite's own limit: the error is that of a full disk.
		db := openSQLite(t, "max_page_count(60)")
		testFull(t, db, func() {
			if _, err := db.Exec("PRAGMA max_page_count = 100000"); err != nil {
				t.Fatal(err)
			}
		})
	})
	t.Run("disk", func(t *testing.T) {
		dir := t.TempDir()
		mount(t, dir)
		ballast := filepath.Join(dir, "ballast")
		must(t, os.WriteFile(ballast, make([]byte, 1<<20), 0o600))
		testFull(t, openSQLiteFile(t, filepath.Join(dir, "sessions.sqlite")), func() { must(t, os.Remove(ballast)) })
	})
}

// mount puts a file system of 2 MiB at dir, where that is allowed.
func mount(t *testing.T, dir string) {
	t.Helper()
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		testserver.Missing(t, "a small disk", "one by running the tests as root on Linux")
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", dir).CombinedOutput(); err != nil {
		testserver.Missing(t, fmt.Sprintf("a small disk (%v: %s)", err, bytes.TrimSpace(out)), "one by running the tests where root may mount")
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "--lazy", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
}

func testFull(t *testing.T, db *sql.DB, room func()) {
	db.SetMaxOpenConns(1)
	store := sqlstore.New(db, sqlstore.SQLite)
	ctx := t.Context()
	must(t, store.CreateTable(ctx))
	data := strings.Repeat("x", 8<<10)
	var kept []scarab.Record
	var full error
	for full == nil {
		if len(kept) > 10_000 {
			t.Fatal("it does not get full")
		}
		r := record(data)
		if full = store.Create(ctx, r); full == nil {
			kept = append(kept, r)
		}
	}
	if !strings.Contains(full.Error(), "full") && !strings.Contains(full.Error(), "I/O") {
		t.Errorf("the error is %v", full)
	}
	t.Logf("full after %d sessions: %v", len(kept), full)
	there := func() {
		t.Helper()
		for i, r := range kept {
			got, err := store.Load(ctx, r.Handle, r.Seen)
			if err != nil || len(got.Data) != len(data) || got.Version != r.Version {
				t.Fatalf("session %d, which was acknowledged: version %d with %d bytes, %v", i, got.Version, len(got.Data), err)
			}
		}
	}
	there()
	for range 10 { // one that needs fewer new pages may fit: then it is there, and else it is not
		r := record(data)
		if store.Create(ctx, r) == nil {
			kept = append(kept, r)
		} else if _, err := store.Load(ctx, r.Handle, r.Seen); !errors.Is(err, scarab.ErrNoSession) {
			t.Errorf("a session that was refused: %v", err)
		}
	}
	there()
	room()
	for i, r := range kept {
		kept[i] = next(r, data)
		must(t, store.Save(ctx, kept[i]))
	}
	there()
}

const writerVariable = "SCARAB_TEST_WRITER"

// A process that is killed between two writes, or in one, loses nothing that it
// had acknowledged.
func TestFault_sqliteKilled(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sessions.sqlite")
	r := record("data")
	store := sqlstore.New(openSQLiteFile(t, file), sqlstore.SQLite)
	must(t, store.CreateTable(t.Context()), store.Create(t.Context(), r))
	for round := range 3 {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestWriter$")
		cmd.Env = append(os.Environ(), writerVariable+"="+file+" "+r.Handle.String())
		out, err := cmd.StdoutPipe()
		must(t, err, cmd.Start())
		lines := bufio.NewScanner(out)
		var acked uint64
		read := func() bool {
			if !lines.Scan() {
				return false
			}
			_, err := fmt.Sscanf(lines.Text(), "version %d", &acked)
			return err == nil
		}
		for range 200 {
			if !read() {
				t.Fatalf("the writer says %q", lines.Text())
			}
		}
		cmd.Process.Kill()
		for read() {
		}
		cmd.Wait()
		got, err := store.Load(t.Context(), r.Handle, time.Now())
		must(t, err)
		if got.Version < acked || got.Version > acked+1 {
			t.Errorf("round %d: version %d was acknowledged, and there is %d", round, acked, got.Version)
		}
	}
}

// TestWriter is a part of TestFault_sqliteKilled: it saves until it is killed.
func TestWriter(t *testing.T) {
	file, name, ok := strings.Cut(os.Getenv(writerVariable), " ")
	if !ok {
		return
	}
	h, err := scarab.ParseHandle(name)
	must(t, err)
	store := sqlstore.New(openSQLiteFile(t, file), sqlstore.SQLite)
	ctx := context.Background()
	r, err := store.Load(ctx, h, time.Now())
	must(t, err)
	for {
		r = next(r, "data")
		must(t, store.Save(ctx, r))
		fmt.Println("version", r.Version)
	}
}
