package breaker

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"time"

	"github.com/scarab-go/scarab"
)

// A request is one on the server's side, and what the model knows of it.
type request struct {
	browser *browser
	factory int
	token   string
	carried bool // the token has the form of one
	stolen  bool // the token is not the one that its browser has
	peeks   bool // HEAD: its flash messages are not seen

	// Its handler does one order after the other.
	orders chan order
	idle   bool // it waits for an order
	saving bool // its last order was Session.Save
	seen   contents

	rec      *httptest.ResponseRecorder
	failed   error // that OnError was called with
	panicked bool
	faulted  bool // one of its calls was made to fail

	opened  bool // the store has answered what its token opens
	checked bool // and the handler has been compared with it
	origin  origin
	handle  scarab.Handle
	hash    [32]byte // of the secret it goes by
	base    string   // the principal of the session it has loaded
	start   contents // as it was loaded, or committed last
	view    contents // what its handler sees: start with changes
	changes []change // since the last commit
	dead    []scarab.Handle
	cleared bool // Invalidate was called

	viewsToken bool // its last order was Login: the view lacks the CSRF token

	round  *round
	cookie cookie // what its answer is to say
}

type origin string

const (
	fresh      origin = "new"
	loaded     origin = "loaded"
	superseded origin = "superseded"
)

// An order is something that a handler is to do. It may be the last.
type order func(*scarab.Session) (last bool, err error)

// A cookie is one that an answer sets, clears, or is silent about.
type cookie struct {
	set, clear bool
	handle     scarab.Handle
	hash       [32]byte
}

// A round is one commit of a request: at the end of its handler, or Save.
type round struct {
	origin  origin
	handle  scarab.Handle
	hash    [32]byte
	base    string
	changes []change
	dead    []scarab.Handle
	cleared bool
	began   time.Time

	commit  [16]byte // that its saves carry
	applied bool     // one of them is in the store
	result  contents // which had these contents then
	secret  [32]byte // and this secret
	issued  bool     // which the round has made
	failed  bool     // its request was told so, which may not be true
	ended   bool     // it found another principal, or nothing
	lapsed  bool     // it found that the session has expired; a late save extends it
}

// handle is what the handlers of all requests do.
func handle(_ http.ResponseWriter, r *http.Request, s *scarab.Session) error {
	a := r.Context().Value(actorKey{}).(*actor)
	for {
		a.seen = read(s)
		a.idle = true
		do := <-a.orders
		a.idle = false
		if last, err := do(s); last {
			return err
		}
	}
}

// read returns what a session shows.
func read(s *scarab.Session) contents {
	c := contents{principal: s.Principal()}.clone()
	for key := range s.Keys() {
		if key != queueKey {
			c.values[key] = fmt.Sprint(s.Get(key))
		}
	}
	for _, text := range s.PeekFlash() {
		c.queue = append(c.queue, message{text: text})
	}
	return c
}

// order has a's handler do something. What a handler sees afterwards is
// compared in look.
func (w *world) order(a *actor, do order) {
	a.orders <- do
	w.settle()
}

// does has a's handler do something that changes its session.
func (w *world) does(a *actor, ch change, do func(*scarab.Session)) {
	w.logf("%s: %s %s %s", a.name, ch.kind, ch.key, ch.value)
	ch.at = w.now(a.factory)
	recorded := true
	switch ch.kind {
	case remove, take:
		ch.value, recorded = a.view.values[ch.key]
	case pop:
		recorded = len(a.view.queue) > 0
		for _, m := range a.view.queue {
			ch.seen = append(ch.seen, m.id)
		}
		// A PushUnique that found an equal message has shown that one.
		for _, earlier := range a.changes {
			if earlier.kind == unique {
				ch.seen = append(ch.seen, earlier.id)
			}
		}
	case clear_:
		recorded = len(a.view.values)+len(a.view.queue) > 0
	case renew:
		recorded = a.origin == loaded
	}
	if recorded {
		if err := ch.apply(&a.view); err != nil {
			w.breaks("the test", "%v", err)
		}
		a.changes = append(a.changes, ch)
	}
	a.orders <- func(s *scarab.Session) (bool, error) { do(s); return false, nil }
	if ch.kind == login { // it has made a token that the model cannot know
		a.viewsToken = true
	}
	w.settle()
}

// invalidates has a's handler log out.
func (w *world) invalidates(a *actor) {
	w.logf("%s: Invalidate", a.name)
	a.cleared = true
	if a.origin != superseded {
		if a.origin == loaded {
			a.dead = append(a.dead, a.handle)
		}
		a.origin, a.base, a.handle = fresh, "", scarab.Handle{}
		a.changes, a.start, a.view = nil, contents{}, contents{}.clone()
	}
	w.order(a, func(s *scarab.Session) (bool, error) { s.Invalidate(); return false, nil })
}

