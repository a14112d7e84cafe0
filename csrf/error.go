package csrf

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/scarab-go/scarab"
)

// An Error says why a request was refused: which header had which value, and
// what would let such a request pass. It is what [Protection.Check] returns,
// what Config.OnError answers, and the Err of an event.
//
// Its text is one line of printable ASCII without the characters that mean
// something in HTML, whatever the request contained.
type Error struct {
	Reason       Reason
	Method, Path string // of the request; of the path at most 256 bytes

	// Header is the header that decided, or "csrf_token" for the form field.
	Header string

	// Value is what it held, at most 256 bytes. Values of tokens are left out:
	// errors end up in logs.
	Value string

	// Want is what would have passed, if that can be said: an origin, say.
	Want string

	// Hint is what to change: a setting, a form, a proxy.
	Hint string

	// Err is what went wrong while the body was read, or nil.
	Err error
}

// A Reason is a short fixed text, for counting.
type Reason string

// The reasons.
const (
	CrossOrigin   Reason = "cross-origin"   // it comes from another origin, or hides where it comes from
	NoToken       Reason = "no token"       // neither header nor form field
	WrongToken    Reason = "wrong token"    // of another session, or from before a login
	NoSession     Reason = "no session"     // it has a token, and the session that goes with it is gone
	MarkerTooLate Reason = "marker too old" // the form was made before the session was started
	NoEvidence    Reason = "no evidence"    // a form for visitors without a session, and no header says where from
	BadBody       Reason = "body"           // the body could not be searched for the token
)

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("csrf: " + string(e.Reason))
	if e.Header != "" {
		b.WriteString(": " + e.Header)
		if e.Value != "" {
			b.WriteString(" is " + inert(e.Value))
		}
		if e.Want != "" {
			b.WriteString(", not " + inert(e.Want))
		}
	}
	if e.Err != nil {
		b.WriteString(": " + strings.Trim(inert(e.Err.Error()), `"`))
	}
	if e.Hint != "" {
		b.WriteString(": " + e.Hint)
	}
	if e.Method != "" {
		b.WriteString(" (" + strings.Trim(inert(e.Method), `"`) + " " + inert(e.Path) + ")")
	}
	return b.String()
}

// of says which request it is about.
func (e *Error) of(r *http.Request) *Error {
	e.Method, e.Path = shorten(r.Method), shorten(r.URL.Path)
	return e
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// inert quotes s so that it is one line of ASCII and no markup.
func inert(s string) string {
	return notMarkup.Replace(fmt.Sprintf("%+q", s))
}

var notMarkup = strings.NewReplacer("<", `\x3c`, ">", `\x3e`, "&", `\x26`, "'", `\x27`)

// shorten bounds what of a request is carried on.
func shorten(s string) string {
	const limit = 256
	if len(s) > limit {
		return s[:limit-3] + "..."
	}
	return s
}

const (
	hintTrust = "if its pages may send such requests, add it to csrf.Config.TrustedOrigins"
	hintProxy = "if a proxy changes the Host header, set csrf.Config.Origins to what the browser's address bar shows"
	hintNull  = "browsers hide the origin in sandboxed frames and with Referrer-Policy: no-referrer; strict-origin-when-cross-origin shows it"
)

func crossSite(site string, origins []string) *Error {
	e := &Error{Reason: CrossOrigin, Header: "Sec-Fetch-Site", Value: site, Want: "same-origin", Hint: "the page that sent it is of another origin"}
	if len(origins) != 1 {
		return e
	}
	switch o, err := parseOrigin(origins[0]); err {
	case nil:
		e.Hint += ", " + o.String() + "; " + hintTrust
	case errNull:
		e.Hint += ", which it hides (Origin is null)"
	}
	return e
}

func severalValues(header, values string) *Error {
	return &Error{Reason: CrossOrigin, Header: header, Value: shorten(values), Hint: "browsers send this header once; see which proxy repeats it"}
}

func malformed(header, value string, err error) *Error {
	e := &Error{Reason: CrossOrigin, Header: header, Value: shorten(value), Err: err, Hint: "no browser sends this"}
	if err == errNull {
		e.Hint = hintNull
	}
	return e
}

// otherOrigin explains a well-formed origin that is neither ours nor trusted.
func (p *Protection) otherOrigin(r *http.Request, header, value string, from origin) *Error {
	e := &Error{Reason: CrossOrigin, Header: header, Value: shorten(value), Hint: hintTrust}
	if len(p.origins) > 0 {
		e.Want = p.origins[0].String()
		if len(p.origins) > 1 {
			e.Want += fmt.Sprintf(" or one of %d more in csrf.Config.Origins", len(p.origins)-1)
		}
		return e
	}
	own, err := p.requested(r)
	if err != nil {
		e.Hint = "the request has no valid Host header to compare it with; set csrf.Config.Origins"
		return e
	}
	e.Want = own.String()
	switch {
	case !strings.EqualFold(own.host, from.host) || own.port != from.port && own.port != "" && from.port != "":
		e.Hint = hintTrust + "; " + hintProxy
	case strings.EqualFold(own.scheme, "https") && strings.EqualFold(from.scheme, "http"):
		e.Hint = "the page was loaded over plain http: serve it over https, or, for development only, set csrf.Config.Insecure"
	case strings.EqualFold(own.scheme, "http") && strings.EqualFold(from.scheme, "https"):
		e.Hint = "the page was loaded over https: drop csrf.Config.Insecure"
	default:
		e.Hint = hintTrust + "; " + hintProxy
	}
	return e
}

// DefaultOnError is the default of Config.OnError. It answers 403 in plain
// text: what the visitor can do, then the error, which says what the developer
// can. An error that is no [*Error] came from the session and is answered as
// [scarab.DefaultOnError] does.
func DefaultOnError(w http.ResponseWriter, r *http.Request, err error) {
	var refused *Error
	switch {
	case errors.Is(err, scarab.ErrNoMiddleware): // the program's mistake, on every request: say which
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	case !errors.As(err, &refused):
		scarab.DefaultOnError(w, r, err)
		return
	}
	text := "this request does not come from a page of this site."
	if refused.Reason != CrossOrigin {
		text = "this form is out of date. Reload the page and send it again."
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, "Forbidden: "+text+"\n\n"+refused.Error(), http.StatusForbidden)
}
