package scarabtest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A Client is a browser in front of a real server. It keeps cookies by a
// browser's rules (prefixes, Secure, SameSite, Path, Domain, Max-Age) and sends
// Origin, Referer and Sec-Fetch-* as browsers do.
//
// Every host name leads to the handler under test, over https and over http.
// So https://example.com, https://other.example.com and https://evil.example
// are at hand as the same origin, the same site and another site.
//
// A Client may be used by any number of goroutines, as a browser has tabs, once
// its fields are set. Two Clients on one server are made with
// [Client.NewBrowser].
type Client struct {
	// Base is what URLs without a host are relative to. The default is
	// "https://example.com".
	Base string

	// Now tells the time for the expiry of cookies. The default is time.Now.
	Now func() time.Time

	// ManualRedirects makes a redirect the answer, instead of following it.
	ManualRedirects bool

	// Header is sent with every request, and overrides what a browser sends:
	// no values at all for a key leave the header out.
	Header http.Header

	t         testing.TB
	transport *http.Transport
	jar       *jar
	page      string // that requests come from; "": from the address bar
}

// NewClient starts a server for h, until the test ends, and returns a Client
// for it.
func NewClient(t testing.TB, h http.Handler) *Client {
	t.Helper()
	secure, plain := httptest.NewTLSServer(h), httptest.NewServer(h)
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)

	cfg := secure.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	cfg.ServerName = "example.com" // the test certificate's
	dialer := &tls.Dialer{Config: cfg}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, plain.Listener.Addr().String())
		},
		DialTLSContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, secure.Listener.Addr().String())
		},
		MaxIdleConnsPerHost: 64,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &Client{Base: "https://example.com", Now: time.Now, t: t, transport: transport, jar: new(jar)}
}

// NewBrowser returns a Client for the same server and with the same settings,
// but with no cookies.
func (c *Client) NewBrowser() *Client {
	other := *c
	other.jar = new(jar)
	return &other
}

// From returns a tab of the same browser that shows the page at url: requests
// come from there. The page of a stranger, say https://evil.example/, makes
// cross-site requests.
func (c *Client) From(url string) *Client {
	tab := *c
	tab.page = url
	return &tab
}

// A Page is an answer.
type Page struct {
	URL     string // where redirects have led to
	Status  int
	Header  http.Header
	Body    string
	Refused []string // the cookies that the browser did not take, each with the reason in front
}

// Get opens url: typed into the address bar, or as a link on the page that the
// tab shows. If there is no whole answer, the test fails.
func (c *Client) Get(url string) *Page {
	c.t.Helper()
	return c.navigate(http.MethodGet, url, "", nil)
}

