package app

import (
	"fmt"
	"strings"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/session"
	"github.com/gofiber/storage/redis/v3"
)

var fiberLibraries = []Library{
	fiberLibrary("fiber/memory", Memory, func(*App, Options) fiber.Storage { return nil }),
	fiberLibrary("fiber/redis", Redis, func(a *App, o Options) fiber.Storage {
		store := redis.New(redis.Config{Addrs: []string{o.Redis}, PoolSize: poolSize})
		a.close = append(a.close, func() { store.Close() })
		return store
	}),
}

func fiberLibrary(name string, place Place, open func(*App, Options) fiber.Storage) Library {
	return Library{Name: name, Place: place, open: func(a *App, o Options) error {
		f := fiber.New()
		f.Use(session.New(session.Config{Storage: open(a, o), CookieSecure: true, CookieHTTPOnly: true}))
		fiberHandlers(f, o)
		a.fast = f.Handler()
		return nil
	}}
}

func fiberHandlers(f *fiber.App, o Options) {
	on := func(op Op, h func(c fiber.Ctx, s *session.Middleware) error) {
		f.Add([]string{op.Method()}, op.Path(), func(c fiber.Ctx) error { return h(c, session.FromContext(c)) })
	}
	checked := func(c fiber.Ctx, found bool) error {
		if !found {
			return fiber.ErrInternalServerError
		}
		return c.Send(ok)
	}
	// fiber's redirect messages are in a cookie of their own; a list is what its
	// users write who want them in the session.
	push := func(s *session.Middleware, text string) {
		s.Set(flashKey, append(toList(s.Get(flashKey)), text))
	}
	on(Fill, func(c fiber.Ctx, s *session.Middleware) error {
		for _, v := range o.Sample.Values {
			s.Set(v.Key, v.Value)
		}
		if o.Sample.CSRF != "" {
			s.Set(csrfKey, o.Sample.CSRF)
		}
		if o.Sample.Message != "" {
			push(s, o.Sample.Message)
		}
		return c.Send(ok)
	})
	on(Untouched, func(c fiber.Ctx, _ *session.Middleware) error { return c.Send(ok) })
	on(Read, func(c fiber.Ctx, s *session.Middleware) error { return checked(c, s.Get(userKey) != nil) })
	on(Write, func(c fiber.Ctx, s *session.Middleware) error {
		s.Set(counterKey, toInt(s.Get(counterKey))+1)
		return checked(c, s.Get(userKey) != nil)
	})
	on(Login, func(c fiber.Ctx, s *session.Middleware) error {
		err := s.Regenerate()
		s.Set(userKey, user)
		return checked(c, err == nil)
	})
	on(Flash, func(c fiber.Ctx, s *session.Middleware) error {
		push(s, o.Sample.Message)
		return c.Redirect().Status(fiber.StatusSeeOther).To(Messages.Path())
	})
	on(Messages, func(c fiber.Ctx, s *session.Middleware) error {
		messages := toList(s.Get(flashKey))
		s.Delete(flashKey)
		return c.SendString(strings.Join(messages, ""))
	})
	on(Visit, func(c fiber.Ctx, s *session.Middleware) error {
		meet(o)
		name := strings.Clone(c.Get(visitorHeader))
		s.Set(counterKey, toInt(s.Get(counterKey))+1)
		s.Set(name, true)
		push(s, name)
		return c.Send(ok)
	})
	on(Tally, func(c fiber.Ctx, s *session.Middleware) error {
		own := 0
		for _, key := range s.Keys() {
			if key, _ := key.(string); strings.HasPrefix(key, visitorPrefix) {
				own++
			}
		}
		return c.SendString(fmt.Sprintf("%d %d %d", toInt(s.Get(counterKey)), own, len(toList(s.Get(flashKey)))))
	})
}
