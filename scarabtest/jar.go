package scarabtest

import (
	"cmp"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A jar keeps cookies as a browser does. It does not evict: browsers have room
// for some 180 cookies of a domain.
//
// Source: draft-ietf-httpbis-rfc6265bis-22, sections 5.6 to 5.8, with __Http-
// and __Host-Http- as the later draft-ietf-httpbis-layered-cookies has them.
type jar struct {
	mu      sync.Mutex
	cookies []*cookie
	count   int
}

type cookie struct {
	name, value, domain, path string

	hostOnly, secure, httpOnly, partitioned, persistent bool

	sameSite http.SameSite
	expires  time.Time
	number   int // in order of creation
}

// A visit is a request as far as cookies care.
type visit struct {
	url       *url.URL
	method    string
	crossSite bool // begun by a page of another site
	navigates bool // in the address bar; otherwise by a script or for an image
	now       time.Time
}

const (
	maxCookieSize    = 4096
	maxAttributeSize = 1024
	maxCookieAge     = 400 * 24 * time.Hour
)

// set takes a Set-Cookie line from an answer. It returns why the cookie is
// refused, or nothing.
func (j *jar) set(v visit, line string) (refused string) {
	c, attrs, refused := parseCookie(line, v.now)
	if refused != "" {
		return refused
	}
	host := hostOf(v.url)
	c.domain, c.hostOnly = host, true
	if domain := strings.ToLower(strings.TrimPrefix(attrs["domain"], ".")); domain != "" && domain != host {
		switch {
		case !domainMatch(host, domain):
			return "Domain is not that of the host"
		case !strings.Contains(domain, "."):
			return "Domain is a public suffix"
		}
		c.domain, c.hostOnly = domain, false
	} else if domain == host {
		c.hostOnly = net.ParseIP(host) != nil || !strings.Contains(host, ".")
	}
	c.path = attrs["path"]
	if !strings.HasPrefix(c.path, "/") {
		c.path = defaultPath(v.url)
	}
	https := v.url.Scheme == "https"
	switch {
	case c.secure && !https:
		return "Secure, but not over https"
	case c.sameSite == http.SameSiteNoneMode && !c.secure:
		return "SameSite=None needs Secure"
	case c.partitioned && !c.secure:
		return "Partitioned needs Secure"
	case c.sameSite != http.SameSiteNoneMode && v.crossSite && !v.navigates:
		return "SameSite, and the request was cross-site"
	}
	if refused := prefixRules(c, attrs); refused != "" {
		return refused
	}

	j.mu.Lock()
	defer j.mu.Unlock()
	j.expire(v.now)
	if !https && slices.ContainsFunc(j.cookies, func(o *cookie) bool {
		return o.secure && o.name == c.name && pathMatch(c.path, o.path) &&
			(domainMatch(o.domain, c.domain) || domainMatch(c.domain, o.domain))
	}) {
		return "would hide a Secure cookie, and did not come over https"
	}
	c.number = j.count
	j.count++
	if i := slices.IndexFunc(j.cookies, c.replaces); i >= 0 {
		c.number = j.cookies[i].number
		j.cookies = slices.Delete(j.cookies, i, i+1)
	}
	j.cookies = append(j.cookies, c)
	j.expire(v.now)
	return ""
}

// parseCookie reads a Set-Cookie line. The attributes that need the request
// to be judged are returned in a map, by their name in small letters.
func parseCookie(line string, now time.Time) (c *cookie, attrs map[string]string, refused string) {
	if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return nil, nil, "has a control character"
	}
	parts := strings.Split(line, ";")
	name, value, ok := strings.Cut(parts[0], "=")
	if !ok {
		name, value = "", parts[0]
	}
	name, value = strings.Trim(name, " \t"), strings.Trim(value, " \t")
	switch {
	case name == "" && value == "":
		return nil, nil, "is empty"
	case len(name)+len(value) > maxCookieSize:
		return nil, nil, "name and value have more than 4096 octets"
	}
	c = &cookie{name: name, value: value}
	attrs = make(map[string]string)
	for _, part := range parts[1:] {
		attr, value, _ := strings.Cut(part, "=")
		attr, value = strings.ToLower(strings.Trim(attr, " \t")), strings.Trim(value, " \t")
		if len(value) > maxAttributeSize {
			continue
		}
		switch attr {
		case "expires", "max-age", "domain", "path":
			attrs[attr] = value
		case "secure":
			c.secure = true
		case "httponly":
			c.httpOnly = true
		case "partitioned":
			c.partitioned = true
		case "samesite":
			// Without the attribute, or with another word, browsers take Lax.
			// Their two minutes of grace for a POST then are left out.
			c.sameSite = map[string]http.SameSite{"strict": http.SameSiteStrictMode, "none": http.SameSiteNoneMode}[strings.ToLower(value)]
		}
	}
	if c.sameSite == 0 {
		c.sameSite = http.SameSiteLaxMode
	}
	c.persistent, c.expires = expiry(attrs, now)
	return c, attrs, ""
}

