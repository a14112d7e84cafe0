package csrf

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/scarab-go/scarab"
)

// A Config says what a [Protection] lets pass. The zero value is for a site
// that browsers reach over https under the name in the Host header. New copies
// it.
type Config struct {
	_ [0]func() // no comparison, and no literals without field names

	// Origins are those of this site, as the browser's address bar shows
	// them, such as "https://www.example.com". The default is the Host of each
	// request, with https. Set it behind a proxy that changes Host.
	Origins []string

	// TrustedOrigins are other origins whose pages may send requests here, and
	// open WebSockets. They pass the origin gate and still need a token; what
	// has none, such as the call of a payment provider, needs
	// [Protection.AddInsecureBypassPattern].
	TrustedOrigins []string

	// Insecure is for plain http: the default of Origins is then http, unless
	// the connection has TLS, and the cookie of Codec is not Secure. Never in
	// production: who listens on the way reads the tokens.
	Insecure bool

	// Mode says which gates there are.
	Mode Mode

	// ReportOnly lets pass what would be refused, and reports it as an
	// [EventReported]: to see what a new protection would break.
	ReportOnly bool

	// Codec is for sites without sessions: the token is kept in a cookie of
	// its own that this codec signs or seals. Leave it nil where there are
	// sessions; a token in the session ends with the login it belongs to.
	//
	// The codec must bind a value to the name of its cookie, as those of
	// package cookiecodec do.
	Codec scarab.Codec

	// CookieName is that of Codec's cookie. The default is "__Host-csrf", with
	// Insecure "csrf".
	CookieName string

	// OnError answers a refused request. The error is an [*Error], or what
	// [scarab.From] returned. The default is [DefaultOnError].
	OnError func(http.ResponseWriter, *http.Request, error)

	// OnEvent is called for each request that was refused or, with
	// ReportOnly, would have been, and for a form that cannot succeed; see
	// the kinds of events. It is called by many goroutines and must not use
	// the session. Events are not held back, so that they can be counted.
	OnEvent func(context.Context, scarab.Event)
}

// A Mode says which gates an unsafe request has to pass.
type Mode uint8

const (
	// OriginAndToken is the default. Either gate would do in a browser of
	// today; together they hold if one fails, on a page with an injected form
	// or in an old browser.
	OriginAndToken Mode = iota

	// OriginOnly needs no tokens: Token and Field return nothing. A browser
	// that sends none of the three headers is then not held up at all.
	OriginOnly

	// TokenOnly is for sites whose proxies leave neither Host nor Origin
	// intact. WebSocket handshakes, which cannot carry a token, and forms for
	// visitors without a session still depend on the origin.
	TokenOnly
)

func (m Mode) String() string {
	if names := [...]string{"OriginAndToken", "OriginOnly", "TokenOnly"}; int(m) < len(names) {
		return names[m]
	}
	return fmt.Sprintf("Mode(%d)", uint8(m))
}

// The kinds of events, besides [scarab.EventCSRF], which says that a form was
// rendered before a session was started in the same request: it holds the
// marker for visitors without one and will be refused. Start the session
// first.
const (
	EventBlocked  scarab.EventKind = "csrf_blocked"  // a request was refused; Err is the *Error, or matches scarab.ErrNoMiddleware
	EventReported scarab.EventKind = "csrf_reported" // it would have been, but for ReportOnly
)

// A ConfigError reports one mistake in a [Config], or a bypass pattern that
// cannot be.
type ConfigError struct {
	Field  string // such as "TrustedOrigins[0]"
	Value  string
	Reason string // what is wrong with it
	Hint   string // what to change
}

func (e *ConfigError) Error() string {
	return fmt.Sprintf("csrf: %s %q: %s: %s", e.Field, e.Value, e.Reason, e.Hint)
}

// New checks cfg and reports all that is wrong with it, as [*ConfigError]
// values joined by [errors.Join].
func New(cfg Config) (*Protection, error) {
	p := &Protection{
		insecure:   cfg.Insecure,
		mode:       cfg.Mode,
		reportOnly: cfg.ReportOnly,
		codec:      cfg.Codec,
		cookieName: cfg.CookieName,
		onError:    cfg.OnError,
		onEvent:    cfg.OnEvent,
	}
	if p.onError == nil {
		p.onError = DefaultOnError
	}
	if p.onEvent == nil {
		p.onEvent = func(context.Context, scarab.Event) {}
	}
	var errs []error
	parse := func(field string, list []string) (origins []origin) {
		for i, s := range list {
			o, err := configuredOrigin(s, cfg.Insecure)
			if err == nil && field == "Origins" && defaultPort(o.scheme) == "" {
				err = &ConfigError{Value: s, Reason: "scheme", Hint: "a web site has http or https; pages of another kind belong in TrustedOrigins"}
			}
			if err != nil {
				err.Field = fmt.Sprintf("%s[%d]", field, i)
				errs = append(errs, err)
				continue
			}
			origins = append(origins, o)
		}
		return origins
	}
	p.origins = parse("Origins", cfg.Origins)
	p.trusted = parse("TrustedOrigins", cfg.TrustedOrigins)
	if cfg.Mode > TokenOnly {
		errs = append(errs, &ConfigError{"Mode", cfg.Mode.String(), "unknown", "use OriginAndToken, OriginOnly or TokenOnly"})
	}
	errs = append(errs, p.configureCookie()...)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return p, nil
}