// commits notes what a's commit is about to do.
func (w *world) commits(a *actor, changes []change) {
	changes = slices.Clone(changes)
	if a.peeks {
		changes = slices.DeleteFunc(changes, func(ch change) bool { return ch.kind == pop })
	}
	a.round = &round{
		origin: a.origin, handle: a.handle, hash: a.hash, base: a.base, changes: changes,
		dead: slices.Clone(a.dead), cleared: a.cleared, began: w.now(a.factory),
	}
}

// creates reports whether the round is to make a session.
func (r *round) creates() bool {
	switch r.origin {
	case fresh:
		c, err := replay(contents{}, r.changes)
		return err == nil && !c.empty()
	case superseded:
		return has(r.changes, login)
	}
	return false
}

// refused reports whether the round can only fail, because its token was
// renewed away.
func (r *round) refused() bool {
	return r.origin == superseded && !r.creates() && (len(r.changes) > 0 || r.cleared)
}

// save has a's handler call Session.Save.
func (w *world) save(a *actor) {
	w.logf("%s: Save", a.name)
	w.commits(a, a.changes)
	a.saving = true
	w.order(a, func(s *scarab.Session) (bool, error) {
		err := s.Save(a.ctx)
		return err != nil, err
	})
}

// finish has a's handler return.
func (w *world) finish(a *actor) {
	if a.over || !a.idle {
		return
	}
	w.logf("%s: returns", a.name)
	w.commits(a, a.changes)
	w.order(a, func(*scarab.Session) (bool, error) { return true, nil })
}

// crash has a's handler panic.
func (w *world) crash(a *actor) {
	w.logf("%s: panics", a.name)
	w.commits(a, nil)
	a.panicked = true
	w.order(a, func(*scarab.Session) (bool, error) { panic(http.ErrAbortHandler) })
}

// opens is what the model says about the token of a request that opens its
// session now. It is called when the store answers.
func (w *world) opens(a *actor, c *call) {
	if a.opened {
		return
	}
	a.opened, a.origin = true, fresh
	e := w.entries[c.handle]
	switch {
	case !e.there(), expired(e.rec, c.now):
	case e.rec.Secret == a.hash:
		a.origin, a.base = loaded, e.principal
		a.start, a.view = e.contents.clone(), e.contents.clone()
	case !e.rec.Renewed.IsZero() && c.now.Before(e.rec.Renewed.Add(time.Minute)):
		a.origin = superseded
	}
	if a.origin != loaded {
		a.handle = scarab.Handle{}
	}
}

func expired(r scarab.Record, now time.Time) bool {
	return !r.Expires.IsZero() && !now.Before(r.Expires)
}

// look compares a request that has stopped with the model.
func (w *world) look(a *actor) {
	switch {
	case a.over:
		w.over(a)
	case a.idle && !a.checked:
		if !a.opened {
			if a.faulted || a.carried {
				w.breaks("I27", "%s: the store has not answered, and its handler runs with %v", a.name, a.seen)
			}
			a.opened, a.origin = true, fresh
		}
		a.checked = true
		w.sees(a)
	case a.idle:
		if a.saving {
			a.saving = false
			w.done(a, nil)
		}
		w.sees(a)
	}
}

// sees compares what a's handler sees with what it should see.
func (w *world) sees(a *actor) {
	if a.viewsToken {
		a.viewsToken = false
		token := a.seen.values[csrfKey]
		if token == "" || w.csrf[token] {
			w.breaks("I24", "%s: after Login the CSRF token is %q, as it was before", a.name, token)
		}
		w.csrf[token] = true
		a.view.values[csrfKey] = token
		a.changes[len(a.changes)-1].value = token
	}
	if a.seen.equal(a.view) {
		return
	}
	invariant := a.seen.differs(a.view)
	switch {
	case len(a.changes) > 0:
	case a.view.empty() && a.origin == superseded:
		invariant = "I12, I11 (a token that was renewed away)"
	case a.view.empty():
		invariant = "I8 (an ended session)"
	default:
		invariant += ", I19 (what was saved is read)"
	}
	w.breaks(invariant, "%s (%s) sees %v, not %v", a.name, a.origin, a.seen, a.view)
}

// over is called when the handler and the commit of a request are over.
func (w *world) over(a *actor) {
	if !a.checked {
		if a.failed == nil || !a.faulted {
			w.breaks("I27", "%s: the handler did not run: %v", a.name, a.failed)
		}
		w.hasCookie(a)
		return
	}
	w.done(a, a.failed)
	if a.panicked {
		return // nobody gets an answer
	}
	w.hasCookie(a)
}

// done compares a commit that is over with the model.
func (w *world) done(a *actor, err error) {
	r := a.round
	if r == nil {
		w.breaks("the test", "%s ends without a commit: %v", a.name, err)
	}
	w.logf("%s: committed: %v", a.name, err)
	switch {
	case a.panicked && a.faulted:
	case err == nil:
		w.succeeded(a, r)
	default:
		w.hasFailed(a, r, err)
	}
}