// expiry reads Max-Age, or else Expires.
func expiry(attrs map[string]string, now time.Time) (persistent bool, at time.Time) {
	latest := now.Add(maxCookieAge)
	if v, ok := attrs["max-age"]; ok && v != "" && strings.Trim(strings.TrimPrefix(v, "-"), "0123456789") == "" {
		seconds, err := strconv.ParseInt(v, 10, 64)
		switch {
		case strings.HasPrefix(v, "-"), seconds <= 0 && err == nil:
			return true, time.Time{}
		case err != nil, seconds > int64(maxCookieAge/time.Second):
			return true, latest
		}
		return true, now.Add(time.Duration(seconds) * time.Second)
	}
	for _, layout := range []string{http.TimeFormat, "Mon, 02-Jan-2006 15:04:05 MST", time.RFC850, time.ANSIC} {
		if t, err := time.Parse(layout, attrs["expires"]); err == nil {
			if t.After(latest) {
				t = latest
			}
			return true, t
		}
	}
	return false, time.Time{}
}

// prefixRules holds a cookie to what its name promises. Browsers ignore the
// case of prefixes.
func prefixRules(c *cookie, attrs map[string]string) (refused string) {
	has := func(prefix string) bool {
		name := c.name
		if name == "" {
			name = c.value // it would be sent as if it were the name
		}
		return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
	}
	host, http := has("__Host-"), has("__Http-") || has("__Host-Http-")
	switch {
	case c.name == "" && (host || http || has("__Secure-")):
		return "has a prefix in its value, and no name"
	case (host || http || has("__Secure-")) && !c.secure:
		return "the prefix needs Secure"
	case http && !c.httpOnly:
		return "the prefix needs HttpOnly"
	case host && attrs["domain"] != "":
		return "the prefix __Host- rules out Domain"
	case host && attrs["path"] != "/":
		return "the prefix __Host- needs Path=/"
	}
	return ""
}

// replaces reports whether c takes the place of old.
func (c *cookie) replaces(old *cookie) bool {
	return c.name == old.name && c.domain == old.domain && c.hostOnly == old.hostOnly &&
		c.path == old.path && c.partitioned == old.partitioned
}

// expire drops what has expired. The caller holds j.mu.
func (j *jar) expire(now time.Time) {
	j.cookies = slices.DeleteFunc(j.cookies, func(c *cookie) bool { return c.persistent && !now.Before(c.expires) })
}

// restart drops what ends with the browser.
func (j *jar) restart() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.cookies = slices.DeleteFunc(j.cookies, func(c *cookie) bool { return !c.persistent })
}

// get returns the cookies that go with a request, those of longer paths first.
func (j *jar) get(v visit) []cookie {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.expire(v.now)
	host := hostOf(v.url)
	var found []cookie
	for _, c := range j.cookies {
		if (c.domain == host || !c.hostOnly && domainMatch(host, c.domain)) &&
			pathMatch(v.url.EscapedPath(), c.path) &&
			(!c.secure || v.url.Scheme == "https") && v.allows(c.sameSite) {
			found = append(found, *c)
		}
	}
	slices.SortFunc(found, func(a, b cookie) int {
		return cmp.Or(cmp.Compare(len(b.path), len(a.path)), cmp.Compare(a.number, b.number))
	})
	return found
}

// allows applies SameSite to a request.
func (v visit) allows(s http.SameSite) bool {
	switch {
	case !v.crossSite, s == http.SameSiteNoneMode:
		return true
	case s == http.SameSiteLaxMode:
		return v.navigates && isSafe(v.method)
	}
	return false
}

func isSafe(method string) bool {
	return slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace}, method)
}

func hostOf(u *url.URL) string { return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".") }

func domainMatch(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain) && net.ParseIP(host) == nil
}

func pathMatch(path, cookiePath string) bool {
	if path == "" {
		path = "/"
	}
	return path == cookiePath || strings.HasPrefix(path, cookiePath) &&
		(strings.HasSuffix(cookiePath, "/") || path[len(cookiePath)] == '/')
}

func defaultPath(u *url.URL) string {
	path := u.EscapedPath()
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		return path[:i]
	}
	return "/"
}

// sameSite reports whether a and b have the same scheme and the same last two
// labels, which stand in for the list of public suffixes.
func sameSite(a, b *url.URL) bool {
	site := func(u *url.URL) string {
		host := hostOf(u)
		if labels := strings.Split(host, "."); len(labels) > 2 && net.ParseIP(host) == nil {
			host = strings.Join(labels[len(labels)-2:], ".")
		}
		return u.Scheme + "://" + host
	}
	return site(a) == site(b)
}

// originOf returns the origin of u as the Origin header has it.
func originOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host
}