// PostForm submits a form to url. The form is on the page that the tab shows,
// or else on one of the origin that it is sent to. If there is no whole
// answer, the test fails.
func (c *Client) PostForm(url string, form url.Values) *Page {
	c.t.Helper()
	return c.Post(url, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

// Post is [Client.PostForm] for a form of another type, such as
// multipart/form-data.
func (c *Client) Post(url, contentType string, body io.Reader) *Page {
	c.t.Helper()
	return c.navigate(http.MethodPost, url, contentType, body)
}

func (c *Client) navigate(method, url, contentType string, body io.Reader) *Page {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, url, body)
	if err != nil {
		c.t.Errorf("%s %s: %v", method, url, err)
		return new(Page)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	p, err := c.do(req, true)
	if err != nil {
		c.t.Errorf("%s %s: %v", method, url, err)
	}
	return p
}

// Do sends req as a script's fetch does, with credentials, from the page that
// the tab shows, or else from one of the origin that it is sent to. An answer
// that is missing or cut short is an error; what came of it is returned too.
func (c *Client) Do(req *http.Request) (*Page, error) { return c.do(req, false) }

// maxRedirects is what browsers allow (Fetch, section 4.4).
const maxRedirects = 20

// do sends req and follows redirects.
func (c *Client) do(req *http.Request, navigates bool) (*Page, error) {
	base, err := url.Parse(c.Base)
	if err != nil {
		return new(Page), fmt.Errorf("Client.Base: %w", err)
	}
	target := base.ResolveReference(req.URL)
	var from *url.URL // nil: the address bar
	if c.page != "" {
		if from, err = url.Parse(c.page); err != nil {
			return new(Page), fmt.Errorf("the page to come from: %w", err)
		}
	} else if !navigates || req.Method != http.MethodGet {
		from = target.ResolveReference(&url.URL{Path: "/"})
	}
	var body []byte
	if req.Body != nil {
		body, err = io.ReadAll(req.Body)
		req.Body.Close()
		if err != nil {
			return new(Page), err
		}
	}

	w := walk{client: c, from: from, navigates: navigates, urls: []*url.URL{target}, page: new(Page)}
	method, header := req.Method, req.Header
	for {
		next, err := w.step(req.Context(), method, header, body)
		if err != nil || next == nil {
			return w.page, err
		}
		if len(w.urls) > maxRedirects {
			return w.page, errors.New("too many redirects")
		}
		w.urls = append(w.urls, next)
		// Fetch, section 4.4, step 12.
		if s := w.page.Status; s == http.StatusSeeOther && method != http.MethodHead ||
			(s == http.StatusMovedPermanently || s == http.StatusFound) && method == http.MethodPost {
			method, body = http.MethodGet, nil
			header = header.Clone()
			header.Del("Content-Type")
		}
	}
}

// A walk is one request and the redirects that it leads to.
type walk struct {
	client    *Client
	from      *url.URL
	navigates bool
	urls      []*url.URL
	page      *Page
}

// step sends one request and returns where it is redirected to, or nil.
func (w *walk) step(ctx context.Context, method string, header http.Header, body []byte) (*url.URL, error) {
	target := w.urls[len(w.urls)-1]
	req, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	w.setHeader(req, header)
	v := visit{
		url: target, method: method, navigates: w.navigates,
		crossSite: w.from != nil && !sameSite(w.from, target), now: w.client.Now(),
	}
	for _, c := range w.client.jar.get(v) {
		if req.Header.Get("Cookie") != "" {
			req.Header.Set("Cookie", req.Header.Get("Cookie")+"; "+c.pair())
		} else {
			req.Header.Set("Cookie", c.pair())
		}
	}
	for key, values := range w.client.Header {
		req.Header[http.CanonicalHeaderKey(key)] = values
	}

	resp, err := w.client.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	v.now = w.client.Now()
	for _, line := range resp.Header.Values("Set-Cookie") {
		if reason := w.client.jar.set(v, line); reason != "" {
			w.page.Refused = append(w.page.Refused, reason+": "+line)
		}
	}
	answer, err := io.ReadAll(resp.Body)
	w.page.URL, w.page.Status, w.page.Header, w.page.Body = target.String(), resp.StatusCode, resp.Header, string(answer)
	if err != nil {
		return nil, fmt.Errorf("the answer was cut short after %d bytes: %w", len(answer), err)
	}
	location := resp.Header.Get("Location")
	if w.client.ManualRedirects || location == "" || resp.StatusCode/100 != 3 {
		return nil, nil
	}
	return target.Parse(location)
}

// setHeader sets what browsers tell of a request's origin.
//
// Source: Fetch Metadata Request Headers, section 2; Fetch, section 3.2;
// Referrer Policy, strict-origin-when-cross-origin.
func (w *walk) setHeader(req *http.Request, header http.Header) {
	for key, values := range header {
		req.Header[key] = values
	}
	site, tainted := w.site()
	if req.URL.Scheme == "https" { // only where the origin can be trusted
		req.Header.Set("Sec-Fetch-Site", site)
		req.Header.Set("Sec-Fetch-Mode", "cors")
		req.Header.Set("Sec-Fetch-Dest", "empty")
		if w.navigates {
			req.Header.Set("Sec-Fetch-Mode", "navigate")
			req.Header.Set("Sec-Fetch-Dest", "document")
			req.Header.Set("Sec-Fetch-User", "?1")
		}
	}
	if w.from == nil {
		return
	}
	sameOrigin := originOf(w.from) == originOf(req.URL)
	if req.Method != http.MethodGet && req.Method != http.MethodHead || !w.navigates && !sameOrigin {
		req.Header.Set("Origin", originOf(w.from))
		if tainted {
			req.Header.Set("Origin", "null")
		}
	}
	switch {
	case sameOrigin:
		page := *w.from
		page.User, page.Fragment = nil, ""
		req.Header.Set("Referer", page.String())
	case w.from.Scheme == "http" || req.URL.Scheme == "https":
		req.Header.Set("Referer", originOf(w.from)+"/")
	}
}

// site is the value of Sec-Fetch-Site, which all URLs on the way have a say
// in. Tainted means that a redirect led from a third origin to another.
func (w *walk) site() (site string, tainted bool) {
	if w.from == nil {
		return "none", false
	}
	site = "same-origin"
	for i, u := range w.urls {
		switch {
		case originOf(u) == originOf(w.from):
		case !sameSite(u, w.from):
			site = "cross-site"
		case site == "same-origin":
			site = "same-site"
		}
		if i > 0 && originOf(u) != originOf(w.urls[i-1]) && originOf(w.urls[i-1]) != originOf(w.from) {
			tainted = true
		}
	}
	return site, tainted
}

// Cookie returns the value of the cookie that a request from the address bar
// to url would carry, or "" if there is none of that name.
func (c *Client) Cookie(url, name string) string {
	for _, k := range c.Cookies(url) {
		if k.Name == name {
			return k.Value
		}
	}
	return ""
}

// Cookies returns the cookies that a request from the address bar to url would
// carry, in their order and with their attributes.
func (c *Client) Cookies(url string) []*http.Cookie {
	v, err := c.visit(url)
	if err != nil {
		c.t.Errorf("cookies of %s: %v", url, err)
		return nil
	}
	var all []*http.Cookie
	for _, k := range c.jar.get(v) {
		h := &http.Cookie{Name: k.name, Value: k.value, Path: k.path, Secure: k.secure, HttpOnly: k.httpOnly, SameSite: k.sameSite, Partitioned: k.partitioned}
		if !k.hostOnly {
			h.Domain = k.domain
		}
		if k.persistent {
			h.Expires = k.expires
		}
		all = append(all, h)
	}
	return all
}

// SetCookie plants a cookie, as if an answer from url had a Set-Cookie with
// this line. It returns why the browser refuses it, or "".
func (c *Client) SetCookie(url, line string) (refused string) {
	v, err := c.visit(url)
	if err != nil {
		return err.Error()
	}
	return c.jar.set(v, line)
}

func (c *Client) visit(target string) (visit, error) {
	base, err := url.Parse(c.Base)
	if err != nil {
		return visit{}, err
	}
	u, err := base.Parse(target)
	return visit{url: u, method: http.MethodGet, navigates: true, now: c.Now()}, err
}

// Restart closes the browser and opens it again: cookies without a lifetime of
// their own are gone.
func (c *Client) Restart() { c.jar.restart() }

func (k *cookie) pair() string {
	if k.name == "" {
		return k.value
	}
	return k.name + "=" + k.value
}

var (
	inputTag  = regexp.MustCompile(`(?is)<input\b(?:[^>"']|"[^"]*"|'[^']*')*>`)
	attribute = regexp.MustCompile(`(?is)([a-z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))`)
)

// Field returns the value of the first input field of that name in the page,
// such as csrf_token, or "" if there is none.
func (p *Page) Field(name string) string {
	for _, tag := range inputTag.FindAllString(p.Body, -1) {
		attrs := make(map[string]string)
		for _, m := range attribute.FindAllStringSubmatch(tag, -1) {
			attrs[strings.ToLower(m[1])] = html.UnescapeString(m[2] + m[3] + m[4])
		}
		if attrs["name"] == name {
			return attrs["value"]
		}
	}
	return ""
}

// SetCookies returns the cookies that the answer sets, taken or refused.
func (p *Page) SetCookies() []*http.Cookie { return (&http.Response{Header: p.Header}).Cookies() }
