package scarabtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
)

// A clause is one sentence of a contract, and a check that a subject keeps it.
type clause[S any] struct {
	name   string
	clause string // as in the documentation, word for word
	check  func(context.Context, S) error
	needs  ability // that not every backend has
}

func (c clause[S]) test(t *testing.T, timeout time.Duration, subject S) {
	t.Helper()
	if err := c.run(t.Context(), timeout, subject); err != nil {
		t.Errorf("%v\nbroken clause: %s", err, c.clause)
	}
}

// run checks c. A method that does not come back is an error too, and so is a
// panic.
func (c clause[S]) run(ctx context.Context, timeout time.Duration, subject S) error {
	return within(ctx, timeout, func(ctx context.Context) error { return c.check(ctx, subject) })
}

// within calls f and gives up on it when timeout has passed, whether f looks at
// its context or not.
func within(ctx context.Context, timeout time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Errorf("panic: %v", p)
			}
		}()
		done <- f(ctx)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	// What looks at its context returns now, with a better error.
	select {
	case err := <-done:
		return errors.Join(fmt.Errorf("not done after %v", timeout), err)
	case <-time.After(min(timeout, time.Second)):
		return fmt.Errorf("not done after %v, and a method ignores the end of its context", timeout)
	}
}

// sentinels are the errors that say what a store or a backend has found.
var sentinels = []error{scarab.ErrNoSession, scarab.ErrExists, scarab.ErrConflict, scarab.ErrSuperseded}

// want reports whether err is target, and none of the other sentinels.
func want(what string, err, target error) error {
	if !errors.Is(err, target) {
		return fmt.Errorf("%s: got error %v, want %q", what, quoted(err), target)
	}
	for _, other := range sentinels {
		if other != target && errors.Is(err, other) {
			return fmt.Errorf("%s: the error matches %q as well as %q", what, other, target)
		}
	}
	return nil
}

// noVerdict returns an error if err is a sentinel.
func noVerdict(what string, err error) error {
	for _, s := range sentinels {
		if errors.Is(err, s) {
			return fmt.Errorf("%s: got %q, which says what the store cannot know", what, err)
		}
	}
	return nil
}

func quoted(err error) string {
	if err == nil {
		return "nil"
	}
	return fmt.Sprintf("%q", strings.ReplaceAll(err.Error(), "\n", "; "))
}
