package csrf_test

import (
	"context"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/csrf"
)

// newSessions makes a factory as any application does.
func newSessions() *scarab.Factory {
	sessions, err := scarab.New(scarab.InCookie(codec("a key of one's own")), scarab.Config{})
	if err != nil {
		panic(err)
	}
	return sessions
}

// serve starts h and returns its address and a browser, and how to stop it.
func serve(h http.Handler) (address string, browser *http.Client, stop func()) {
	server := httptest.NewTLSServer(h)
	browser = server.Client()
	browser.Jar, _ = cookiejar.New(nil)
	return server.URL, browser, server.Close
}

// send is a browser that sends a form from a page of the given site.
func send(browser *http.Client, from, to, form string) string {
	r, err := http.NewRequest("POST", to, strings.NewReader(form))
	if err != nil {
		return err.Error()
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", from)
	resp, err := browser.Do(r)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.Status + ": " + strings.TrimSpace(string(body))
}

// A form with a token is accepted; what another site sends is not.
func Example() {
	p, err := csrf.New(csrf.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	var token string
	mux.HandleFunc("GET /account", func(w http.ResponseWriter, r *http.Request) {
		session, err := scarab.From(r.Context())
		if err != nil {
			scarab.DefaultOnError(w, r, err)
			return
		}
		session.Set("plan", "free")
		token, err = csrf.Token(r.Context()) // or csrf.Field, in a template
		if err != nil {
			scarab.DefaultOnError(w, r, err)
		}
	})
	mux.HandleFunc("POST /account", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "plan is now", r.FormValue("plan"))
	})
	address, browser, stop := serve(newSessions().Wrap(p.Wrap(mux)))
	defer stop()

	browser.Get(address + "/account")
	form := "plan=paid&csrf_token=" + url.QueryEscape(token)
	fmt.Println(send(browser, address, address+"/account", form))

	answer, _, _ := strings.Cut(send(browser, "https://evil.example", address+"/account", form), "\n")
	fmt.Println(answer)
	// Output:
	// 200 OK: plan is now paid
	// 403 Forbidden: Forbidden: this request does not come from a page of this site.
}

// Field is a template function as it is: templates are parsed once and are
// given the context of the request.
func ExampleField() {
	page := template.Must(template.New("page").
		Funcs(template.FuncMap{"csrfField": csrf.Field}).
		Parse(`<form method="post">{{csrfField .Context}}<button>Sign up to {{.Title}}</button></form>`))

	p, err := csrf.New(csrf.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	h := newSessions().Wrap(p.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := page.Execute(w, struct {
			Context context.Context
			Title   string
		}{r.Context(), "the news"})
		if err != nil {
			fmt.Println(err)
		}
	})))
	address, browser, stop := serve(h)
	defer stop()

	// A visitor without a session: the form costs nothing, so its token is a
	// fixed word.
	resp, err := browser.Get(address)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	html, _ := io.ReadAll(resp.Body)
	fmt.Println(string(html))
	fmt.Println("cookies:", len(resp.Cookies()))
	// Output:
	// <form method="post"><input type="hidden" name="csrf_token" value="no-session"><button>Sign up to the news</button></form>
	// cookies: 0
}

