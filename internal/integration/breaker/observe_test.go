package breaker

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/scarabtest"
)

// The contract's errors. No other may come from a store that nothing disturbs.
var contract = []error{scarab.ErrNoSession, scarab.ErrExists, scarab.ErrConflict, errors.ErrUnsupported}

// observe holds a call that was carried out against the model, and brings the
// model up to date.
func (w *world) observe(c *call) {
	if c.err != nil && !slices.ContainsFunc(contract, func(err error) bool { return errors.Is(c.err, err) }) {
		w.breaks("the store", "%v: %v", c, c.err)
	}
	switch c.method {
	case scarabtest.Load, scarabtest.LoadTouch, scarabtest.Touch:
		w.observeUse(c)
	case scarabtest.Create:
		if c.err == nil {
			w.created(c)
		}
		w.still(c.handle)
	case scarabtest.Save:
		if c.err == nil {
			w.saved(c)
		} else if e := w.entries[c.handle]; c.round != nil && (!e.there() || e.principal != c.round.base) {
			c.round.ended = true
		}
		w.still(c.handle)
	case scarabtest.Delete:
		w.deleted(c)
		w.still(c.handle)
	case scarabtest.RevokePrincipal:
		w.revokedAll(c)
	case scarabtest.Sweep:
		w.swept(c)
	}
	if w.kind.fast {
		w.lists()
	}
}

// there returns what the store has at h, expired or not.
func (w *world) there(h scarab.Handle) (r scarab.Record, ok bool) {
	var err error
	w.kind.run(func(ctx context.Context) { r, err = w.store.Load(ctx, h, time.Unix(1, 0)) })
	if err != nil && !errors.Is(err, scarab.ErrNoSession) {
		w.breaks("the store", "Load %v: %v", h, err)
	}
	return r, err == nil
}

// still checks that the store has at h what the model has.
func (w *world) still(h scarab.Handle) {
	e := w.entries[h]
	r, ok := w.there(h)
	switch {
	case ok && !e.there():
		gone := "it was never created"
		if e != nil {
			gone = e.gone
		}
		w.breaks("I8, I9", "%.4s is in the store: %s", h, gone)
	case !ok && e.there():
		w.breaks("I5, I22", "%.4s is not in the store any more", h)
	case ok:
		if field := sameRecord(r, e.rec); field != "" {
			w.breaks("I5, I16", "%.4s: its %s is\n%+v, not\n%+v", h, field, r, e.rec)
		}
	}
}

func (w *world) observeUse(c *call) {
	e := w.entries[c.handle]
	found := e.there() && !expired(e.rec, c.now)
	if c.actor.request != nil && c.method != scarabtest.Touch && !c.actor.opened {
		w.opens(c.actor, c)
	}
	if found == (c.err != nil) {
		invariant := "I8"
		if found {
			invariant = "I5"
		}
		w.breaks(invariant, "%v: %v, and it is there: %v", c, c.err, found)
	}
	if !found {
		if c.round != nil && e.there() {
			c.round.lapsed = true
		}
		w.still(c.handle)
		return
	}
	touch := c.method == scarabtest.Touch ||
		c.method == scarabtest.LoadTouch && c.secret == e.rec.Secret && c.now.Sub(e.rec.Seen) > c.every
	after, ok := w.there(c.handle)
	if touch {
		want := touched(e.rec, c.now)
		switch {
		case !ok:
			w.breaks("I18", "%v: it is gone", c)
		case after.Seen.Before(e.rec.Seen), !e.rec.Expires.IsZero() && !after.Expires.IsZero() && after.Expires.Before(e.rec.Expires):
			w.breaks("I16", "%v: Seen from %v to %v, Expires from %v to %v", c, e.rec.Seen, after.Seen, e.rec.Expires, after.Expires)
		case !after.Deadline.IsZero() && after.Expires.After(after.Deadline):
			w.breaks("I18", "%v: it expires at %v, and the deadline is %v", c, after.Expires, after.Deadline)
		case sameRecord(after, want) != "":
			w.breaks("I18", "%v: its %s is\n%+v, not\n%+v", c, sameRecord(after, want), after, want)
		}
		e.rec = after
	}
	if ok && c.method == scarabtest.LoadTouch && c.secret != e.rec.Secret && sameRecord(after, e.rec) != "" {
		w.breaks("I12", "%v: a token that opens nothing changes %s", c, sameRecord(after, e.rec))
	}
	w.still(c.handle)
	if c.method != scarabtest.Touch && sameRecord(c.record, e.rec) != "" {
		w.breaks("I19", "%v returns another %s than there is", c, sameRecord(c.record, e.rec))
	}
}

