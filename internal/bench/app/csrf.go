package app

import (
	"io"
	"net/http"

	gorilla "github.com/gorilla/csrf"
	"github.com/justinas/nosurf"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/csrf"
	"github.com/scarab-go/scarab/internal/bench/limit"
	"github.com/scarab-go/scarab/memstore"
)

// The form fields of the libraries.
const (
	plainField   = "csrf_token"
	gorillaField = "gorilla.csrf.Token"
)

// What is protected has a session where the token is in the session, and then
// loads it; where it is in a cookie of its own there is no session.
var csrfLibraries = []Library{
	{Name: "gorilla/csrf", Place: Cookie, CSRF: true, open: func(a *App, _ Options) error {
		csrfHandlers(a, gorilla.Protect(sealingKey), gorilla.Token)
		return nil
	}},
	{Name: "nosurf", Place: Cookie, CSRF: true, open: func(a *App, _ Options) error {
		csrfHandlers(a, nosurf.NewPure, nosurf.Token)
		return nil
	}},
	{Name: "net/http CrossOriginProtection", Place: Nowhere, CSRF: true, open: func(a *App, _ Options) error {
		p := http.NewCrossOriginProtection()
		csrfHandlers(a, p.Handler, func(*http.Request) string { return "none" })
		return nil
	}},
	{Name: "limit/csrf", Place: Memory, CSRF: true, open: limitCSRF},
	{Name: "scarab/csrf", Place: Memory, CSRF: true, open: func(a *App, o Options) error {
		return scarabCSRF(a, o, csrf.Config{})
	}},
	{Name: "scarab/csrf cookie", Place: Cookie, CSRF: true, open: func(a *App, o Options) error {
		codec, err := sealedCodec()
		if err != nil {
			return err
		}
		protection, err := csrf.New(csrf.Config{Codec: codec})
		if err != nil {
			return err
		}
		csrfHandlers(a, protection.Wrap, scarabToken)
		return nil
	}},
	{Name: "scarab/csrf origin only", Place: Memory, CSRF: true, open: func(a *App, o Options) error {
		return scarabCSRF(a, o, csrf.Config{Mode: csrf.OriginOnly})
	}},
}

func csrfHandlers(a *App, wrap func(http.Handler) http.Handler, token func(*http.Request) string) {
	page := wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, token(r)) }))
	post := wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(ok) }))
	a.handlers[Page], a.handlers[Form], a.handlers[Script] = page, post, post
}

func scarabToken(r *http.Request) string {
	token, err := csrf.Token(r.Context())
	if err != nil {
		return ""
	}
	return token
}

func scarabCSRF(a *App, o Options, cfg csrf.Config) error {
	factory, err := scarab.New(scarab.Stored(memstore.New()), scarab.Config{})
	if err != nil {
		return err
	}
	protection, err := csrf.New(cfg)
	if err != nil {
		return err
	}
	csrfHandlers(a, func(h http.Handler) http.Handler { return factory.Wrap(protection.Wrap(h)) }, scarabToken)
	filled := &App{}
	scarabHandlers(filled, factory.Wrap, o)
	a.handlers[Fill], a.handlers[Read] = filled.handlers[Fill], filled.handlers[Read]
	return nil
}

// limitCSRF has the token in the session, masked.
func limitCSRF(a *App, o Options) error {
	backend := limit.NewMemory()
	if err := limitHandlers(a, backend, o); err != nil {
		return err
	}
	protection := http.NewCrossOriginProtection()
	on := func(op Op, f func(w http.ResponseWriter, r *http.Request, d limit.Data)) {
		h := protection.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, err := limit.From(r.Context())
			if err != nil {
				fail(w, err)
				return
			}
			f(w, r, s.Data())
		}))
		a.handlers[op] = limit.Wrap(backend, h)
	}
	on(Page, func(w http.ResponseWriter, r *http.Request, d limit.Data) { io.WriteString(w, d.Mask(csrfKey)) })
	on(Form, func(w http.ResponseWriter, r *http.Request, d limit.Data) {
		check(w, d.Unmasks(csrfKey, r.PostFormValue(plainField)))
	})
	on(Script, func(w http.ResponseWriter, r *http.Request, d limit.Data) {
		check(w, d.Unmasks(csrfKey, r.Header.Get("X-Csrf-Token")))
	})
	return nil
}
