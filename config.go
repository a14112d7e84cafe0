package scarab

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/scarab-go/scarab/cfgerrors"
)

// Never, as a timeout, is none.
const Never time.Duration = math.MaxInt64

// A Config says how a [Factory] treats sessions. The zero value is safe for
// production: see the default of each field. New copies it.
type Config struct {
	_ [0]func() // no comparison, and no literals without field names

	// Cookie is the name and the attributes of the session's cookie.
	Cookie Cookie

	// Insecure is for plain http: the cookie is neither Secure nor, by
	// default, named with a prefix. Never in production: who listens on the
	// way takes over every session.
	Insecure bool

	// IdleTimeout is how long a session lives without being used, at least a
	// second. It is Pyramid's timeout. The default is one hour, or Lifetime
	// if that is shorter. Never means that only Lifetime counts.
	//
	// Source: NIST SP 800-63B-4, section 2.2.3: at AAL2 at most 1 hour; at
	// AAL3 (section 2.3.3) at most 15 minutes.
	IdleTimeout time.Duration

	// Lifetime is how long a session lives however much it is used, counted
	// from its creation or its last Login. The default is 24 hours, or
	// IdleTimeout if that is longer. Never means that only IdleTimeout counts.
	//
	// Source: NIST SP 800-63B-4: at AAL2 at most 24 hours, at AAL3 at most 12.
	Lifetime time.Duration

	// TouchInterval is how long a session is used without its idle timeout
	// being extended: the writes saved are worth an imprecision of that much.
	// It is Pyramid's reissue_time (whose 0 is a nanosecond here). The default
	// is a tenth of IdleTimeout. A session with a shorter idle timeout of its
	// own is extended at least every tenth of that. Never never extends.
	TouchInterval time.Duration

	// Persistent makes cookies outlive the browser, with a Max-Age until the
	// session's deadline. It is Pyramid's max_age. By default they end with
	// the browser; Session.SetPersistent decides for one session.
	Persistent bool

	// DropOnError drops the changes of a request whose answer is 5xx. It is
	// Pyramid's set_on_exception=False. An Invalidate is never dropped.
	DropOnError bool

	// Fallbacks are read, in order, where Backend has no session: to move
	// from one backend to another with nobody logged out. A session found in
	// one is created in the first backend by the request that found it.
	// Nothing is written to a fallback but the time of a session's last use;
	// and Invalidate, Login and Revoke delete there what they end.
	Fallbacks []Fallback

	// StoreTimeout bounds a load, and a commit with all its retries. The
	// default is 5 seconds. A load also ends when its request is given up, a
	// tenth of a second later at most.
	StoreTimeout time.Duration

	// MaxSize is how many bytes of data a session in a store may have; more
	// fails the commit with ErrTooLarge. The default is 64 KiB. Cookies have
	// a limit of their own, 4064 characters.
	MaxSize int

	// OnError answers a request whose session could not be loaded or
	// committed. Nothing of the handler's answer has been sent, and the
	// header is as it was before. The default answers in plain text: 409 for
	// ErrEnded, ErrSuperseded and ErrPopped, 503 for an error of the store,
	// 500 for the rest.
	OnError func(http.ResponseWriter, *http.Request, error)

	// OnEvent is called for what an operator may want to know; see [LogEvents].
	// It is called by many goroutines and must not use the session. Of what a
	// stranger can cause (EventRejected, EventExpired, EventSuperseded) it gets
	// 60 a minute for each reason; the next one's Err says how many more there
	// were.
	OnEvent func(context.Context, Event)

	// Clock tells the time; tests set it. The default is time.Now.
	Clock func() time.Time
}

// A Cookie is the name and the attributes of a cookie. Secure is always set
// unless Config.Insecure is.
type Cookie struct {
	_ [0]func()

	// Name defaults to "__Host-session", and to "session" if a Domain, another
	// Path or Insecure rules the prefix out. Browsers hold a name that starts
	// with __Host- to Secure, Path=/ and no Domain, so that no other host can
	// set it (RFC 6265bis, section 4.1.3).
	Name string

	Path   string // default "/"
	Domain string // default none: this host only

	// SameSite defaults to Lax. None needs a reason.
	SameSite http.SameSite

	// Partitioned keeps a cookie of an embedded site apart for each site that
	// embeds it (CHIPS).
	Partitioned bool

	// AllowScriptAccess leaves HttpOnly out: a script injected into one page
	// can then take the session with it.
	AllowScriptAccess bool
}

