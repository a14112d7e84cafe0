// Proxy shows both ways to move an application from Pyramid to Go, one route at
// a time: it serves the routes that have moved and passes the rest on.
//
//	python3 testdata/generate/interop_app.py 8123     # the Pyramid application
//	go run ./examples/proxy -pyramid http://127.0.0.1:8123 -way share
//
// then open http://127.0.0.1:8080/account. With -way share both applications
// read and write Pyramid's cookie. With -way adopt Go takes Pyramid's sessions
// over and keeps its own.
package main

import (
	"flag"
	"fmt"
	"html/template"
	"log"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/memstore"
	"github.com/scarab-go/scarab/pyramid"
)

// secret is that of interop_app.py. A real one comes from the environment.
const secret = "interop secret, long enough for sha512 ....................64"

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen")
	peer := flag.String("pyramid", "http://127.0.0.1:8123", "the Pyramid application")
	way := flag.String("way", "share", "share or adopt")
	flag.Parse()
	target, err := url.Parse(*peer)
	if err != nil {
		log.Fatal(err)
	}
	site, err := newSite(target, *way)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on http://%s/account", *addr)
	log.Fatal(http.ListenAndServe(*addr, site))
}

// newSite returns the routes that have moved, in front of all others.
func newSite(target *url.URL, way string) (http.Handler, error) {
	sessions, err := newSessions(way)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /account", sessions.HandlerFunc(account))
	mux.Handle("POST /login", pyramid.RequireCSRF(sessions.HandlerFunc(login), pyramid.CSRFConfig{}))
	mux.Handle("POST /logout", pyramid.RequireCSRF(sessions.HandlerFunc(logout), pyramid.CSRFConfig{}))
	mux.Handle("/", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.SetXForwarded()
		r.Out.Host = r.In.Host // Pyramid compares it with the Origin header
	}})
	return sessions.Wrap(mux), nil
}

func newSessions(way string) (*scarab.Factory, error) {
	old, err := pyramid.SignedCookie(pyramid.SignedConfig{Secrets: []string{secret}})
	if err != nil {
		return nil, err
	}
	cfg := scarab.Config{
		Cookie:      scarab.Cookie{Name: "session"},
		Insecure:    true,               // interop_app.py is on plain http
		IdleTimeout: 1200 * time.Second, // Pyramid's timeout
		OnEvent:     scarab.LogEvents(slog.Default()),
	}
	switch way {
	case "share":
		return scarab.New(old, cfg)
	case "adopt":
		cfg.Cookie.Name = "id"
		cfg.Fallbacks = []scarab.Fallback{{Backend: old, CookieName: "session"}}
		return scarab.New(scarab.Stored(memstore.New()), cfg)
	}
	return nil, fmt.Errorf("no way %q: use share or adopt", way)
}

// user is where both applications say who is logged in. In Pyramid it is what
// SessionAuthenticationHelper('auth.') uses.
const user = scarab.Key[string]("auth.userid")

var page = template.Must(template.New("account").Parse(`<!doctype html>
{{range .Messages}}<p class="message">{{.}}</p>
{{end}}{{if .User}}<p>You are {{.User}}.</p>
<form method="post" action="/logout"><input type="hidden" name="csrf_token" value="{{.Token}}"><button>Log out</button></form>
{{else}}<p>You are nobody.</p>
<form method="post" action="/login"><input type="hidden" name="csrf_token" value="{{.Token}}"><input name="name"><button>Log in</button></form>
{{end}}`))

func account(w http.ResponseWriter, _ *http.Request, s *scarab.Session) error {
	return page.Execute(w, map[string]any{
		"Messages": s.PopFlash(), "User": user.Get(s),
		"Token": s.CSRFToken(), // plain, since the form may be posted to Pyramid as well
	})
}

func login(w http.ResponseWriter, r *http.Request, s *scarab.Session) error {
	name := r.PostFormValue("name")
	if name == "" {
		http.Error(w, "Who are you?", http.StatusBadRequest)
		return nil
	}
	s.Login(name)
	user.Set(s, name)
	s.Flash("Welcome, " + name + ".")
	http.Redirect(w, r, "/account", http.StatusSeeOther)
	return nil
}

func logout(w http.ResponseWriter, r *http.Request, s *scarab.Session) error {
	s.Invalidate()
	s.Flash("Good bye.")
	http.Redirect(w, r, "/account", http.StatusSeeOther)
	return nil
}
