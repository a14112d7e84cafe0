// Package cfgerrors has the types of the errors that scarab.New reports about
// a Config.
//
// Most programs print such an error and stop. This package is for those that
// build a Config from what others entered and want to show what is wrong in
// words of their own. [All] visits every mistake that New reported.
package cfgerrors

import (
	"fmt"
	"iter"
	"time"
)

// All visits the errors that err was joined from.
func All(err error) iter.Seq[error] {
	return func(yield func(error) bool) { all(err, yield) }
}

func all(err error, yield func(error) bool) bool {
	switch e := err.(type) {
	case nil:
		return true
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			if !all(err, yield) {
				return false
			}
		}
		return true
	}
	return yield(err)
}

// A MissingError reports a field that must be set, such as a nil Backend.
type MissingError struct {
	Field string // as in scarab.Config, such as "Fallbacks[0].Backend"
	Hint  string // what to set it to
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("scarab: %s is missing: %s", e.Field, e.Hint)
}

// A DurationError reports a duration outside its bounds.
type DurationError struct {
	Field    string // as in scarab.Config, such as "IdleTimeout"
	Value    time.Duration
	Min, Max time.Duration // inclusive
	Reason   string        // what the bound comes from
}

func (e *DurationError) Error() string {
	return fmt.Sprintf("scarab: %s is %v, but must be between %v and %v: %s", e.Field, e.Value, e.Min, e.Max, e.Reason)
}

// A SizeError reports a size or a count outside its bounds.
type SizeError struct {
	Field    string // as in scarab.Config, such as "MaxSize"
	Value    int
	Min, Max int // inclusive
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("scarab: %s is %d, but must be between %d and %d", e.Field, e.Value, e.Min, e.Max)
}

// A CookieNameError reports a name that browsers refuse, or would not treat as
// it looks.
type CookieNameError struct {
	Name string
	// Reason is "empty", "too long", "character" (not a token of RFC 9110,
	// section 5.6.2), "case" (a prefix such as __Host- that is not spelled
	// exactly), "prefix" (the attributes do not fit the prefix), or "twice"
	// (two fallbacks have the same name).
	Reason string
	Hint   string
}

func (e *CookieNameError) Error() string {
	return fmt.Sprintf("scarab: cookie name %q: %s: %s", e.Name, e.Reason, e.Hint)
}

// A CookieAttributeError reports an attribute that browsers ignore or that
// contradicts another setting.
type CookieAttributeError struct {
	Attribute string // "Path", "Domain", "SameSite" or "Partitioned"
	Value     string
	// Reason is "form" (not what RFC 6265bis allows), "too long" (over 1024
	// octets, which browsers ignore), or "insecure" (needs Secure).
	Reason string
	Hint   string
}

func (e *CookieAttributeError) Error() string {
	return fmt.Sprintf("scarab: cookie attribute %s=%q: %s: %s", e.Attribute, e.Value, e.Reason, e.Hint)
}
