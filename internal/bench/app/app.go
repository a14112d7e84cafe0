// Package app has one small web application, written with each of the libraries
// that are compared. Every application answers the same requests with the same
// work; each library is used as its documentation shows, with its defaults,
// unless its name says otherwise.
package app

import (
	"fmt"
	"net"
	"net/http"

	"github.com/valyala/fasthttp"

	"github.com/scarab-go/scarab"
)

// An Op is a kind of request.
type Op uint8

// The kinds of requests.
const (
	Fill      Op = iota // puts the sample into a new session
	Untouched           // the browser has a session, the handler does not ask for it
	Read                // one value
	Write               // one value, and counter++
	Login               // another secret or id, and who it is
	Flash               // a message, and a redirect
	Messages            // shows the messages that are waiting, once
	Visit               // counter++, a key of one's own, and a message; see Options.Meet
	Tally               // what became of the visits
	Page                // a page with a token against cross-site requests
	Form                // a form that sends it back
	Script              // a script that sends it back in a header
	ops
	Forget // no request: the browser drops its cookie
)

var opNames = [ops]string{"fill", "untouched", "read", "write", "login", "flash", "messages", "visit", "tally", "page", "form", "script"}

func (op Op) String() string { return opNames[op] }

// Method returns the method of requests of that kind.
func (op Op) Method() string {
	switch op {
	case Fill, Login, Flash, Visit, Form, Script:
		return http.MethodPost
	}
	return http.MethodGet
}

// Path returns their path.
func (op Op) Path() string { return "/" + op.String() }

// Options say what an application holds and where it keeps it.
type Options struct {
	Sample Sample

	// Meet is called by Visit when the session is loaded and nothing is
	// changed yet. It may wait until every visit of a group has come so far.
	Meet func()

	Redis    string // host:port
	Postgres string // URL
	Dir      string // for the files of SQLite

	// Store, for scarab, gets the store before it is used and returns the one
	// to use.
	Store func(scarab.Store) scarab.Store
}

// An App is the application in one library.
type App struct {
	Name     string
	handlers [ops]http.Handler
	fast     fasthttp.RequestHandler // instead, for one that is not built on net/http
	close    []func()
}

// Does reports whether the library can answer op.
func (a *App) Does(op Op) bool {
	return op == Forget || a.handlers[op] != nil || a.fast != nil && op <= Tally
}

// Close releases what the application holds.
func (a *App) Close() {
	for i := len(a.close) - 1; i >= 0; i-- {
		a.close[i]()
	}
}

// Handler returns the handler of every path: "/read" is Read.
func (a *App) Handler() http.Handler {
	paths := map[string]http.Handler{}
	for op, h := range a.handlers {
		if h != nil {
			paths[Op(op).Path()] = h
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, ok := paths[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// Serve answers the requests that come to l.
func (a *App) Serve(l net.Listener) error {
	if a.fast != nil {
		return (&fasthttp.Server{Handler: a.fast, NoDefaultServerHeader: true}).Serve(l)
	}
	return (&http.Server{Handler: a.Handler()}).Serve(l)
}

// A Place is where a library keeps sessions.
type Place uint8

// The places.
const (
	Nowhere Place = iota
	Cookie
	Memory
	Redis
	Postgres
	SQLite
)

// A Library opens the application as written with it.
type Library struct {
	Name  string // library and place, such as "scs/redis"
	Place Place
	CSRF  bool // it is about Page, Form and Script
	open  func(*App, Options) error
}

// Open makes the application.
func (l Library) Open(o Options) (*App, error) {
	a := &App{Name: l.Name}
	if err := l.open(a, o); err != nil {
		a.Close()
		return nil, fmt.Errorf("%s: %w", l.Name, err)
	}
	return a, nil
}

// Libraries are all there are, those of one kind together.
var Libraries = concat(bare, scsLibraries, gorillaLibraries, ginLibraries, fiberLibraries, csrfLibraries, limitLibraries, scarabLibraries)

func concat(lists ...[]Library) (all []Library) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// Find returns the library of that name.
func Find(name string) (Library, bool) {
	for _, l := range Libraries {
		if l.Name == name {
			return l, true
		}
	}
	return Library{}, false
}

// In returns the libraries that keep sessions in a place.
func In(p Place) (in []Library) {
	for _, l := range Libraries {
		if l.Place == p && !l.CSRF {
			in = append(in, l)
		}
	}
	return in
}

var ok = []byte("ok")

var bare = []Library{{Name: "bare", Place: Nowhere, open: func(a *App, _ Options) error {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(ok) })
	a.handlers[Fill], a.handlers[Untouched], a.handlers[Read], a.handlers[Write] = h, h, h, h
	return nil
}}}
