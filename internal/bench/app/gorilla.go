package app

import (
	"net/http"

	"github.com/boj/redistore"
	"github.com/gorilla/sessions"
)

var gorillaLibraries = []Library{
	gorillaLibrary("gorilla/signed", Cookie, func(*App, Options) (sessions.Store, error) {
		return sessions.NewCookieStore(signingKey), nil
	}),
	gorillaLibrary("gorilla/encrypted", Cookie, func(*App, Options) (sessions.Store, error) {
		return sessions.NewCookieStore(signingKey, sealingKey), nil
	}),
	gorillaLibrary("gorilla/redis", Redis, func(a *App, o Options) (sessions.Store, error) {
		store, err := redistore.NewRediStore(poolSize, "tcp", o.Redis, "", "", signingKey)
		if err == nil {
			store.SetMaxLength(2 << 20)
			a.close = append(a.close, func() { store.Close() })
		}
		return store, err
	}),
}

var (
	signingKey = []byte("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
	sealingKey = []byte("0123456789abcdef0123456789abcdef")
)

func gorillaLibrary(name string, place Place, open func(*App, Options) (sessions.Store, error)) Library {
	return Library{Name: name, Place: place, open: func(a *App, o Options) error {
		store, err := open(a, o)
		if err != nil {
			return err
		}
		gorillaHandlers(a, store, o)
		return nil
	}}
}

func gorillaHandlers(a *App, store sessions.Store, o Options) {
	on := func(op Op, save bool, f func(w http.ResponseWriter, r *http.Request, s *sessions.Session) bool) {
		a.handlers[op] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, err := store.Get(r, "session")
			if err != nil {
				fail(w, err)
				return
			}
			found := f(w, r, s)
			if save {
				if err := s.Save(r, w); err != nil {
					fail(w, err)
					return
				}
			}
			if op == Flash {
				redirect(w)
				return
			}
			check(w, found)
		})
	}
	on(Fill, true, func(w http.ResponseWriter, r *http.Request, s *sessions.Session) bool {
		for _, v := range o.Sample.Values {
			s.Values[v.Key] = v.Value
		}
		if o.Sample.CSRF != "" {
			s.Values[csrfKey] = o.Sample.CSRF
		}
		if o.Sample.Message != "" {
			s.AddFlash(o.Sample.Message)
		}
		return true
	})
	a.handlers[Untouched] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(ok) })
	on(Read, false, func(w http.ResponseWriter, r *http.Request, s *sessions.Session) bool {
		return s.Values[userKey] != nil
	})
	on(Write, true, func(w http.ResponseWriter, r *http.Request, s *sessions.Session) bool {
		s.Values[counterKey] = toInt(s.Values[counterKey]) + 1
		return s.Values[userKey] != nil
	})
	on(Login, true, func(w http.ResponseWriter, r *http.Request, s *sessions.Session) bool {
		s.Values[userKey] = user // there is no way to renew the id
		return true
	})
	on(Flash, true, func(w http.ResponseWriter, r *http.Request, s *sessions.Session) bool {
		s.AddFlash(o.Sample.Message)
		return true
	})
	a.handlers[Messages] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := store.Get(r, "session")
		if err != nil {
			fail(w, err)
			return
		}
		messages := toList(s.Flashes())
		if err := s.Save(r, w); err != nil {
			fail(w, err)
			return
		}
		show(w, messages)
	})
	on(Visit, true, func(w http.ResponseWriter, r *http.Request, s *sessions.Session) bool {
		meet(o)
		s.Values[counterKey] = toInt(s.Values[counterKey]) + 1
		s.Values[r.Header.Get(visitorHeader)] = true
		s.AddFlash(r.Header.Get(visitorHeader))
		return true
	})
	a.handlers[Tally] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := store.Get(r, "session")
		if err != nil {
			fail(w, err)
			return
		}
		keys := make([]string, 0, len(s.Values))
		for key := range s.Values {
			keys = append(keys, key.(string))
		}
		tally(w, toInt(s.Values[counterKey]), keys, len(s.Flashes()))
	})
}