// configuredOrigin says more about a mistake than a header is worth.
func configuredOrigin(s string, insecure bool) (origin, *ConfigError) {
	bad := func(reason, hint string) (origin, *ConfigError) {
		return origin{}, &ConfigError{Value: s, Reason: reason, Hint: hint}
	}
	o, err := parseOrigin(s)
	switch {
	case err == nil && strings.EqualFold(o.scheme, "http") && !insecure && !loopback(o.host):
		return bad("plain http", "who listens on the way could send requests as this origin: use https, or set Insecure")
	case err == nil:
		return o, nil
	case err == errNull:
		return bad("null", "every sandboxed frame on the web has this origin; name the site instead")
	case strings.Contains(s, "*"):
		return bad("wildcard", "list every origin: a forgotten subdomain would be trusted too")
	case err == errUserInfo:
		return bad("user information", "an origin has scheme, host and port only")
	case err == errMoreParts:
		return bad("more than an origin", "drop what follows the host and the port, the last slash included")
	case !strings.Contains(s, "://"):
		return bad("no scheme", "write it as the browser does, such as https://"+strings.Trim(s, "/ "))
	case strings.ContainsFunc(s, func(r rune) bool { return r > 0x7e }):
		return bad("not ASCII", "write the host in the form that starts with xn-- (RFC 5891)")
	}
	return bad("not an origin", "write it as https://host or https://host:port")
}

// loopback hosts are as trustworthy over http as over https.
//
// Source: W3C Secure Contexts, section 3.1.
func loopback(host string) bool {
	if addr, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return addr.IsLoopback()
	}
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// configureCookie checks what concerns Codec, and tries it.
func (p *Protection) configureCookie() (errs []error) {
	bad := func(field, value, reason, hint string) {
		errs = append(errs, &ConfigError{field, value, reason, hint})
	}
	const prefix = "__Host-"
	name := p.cookieName
	switch {
	case p.codec == nil && name != "":
		bad("CookieName", name, "no codec", "set Codec, or drop the name: tokens in sessions need no cookie")
		return errs
	case p.codec == nil:
		return nil
	case p.mode == OriginOnly:
		bad("Codec", fmt.Sprintf("%T", p.codec), "not used", "mode OriginOnly has no tokens: drop Codec or change Mode")
	case name == "" && p.insecure:
		p.cookieName = "csrf"
	case name == "":
		p.cookieName = prefix + "csrf"
	case !validCookieName(name):
		bad("CookieName", name, "character", "use letters, digits, - and _ (RFC 9110, section 5.6.2)")
	case p.insecure && strings.HasPrefix(name, "__"):
		bad("CookieName", name, "prefix", "browsers refuse it without Secure: drop Insecure or the prefix")
	case !p.insecure && !strings.HasPrefix(name, prefix):
		bad("CookieName", name, "prefix", "start it with __Host-: otherwise another host of the domain can plant a cookie it knows the token of")
	}
	if len(errs) > 0 {
		return errs
	}
	value, err := p.codec.Encode(p.cookieName, []byte(newSecret()))
	switch {
	case err != nil:
		bad("Codec", fmt.Sprintf("%T", p.codec), err.Error(), "it must encode 40 bytes")
	case len(value) > maxCookie-len(p.cookieName) || !validCookieValue(value):
		bad("Codec", fmt.Sprintf("%T", p.codec), "value", "what it encodes must fit a cookie (RFC 6265bis, section 4.1.1)")
	}
	return errs
}

// maxCookie is how many octets browsers keep of a name and its value:
// RFC 6265bis, section 5.6.
const maxCookie = 4096

func validCookieName(s string) bool {
	return s != "" && len(s) <= 256 && all(s, func(c byte) bool {
		return isLetter(c) || isDigit(c) || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
	})
}

func validCookieValue(s string) bool {
	return s != "" && !slices.ContainsFunc([]byte(s), func(c byte) bool {
		return c <= ' ' || c >= 0x7f || strings.IndexByte(`",;\`, c) >= 0
	})
}
