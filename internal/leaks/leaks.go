// Package leaks looks for goroutines that tests left behind. It is for modules
// that others import, which require nothing that only their tests need; the one
// that has nothing but tests uses go.uber.org/goleak. internal/bench looks for
// none: its peers leave some behind.
package leaks

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// patience is how long goroutines that are about to end may take.
const patience = 10 * time.Second

// Main runs the tests of a package and ends the process: with a failure, too,
// if goroutines are left that tests have started.
func Main(m *testing.M) { os.Exit(Check(m.Run())) }

// Check returns code, the result of the tests, or that of a failure if they
// passed but left goroutines behind.
func Check(code int) int {
	if code == 0 {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		if left := Find(patience); len(left) > 0 {
			fmt.Fprintf(os.Stderr, "%d goroutines are left behind:\n\n%s\n", len(left), strings.Join(left, "\n\n"))
			return 1
		}
	}
	return code
}

// Find returns the stacks of all goroutines but the caller's and those of the
// runtime, as soon as there are none or wait is over.
func Find(wait time.Duration) (stacks []string) {
	for end, pause := time.Now().Add(wait), time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		stacks = others()
		if len(stacks) == 0 || time.Now().After(end) {
			return stacks
		}
		time.Sleep(pause)
	}
}

func others() (stacks []string) {
	buf := make([]byte, 1<<16)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	for i, s := range strings.Split(strings.TrimSpace(string(buf)), "\n\n") {
		if i > 0 && !strings.Contains(s, "os/signal.signal_recv") && !strings.Contains(s, "testing.runTests") {
			stacks = append(stacks, s)
		}
	}
	return stacks
}