// applies returns the round that c is of, if it may write at all.
func (w *world) applies(c *call) *round {
	r := c.round
	if r == nil {
		w.breaks("I10", "%s writes, and commits nothing", c.actor.name)
	}
	if r.applied {
		w.breaks("I6", "%s: %v is carried out, and the commit was before", c.actor.name, c)
	}
	if zero := [16]byte{}; r.commit != zero && r.commit != c.record.Commit || c.record.Commit == zero {
		w.breaks("I6", "%s: %v has another Commit than the attempt before", c.actor.name, c)
	}
	r.commit = c.record.Commit
	r.applied, r.handle, r.secret = true, c.handle, c.record.Secret
	return r
}

func (w *world) created(c *call) {
	if r := c.round; r != nil && r.applied && r.commit == c.record.Commit && !w.entries[c.handle].there() {
		// The exception to I9: a Create whose answer was lost, a Revoke of what
		// it made before anybody had its token, and the Create again, which
		// cannot tell that from a first one that never arrived.
		r.applied = false
		delete(w.entries, c.handle)
	}
	r := w.applies(c)
	e := w.entries[c.handle]
	if e != nil {
		w.breaks("I9", "%s creates %.4s again, which was %s", c.actor.name, c.handle, e.gone)
	}
	if !r.creates() {
		w.breaks("I10, I13", "%s (%s) creates a session", c.actor.name, r.origin)
	}
	after, ok := w.there(c.handle)
	if !ok {
		w.breaks("I23", "%s: %v is carried out, and nothing is there", c.actor.name, c)
	}
	want, _ := replay(contents{}, r.changes)
	w.holds(c, after, want)
	r.result, r.issued = want, true
	e = &entry{contents: want, rec: after, secrets: map[[32]byte]int{after.Secret: 0}}
	w.entries[c.handle] = e
	w.handles = append(w.handles, c.handle)
	w.withinLimits(c, r, r.changes, scarab.Record{Idle: time.Hour}, after)
}

func (w *world) saved(c *call) {
	r := w.applies(c)
	e := w.entries[c.handle]
	name := c.actor.name
	if !e.there() {
		gone := "never there"
		if e != nil {
			gone = e.gone
		}
		w.breaks("I9", "%s saves %.4s, which was %s", name, c.handle, gone)
	}
	before := e.rec
	after, ok := w.there(c.handle)
	switch {
	case !ok:
		w.breaks("I23", "%s: %v is carried out, and nothing is there", name, c)
	case r.origin != loaded || len(r.changes) == 0:
		w.breaks("I10", "%s (%s) saves, and has no changes", name, r.origin)
	case e.principal != r.base && e.principal != loginTo(r.changes):
		w.breaks("I29", "%s saves what it did to a session of %q in one of %q", name, r.base, e.principal)
	}
	changes := kept(r.changes, r.base, e.principal)
	want, err := replay(e.contents, changes)
	if err != nil {
		w.breaks("I33", "%s succeeds: %v", name, err)
	}
	w.holds(c, after, want)

	renews, logs := has(r.changes, renew), has(r.changes, login)
	if _, old := e.secrets[after.Secret]; after.Secret == before.Secret {
		if logs || renews && r.hash == before.Secret {
			w.breaks("I11", "%s renews, and the secret is the same", name)
		}
	} else {
		switch {
		case old:
			w.breaks("I11", "%s gives the session a secret that it had before", name)
		case !renews && !logs:
			w.breaks("I14", "%s renews, and was not asked to", name)
		case !logs && r.hash != before.Secret:
			w.breaks("I14", "%s renews what was renewed meanwhile", name)
		}
		e.secrets[after.Secret] = len(e.secrets)
		r.issued = true
	}
	if logs || r.failed || renews && c.actor.stolen {
		e.excused = e.secrets[after.Secret]
	}
	w.withinLimits(c, r, changes, before, after)
	e.contents, e.rec, r.result = want, after, want
}

// holds checks what a record holds.
func (w *world) holds(c *call, rec scarab.Record, want contents) {
	got := w.decoder.read(rec)
	if !got.equal(want) {
		w.breaks(got.differs(want), "%s: %v leaves %v, not %v", c.actor.name, c, got, want)
	}
	if rec.Principal != want.principal {
		w.breaks("I25", "%s: %v leaves a record of %q, not of %q", c.actor.name, c, rec.Principal, want.principal)
	}
	if at, ok := w.revoked[rec.Principal]; ok && rec.Principal != "" && !rec.AuthTime.After(at) &&
		(w.entries[c.handle] == nil || w.entries[c.handle].principal != rec.Principal) {
		w.breaks("I26", "%s logs in as %q at %v, which was revoked at %v", c.actor.name, rec.Principal, rec.AuthTime, at)
	}
}

