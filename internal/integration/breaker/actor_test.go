package breaker

import (
	"context"
	"encoding/base64"
	"fmt"
	"iter"
	"time"

	"crypto/sha256"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/scarabtest"
)

// An actor is a request or an operator. It runs in a goroutine of its own and
// stops at every call of the store and, if it is a request, after each thing
// its handler did. The test lets one of them go on at a time.
type actor struct {
	name  string
	world *world
	call  *call // what it waits for; nil if it waits for nothing of the store
	back  chan error
	ctx   context.Context
	over  bool // it has ended

	*request // nil for an operator
	revokes  scarab.Handle
}

type actorKey struct{}

// A call is one call of the store, which the test carries out when it likes.
type call struct {
	method    scarabtest.Method
	handle    scarab.Handle
	record    scarab.Record // of Create and Save; the result of Load and LoadTouch
	secret    [32]byte
	now       time.Time // or what Sweep is before, or RevokePrincipal at
	every     time.Duration
	principal string
	keep      []scarab.Handle

	do    func(context.Context) error
	done  bool // it was carried out
	err   error
	ctx   context.Context // of the caller: its time may be up
	actor *actor
	round *round // that it was made in
}

func (c *call) String() string {
	if c.method == scarabtest.RevokePrincipal || c.method == scarabtest.Principal {
		return fmt.Sprintf("%s %s", c.method, c.principal)
	}
	return fmt.Sprintf("%s %.4s", c.method, c.handle)
}

// wait parks the actor of ctx until the test has an answer for c.
func wait(ctx context.Context, c *call) error {
	a := ctx.Value(actorKey{}).(*actor)
	a.world.awake()
	c.actor, c.ctx = a, ctx
	if a.request != nil {
		c.round = a.round
	}
	a.call = c
	return <-a.back
}

// gate is a store that only the test opens.
type gate struct{ store *scarabtest.FailingStore }

func (g gate) Load(ctx context.Context, h scarab.Handle, now time.Time) (scarab.Record, error) {
	c := &call{method: scarabtest.Load, handle: h, now: now}
	c.do = func(ctx context.Context) (err error) { c.record, err = g.store.Load(ctx, h, now); return err }
	err := wait(ctx, c)
	return none(c.record, err), err
}

// none is no record if there is an error: the answer is lost with it.
func none(r scarab.Record, err error) scarab.Record {
	if err != nil {
		return scarab.Record{}
	}
	return r
}

func (g gate) Create(ctx context.Context, r scarab.Record) error {
	return wait(ctx, &call{method: scarabtest.Create, handle: r.Handle, record: r,
		do: func(ctx context.Context) error { return g.store.Create(ctx, r) }})
}

func (g gate) Save(ctx context.Context, r scarab.Record) error {
	return wait(ctx, &call{method: scarabtest.Save, handle: r.Handle, record: r,
		do: func(ctx context.Context) error { return g.store.Save(ctx, r) }})
}

func (g gate) Touch(ctx context.Context, h scarab.Handle, now time.Time) error {
	return wait(ctx, &call{method: scarabtest.Touch, handle: h, now: now,
		do: func(ctx context.Context) error { return g.store.Touch(ctx, h, now) }})
}

func (g gate) Delete(ctx context.Context, h scarab.Handle) error {
	return wait(ctx, &call{method: scarabtest.Delete, handle: h,
		do: func(ctx context.Context) error { return g.store.Delete(ctx, h) }})
}

// fullGate has the optional methods, too.
type fullGate struct{ gate }

func (g fullGate) LoadTouch(ctx context.Context, h scarab.Handle, secret [32]byte, now time.Time, every time.Duration) (scarab.Record, error) {
	c := &call{method: scarabtest.LoadTouch, handle: h, secret: secret, now: now, every: every}
	c.do = func(ctx context.Context) (err error) {
		c.record, err = g.store.LoadTouch(ctx, h, secret, now, every)
		return err
	}
	err := wait(ctx, c)
	return none(c.record, err), err
}

func (g fullGate) Principal(ctx context.Context, principal string) iter.Seq2[scarab.Record, error] {
	return func(yield func(scarab.Record, error) bool) {
		var all []scarab.Record
		err := wait(ctx, &call{method: scarabtest.Principal, principal: principal, do: func(ctx context.Context) error {
			for r, err := range g.store.Principal(ctx, principal) {
				if err != nil {
					return err
				}
				all = append(all, r)
			}
			return nil
		}})
		if err != nil {
			yield(scarab.Record{}, err)
			return
		}
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (g fullGate) RevokePrincipal(ctx context.Context, principal string, at time.Time, keep ...scarab.Handle) (n int, err error) {
	err = wait(ctx, &call{method: scarabtest.RevokePrincipal, principal: principal, now: at, keep: keep,
		do: func(ctx context.Context) (err error) {
			n, err = g.store.RevokePrincipal(ctx, principal, at, keep...)
			return err
		}})
	return n, err
}

func (g fullGate) Sweep(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = wait(ctx, &call{method: scarabtest.Sweep, now: before,
		do: func(ctx context.Context) (err error) { n, err = g.store.Sweep(ctx, before, limit); return err }})
	return n, err
}

var (
	_ scarab.Store          = gate{}
	_ scarab.LoadToucher    = fullGate{}
	_ scarab.PrincipalStore = fullGate{}
	_ scarab.Sweeper        = fullGate{}
)

// parseToken splits what a browser has into the handle and the hash of the
// secret.
func parseToken(token string) (h scarab.Handle, hash [32]byte, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != 48 {
		return h, hash, false
	}
	copy(h[:], b)
	return h, sha256.Sum256(b[16:]), true
}
