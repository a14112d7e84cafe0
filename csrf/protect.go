package csrf

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/scarab-go/scarab"
)

// A Protection checks requests as its [Config] says. Its methods may be called
// by any number of goroutines, also while requests are served.
type Protection struct {
	origins, trusted []origin
	insecure         bool
	mode             Mode
	reportOnly       bool
	codec            scarab.Codec
	cookieName       string
	onError          func(http.ResponseWriter, *http.Request, error)
	onEvent          func(context.Context, scarab.Event)

	bypass   http.ServeMux
	bypasses atomic.Bool // bypass is not empty
}

// Wrap is the middleware: it checks every unsafe request but those that a
// bypass pattern exempts. It belongs inside the Wrap of the factory whose
// session has the tokens, and around everything that renders them.
func (p *Protection) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.serve(w, r, next, true)
	})
}

// Require protects one handler, whatever bypass patterns say. Inside Wrap it
// is for the handler that a pattern must not exempt by accident; without Wrap
// it is for sites that protect handler by handler. It is Pyramid's
// require_csrf=True.
func (p *Protection) Require(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.serve(w, r, h, false)
	})
}

// Check reports why Wrap would refuse r: an [*Error], or what [scarab.From]
// returned. It neither answers nor reports, and it does not heed ReportOnly.
// If it has to search the body for the token, r.Body is replaced by one that
// reads the same.
func (p *Protection) Check(r *http.Request) error {
	if harmless(r) || p.exempt(r) {
		return nil
	}
	return p.check(r)
}

// AddInsecureBypassPattern exempts the requests that match pattern, in the
// syntax of [http.ServeMux], from both gates: for the calls of other servers,
// which prove themselves in another way. As there, a request is exempt only if
// it matches as it is; one that ServeMux would redirect to the pattern is not.
//
// The error is a [*ConfigError]: the pattern is malformed or conflicts with
// one added before.
func (p *Protection) AddInsecureBypassPattern(pattern string) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &ConfigError{"bypass pattern", pattern, fmt.Sprint(v), "see the patterns of http.ServeMux"}
		}
	}()
	p.bypass.Handle(pattern, exempted{})
	p.bypasses.Store(true)
	return nil
}

// exempted is never served; being found is all it does.
type exempted struct{}

func (exempted) ServeHTTP(http.ResponseWriter, *http.Request) {}

func (p *Protection) exempt(r *http.Request) bool {
	if !p.bypasses.Load() {
		return false
	}
	h, _ := p.bypass.Handler(r)
	return h == exempted{} // not the handler of a redirect to the pattern: CVE-2025-47910
}

// serve is Wrap, which heeds bypass patterns, and Require, which does not.
func (p *Protection) serve(w http.ResponseWriter, r *http.Request, next http.Handler, bypass bool) {
	outer := r
	q, w, r, fresh := p.enter(w, r)
	if fresh && q.cookie != nil {
		defer q.cookie.commit() // for handlers that write nothing
	}
	if !q.passed && !harmless(r) && !(bypass && p.exempt(r)) {
		if p.mode != TokenOnly {
			w.Header().Add("Vary", "Sec-Fetch-Site, Origin")
		}
		if err := p.check(r); err != nil && !p.letPass(r, err) {
			p.onError(w, r, err)
			return
		}
		q.passed = true // not before: OnError may serve another handler
	}
	next.ServeHTTP(w, r)
	if outer.MultipartForm == nil {
		outer.MultipartForm = r.MultipartForm // whose files net/http removes
	}
}