// withinLimits checks the times of a record that a round has written.
func (w *world) withinLimits(c *call, r *round, changes []change, before, after scarab.Record) {
	name := c.actor.name
	if !after.Deadline.IsZero() && (after.Expires.IsZero() || after.Expires.After(after.Deadline)) {
		w.breaks("I18", "%s: it expires at %v, the deadline is %v", name, after.Expires, after.Deadline)
	}
	idle, sets := before.Idle, false
	lifetime, since, principal := time.Duration(0), time.Time{}, before.Principal
	for _, ch := range changes {
		switch ch.kind {
		case login:
			lifetime, since = 24*time.Hour, ch.at
			if principal != "" && principal != ch.key { // nothing is left of the one before
				idle, sets = time.Hour, true
			}
			principal = ch.key
		case timeouts:
			sets = true
			if ch.idle != 0 {
				idle = ch.idle
			}
			if ch.lifetime != 0 {
				lifetime, since = ch.lifetime, ch.at
			}
		}
	}
	if after.Idle != idle {
		w.breaks("I18", "%s: the idle timeout is %v, not %v", name, after.Idle, idle)
	}
	switch {
	case lifetime == scarab.Never:
		if !after.Deadline.IsZero() {
			w.breaks("I17", "%s: the deadline is %v, not never", name, after.Deadline)
		}
	case lifetime != 0:
		// Later than asked for by as much as a revocation came after the login
		// that it was to spare.
		from := after.Deadline.Add(-lifetime)
		if from.Before(since) || from.After(w.clock().Add(maxSkew+time.Microsecond)) {
			w.breaks("I17", "%s: the deadline is %v, not %v after %v", name, after.Deadline, lifetime, since)
		}
	case before.Version > 0 && !after.Deadline.Equal(before.Deadline):
		w.breaks("I17", "%s: the deadline moves from %v to %v", name, before.Deadline, after.Deadline)
	}
	if before.Version == 0 {
		return
	}
	if !has(changes, login) && !after.AuthTime.Equal(before.AuthTime) || !after.Created.Equal(before.Created) {
		w.breaks("I17", "%s: AuthTime from %v to %v", name, before.AuthTime, after.AuthTime)
	}
	// A touch that another process made while this commit was under way may be
	// set back, to the beginning of the commit and no further.
	if after.Seen.Before(earlier(before.Seen, r.began)) {
		w.breaks("I16", "%s: Seen moves from %v to %v", name, before.Seen, after.Seen)
	}
	if until := expires(r.began, after.Idle, after.Deadline); !sets && !after.Expires.IsZero() &&
		(before.Expires.IsZero() || after.Expires.Before(before.Expires)) && (until.IsZero() || after.Expires.Before(until)) {
		w.breaks("I16", "%s: Expires moves from %v to %v", name, before.Expires, after.Expires)
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (w *world) deleted(c *call) {
	a, r := c.actor, c.round
	switch {
	case r == nil && a.revokes != c.handle, r != nil && !slices.Contains(r.dead, c.handle):
		w.breaks("I5", "%s deletes a session, and nobody asked it to", a.name)
	case r != nil && r.creates() && !r.applied:
		w.breaks("I20", "%s deletes the old session and has not made the new one", a.name)
	}
	if e := w.entries[c.handle]; e.there() {
		e.gone = "deleted by " + a.name
	}
}

func (w *world) revokedAll(c *call) {
	if c.err != nil {
		return
	}
	if w.revoked[c.principal].Before(c.now) {
		w.revoked[c.principal] = c.now
	}
	for _, h := range w.handles {
		if e := w.entries[h]; e.there() && e.principal == c.principal && !slices.Contains(c.keep, h) {
			e.gone = "revoked by " + c.actor.name
			if _, ok := w.there(h); ok && expired(e.rec, w.clock()) {
				e.gone = "" // it is as good as gone, and left to a sweep
			}
		}
		w.still(h)
	}
}

func (w *world) swept(c *call) {
	for _, h := range w.handles {
		e := w.entries[h]
		if _, ok := w.there(h); !ok && e.there() {
			if !expired(e.rec, c.now) || c.now.After(w.clock().Add(maxSkew-5*time.Minute)) {
				w.breaks("I22", "a sweep of what expired before %v removes a session that expires at %v", c.now, e.rec.Expires)
			}
			e.gone = "swept"
		}
	}
}

// lists compares the list of each principal with the model.
func (w *world) lists() {
	if w.kind.plain {
		return
	}
	for _, p := range w.people {
		var listed []scarab.Handle
		w.kind.run(func(ctx context.Context) {
			for r, err := range w.store.Principal(ctx, p) {
				if err == nil {
					listed = append(listed, r.Handle)
				}
			}
		})
		for _, h := range w.handles {
			e := w.entries[h]
			if live := e.there() && !expired(e.rec, w.clock()); live && e.principal == p && !slices.Contains(listed, h) {
				w.breaks("I25", "%.4s of %q is not in the list", h, p)
			}
		}
		for _, h := range listed {
			if e := w.entries[h]; !e.there() || e.principal != p {
				w.breaks("I25, I8", "%.4s is in the list of %q: %v", h, p, e)
			}
		}
	}
}
