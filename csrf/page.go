package csrf

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"sync/atomic"

	"github.com/scarab-go/scarab"
)

// Where a request carries its token: as in Pyramid.
const (
	HeaderName = "X-CSRF-Token"
	FieldName  = "csrf_token"

	canonicalHeader = "X-Csrf-Token"
)

// A request is what a Protection knows of one, and its context.
type request struct {
	context.Context
	p      *Protection
	passed bool        // it went through the gates
	marked atomic.Bool // a form with the marker was rendered
	cookie *cookieWriter
}

type requestKey struct{}

func (q *request) Value(key any) any {
	if key == (requestKey{}) {
		return q
	}
	return q.Context.Value(key)
}

// enter returns the request's place, which Wrap and Require share.
// It is fresh for the outermost of them.
func (p *Protection) enter(w http.ResponseWriter, r *http.Request) (q *request, _ http.ResponseWriter, _ *http.Request, fresh bool) {
	if q, ok := r.Context().Value(requestKey{}).(*request); ok && q.p == p {
		return q, w, r, false
	}
	q = &request{Context: r.Context(), p: p}
	r = r.WithContext(q)
	switch {
	case p.codec != nil:
		q.cookie = &cookieWriter{ResponseWriter: w, p: p, r: r}
		w = q.cookie
	case p.mode != OriginOnly:
		scarab.BeforeCreate(q, q.beforeCreate)
	}
	return q, w, r, true
}

// beforeCreate gives every new session its token from the start: a page that
// streams can then show it when it is too late to change the session.
func (q *request) beforeCreate(s *scarab.Session) {
	sessionSecret(s)
	if q.marked.Load() {
		q.p.onEvent(q, scarab.Event{Kind: scarab.EventCSRF, Reason: string(MarkerTooLate), Principal: s.Principal()})
	}
}

// Token returns the token that requests from the page being made have to send,
// in the header X-CSRF-Token or the form field csrf_token. It differs at each
// call, so that compression of the page leaks nothing, and marks the answer
// Cache-Control: no-store. For a visitor without a session it is a fixed
// marker, and with [OriginOnly] it is empty.
//
// The error is that of [scarab.From], or [scarab.ErrHeaderSent] if a cookie of
// Config.Codec is needed and cannot be sent any more.
//
// Token and [Field] are template functions as they are:
//
//	template.FuncMap{"csrf": csrf.Field} // {{csrf .Context}}
func Token(ctx context.Context) (string, error) {
	secret, err := pageSecret(ctx)
	if err != nil || secret == "" || secret == marker {
		return secret, err
	}
	var buf [maxMasked]byte
	return string(appendMasked(buf[:0], secret)), nil
}

// Field returns [Token] as a hidden form field, and nothing with [OriginOnly].
// In a multipart form, put it before the files.
func Field(ctx context.Context) (template.HTML, error) {
	const before, after = `<input type="hidden" name="` + FieldName + `" value="`, `">`
	secret, err := pageSecret(ctx)
	if err != nil || secret == "" {
		return "", err
	}
	var buf [len(before) + maxMasked + len(after)]byte
	b := append(buf[:0], before...)
	if secret == marker {
		b = append(b, marker...)
	} else {
		b = appendMasked(b, secret)
	}
	return template.HTML(append(b, after...)), nil
}

// NewToken replaces the token, and returns the new one as Token does: forms
// rendered before are refused. [scarab.Session.Login] does that by itself; call
// it after a change of privilege that is no Login, and at login with
// Config.Codec. It is Pyramid's new_csrf_token, and starts a session if there
// is none.
func NewToken(ctx context.Context) (string, error) {
	q, _ := ctx.Value(requestKey{}).(*request)
	switch {
	case q != nil && q.p.mode == OriginOnly:
	case q != nil && q.cookie != nil:
		if err := q.cookie.renew(); err != nil {
			return "", err
		}
	default:
		s, err := session(ctx)
		if err != nil {
			return "", err
		}
		s.NewCSRFToken()
	}
	return Token(ctx)
}

// pageSecret returns the unmasked token for the page being made, the marker,
// or nothing.
func pageSecret(ctx context.Context) (string, error) {
	q, _ := ctx.Value(requestKey{}).(*request)
	switch {
	case q != nil && q.p.mode == OriginOnly:
		return "", nil
	case q != nil && q.cookie != nil:
		return q.cookie.secretForPage()
	}
	s, err := session(ctx)
	switch {
	case err != nil:
		return "", err
	case s.Started():
		return sessionSecret(s), nil
	}
	if q != nil {
		q.marked.Store(true)
	}
	return marker, nil
}

// sessionSecret returns the session's token. What another program has put at
// its key may be none.
func sessionSecret(s *scarab.Session) string {
	if secret := s.CSRFToken(); usable(secret) {
		return secret
	}
	return s.NewCSRFToken()
}

// session is scarab.From with a better word for what is outside of everything.
func session(ctx context.Context) (*scarab.Session, error) {
	s, err := scarab.From(ctx)
	if errors.Is(err, scarab.ErrNoMiddleware) {
		err = fmt.Errorf("csrf: put this inside a scarab.Factory's Wrap, or set csrf.Config.Codec and use Protection.Wrap: %w", err)
	}
	return s, err
}