// A script takes the token from its page and sends it in a header:
//
//	fetch("/api", {method: "POST", headers: {
//		"X-CSRF-Token": document.querySelector("meta[name=csrf-token]").content,
//	}})
func ExampleToken() {
	page := template.Must(template.New("app").
		Funcs(template.FuncMap{"csrfToken": csrf.Token}).
		Parse(`<meta name="csrf-token" content="{{csrfToken .}}">`))

	p, err := csrf.New(csrf.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		session, err := scarab.From(r.Context())
		if err != nil {
			scarab.DefaultOnError(w, r, err)
			return
		}
		session.Set("theme", "dark")
		if err := page.Execute(w, r.Context()); err != nil {
			fmt.Println(err)
		}
	})
	mux.HandleFunc("POST /api", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, `{"ok": true}`) })
	address, browser, stop := serve(newSessions().Wrap(p.Wrap(mux)))
	defer stop()

	resp, err := browser.Get(address)
	if err != nil {
		fmt.Println(err)
		return
	}
	html, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	_, token, _ := strings.Cut(string(html), `content="`)
	token, _, _ = strings.Cut(token, `"`)

	r, err := http.NewRequest("POST", address+"/api", strings.NewReader(`{"theme": "light"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-CSRF-Token", token)
	resp, err = browser.Do(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	fmt.Print(resp.Status, " ", string(answer))
	// Output:
	// 200 OK {"ok": true}
}

// A payment provider calls without a token and proves itself by a signature of
// its own.
func ExampleProtection_AddInsecureBypassPattern() {
	p, err := csrf.New(csrf.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := p.AddInsecureBypassPattern("POST /hooks/{provider}"); err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /hooks/{provider}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "paid, says", r.PathValue("provider"))
	})
	mux.HandleFunc("POST /pay", func(http.ResponseWriter, *http.Request) {})
	address, browser, stop := serve(newSessions().Wrap(p.Wrap(mux)))
	defer stop()

	fmt.Println(send(browser, "https://provider.example", address+"/hooks/acme", ""))
	answer, _, _ := strings.Cut(send(browser, "https://provider.example", address+"/pay", ""), ":")
	fmt.Println(answer)
	// Output:
	// 200 OK: paid, says acme
	// 403 Forbidden
}

// All mistakes are reported at once, each with what to change.
func ExampleNew() {
	_, err := csrf.New(csrf.Config{
		Origins:        []string{"www.example.com"},
		TrustedOrigins: []string{"https://*.example.com", "https://pay.example.com/"},
	})
	fmt.Println(err)
	// Output:
	// csrf: Origins[0] "www.example.com": no scheme: write it as the browser does, such as https://www.example.com
	// csrf: TrustedOrigins[0] "https://*.example.com": wildcard: list every origin: a forgotten subdomain would be trusted too
	// csrf: TrustedOrigins[1] "https://pay.example.com/": more than an origin: drop what follows the host and the port, the last slash included
}

// An error names the header, its value, and the setting that would let the
// request pass: here the site is behind a proxy that changes Host.
func ExampleProtection_Check() {
	p, err := csrf.New(csrf.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	h := newSessions().Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		r.Host = "10.0.0.7" // the proxy's doing
		fmt.Println(p.Check(r))
	}))
	address, browser, stop := serve(h)
	defer stop()

	send(browser, "https://www.example.com", address, "")
	// Output:
	// csrf: cross-origin: Origin is "https://www.example.com", not "https://10.0.0.7": if its pages may send such requests, add it to csrf.Config.TrustedOrigins; if a proxy changes the Host header, set csrf.Config.Origins to what the browser's address bar shows (POST "/")
}

// A site without sessions keeps the token in a cookie that a codec signs or
// seals; package cookiecodec has codecs.
func ExampleConfig_codec() {
	p, err := csrf.New(csrf.Config{Codec: codec("a key of one's own")})
	if err != nil {
		fmt.Println(err)
		return
	}
	var token string
	address, browser, stop := serve(p.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err = csrf.Token(r.Context())
		if err != nil {
			fmt.Println(err)
		}
	})))
	defer stop()

	resp, err := browser.Get(address)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.Cookies()[0].Name)
	fmt.Println(send(browser, address, address, "csrf_token="+token))
	// Output:
	// __Host-csrf
	// 200 OK:
}

// A form for visitors with a session must be rendered when there is one.
// Rendered before, it has the word for visitors without, and is refused.
func ExampleField_tooEarly() {
	p, err := csrf.New(csrf.Config{
		OnEvent: func(_ context.Context, e scarab.Event) { fmt.Println("event:", e.Kind) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	h := newSessions().Wrap(p.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		field, err := csrf.Field(r.Context())
		if err != nil {
			fmt.Println(err)
			return
		}
		if session, err := scarab.From(r.Context()); err == nil {
			session.Set("visits", 1) // belongs above Field
		}
		io.WriteString(w, string(field))
	})))
	address, browser, stop := serve(h)
	defer stop()

	resp, err := browser.Get(address)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	// Output:
	// event: csrf_marker_outdated
}
