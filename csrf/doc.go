// Package csrf refuses requests that a page of another site made the browser
// send: cross-site request forgery.
//
//	p, err := csrf.New(csrf.Config{TrustedOrigins: []string{"https://pay.example.com"}})
//	h := sessions.Wrap(p.Wrap(mux))          // every unsafe request is checked
//	err = p.AddInsecureBypassPattern("POST /hook") // except these
//
// Every request whose method is not GET, HEAD or OPTIONS passes two gates.
// TRACE counts as unsafe, as in net/http; no header or field changes what the
// method is.
//
// # Origin
//
// The browser says where a request comes from: Sec-Fetch-Site, else Origin,
// else Referer. What comes from another origin is refused before the session
// is loaded. Origins are compared whole, scheme and port included, with the
// Host of the request or with Config.Origins. A request with none of the three
// headers passes this gate: programs send none, and they hold no cookie that
// they were not given. WebSocket handshakes go through it as well, though they
// are GETs: browsers open WebSockets across sites and send the cookies along.
//
// # Token
//
// A page of the site knows a token, which is in the session, and sends it in
// the header X-CSRF-Token or else in the form field csrf_token. [Field] puts it
// into a form, [Token] returns it for a script. It is masked: it looks
// different each time and stays the same underneath, so that several tabs, and
// forms from before a page was rendered again, all work. It is replaced at
// login. Tokens in a query string do not count: addresses are logged.
//
// The body is read for the field if it is urlencoded and at most 1 MiB, or if
// it is multipart, then as far as the first 64 KiB. The handler sees all of it,
// and the rest of an upload streams. Put the field before the files. If the
// field is there more than once, the last one of an urlencoded body counts, as in
// Pyramid, and the first one of a multipart body.
//
// # Visitors without a session
//
// A form costs them no session, no cookie and no write. Field writes a marker
// instead of a token; the form is accepted if the visitor still has no session
// and the browser says that it comes from this site. There is then nothing to
// forge: no login, no cart. If a handler both renders a form and starts the
// session, it should start it first; otherwise the form holds a marker that
// will be refused, and [scarab.EventCSRF] says so.
//
// A site that has no sessions at all sets Config.Codec, which keeps the token
// in a cookie.
//
// # Compatibility
//
// Tokens, their key in the session, header and field are those of Pyramid. A
// form that Pyramid rendered can be posted here and the other way round, as
// long as both share the session; there the token must be the plain one, from
// [scarab.Session.CSRFToken].
//
// Source: OWASP Cross-Site Request Forgery Prevention Cheat Sheet; OWASP ASVS
// 5.0, 3.5.1 and 3.5.3; Pyramid, "Preventing Cross-Site Request Forgery
// Attacks".
package csrf
