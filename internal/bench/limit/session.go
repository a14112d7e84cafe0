package limit

import (
	"context"
	"net/http"
	"strings"
)

// CookieName is the cookie of every session here.
const CookieName = "session"

// A Backend keeps what a session holds.
type Backend interface {
	// Create keeps a new session and returns its cookie's value.
	Create(data Data) (cookie string, err error)
	// Load returns what the session of a cookie holds, nil if there is none.
	Load(cookie string) (Loaded, error)
	// Save replaces what was loaded, if nobody else has done so.
	Save(from Loaded, data Data) (cookie string, err error)
}

// Loaded is a session as its backend has it.
type Loaded struct {
	Data    Data
	cookie  string
	version uint64
}

// A Session is the session of one request, and its place in it: context and
// response writer in one allocation.
type Session struct {
	context.Context
	http.ResponseWriter
	backend Backend
	header  http.Header
	loaded  Loaded
	next    Data // nil: unchanged
	done    bool
}

type contextKey struct{}

// Value finds the session itself.
func (s *Session) Value(key any) any {
	if key == (contextKey{}) {
		return s
	}
	return s.Context.Value(key)
}

// Wrap makes a session for each request to next. It loads nothing.
func Wrap(b Backend, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &Session{Context: r.Context(), ResponseWriter: w, backend: b, header: r.Header}
		next.ServeHTTP(s, r.WithContext(s))
		s.commit()
	})
}

// From returns the session of a request, loaded.
func From(ctx context.Context) (*Session, error) {
	s := ctx.Value(contextKey{}).(*Session)
	var err error
	s.loaded, err = s.backend.Load(cookieValue(s.header))
	return s, err
}

func cookieValue(h http.Header) string {
	for _, line := range h["Cookie"] {
		for part := range strings.SplitSeq(line, "; ") {
			if name, value, _ := strings.Cut(part, "="); name == CookieName {
				return value
			}
		}
	}
	return ""
}

// Data returns what the session holds.
func (s *Session) Data() Data {
	if s.next != nil {
		return s.next
	}
	return s.loaded.Data
}

// Set replaces what the session holds.
func (s *Session) Set(d Data) { s.next = d }

// Write implements http.ResponseWriter and commits first.
func (s *Session) Write(b []byte) (int, error) {
	if !s.done {
		s.commit()
	}
	return s.ResponseWriter.Write(b)
}

// WriteHeader implements http.ResponseWriter and commits first.
func (s *Session) WriteHeader(status int) {
	if !s.done {
		s.commit()
	}
	s.ResponseWriter.WriteHeader(status)
}

var (
	vary    = []string{"Cookie"}
	noStore = []string{"no-store"}
)

func (s *Session) commit() {
	if s.done {
		return
	}
	s.done = true
	if s.loaded.Data != nil {
		s.ResponseWriter.Header()["Vary"] = vary
	}
	if s.next == nil {
		return
	}
	var cookie string
	var err error
	if s.loaded.Data == nil {
		cookie, err = s.backend.Create(s.next)
	} else {
		cookie, err = s.backend.Save(s.loaded, s.next)
	}
	if err != nil {
		s.ResponseWriter.WriteHeader(http.StatusInternalServerError)
		return
	}
	if cookie != s.loaded.cookie {
		h := s.ResponseWriter.Header()
		h["Set-Cookie"] = []string{CookieName + "=" + cookie + "; Path=/; HttpOnly; Secure; SameSite=Lax"}
		h["Cache-Control"] = noStore
	}
}
