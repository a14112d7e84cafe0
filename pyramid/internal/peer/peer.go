// Package peer starts a real Pyramid application for tests:
// testdata/generate/interop_app.py, with Debian's Python.
package peer

import (
	"bufio"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/scarab-go/scarab/internal/testserver"
)

// python is Debian's, which has the packages of testdata/debian-packages;
// another one may come first in PATH.
const python = "/usr/bin/python3"

// Need skips the test, or fails it in CI, if a Python module is missing. The
// keys of modules are their names, the values those of their Debian packages.
func Need(t testing.TB, modules map[string]string) {
	t.Helper()
	all := map[string]string{"pyramid": "python3-pyramid"}
	maps.Copy(all, modules)
	const missing = "import sys, importlib.util as u; print(*[m for m in sys.argv[1:] if not u.find_spec(m)])"
	out, err := exec.Command(python, append([]string{"-c", missing}, slices.Sorted(maps.Keys(all))...)...).Output()
	if err != nil {
		testserver.Missing(t, python, "python3")
	}
	for module := range strings.FieldsSeq(string(out)) {
		testserver.Missing(t, "the Python module "+module, all[module])
	}
}

// Start starts the application script and returns where it answers. It is
// stopped when the test ends.
func Start(t testing.TB, script string, args ...string) (url string) {
	t.Helper()
	Need(t, nil)
	cmd := exec.Command(python, append([]string{"-u", script, "0"}, args...)...)
	cmd.Env = append(cmd.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	port := 0
	if fmt.Sscanf(line, "ready %d", &port); port == 0 {
		cmd.Process.Kill()
		cmd.Wait()
		t.Fatalf("%s %q: %v\n%s%s", script, args, err, line, stderr.String())
	}
	return fmt.Sprintf("http://127.0.0.1:%d", port)
}