func (w *world) succeeded(a *actor, r *round) {
	for _, h := range r.dead {
		if w.entries[h].there() {
			w.breaks("I8 (a logout)", "%s has succeeded, and the session is there", a.name)
		}
	}
	switch {
	case a.panicked: // there is no answer, and nothing else was to be done
		return
	case r.refused():
		w.breaks("I13", "%s came with a superseded token, has changes, and succeeds", a.name)
	case r.applied:
	case r.creates(), r.origin == loaded && len(r.changes) > 0:
		w.breaks("I23", "%s succeeds, and its changes are not in the store", a.name)
	}
	if r.issued {
		a.cookie = cookie{set: true, handle: r.handle, hash: r.secret}
		a.hash = r.secret
	} else if r.cleared && r.origin == fresh && (a.token != "" || len(r.dead) > 0) {
		a.cookie = cookie{clear: true}
	}
	if r.applied {
		a.origin, a.handle, a.base = loaded, r.handle, r.result.principal
		a.start, a.view, a.changes = r.result.clone(), r.result.clone(), nil
	} else {
		a.changes = r.changes // a HEAD request has put its messages back
		a.view, _ = replay(a.start, a.changes)
	}
	a.dead, a.cleared = nil, false
}

func (w *world) hasFailed(a *actor, r *round, err error) {
	e := w.entries[r.handle]
	ended := func() bool {
		_, revoked := w.revoked[loginTo(r.changes)]
		return r.ended || r.lapsed || !e.there() || e.principal != r.base || expired(e.rec, r.began) || revoked && has(r.changes, login)
	}
	r.failed = true
	if r.applied && r.issued && e.there() {
		e.excused = e.secrets[r.secret] // I20: a new one may be undelivered
	}
	switch {
	case errors.Is(err, scarab.ErrSuperseded):
		if !r.refused() || r.applied {
			w.breaks("I13", "%s: %v, applied %v", a.name, err, r.applied)
		}
	case errors.Is(err, scarab.ErrPopped):
		if r.applied || !has(r.changes, take) {
			w.breaks("I33", "%s: %v, applied %v", a.name, err, r.applied)
		}
	case errors.Is(err, scarab.ErrEnded):
		if !ended() {
			w.breaks("I23", "%s: %v, and the session is there, as it was: %v", a.name, err, e)
		}
		if r.applied && !r.lapsed && e.there() && !expired(e.rec, r.began) {
			w.breaks("I9", "%s: %v, and its changes are there: %v", a.name, err, e)
		}
	default:
		if !a.faulted || scarab.StatusOf(err) != http.StatusServiceUnavailable {
			w.breaks("I23", "%s: an error that nothing explains: %v", a.name, err)
		}
	}
}

func loginTo(changes []change) string {
	for _, ch := range slices.Backward(changes) {
		if ch.kind == login {
			return ch.key
		}
	}
	return ""
}

// hasCookie compares the cookie of an answer with the model and sends it.
func (w *world) hasCookie(a *actor) {
	got := answer{from: a.name}
	for _, line := range a.rec.Result().Header["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		if err != nil || c.Name != cookieName || got.set {
			w.breaks("I28", "%s: Set-Cookie: %s: %v", a.name, line, err)
		}
		got.set, got.token = true, c.Value
	}
	h, hash, _ := parseToken(got.token)
	want := a.cookie
	switch {
	case !want.set && !want.clear && got.set:
		w.breaks("I28, I10, I13", "%s (%s) sets a cookie: %v", a.name, a.origin, a.failed)
	case want.clear && (!got.set || got.token != ""):
		w.breaks("I8 (a logout)", "%s does not clear the cookie", a.name)
	case want.set && (!got.set || h != want.handle || hash != want.hash):
		w.breaks("I20", "%s does not set the cookie of what it made: %v", a.name, got)
	}
	if got.set {
		a.browser.answers = append(a.browser.answers, got)
		if got.token != "" {
			w.tokens = append(w.tokens, got.token)
		}
	}
}

// deliver gives a browser one of the answers that are on their way.
func (w *world) deliver(b *browser, i int) {
	got := b.answers[i]
	b.answers = slices.Delete(b.answers, i, i+1)
	w.logf("%s: the answer of %s arrives: %s", b.name, got.from, short(got.token))
	if h, hash, ok := parseToken(got.token); ok {
		// It may have ended, or be superseded by a login whose answer has
		// overtaken this one or is still to come, by what failed with an unknown
		// outcome, or by somebody who has another one's token; never by a
		// renewal alone.
		e := w.entries[h]
		if e.there() && e.rec.Secret != hash && e.excused <= e.secrets[hash] {
			w.breaks("I14, I15", "%s: the answer of %s brings a dead token", b.name, got.from)
		}
	}
	b.token = got.token
}
