//go:build race

package csrf_test

// The race detector's build does not inline what keeps crypto/rand's buffer on
// the stack.
func init() { raceAllocations = 1 }