// A Fallback is another backend that sessions may still be in. A cookie of its
// own that is not needed any more is cleared with the Path and the Domain of
// Config.Cookie, or as the prefix of its name asks.
type Fallback struct {
	Backend    Backend
	CookieName string // of the fallback's cookie; default: the same as Cookie.Name
}

// Bounds.
const (
	minTimeout = time.Second

	// Browsers keep no cookie longer: RFC 6265bis, section 5.5.
	maxPersistent = 400 * 24 * time.Hour

	// A cookie whose name and value have more octets is ignored, an attribute
	// value with more likewise: RFC 6265bis, section 5.6.
	maxCookie    = 4096
	maxAttribute = 1024

	defaultIdle         = time.Hour
	defaultLifetime     = 24 * time.Hour
	defaultStoreTimeout = 5 * time.Second
	defaultMaxSize      = 64 << 10
	maxMaxSize          = 16 << 20

	// queueLimit is how many messages a queue holds.
	queueLimit = 100
)

// withDefaults fills in what is zero. It does not repair what is wrong.
func (c Config) withDefaults() Config {
	switch {
	case c.IdleTimeout == 0 && c.Lifetime == 0:
		c.IdleTimeout, c.Lifetime = defaultIdle, defaultLifetime
	case c.IdleTimeout == 0:
		c.IdleTimeout = min(defaultIdle, c.Lifetime)
	case c.Lifetime == 0:
		c.Lifetime = max(defaultLifetime, c.IdleTimeout)
	}
	if c.TouchInterval == 0 {
		c.TouchInterval = max(c.IdleTimeout/10, 1)
	}
	if c.StoreTimeout == 0 {
		c.StoreTimeout = defaultStoreTimeout
	}
	if c.MaxSize == 0 {
		c.MaxSize = defaultMaxSize
	}
	if c.OnError == nil {
		c.OnError = DefaultOnError
	}
	if c.OnEvent == nil {
		c.OnEvent = func(context.Context, Event) {}
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Cookie.Path == "" {
		c.Cookie.Path = "/"
	}
	if c.Cookie.SameSite == 0 {
		c.Cookie.SameSite = http.SameSiteLaxMode
	}
	if c.Cookie.Name == "" {
		c.Cookie.Name = "session"
		if !c.Insecure && c.Cookie.Path == "/" && c.Cookie.Domain == "" {
			c.Cookie.Name = "__Host-session"
		}
	}
	c.Fallbacks = append([]Fallback(nil), c.Fallbacks...)
	for i := range c.Fallbacks {
		if c.Fallbacks[i].CookieName == "" {
			c.Fallbacks[i].CookieName = c.Cookie.Name
		}
	}
	return c
}

// validate reports everything that is wrong with c, which has its defaults.
func (c *Config) validate() error {
	var errs []error
	duration := func(field string, v, least, most time.Duration, reason string) {
		if v < least || v > most {
			errs = append(errs, &cfgerrors.DurationError{Field: field, Value: v, Min: least, Max: most, Reason: reason})
		}
	}
	duration("IdleTimeout", c.IdleTimeout, minTimeout, Never, "a session must outlive a request")
	duration("Lifetime", c.Lifetime, minTimeout, Never, "a session must outlive a request")
	if minTimeout <= c.Lifetime && c.Lifetime < c.IdleTimeout && c.IdleTimeout != Never {
		duration("IdleTimeout", c.IdleTimeout, minTimeout, c.Lifetime, "Lifetime ends a session earlier")
	}
	duration("TouchInterval", c.TouchInterval, 1, Never, "how often use extends the idle timeout")
	if c.TouchInterval != Never && 0 < c.IdleTimeout && c.IdleTimeout <= c.TouchInterval {
		duration("TouchInterval", c.TouchInterval, 1, c.IdleTimeout-1, "a session in use must be extended before IdleTimeout ends it")
	}
	duration("StoreTimeout", c.StoreTimeout, time.Millisecond, time.Hour, "it bounds how long a client waits")
	if c.Persistent && c.Lifetime != Never {
		duration("Lifetime", c.Lifetime, minTimeout, maxPersistent, "browsers keep no cookie longer than 400 days (RFC 6265bis, section 5.5)")
	}
	if c.MaxSize < 1 || c.MaxSize > maxMaxSize {
		errs = append(errs, &cfgerrors.SizeError{Field: "MaxSize", Value: c.MaxSize, Min: 1, Max: maxMaxSize})
	}
	errs = append(errs, c.Cookie.validate(c.Insecure)...)
	names := map[string]bool{}
	for i, f := range c.Fallbacks {
		if f.Backend == nil {
			errs = append(errs, &cfgerrors.MissingError{Field: fmt.Sprintf("Fallbacks[%d].Backend", i), Hint: "the backend to read from"})
		}
		errs = append(errs, validName(f.CookieName)...)
		if names[f.CookieName] {
			errs = append(errs, &cfgerrors.CookieNameError{Name: f.CookieName, Reason: "twice", Hint: "two fallbacks cannot read the same cookie"})
		}
		names[f.CookieName] = true
	}
	return errors.Join(errs...)
}

// validName checks what can be said of a name alone.
func validName(name string) []error {
	bad := func(reason, hint string) []error {
		return []error{&cfgerrors.CookieNameError{Name: name, Reason: reason, Hint: hint}}
	}
	switch {
	case name == "":
		return bad("empty", "give it a name")
	case len(name) > 256:
		return bad("too long", "use at most 256 characters: name and value share 4096")
	}
	for _, r := range name {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r) {
			return bad("character", fmt.Sprintf("%q is not allowed in a token (RFC 9110, section 5.6.2)", r))
		}
	}
	return nil
}

