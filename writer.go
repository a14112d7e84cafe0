package scarab

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
)

// What has become of a request's answer.
const (
	answerOpen     uint32 = iota // nothing was sent
	answerSent                   // the session was committed, the header is out or about to be
	answerWithheld               // the commit failed, OnError has answered
)

var (
	_ http.ResponseWriter = (*request)(nil)
	_ http.Flusher        = (*request)(nil)
	_ http.Hijacker       = (*request)(nil)
	_ io.ReaderFrom       = (*request)(nil)
	_ io.StringWriter     = (*request)(nil)
)

// Header implements http.ResponseWriter. The first call notes how the header
// was before the handler, for an answer that is not the handler's.
func (q *request) Header() http.Header {
	h := q.w.Header()
	if !q.kept {
		q.kept = true
		if len(h) > 0 {
			q.saved = h.Clone()
		}
	}
	q.payLocked()
	return h
}

// WriteHeader implements http.ResponseWriter. An informational header such as
// 103 passes and commits nothing; 101 is a final one.
func (q *request) WriteHeader(status int) {
	if 100 <= status && status < 200 && status != http.StatusSwitchingProtocols {
		if q.answer.Load() == answerOpen {
			q.w.WriteHeader(status)
		}
		return
	}
	if status < 100 || status > 999 {
		q.w.WriteHeader(status) // panics, and a panic saves nothing
		return
	}
	if q.sent() || q.finish(status) {
		q.w.WriteHeader(status)
	}
}

// Write implements http.ResponseWriter.
func (q *request) Write(b []byte) (int, error) {
	if !q.finish(http.StatusOK) {
		return 0, q.reason
	}
	return q.w.Write(b)
}

// WriteString implements io.StringWriter.
func (q *request) WriteString(s string) (int, error) {
	if !q.finish(http.StatusOK) {
		return 0, q.reason
	}
	return io.WriteString(q.w, s)
}

// ReadFrom implements io.ReaderFrom: a file goes out by sendfile.
func (q *request) ReadFrom(r io.Reader) (int64, error) {
	if !q.finish(http.StatusOK) {
		return 0, q.reason
	}
	return io.Copy(q.w, r)
}

// Flush implements http.Flusher.
func (q *request) Flush() { _ = q.FlushError() }

// FlushError is what http.ResponseController calls.
func (q *request) FlushError() error {
	if !q.finish(http.StatusOK) {
		return q.reason
	}
	return http.NewResponseController(q.w).Flush()
}

// Hijack implements http.Hijacker. The session is committed first; the
// handshake that the handler writes then carries the header if the handler
// copies it.
func (q *request) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if !q.finish(http.StatusSwitchingProtocols) {
		return nil, nil, q.reason
	}
	return http.NewResponseController(q.w).Hijack()
}

// Unwrap lets http.ResponseController find what is not about the first byte,
// such as deadlines.
func (q *request) Unwrap() http.ResponseWriter { return q.w }

// finish commits before the first byte of an answer with the status. It
// reports whether the answer may go out.
func (q *request) finish(status int) bool {
	if q.answer.Load() != answerOpen {
		return q.sent()
	}
	q.status = status
	if err := q.commit(q.Context, commitAnswer, status); err != nil {
		q.withhold(err)
		return false
	}
	q.answer.Store(answerSent)
	return true
}

// withhold answers with err in place of the handler.
func (q *request) withhold(err error) {
	q.reason = err
	q.answer.Store(answerWithheld)
	h := q.w.Header()
	if q.kept {
		clear(h)
		for name, values := range q.saved {
			h[name] = values
		}
	}
	q.payLocked()
	w := &errorWriter{ResponseWriter: q.w}
	if q.f.cfg.OnError(w, q.r, err); !w.answered {
		w.WriteHeader(StatusOf(err)) // net/http would say 200
	}
}

// refuse is for a handler that failed: its changes are dropped.
func (q *request) refuse(err error) {
	q.dropChanges(false)
	if q.answer.Load() == answerOpen {
		q.withhold(err)
		return
	}
	q.f.emit(q.Context, []Event{{Kind: EventFailed, Reason: "handler", Err: err}})
}

// end runs when the handler has returned.
func (q *request) end() {
	switch q.answer.Load() {
	case answerOpen:
		q.finish(http.StatusOK)
	case answerSent:
		// A change that came after the header: saved if it needs no cookie.
		// Its failure is an event, there is nobody left to tell.
		_ = q.commit(q.Context, commitLate, q.status)
	}
	q.close()
}

// panicked runs when the handler has not returned: it commits an Invalidate
// and nothing else.
func (q *request) panicked() {
	q.dropChanges(true)
	_ = q.commit(q.Context, commitPanic, 0)
	q.payLocked() // whoever recovers may answer
	q.close()
}

func (q *request) payLocked() {
	if q.owes.Load() && q.answer.Load() != answerSent {
		s := q.session()
		s.mu.Lock()
		defer s.mu.Unlock()
		q.pay()
	}
}

func (q *request) sent() bool { return q.answer.Load() == answerSent }

func (q *request) session() *Session {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.s
}

func (q *request) close() {
	q.mu.Lock()
	q.over = true // for a session that is opened later
	s := q.s
	q.mu.Unlock()
	if s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.closed = true
	}
}

func (q *request) dropChanges(keepInvalidate bool) {
	if s := q.session(); s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.dropChanges(keepInvalidate)
	}
}

// dropChanges forgets what the request changed, but for an Invalidate if it is
// to be kept.
func (s *Session) dropChanges(keepInvalidate bool) {
	if !keepInvalidate && len(s.dead) > 0 {
		s.reset(s.dead[0].state, s.dead[0])
		s.dead = nil
	}
	if !keepInvalidate {
		s.clear = false
	}
	s.reset(s.base, s.origin)
	s.fail = nil
}

// noStore notes that the answer shows a token. It is called under s.mu.
func (q *request) noStore() { q.token = true }

// Save commits now: for a stream, a websocket, or work that must not begin
// before the session is saved. If it needs a cookie and the header is out, the
// error is ErrHeaderSent; ErrEnded and the others are as in Config.OnError. It
// may run beside the handler, and fails after the handler has returned.
//
// What is saved goes on while ctx is canceled, for at most Config.StoreTimeout.
func (s *Session) Save(ctx context.Context) error { return s.q.commit(ctx, commitSave, 0) }
