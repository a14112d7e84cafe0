package main

import (
	"fmt"
	"slices"
	"testing"

	"github.com/scarab-go/scarab/internal/testserver"
)

// A bed is what package testserver takes for a test: this program, which starts
// the same servers.
type bed struct {
	testing.TB // for the method that is not exported; nil
	cleanups   []func()
}

// A missing is why there is no server.
type missing string

func (m missing) Error() string { return string(m) }

func (*bed) Helper()                         {}
func (*bed) Name() string                    { return "bench" }
func (b *bed) Cleanup(f func())              { b.cleanups = append(b.cleanups, f) }
func (*bed) Fatal(args ...any)               { panic(missing(fmt.Sprint(args...))) }
func (*bed) Fatalf(form string, args ...any) { panic(missing(fmt.Sprintf(form, args...))) }
func (*bed) Skip(args ...any)                { panic(missing(fmt.Sprint(args...))) }

// mark returns a function that ends what was started since.
func (b *bed) mark() func() {
	n := len(b.cleanups)
	return func() {
		for _, f := range slices.Backward(b.cleanups[n:]) {
			f()
		}
		b.cleanups = b.cleanups[:n]
	}
}

// start starts a server, or says why it cannot.
func (b *bed) start(f func(testing.TB, ...string) *testserver.Server, args ...string) (s *testserver.Server, err error) {
	defer func() {
		if m, ok := recover().(missing); ok {
			err = m
		}
	}()
	return f(b, args...), nil
}
