package pyramid

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/scarab-go/scarab"
)

// A CSRFError is a request that CheckOrigin or CheckToken refuses: Pyramid's
// BadCSRFOrigin or BadCSRFToken, whose status is 400.
type CSRFError struct {
	Origin bool   // it is the origin that is bad, not the token
	Detail string // as Pyramid says it
}

func (e *CSRFError) Error() string { return "pyramid: " + e.Detail }

// An OriginConfig has the options of Pyramid's check_csrf_origin.
type OriginConfig struct {
	// Trusted is pyramid.csrf_trusted_origins: hosts, with a port unless it is
	// the default one, without a scheme. One that starts with a dot stands for
	// all hosts below, too; "null" for pages without an origin.
	Trusted []string

	AllowNoOrigin bool // allow_no_origin: a request with neither Origin nor Referer passes

	// HTTPS says that the browser uses https where r.TLS does not, because a
	// proxy in front takes it off. Over http nothing is checked.
	HTTPS bool
}

// CheckOrigin is Pyramid's check_csrf_origin: on https, the Origin header, or
// else the Referer, has to name the host of the request or a trusted one. It is
// for what both applications must treat alike; package csrf does more: it
// checks http too, and Sec-Fetch-Site, and compares origins as browsers do.
//
// The error is a *CSRFError.
func CheckOrigin(r *http.Request, c OriginConfig) error {
	if r.TLS == nil && !c.HTTPS {
		return nil
	}
	bad := func(why string) error {
		return &CSRFError{Origin: true, Detail: "Origin checking failed - " + why}
	}
	values, isOrigin := r.Header["Origin"]
	if !isOrigin {
		values = r.Header["Referer"]
	}
	origin := ""
	if len(values) > 0 {
		origin = values[0]
	}
	if isOrigin {
		parts := strings.Split(origin, " ")
		origin = parts[len(parts)-1] // after redirects there are several: the last counts
	}
	if origin == "" {
		if c.AllowNoOrigin {
			return nil
		}
		return bad("missing Origin or Referer.")
	}
	trusted := slices.Contains(c.Trusted, origin)
	switch scheme, netloc := splitOrigin(origin); {
	case isOrigin && origin == "null":
		if trusted {
			return nil
		}
	case scheme != "https":
		return bad("Origin is insecure while host is secure.")
	case sameDomain(netloc, requestDomain(r.Host)), slices.ContainsFunc(c.Trusted, func(t string) bool { return sameDomain(netloc, t) }):
		return nil
	}
	return bad(origin + " does not match any trusted origins.")
}

// splitOrigin is what Python's urlparse makes of a URL: what comes between //
// and the path is taken as it is, user information and port included.
func splitOrigin(url string) (scheme, netloc string) {
	scheme, rest, ok := strings.Cut(url, ":")
	if !ok {
		return "", ""
	}
	if rest, ok = strings.CutPrefix(rest, "//"); ok {
		if end := strings.IndexAny(rest, "/?#"); end >= 0 {
			rest = rest[:end]
		}
		netloc = rest
	}
	return strings.ToLower(scheme), netloc
}

// requestDomain is the host of the request, with its port if that is neither 80
// nor 443.
func requestDomain(host string) string {
	i := strings.LastIndexByte(host, ':')
	if i >= 0 && !strings.Contains(host[i:], "]") && (host[i:] == ":80" || host[i:] == ":443") {
		return host[:i]
	}
	return host
}

// sameDomain compares as Pyramid does: the pattern in lower case, the host not.
func sameDomain(host, pattern string) bool {
	pattern = strings.ToLower(pattern)
	if strings.HasPrefix(pattern, ".") && (strings.HasSuffix(host, pattern) || host == pattern[1:]) {
		return host != ""
	}
	return pattern != "" && host == pattern
}

// A TokenConfig has the options of Pyramid's check_csrf_token.
type TokenConfig struct {
	Field    string // token; "" is the default, csrf_token
	NoField  bool   // token=None
	Header   string // header; "" is the default, X-CSRF-Token
	NoHeader bool   // header=None
}

