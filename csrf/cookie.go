package csrf

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"

	"github.com/scarab-go/scarab"
)

// A cookieWriter keeps the token of a site without sessions: a double submit
// whose cookie only this site can have made. It adds the cookie when the header
// is sent, so that one answer sets it once.
//
// Source: OWASP Cross-Site Request Forgery Prevention Cheat Sheet, "Signed
// Double-Submit Cookie".
type cookieWriter struct {
	http.ResponseWriter
	p *Protection
	r *http.Request

	mu     sync.Mutex
	secret string // "" until it is asked for
	value  string // the cookie to set
	used   bool   // the answer depends on the cookie
	sent   bool   // the header is out
}

// secretForPage returns the token, and makes one if the browser has none.
func (c *cookieWriter) secretForPage() (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used = true
	if c.secret == "" {
		c.secret = c.p.cookieSecret(c.r)
	}
	if c.secret == "" {
		if err := c.make(); err != nil {
			return "", err
		}
	}
	return c.secret, nil
}

func (c *cookieWriter) renew() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.make()
}

func (c *cookieWriter) make() error {
	if c.sent {
		return fmt.Errorf("csrf: the token needs a cookie: %w", scarab.ErrHeaderSent)
	}
	secret := newSecret()
	value, err := c.p.codec.Encode(c.p.cookieName, []byte(secret))
	if err != nil {
		return fmt.Errorf("csrf: the codec cannot encode a token: %w", err)
	}
	c.secret, c.value = secret, value
	return nil
}

// cookieSecret returns the token in the request's cookie, "" if there is none.
// Of two different cookies one was planted, so neither counts.
func (p *Protection) cookieSecret(r *http.Request) string {
	cookies := r.CookiesNamed(p.cookieName)
	if len(cookies) == 0 || len(cookies) > 1 && cookies[0].Value != cookies[1].Value || len(cookies) > 2 {
		return ""
	}
	secret, err := p.codec.Decode(p.cookieName, cookies[0].Value)
	if err != nil || !usable(string(secret)) {
		return ""
	}
	return string(secret)
}

func (p *Protection) checkCookieToken(r *http.Request, sent []byte, where string) error {
	secret := p.cookieSecret(r)
	if secret == "" {
		return &Error{Reason: NoSession, Header: where, Hint: "the cookie " + p.cookieName + " that goes with it is missing, doubled or not ours: reload the form"}
	}
	if !verify(secret, sent) {
		return &Error{Reason: WrongToken, Header: where, Hint: "it does not go with the cookie " + p.cookieName + ": reload the form"}
	}
	return nil
}

// commit is called before the header is sent.
func (c *cookieWriter) commit() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sent {
		return
	}
	c.sent = true
	h := c.Header()
	if c.value != "" {
		cookie := http.Cookie{Name: c.p.cookieName, Value: c.value, Path: "/", HttpOnly: true, Secure: !c.p.insecure, SameSite: http.SameSiteLaxMode}
		h.Add("Set-Cookie", cookie.String())
	}
	if c.used {
		h.Set("Cache-Control", "no-store")
		h.Add("Vary", "Cookie")
	}
}

// WriteHeader sets the cookie before every status but the informational ones.
func (c *cookieWriter) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		c.commit()
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *cookieWriter) Write(b []byte) (int, error) {
	c.commit()
	return c.ResponseWriter.Write(b)
}

// ReadFrom keeps sendfile for io.Copy.
func (c *cookieWriter) ReadFrom(src io.Reader) (int64, error) {
	c.commit()
	return io.Copy(c.ResponseWriter, src)
}

// FlushError is Flush for http.ResponseController.
func (c *cookieWriter) FlushError() error {
	c.commit()
	return http.NewResponseController(c.ResponseWriter).Flush()
}

// Flush implements http.Flusher.
func (c *cookieWriter) Flush() { c.FlushError() }

// Hijack implements http.Hijacker.
func (c *cookieWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c.commit()
	return http.NewResponseController(c.ResponseWriter).Hijack()
}

// Unwrap is for http.ResponseController.
func (c *cookieWriter) Unwrap() http.ResponseWriter { return c.ResponseWriter }
