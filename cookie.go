package scarab

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxTried is how many cookies of one name are tried. A browser sends several
// if they were set for different paths or domains, by a sibling host perhaps.
const maxTried = 3

// cookieValues finds the distinct values of the cookies called name: n of them,
// at most one more than are tried. It reads the header as net/http does, but
// stops at nothing and allocates nothing. The name is compared exactly: browsers
// ignore case in prefixes, so __host-session is another cookie that anybody can
// set.
func cookieValues(header http.Header, name string) (values [maxTried + 1]string, n int) {
	for _, line := range header["Cookie"] {
		for len(line) > 0 && n < len(values) {
			var part string
			part, line, _ = strings.Cut(line, ";")
			key, value, ok := strings.Cut(part, "=")
			if ok && strings.Trim(key, " \t") == name {
				if value = strings.Trim(value, " \t"); !slices.Contains(values[:n], value) {
					values[n] = value
					n++
				}
			}
		}
	}
	return values, n
}

// cookieAttributes is the end of every Set-Cookie line.
func cookieAttributes(c Cookie, insecure bool) string {
	a := "; Path=" + c.Path
	if c.Domain != "" {
		a += "; Domain=" + strings.TrimPrefix(c.Domain, ".")
	}
	if !insecure {
		a += "; Secure"
	}
	if !c.AllowScriptAccess {
		a += "; HttpOnly"
	}
	switch c.SameSite {
	case http.SameSiteStrictMode:
		a += "; SameSite=Strict"
	case http.SameSiteNoneMode:
		a += "; SameSite=None"
	default:
		// Said, though it is what browsers assume: one that is not said lets
		// a cross-site POST pass for two minutes.
		a += "; SameSite=Lax"
	}
	if c.Partitioned {
		a += "; Partitioned"
	}
	return a
}

// setCookie puts the cookie into h, in place of an earlier one of the name. Its
// line may go into room.
func (f *Factory) setCookie(h http.Header, value string, st *State, now time.Time, room []string) {
	maxAge := ""
	if f.persistent(st) {
		age := maxPersistent
		if !st.Deadline.IsZero() {
			age = min(age, st.Deadline.Sub(now))
		}
		maxAge = "; Max-Age=" + strconv.FormatInt(int64(age/time.Second), 10)
	}
	putCookie(h, f.cfg.Cookie.Name, f.cfg.Cookie.Name+"="+value+maxAge+f.attributes, room)
}

// persistent reports whether the cookie of st outlives the browser.
func (f *Factory) persistent(st *State) bool {
	return st.persistent == persistYes || st.persistent == persistConfig && f.cfg.Persistent
}

func (f *Factory) clearCookie(h http.Header, name string) {
	attributes, c := f.attributes, f.cfg.Cookie
	if name != c.Name && strings.HasPrefix(name, "__") {
		// Of a fallback: a browser heeds no line that breaks the rule of a prefix.
		if c.AllowScriptAccess = false; strings.HasPrefix(name, "__Host-") {
			c.Path, c.Domain = "/", ""
		}
		attributes = cookieAttributes(c, false)
	}
	putCookie(h, name, name+"=; Max-Age=0"+attributes, nil)
}

func putCookie(h http.Header, name, line string, room []string) {
	lines := h["Set-Cookie"]
	if len(lines) == 0 {
		lines = room
	} else {
		lines = slices.DeleteFunc(slices.Clone(lines), func(l string) bool {
			n, _, _ := strings.Cut(l, "=")
			return strings.TrimSpace(n) == name
		})
	}
	h["Set-Cookie"] = append(lines, line)
}

// forbidCaching marks an answer that was made from a session: private, and
// not to be stored at all if it sets a cookie or shows a token.
//
// Source: OWASP Session Management Cheat Sheet, "Web Content Caching".
//
// The values go into the first two of room, which is this request's alone:
// whatever is around Wrap may change them in place.
func forbidCaching(h http.Header, noStore bool, room *[3]string) {
	if vary := h["Vary"]; len(vary) == 0 {
		room[0] = "Cookie"
		h["Vary"] = room[0:1:1]
	} else if !listHas(vary, "cookie") {
		h["Vary"] = append(slices.Clip(vary), "Cookie")
	}
	control := h["Cache-Control"]
	switch {
	case listHas(control, "no-store"):
	case noStore:
		room[1] = "no-store"
		h["Cache-Control"] = room[1:2:2]
	case len(control) == 0:
		room[1] = "private"
		h["Cache-Control"] = room[1:2:2]
	case listHas(control, "private"):
	default: // a handler that meant a page for everybody opened a session
		kept := slices.DeleteFunc(strings.Split(strings.Join(control, ","), ","), func(d string) bool {
			d = strings.ToLower(strings.TrimSpace(d))
			return d == "" || d == "public" || strings.HasPrefix(d, "s-maxage")
		})
		h["Cache-Control"] = []string{strings.Join(append(kept, " private"), ",")}
	}
}

// listHas reports whether a comma-separated header has the element.
func listHas(lines []string, element string) bool {
	for _, line := range lines {
		for e := range strings.SplitSeq(line, ",") {
			if e = strings.TrimSpace(e); strings.EqualFold(e, element) || e == "*" {
				return true
			}
		}
	}
	return false
}