func (c TokenConfig) field() string {
	switch {
	case c.NoField:
		return ""
	case c.Field == "":
		return "csrf_token"
	}
	return c.Field
}

func (c TokenConfig) header() string {
	switch {
	case c.NoHeader:
		return ""
	case c.Header == "":
		return "X-CSRF-Token"
	}
	return c.Header
}

// CheckToken is Pyramid's check_csrf_token: the header, or else the field of a
// form, has to be the expected token, which comes from the session or from a
// [CSRFCookie]. Tokens are plain, as Pyramid's pages have them. Unlike in
// Pyramid, an expected token that is empty is never right.
//
// Forms are read as far as 1 MiB, multipart ones as far as 64 KiB; the handler
// sees the whole body.
//
// The error is a *CSRFError.
func CheckToken(r *http.Request, expected string, c TokenConfig) error {
	supplied := ""
	if header := c.header(); header != "" {
		supplied = r.Header.Get(header)
	}
	if field := c.field(); supplied == "" && field != "" {
		supplied = formValue(r, field)
	}
	if expected == "" || subtle.ConstantTimeCompare([]byte(supplied), []byte(expected)) == 0 {
		return &CSRFError{Detail: "check_csrf_token(): Invalid token"}
	}
	return nil
}

// A CSRFConfig has the options of Pyramid's set_default_csrf_options and of its
// storage policies.
type CSRFConfig struct {
	Token         TokenConfig
	Origin        OriginConfig
	NoOriginCheck bool // check_origin=False

	// SafeMethods is safe_methods; nil is the default: GET, HEAD, OPTIONS and
	// TRACE. The names are compared as they are.
	SafeMethods []string

	// Exempt reports the unsafe requests that are let through. It is Pyramid's
	// callback, the other way round.
	Exempt func(*http.Request) bool

	// Cookie is CookieCSRFStoragePolicy. Without it the token is in the
	// session, at SessionKey; "" is the default, _csrft_.
	Cookie     *CSRFCookie
	SessionKey string

	// OnError answers a request that is refused; err is a *CSRFError, or that
	// of scarab.From. The default is 400 with Pyramid's text, and scarab's
	// answer where the session could not be loaded.
	OnError func(w http.ResponseWriter, r *http.Request, err error)
}

// RequireCSRF returns a handler that checks requests as Pyramid checks views
// with require_csrf=True, before next sees them. It belongs inside
// scarab.Factory.Wrap.
func RequireCSRF(next http.Handler, c CSRFConfig) http.Handler {
	c.SafeMethods = slices.Clone(c.SafeMethods)
	if c.SafeMethods == nil {
		c.SafeMethods = []string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace}
	}
	if c.OnError == nil {
		c.OnError = csrfError
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := c.check(r); err != nil {
			c.OnError(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (c *CSRFConfig) check(r *http.Request) error {
	if slices.Contains(c.SafeMethods, r.Method) || c.Exempt != nil && c.Exempt(r) {
		return nil
	}
	if c.Token.field() == "" && c.Token.header() == "" {
		return nil // as Pyramid has it: nothing is checked then, not even the origin
	}
	if !c.NoOriginCheck {
		if err := CheckOrigin(r, c.Origin); err != nil {
			return err
		}
	}
	expected, err := c.expected(r)
	if err != nil {
		return err
	}
	return CheckToken(r, expected, c.Token)
}

// expected returns the token that is stored, "" if there is none.
func (c *CSRFConfig) expected(r *http.Request) (string, error) {
	if c.Cookie != nil {
		return c.Cookie.stored(r), nil
	}
	s, err := scarab.From(r.Context())
	if err != nil {
		return "", err
	}
	key := c.SessionKey
	if key == "" {
		key = "_csrft_"
	}
	token, _ := scarab.Key[string](key).Lookup(s)
	return token, nil
}

func csrfError(w http.ResponseWriter, r *http.Request, err error) {
	if e, ok := err.(*CSRFError); ok {
		http.Error(w, fmt.Sprintf("400 Bad Request: %s", e.Detail), http.StatusBadRequest)
		return
	}
	scarab.DefaultOnError(w, r, err)
}
