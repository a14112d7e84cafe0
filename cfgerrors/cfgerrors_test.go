package cfgerrors_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab/cfgerrors"
)

func TestAll(t *testing.T) {
	a, b, c := errors.New("a"), errors.New("b"), fmt.Errorf("c: %w", errors.New("inner"))
	tests := []struct {
		name string
		err  error
		want []error
	}{
		{"nil", nil, nil},
		{"one", a, []error{a}},
		{"one that wraps", c, []error{c}},
		{"joined", errors.Join(a, b), []error{a, b}},
		{"joined and joined again", errors.Join(errors.Join(a, errors.Join(b)), nil, errors.Join(c)), []error{a, b, c}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := slices.Collect(cfgerrors.All(tt.err)); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	n := 0
	for range cfgerrors.All(errors.Join(errors.Join(a, b), c)) {
		n++
		break
	}
	if n != 1 {
		t.Errorf("after a break it went on: %d", n)
	}
}

// Each error names the field, the value, and what would be right.
func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want []string
	}{
		{&cfgerrors.MissingError{Field: "Backend", Hint: "pass one"}, []string{"Backend", "missing", "pass one"}},
		{&cfgerrors.DurationError{Field: "IdleTimeout", Value: time.Millisecond, Min: time.Second, Max: time.Hour, Reason: "too short"}, []string{"IdleTimeout", "1ms", "1s", "1h0m0s", "too short"}},
		{&cfgerrors.SizeError{Field: "MaxSize", Value: -1, Min: 1, Max: 9}, []string{"MaxSize", "-1", "1", "9"}},
		{&cfgerrors.CookieNameError{Name: "a b", Reason: "character", Hint: "leave it out"}, []string{`"a b"`, "character", "leave it out"}},
		{&cfgerrors.CookieAttributeError{Attribute: "Path", Value: "x", Reason: "form", Hint: "start with /"}, []string{`Path="x"`, "form", "start with /"}},
	} {
		for _, part := range tt.want {
			if !strings.Contains(tt.err.Error(), part) {
				t.Errorf("%q does not say %q", tt.err, part)
			}
		}
	}
}
