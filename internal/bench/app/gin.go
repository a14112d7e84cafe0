package app

import (
	"github.com/gin-contrib/sessions"
	"github.com/gin-contrib/sessions/cookie"
	"github.com/gin-contrib/sessions/memstore"
	"github.com/gin-contrib/sessions/redis"
	"github.com/gin-gonic/gin"
)

var ginLibraries = []Library{
	ginLibrary("gin/signed", Cookie, func(*App, Options) (sessions.Store, error) { return cookie.NewStore(signingKey), nil }),
	ginLibrary("gin/memstore", Memory, func(*App, Options) (sessions.Store, error) { return memstore.NewStore(signingKey), nil }),
	ginLibrary("gin/redis", Redis, func(a *App, o Options) (sessions.Store, error) {
		store, err := redis.NewStore(poolSize, "tcp", o.Redis, "", "", signingKey)
		if err != nil {
			return nil, err
		}
		pool, err := redis.GetRedisStore(store)
		if err == nil {
			a.close = append(a.close, func() { pool.Close() })
		}
		return store, err
	}),
}

func ginLibrary(name string, place Place, open func(*App, Options) (sessions.Store, error)) Library {
	return Library{Name: name, Place: place, open: func(a *App, o Options) error {
		store, err := open(a, o)
		if err != nil {
			return err
		}
		ginHandlers(a, store, o)
		return nil
	}}
}

func ginHandlers(a *App, store sessions.Store, o Options) {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.Use(sessions.Sessions("session", store))
	on := func(op Op, f func(c *gin.Context, s sessions.Session) bool) {
		engine.Handle(op.Method(), op.Path(), func(c *gin.Context) {
			s := sessions.Default(c)
			found := f(c, s)
			if err := s.Save(); err != nil { // does nothing if nothing was set
				fail(c.Writer, err)
				return
			}
			if op == Flash {
				redirect(c.Writer)
				return
			}
			check(c.Writer, found)
		})
		a.handlers[op] = engine
	}
	on(Fill, func(c *gin.Context, s sessions.Session) bool {
		for _, v := range o.Sample.Values {
			s.Set(v.Key, v.Value)
		}
		if o.Sample.CSRF != "" {
			s.Set(csrfKey, o.Sample.CSRF)
		}
		if o.Sample.Message != "" {
			s.AddFlash(o.Sample.Message)
		}
		return true
	})
	engine.GET(Untouched.Path(), func(c *gin.Context) { c.Writer.Write(ok) })
	a.handlers[Untouched] = engine
	on(Read, func(c *gin.Context, s sessions.Session) bool { return s.Get(userKey) != nil })
	on(Write, func(c *gin.Context, s sessions.Session) bool {
		s.Set(counterKey, toInt(s.Get(counterKey))+1)
		return s.Get(userKey) != nil
	})
	on(Login, func(c *gin.Context, s sessions.Session) bool {
		s.Set(userKey, user) // there is no way to renew the id
		return true
	})
	on(Flash, func(c *gin.Context, s sessions.Session) bool {
		s.AddFlash(o.Sample.Message)
		return true
	})
	engine.GET(Messages.Path(), func(c *gin.Context) {
		s := sessions.Default(c)
		messages := toList(s.Flashes())
		if err := s.Save(); err != nil {
			fail(c.Writer, err)
			return
		}
		show(c.Writer, messages)
	})
	a.handlers[Messages] = engine
	on(Visit, func(c *gin.Context, s sessions.Session) bool {
		n := toInt(s.Get(counterKey)) // loads the session
		meet(o)
		s.Set(counterKey, n+1)
		s.Set(c.GetHeader(visitorHeader), true)
		s.AddFlash(c.GetHeader(visitorHeader))
		return true
	})
	engine.GET(Tally.Path(), func(c *gin.Context) {
		s := sessions.Default(c)
		var keys []string
		for i := range visitors {
			if s.Get(visitor(i)) != nil { // it cannot list its keys
				keys = append(keys, visitor(i))
			}
		}
		tally(c.Writer, toInt(s.Get(counterKey)), keys, len(s.Flashes()))
	})
	a.handlers[Tally] = engine
}