// letPass reports the error, and whether the request is served all the same.
func (p *Protection) letPass(r *http.Request, err error) bool {
	e := scarab.Event{Kind: EventBlocked, Err: err}
	if p.reportOnly {
		e.Kind = EventReported
	}
	var refused *Error
	switch {
	case errors.As(err, &refused):
		e.Reason = string(refused.Reason)
		if p.codec == nil && (refused.Reason == WrongToken || refused.Reason == MarkerTooLate) {
			if s, err := scarab.From(r.Context()); err == nil { // the gate has loaded it
				e.Handle, e.Principal = s.Handle(), s.Principal()
			}
		}
	case errors.Is(err, scarab.ErrNoMiddleware):
		e.Reason = "no middleware"
	default:
		return p.reportOnly // the store failed, which the factory reports
	}
	p.onEvent(r.Context(), e)
	return p.reportOnly
}

// check sends the request through the gates, the cheap one first: what comes
// from elsewhere costs neither a store call nor a look at the body.
func (p *Protection) check(r *http.Request) error {
	noToken := p.mode == OriginOnly || isHandshake(r) // to which a script cannot add a header
	evidence, refused := p.checkOrigin(r)
	switch {
	case refused != nil && (noToken || p.mode != TokenOnly):
		return refused.of(r)
	case noToken:
		return nil
	}
	err := p.checkToken(r, evidence)
	if refused, ok := err.(*Error); ok {
		return refused.of(r)
	}
	return err
}

// harmless reports whether r is not checked: its method is safe, and it is no
// WebSocket handshake.
//
// Source: RFC 9110, section 9.2.1, less TRACE, as net/http has it: what answers
// TRACE with more than an echo is up to something.
func harmless(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return !isHandshake(r)
	}
	return false
}

// isHandshake reports whether r opens a WebSocket: RFC 6455, section 4.2.1, or
// RFC 8441, section 4, for HTTP/2.
func isHandshake(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet:
		for _, line := range r.Header["Upgrade"] {
			for protocol := range strings.SplitSeq(line, ",") {
				if strings.EqualFold(strings.TrimSpace(protocol), "websocket") {
					return true
				}
			}
		}
	case http.MethodConnect:
		protocol := r.Header[":protocol"]
		return len(protocol) == 1 && strings.EqualFold(protocol[0], "websocket")
	}
	return false
}

// tokenKey is where sessions keep their token, as in Pyramid.
const tokenKey = scarab.Key[string]("_csrft_")

// checkToken is the second gate.
func (p *Protection) checkToken(r *http.Request, evidence bool) error {
	sent, where, refused := sentToken(r)
	switch {
	case refused != nil:
		return refused
	case len(sent) == 0:
		return &Error{Reason: NoToken, Header: HeaderName, Hint: "add csrf.Field to the form, or send csrf.Token in this header; for calls of other servers see AddInsecureBypassPattern"}
	case p.codec != nil:
		return p.checkCookieToken(r, sent, where)
	}
	s, err := session(r.Context())
	if err != nil {
		return err
	}
	switch live := !s.IsNew(); {
	case string(sent) == marker && live:
		return &Error{Reason: MarkerTooLate, Header: where, Hint: "the form was rendered when there was no session: reload it; if one handler does both, start the session first"}
	case string(sent) == marker && !evidence:
		return &Error{Reason: NoEvidence, Header: where, Hint: "without a session, Sec-Fetch-Site: same-origin or a matching Origin or Referer must say that the form is of this site"}
	case string(sent) == marker:
		return nil
	case !live:
		return &Error{Reason: NoSession, Header: where, Hint: "the session expired or was ended, or the browser did not send its cookie: reload the form"}
	case !verify(tokenKey.Get(s), sent):
		return &Error{Reason: WrongToken, Header: where, Hint: "it is from another session, or from before a login: reload the form"}
	}
	return nil
}

// sentToken returns the token that came with r, and where: the header, even if
// it is wrong and the form is right, as in Pyramid; the form if the header is
// absent or empty.
func sentToken(r *http.Request) (token []byte, where string, err *Error) {
	if v := r.Header[canonicalHeader]; len(v) > 0 && v[0] != "" {
		return []byte(v[0]), HeaderName, nil
	}
	token, err = formToken(r)
	return token, FieldName, err
}
