package csrf

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
)

// An origin is who a page belongs to: scheme, host and port (RFC 6454). The
// port is empty if it is the scheme's default, the host has its brackets if it
// is an IPv6 address.
type origin struct{ scheme, host, port string }

// equal compares without case. Both were parsed, so they are ASCII.
func (o origin) equal(p origin) bool {
	return o.port == p.port && strings.EqualFold(o.scheme, p.scheme) && strings.EqualFold(o.host, p.host)
}

func (o origin) String() string {
	s := strings.ToLower(o.scheme) + "://" + strings.ToLower(o.host)
	if o.port != "" {
		s += ":" + o.port
	}
	return s
}

// What makes a text no origin.
var (
	errNoOrigin  = errors.New("not of the form scheme://host or scheme://host:port")
	errUserInfo  = errors.New("it has user information before the host")
	errMoreParts = errors.New("it has more than scheme, host and port")
	errNull      = errors.New("null stands for any page that hides its origin")
)

// parseOrigin reads what browsers write in an Origin header. It is stricter
// than url.Parse, which drops user information and decodes percent signs, so
// that several spellings would have one host.
func parseOrigin(s string) (origin, error) {
	scheme, rest, ok := strings.Cut(s, "://")
	switch {
	case s == "null":
		return origin{}, errNull
	case !ok || !validScheme(scheme):
		return origin{}, errNoOrigin
	}
	if i := strings.IndexAny(rest, "/?#\\"); i >= 0 {
		if strings.Contains(rest[:i], "@") {
			return origin{}, errUserInfo
		}
		return origin{}, errMoreParts
	}
	return parseHost(scheme, rest)
}

// parseReferer returns the origin of an absolute URL.
func parseReferer(s string) (origin, error) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || !validScheme(scheme) {
		return origin{}, errNoOrigin
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	return parseHost(scheme, rest)
}

// parseHost completes an origin by host or host:port.
func parseHost(scheme, s string) (origin, error) {
	host, port := s, ""
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		host, port = s[:i], s[i+1:]
		if !validPort(port) {
			if strings.Contains(s, "@") {
				return origin{}, errUserInfo
			}
			return origin{}, errNoOrigin
		}
	}
	switch {
	case strings.Contains(host, "@"):
		return origin{}, errUserInfo
	case !validHost(host):
		return origin{}, errNoOrigin
	}
	if port == defaultPort(scheme) {
		port = ""
	}
	return origin{scheme, host, port}, nil
}

func defaultPort(scheme string) string {
	switch {
	case strings.EqualFold(scheme, "https"):
		return "443"
	case strings.EqualFold(scheme, "http"):
		return "80"
	}
	return ""
}

func validScheme(s string) bool {
	return s != "" && isLetter(s[0]) && all(s, func(c byte) bool {
		return isLetter(c) || isDigit(c) || c == '+' || c == '-' || c == '.'
	})
}

// validHost takes names of letters, digits, hyphens, dots and underscores (the
// form in which browsers send every name, see RFC 5891) and IPv6 addresses in
// brackets.
func validHost(s string) bool {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		return ok && err == nil && addr.Is6() && addr.Zone() == ""
	}
	return s != "" && all(s, func(c byte) bool {
		return isLetter(c) || isDigit(c) || c == '-' || c == '.' || c == '_'
	})
}

// validPort takes decimal numbers without leading zeros: a port has one
// spelling.
func validPort(s string) bool {
	return s != "" && len(s) <= 5 && s[0] != '0' && all(s, isDigit)
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

func all(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

// checkOrigin is the first gate. It reports whether the request is known to
// come from a page of this site or of a trusted origin; a request can pass
// without such evidence, as those of programs do, which send none of the three
// headers.
func (p *Protection) checkOrigin(r *http.Request) (evidence bool, err *Error) {
	origins := r.Header["Origin"]
	// Trusted origins come first: requests of theirs are cross-site, and that
	// is what Sec-Fetch-Site says of them.
	if len(origins) == 1 && len(p.trusted) > 0 {
		if o, err := parseOrigin(origins[0]); err == nil && contains(p.trusted, o) {
			return true, nil
		}
	}
	// Pages cannot set a header whose name starts with Sec-. What is not one
	// of the four words of the specification says nothing, also if it came
	// twice.
	//
	// Source: W3C Fetch Metadata Request Headers, section 2.3.
	if site := r.Header["Sec-Fetch-Site"]; len(site) == 1 {
		switch site[0] {
		case "same-origin":
			return true, nil
		case "none": // the user typed the address, or reloads a page
			return false, nil
		case "same-site", "cross-site":
			return false, crossSite(site[0], origins)
		}
	}
	for _, h := range [...]struct {
		name  string
		parse func(string) (origin, error)
	}{{"Origin", parseOrigin}, {"Referer", parseReferer}} {
		values := r.Header[h.name]
		if len(values) == 0 || len(values) == 1 && values[0] == "" {
			continue
		}
		if len(values) > 1 {
			return false, severalValues(h.name, strings.Join(values, ", "))
		}
		from, perr := h.parse(values[0])
		if perr != nil {
			return false, malformed(h.name, values[0], perr)
		}
		if p.ours(r, from) || contains(p.trusted, from) {
			return true, nil
		}
		return false, p.otherOrigin(r, h.name, values[0], from)
	}
	return false, nil
}

// ours reports whether o is the origin of this site.
func (p *Protection) ours(r *http.Request, o origin) bool {
	if len(p.origins) > 0 {
		return contains(p.origins, o)
	}
	own, err := p.requested(r)
	return err == nil && own.equal(o)
}

// requested is the origin that the request itself speaks of: its host, and
// https unless Insecure says otherwise. The scheme is not guessed from the
// connection alone: behind a proxy that ends TLS every connection is plain.
func (p *Protection) requested(r *http.Request) (origin, error) {
	scheme := "https"
	if p.insecure && r.TLS == nil {
		scheme = "http"
	}
	return parseHost(scheme, r.Host)
}

func contains(list []origin, o origin) bool {
	for _, l := range list {
		if l.equal(o) {
			return true
		}
	}
	return false
}
