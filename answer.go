package scarab

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// A StoreError is a failure of a backend, as From and a commit report it.
type StoreError struct {
	Op  string // "load", "create", "save", "renew", "touch", "delete"
	Err error  // the backend's
}

func (e *StoreError) Error() string { return fmt.Sprintf("scarab: session %s failed: %v", e.Op, e.Err) }
func (e *StoreError) Unwrap() error { return e.Err }

// StatusOf returns the status that fits an error of From, of a commit or of
// Session.Save: 409 for a request that came too late, 503 for a failure of the
// store, which may be over soon, and 500 for a mistake in the program.
func StatusOf(err error) int {
	var failed *StoreError
	switch {
	case errors.Is(err, ErrEnded), errors.Is(err, ErrSuperseded), errors.Is(err, ErrPopped):
		return http.StatusConflict
	case errors.As(err, &failed), errors.Is(err, ErrOutcomeUnknown):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// An errorWriter notes whether OnError has answered: one that only writes a log
// must not turn a failed commit into a success.
type errorWriter struct {
	http.ResponseWriter
	answered bool
}

func (w *errorWriter) WriteHeader(status int) {
	w.answered = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *errorWriter) Write(b []byte) (int, error) {
	w.answered = true
	return w.ResponseWriter.Write(b)
}

func (w *errorWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// DefaultOnError is the default of Config.OnError. It names the status, and
// for a conflict what the visitor can do; the error itself may hold what
// visitors should not see.
func DefaultOnError(w http.ResponseWriter, _ *http.Request, err error) {
	status := StatusOf(err)
	text := http.StatusText(status)
	switch status {
	case http.StatusConflict:
		text += ": your session changed in another tab or window. Reload the page and try again."
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "5")
		text += ": please try again in a moment."
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, text, status)
}

// A TooLargeError reports a session that does not fit. It matches ErrTooLarge.
type TooLargeError struct {
	Size, Limit int      // bytes of data, or characters of a cookie's value
	Largest     []string // up to three keys, the one with the longest value first
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%v: %d of at most %d; the largest values are at %q: store less there, or keep it elsewhere and its key here",
		ErrTooLarge, e.Size, e.Limit, e.Largest)
}

// Is reports whether target is ErrTooLarge.
func (e *TooLargeError) Is(target error) bool { return target == ErrTooLarge }

func (st *State) tooLarge(size, limit int) error {
	values := slices.Clone(st.values())
	slices.SortFunc(values, func(a, b Value) int { return len(b.JSON) - len(a.JSON) })
	e := &TooLargeError{Size: size, Limit: limit}
	for _, v := range values[:min(3, len(values))] {
		e.Largest = append(e.Largest, v.Key)
	}
	return e
}
