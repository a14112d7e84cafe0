package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/scarab-go/scarab/internal/leaks"
	"github.com/scarab-go/scarab/internal/testserver"
)

// The test binary is the command, if it is told so.
func TestMain(m *testing.M) {
	if os.Getenv("SCARAB_TEST_COMMAND") == "1" {
		main()
		return
	}
	code := testserver.Run(m)
	closeChromium()
	os.Exit(leaks.Check(code))
}

// prepare makes a run of the command in a folder.
func prepare(t testing.TB, dir string, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.Command(os.Args[0], args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "SCARAB_TEST_COMMAND=1")
	return c
}

// A result is what a run of the command left.
type result struct {
	code     int
	out, err string
}

// try carries out a command line in this process.
func try(in string, args ...string) result {
	var out, errs bytes.Buffer
	code := run(context.Background(), args, streams{strings.NewReader(in), &out, &errs})
	return result{code, out.String(), errs.String()}
}

func TestUsage(t *testing.T) {
	for _, tt := range []struct {
		name      string
		args      []string
		code      int
		out, hint string
	}{
		{"nothing", nil, exitUsage, "", "scarab serve"},
		{"help", []string{"help"}, 0, "scarab inspect", ""},
		{"help for a command", []string{"help", "keygen"}, 0, "usage: scarab keygen", ""},
		{"help as a flag", []string{"serve", "--help"}, 0, "-sessions", ""},
		{"no such command", []string{"sing"}, exitUsage, "", "the commands are serve, keygen, inspect"},
		{"no such flag", []string{"keygen", "--size", "3"}, exitUsage, "", "scarab help keygen"},
		{"an argument too many", []string{"keygen", "512"}, exitUsage, "", "scarab help keygen"},
		{"a flag of another type", []string{"keygen", "--bits", "many"}, exitUsage, "", "scarab help keygen"},
		{"a key too small", []string{"keygen", "--bits", "64"}, exitUsage, "", "512 bits"},
		{"off this machine without TLS", []string{"serve", "--addr", "0.0.0.0:0"}, exitUsage, "", "--tls-cert"},
		{"all addresses without TLS", []string{"serve", "--addr", ":8080"}, exitUsage, "", "127.0.0.1"},
		{"half of TLS", []string{"serve", "--tls-cert", "x"}, exitUsage, "", "both"},
		{"no address", []string{"serve", "--addr", "here"}, exitUsage, "", "HOST:PORT"},
		{"sessions nowhere", []string{"serve", "--addr", "127.0.0.1:0", "--db", t.TempDir() + "/a.sqlite", "--sessions", "tape:"}, exitUsage, "", "memory:"},
		{"a key file that is not there", []string{"serve", "--addr", "127.0.0.1:0", "--db", t.TempDir() + "/a.sqlite", "--sessions", "cookie", "--key-file", t.TempDir() + "/none"}, exitFailed, "", "scarab keygen"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := try("", tt.args...)
			if got.code != tt.code || !strings.Contains(got.out, tt.out) || !strings.Contains(got.err, tt.hint) {
				t.Errorf("exit %d, want %d\nout: %s\nerr: %s", got.code, tt.code, got.out, got.err)
			}
		})
	}
}

func TestKeygen(t *testing.T) {
	seen := map[string]bool{}
	for _, args := range [][]string{{"keygen"}, {"keygen"}, {"keygen", "--bits", "256"}, {"keygen", "-bits=1024"}} {
		got := try("", args...)
		key := strings.TrimSuffix(got.out, "\n")
		if got.code != 0 || strings.Trim(key, "0123456789abcdef") != "" || seen[key] {
			t.Errorf("%v: exit %d, %q, %s", args, got.code, got.out, got.err)
		}
		seen[key] = true
		want := map[string]int{"keygen": 128, "256": 64, "-bits=1024": 256}[args[len(args)-1]]
		if len(key) != want {
			t.Errorf("%v: %d digits, want %d", args, len(key), want)
		}
	}
}

func TestKeyFiles(t *testing.T) {
	file := t.TempDir() + "/keys"
	made, err := readKeys(file, true)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	again, err := readKeys(file, true)
	if err != nil || again[0].Reveal() != made[0].Reveal() {
		t.Errorf("read again: %v, %v", again, err)
	}
	two := try("", "keygen").out + try("", "keygen").out
	if err := os.WriteFile(file, []byte(two), 0o600); err != nil {
		t.Fatal(err)
	}
	if keys, err := readKeys(file, true); err != nil || len(keys) != 2 {
		t.Errorf("two keys: %v, %v", keys, err)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readKeys(file, true); err == nil || !strings.Contains(err.Error(), "read by others") {
		t.Errorf("a file that others can read: %v", err)
	}
}
