package pyramid

import (
	"net/http"
	"strings"
)

// A CSRFCookie is Pyramid's CookieCSRFStoragePolicy: the token is in a cookie of
// its own, not signed, and forms send it a second time. It is for sites that
// have no sessions. A sibling host that may set cookies for the domain can plant
// a token; package csrf has cookies that are bound to the site.
type CSRFCookie struct {
	Name     string // cookie_name; "" is the default, csrf_token
	Path     string // "" is the default, /
	Domain   string
	MaxAge   int // seconds; 0 is the default, none: until the browser closes
	Secure   bool
	HTTPOnly bool
	SameSite http.SameSite // 0 is the default, Lax; http.SameSiteDefaultMode leaves it out
}

func (c *CSRFCookie) name() string {
	if c.Name == "" {
		return "csrf_token"
	}
	return c.Name
}

// Token is Pyramid's get_csrf_token: what the cookie has, or a new token, for
// which w gets a Set-Cookie line.
func (c *CSRFCookie) Token(w http.ResponseWriter, r *http.Request) string {
	for _, line := range w.Header()["Set-Cookie"] {
		if set, err := http.ParseSetCookie(line); err == nil && set.Name == c.name() {
			return set.Value // a new one, made by this request
		}
	}
	if token := c.stored(r); token != "" {
		return token
	}
	return c.NewToken(w)
}

// NewToken is Pyramid's new_csrf_token: 32 hexadecimal digits, which w sets the
// cookie to. Call it before the header is sent.
func (c *CSRFCookie) NewToken(w http.ResponseWriter) string {
	cookie := http.Cookie{
		Name: c.name(), Value: newUUID(), Path: c.Path, Domain: c.Domain, MaxAge: c.MaxAge,
		Secure: c.Secure, HttpOnly: c.HTTPOnly, SameSite: c.SameSite,
	}
	if cookie.Path == "" {
		cookie.Path = "/"
	}
	switch cookie.SameSite {
	case 0:
		cookie.SameSite = http.SameSiteLaxMode
	case http.SameSiteDefaultMode:
		cookie.SameSite = 0
	}
	h := w.Header()
	kept := h["Set-Cookie"][:0:0]
	for _, line := range h["Set-Cookie"] {
		if !strings.HasPrefix(line, cookie.Name+"=") {
			kept = append(kept, line)
		}
	}
	h["Set-Cookie"] = append(kept, cookie.String())
	return cookie.Value
}

// stored returns the last cookie of the name, as Pyramid does.
func (c *CSRFCookie) stored(r *http.Request) string {
	token := ""
	for _, cookie := range r.CookiesNamed(c.name()) {
		token = cookie.Value
	}
	return token
}
