// Package scarab gives every visitor of a web application a session: a
// dictionary that lasts from request to request, flash messages, and the token
// that protects forms. It is what Pyramid's sessions are to Python, for net/http.
//
//	sessions, err := scarab.New(scarab.Stored(memstore.New()), scarab.Config{})
//	...
//	const visits = scarab.Key[int]("visits")
//
//	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
//		s, err := scarab.From(r.Context())
//		if err != nil {
//			http.Error(w, "try again in a moment", http.StatusServiceUnavailable)
//			return
//		}
//		visits.Update(s, func(n int) int { return n + 1 })
//		fmt.Fprintf(w, "visit %d", visits.Get(s))
//	})
//	http.ListenAndServeTLS(addr, cert, key, sessions.Wrap(mux))
//
// # A session, a factory, a backend
//
// A [Factory], made by [New], wraps the handlers. [From] returns the [Session]
// of a request; it is loaded then, and not before. Where sessions are kept is
// the [Backend]: [Stored] keeps them in a [Store] (packages memstore, sqlstore,
// redisstore) with a random token in the cookie, [InCookie] in the cookie itself
// through a [Codec] (package cookiecodec). Each of the three is an interface of
// a few methods, for those who have a database or a format of their own.
//
// # One request
//
// What a handler changes is recorded, and committed before the first byte of
// its answer goes out. If the commit fails, the client gets Config.OnError's
// answer and nothing of the handler's. A change that is made after the header
// is saved when the handler returns, if it needs no cookie.
//
// Requests of one session that overlap keep all their changes: those of the
// slower one are applied again to what the faster one saved. A session that was
// ended meanwhile is not brought back: the changes are refused with 409.
//
// A request that never calls From costs two allocations and no more: no load,
// no cookie, no Vary.
//
// # Threats
//
// Nothing the browser sends is trusted: a cookie that is forged, unknown,
// doubled or too old is a new session and an [Event], never an error page, and
// its value is never adopted. Stores see a hash where the cookie has a secret.
// The cookie is Secure, HttpOnly, SameSite=Lax and named with the __Host- prefix,
// and a session ends after an hour without use and after a day in any case,
// unless [Config] says otherwise. [Session.Login] makes whatever was known
// before it worthless. What scarab cannot do: protect against script that an
// attacker runs in a page (it cannot read the cookie, but can use it), against
// who can read the browser's memory, or against who can write to the store.
// docs/security.md goes through the requirements of OWASP ASVS one by one.
//
// # Compatibility
//
// Records and cookies written by a released version are read by every later one
// with the same major version. Before 1.0 the changelog says what breaks.
package scarab
