package app

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"
)

// A Client is one browser that sends requests to an App in the same process,
// without a network: one after the other, with the cookie of the last answer
// that set one. It reuses what it can, so that nearly everything it costs is
// the application's.
type Client struct {
	app     *App
	visitor string // header of Visit

	line   [1]string // the Cookie header of all requests: name=value
	token  string    // the body of a Form
	answer answer
	body   []byte

	requests [ops]http.Request
	request  http.Request // handlers change it
	form     strings.Reader

	hangUp context.CancelFunc // nobody does

	ctx fasthttp.RequestCtx
}

// NewClient returns a browser without a cookie.
func (a *App) NewClient() *Client {
	c := &Client{app: a, visitor: visitor(0)}
	c.answer.c, c.answer.header = c, http.Header{}
	// As a server of net/http has it: drivers watch a context that can end, and
	// not one that cannot.
	ctx, hangUp := context.WithCancel(context.Background())
	c.hangUp = hangUp
	for op := range ops {
		r := http.Request{
			Method: op.Method(),
			URL:    &url.URL{Path: op.Path()},
			Proto:  "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Host:       "example.com",
			RequestURI: op.Path(),
			RemoteAddr: "127.0.0.1:1",
			Body:       http.NoBody,
			Header: http.Header{
				"Accept":         {"text/html"},
				"User-Agent":     {"bench"},
				"Sec-Fetch-Site": {"same-origin"},
				"Origin":         {"https://example.com"},
			},
		}
		c.requests[op] = *r.WithContext(ctx)
	}
	c.requests[Visit].Header[visitorHeader] = []string{c.visitor}
	c.requests[Form].Header["Content-Type"] = []string{"application/x-www-form-urlencoded"}
	return c
}

// Fork returns another browser with the same cookie, the n-th of a group.
func (c *Client) Fork(n int) *Client {
	f := c.app.NewClient()
	f.visitor = visitor(n)
	f.requests[Visit].Header[visitorHeader][0] = f.visitor
	f.SetCookie(c.Cookie())
	return f
}

// Cookie returns name and value of the cookie the client has.
func (c *Client) Cookie() string { return c.line[0] }

// Body returns the body of the last answer. The next request overwrites it.
func (c *Client) Body() []byte { return c.body }

// DoAll sends several requests, one after the other.
func (c *Client) DoAll(ops []Op) error {
	for _, op := range ops {
		if err := c.Do(op); err != nil {
			return err
		}
	}
	return nil
}

// Do sends a request and fails if the answer is no success.
func (c *Client) Do(op Op) error {
	if op == Forget {
		c.SetCookie("")
		return nil
	}
	if c.app.fast != nil {
		return c.doFast(op)
	}
	h := c.app.handlers[op]
	if h == nil {
		return fmt.Errorf("%s has no handler for %v", c.app.Name, op)
	}
	clear(c.answer.header)
	c.answer.status = http.StatusOK
	c.body = c.body[:0]
	c.request = c.requests[op]
	if op == Form {
		c.form.Reset(c.token)
		c.request.Body = formBody{&c.form}
		c.request.ContentLength = int64(len(c.token))
	}
	h.ServeHTTP(&c.answer, &c.request)
	if status := c.answer.status; status >= 400 {
		return fmt.Errorf("%s: %v: %d %s", c.app.Name, op, status, c.body)
	}
	if set := c.answer.header["Set-Cookie"]; len(set) > 0 {
		pair, _, _ := strings.Cut(set[len(set)-1], ";")
		c.SetCookie(pair)
	}
	return nil
}

// SetCookie gives the client a cookie, as name=value, or takes it away.
func (c *Client) SetCookie(pair string) {
	had := c.line[0] != ""
	c.line[0] = pair
	if had == (pair != "") {
		return
	}
	for op := range c.requests {
		if had {
			delete(c.requests[op].Header, "Cookie")
		} else {
			c.requests[op].Header["Cookie"] = c.line[:]
		}
	}
}

// Start gives the client a session with the sample, or what else the library
// begins with.
func (c *Client) Start() error {
	if c.app.Does(Fill) {
		if err := c.Do(Fill); err != nil {
			return err
		}
	}
	if !c.app.Does(Page) {
		return nil
	}
	if err := c.Do(Page); err != nil {
		return err
	}
	// Form and Script send this page's token.
	c.requests[Script].Header["X-Csrf-Token"] = []string{string(c.body)}
	field := plainField
	if c.app.Name == "gorilla/csrf" {
		field = gorillaField
	}
	c.token = url.Values{field: {string(c.body)}}.Encode()
	return nil
}

type formBody struct{ *strings.Reader }

func (formBody) Close() error { return nil }

// answer is the client's http.ResponseWriter.
type answer struct {
	c      *Client
	header http.Header
	status int
}

func (a *answer) Header() http.Header    { return a.header }
func (a *answer) WriteHeader(status int) { a.status = status }
func (a *answer) Write(b []byte) (int, error) {
	a.c.body = append(a.c.body, b...)
	return len(b), nil
}

func (a *answer) WriteString(s string) (int, error) {
	a.c.body = append(a.c.body, s...)
	return len(s), nil
}

func (c *Client) doFast(op Op) error {
	c.ctx.Request.Reset()
	c.ctx.Response.Reset()
	c.ctx.ResetUserValues()
	r := &c.ctx.Request
	r.Header.SetMethod(op.Method())
	r.SetRequestURI(op.Path())
	r.Header.SetHost("example.com")
	if c.Cookie() != "" {
		r.Header.Set("Cookie", c.Cookie())
	}
	if op == Visit {
		r.Header.Set(visitorHeader, c.visitor)
	}
	c.app.fast(&c.ctx)
	c.body = append(c.body[:0], c.ctx.Response.Body()...)
	if status := c.ctx.Response.StatusCode(); status >= 400 {
		return fmt.Errorf("%s: %v: %d %s", c.app.Name, op, status, c.body)
	}
	for _, value := range c.ctx.Response.Header.Cookies() {
		pair, _, _ := strings.Cut(string(value), ";")
		c.SetCookie(pair)
	}
	return nil
}