// validate checks the rules of RFC 6265bis that browsers enforce by silence.
func (c *Cookie) validate(insecure bool) []error {
	errs := validName(c.Name)
	name := func(reason, hint string) {
		errs = append(errs, &cfgerrors.CookieNameError{Name: c.Name, Reason: reason, Hint: hint})
	}
	attribute := func(attr, value, reason, hint string) {
		errs = append(errs, &cfgerrors.CookieAttributeError{Attribute: attr, Value: value, Reason: reason, Hint: hint})
	}
	for _, prefix := range [...]string{"__Host-Http-", "__Host-", "__Http-", "__Secure-"} {
		if len(c.Name) < len(prefix) || !strings.EqualFold(c.Name[:len(prefix)], prefix) {
			continue
		}
		if c.Name[:len(prefix)] != prefix {
			name("case", "browsers ignore the case of the prefix, servers do not: spell it "+prefix)
		}
		if insecure {
			name("prefix", prefix+" needs Secure: drop Insecure or the prefix")
		}
		if strings.HasPrefix(prefix, "__Host-") && (c.Domain != "" || c.Path != "/") {
			name("prefix", prefix+` needs Path "/" and no Domain`)
		}
		if strings.HasSuffix(prefix, "Http-") && c.AllowScriptAccess {
			name("prefix", prefix+" needs HttpOnly: drop AllowScriptAccess")
		}
		break
	}
	if !strings.HasPrefix(c.Path, "/") || hasForbidden(c.Path) {
		attribute("Path", c.Path, "form", "it starts with / and has no semicolon or control character")
	}
	if d := strings.TrimPrefix(c.Domain, "."); c.Domain != "" && (d == "" || strings.ContainsAny(d, ":/ ,") || hasForbidden(d)) {
		attribute("Domain", c.Domain, "form", "a host name, without scheme, port or path")
	}
	for attr, value := range map[string]string{"Path": c.Path, "Domain": c.Domain} {
		if len(value) > maxAttribute {
			attribute(attr, value[:32]+"…", "too long", "browsers ignore attributes over 1024 octets")
		}
	}
	switch c.SameSite {
	case http.SameSiteLaxMode, http.SameSiteStrictMode, http.SameSiteDefaultMode:
	case http.SameSiteNoneMode:
		if insecure {
			attribute("SameSite", "None", "insecure", "browsers refuse it without Secure: drop Insecure")
		}
	default:
		attribute("SameSite", fmt.Sprint(int(c.SameSite)), "form", "use a constant of net/http")
	}
	if c.Partitioned && insecure {
		attribute("Partitioned", "true", "insecure", "browsers refuse it without Secure: drop Insecure")
	}
	return errs
}

func hasForbidden(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f || r == ';' })
}
