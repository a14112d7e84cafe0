package testserver

import (
	"fmt"
	"os"
	"testing"
)

// Missing skips a test that needs what this machine does not have, and says
// what to install. With CI=true in the environment the test fails instead. If
// SCARAB_TEST_SKIPPED names a file, a line is added to it, for a summary when
// all tests are done: otherwise nobody hears of a skipped test.
func Missing(t testing.TB, what, install string) {
	t.Helper()
	message := fmt.Sprintf("%s is missing: install %s, or run scripts/setup.sh", what, install)
	if os.Getenv("CI") == "true" {
		t.Fatal(message)
	}
	if name := os.Getenv("SCARAB_TEST_SKIPPED"); name != "" {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
		if err != nil {
			t.Fatalf("SCARAB_TEST_SKIPPED: %v", err)
		}
		defer f.Close()
		if _, err := fmt.Fprintf(f, "%s: %s\n", t.Name(), message); err != nil {
			t.Fatalf("SCARAB_TEST_SKIPPED: %v", err)
		}
	}
	t.Skip(message)
}
