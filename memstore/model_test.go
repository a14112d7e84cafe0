package memstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
)

// A long random history leaves the store as it leaves a map, and its insides in
// order. The seeds are fixed, so a failure comes back.
func TestStore_history(t *testing.T) {
	for _, tt := range []struct {
		name          string
		opts          []Option
		full, evicted bool // whether it comes to that
	}{
		{"unlimited", nil, false, false},
		{"Refuse", []Option{MaxBytes(1<<20, Refuse)}, true, false},
		{"Evict", []Option{MaxBytes(1<<20, Evict)}, false, true},
		{"room for all", []Option{MaxBytes(64<<20, Refuse)}, false, false},
	} {
		for seed := range uint64(2) {
			t.Run(fmt.Sprint(tt.name, "/", seed), func(t *testing.T) {
				t.Parallel()
				h := &history{rand: rand.New(rand.NewPCG(seed, 0)), store: New(tt.opts...), model: make(map[scarab.Handle]scarab.Record), now: time.Unix(2e9, 0).UTC()}
				for i := range 5_000 {
					if err := h.step(t); err != nil {
						t.Fatalf("step %d: %v", i, err)
					}
					if i%1000 == 0 {
						h.check(t)
					}
				}
				h.check(t)
				if full, evicted := h.full > 0, h.store.Evicted() > 0; full != tt.full || evicted != tt.evicted {
					t.Errorf("%d times it was full and %d sessions were evicted", h.full, h.store.Evicted())
				}
				h.empty(t)
				h.check(t)
			})
		}
	}
}

type history struct {
	rand    *rand.Rand
	store   *Store
	model   map[scarab.Handle]scarab.Record
	handles []scarab.Handle // of the model, and of some that are gone
	now     time.Time
	full    int
	evicted int64
}

func (h *history) record() scarab.Record {
	r := scarab.Record{Version: 1, Created: h.now, Seen: h.now, Expires: h.now.Add(time.Duration(h.rand.IntN(1000)) * time.Second), Idle: time.Minute}
	for i := range r.Handle {
		r.Handle[i] = byte(h.rand.Uint32())
	}
	h.fill(&r)
	return r
}

// fill changes what a request may change.
func (h *history) fill(r *scarab.Record) {
	r.Secret[0] = byte(h.rand.Uint32())
	size := h.rand.IntN(400)
	switch h.rand.IntN(20) {
	case 0:
		size = h.rand.IntN(5000)
	case 1:
		size = h.rand.IntN(30_000)
	}
	r.Data = bytes.Repeat([]byte{byte(h.rand.Uint32())}, size)
	if r.Label = ""; h.rand.IntN(3) == 0 {
		r.Label = "label"
	}
	if h.rand.IntN(4) == 0 {
		r.Principal = []string{"", "anna", "berta", fmt.Sprint("user ", h.rand.IntN(1000))}[h.rand.IntN(4)]
		r.AuthTime = h.now
	}
}

func (h *history) some() scarab.Handle {
	if len(h.handles) == 0 {
		return scarab.Handle{}
	}
	return h.handles[h.rand.IntN(len(h.handles))]
}

func (h *history) step(t *testing.T) error {
	ctx := t.Context()
	h.now = h.now.Add(time.Duration(h.rand.IntN(100)) * time.Millisecond)
	defer h.forget()
	switch n := h.rand.IntN(100); {
	case n < 30:
		r := h.record()
		err := h.store.Create(ctx, r)
		if errors.Is(err, ErrFull) {
			h.full++
			return nil
		}
		h.model[r.Handle] = r
		h.handles = append(h.handles, r.Handle)
		return err
	case n < 65:
		r, ok := h.model[h.some()]
		if !ok {
			return nil
		}
		r.Version++
		h.fill(&r)
		err := h.store.Save(ctx, r)
		if errors.Is(err, ErrFull) {
			h.full++
			return nil
		}
		h.model[r.Handle] = r
		return err
	case n < 75:
		r, ok := h.model[h.some()]
		err := h.store.Touch(ctx, r.Handle, h.now)
		if !ok || r.Expired(h.now) {
			if !errors.Is(err, scarab.ErrNoSession) {
				return fmt.Errorf("Touch of nothing: %v", err)
			}
			return nil
		}
		h.model[r.Handle] = r.Touch(h.now)
		return err
	case n < 90:
		handle := h.some()
		want, ok := h.model[handle]
		got, err := h.store.Load(ctx, handle, h.now)
		if !ok || want.Expired(h.now) {
			if !errors.Is(err, scarab.ErrNoSession) {
				return fmt.Errorf("Load of nothing: %v", err)
			}
			return nil
		}
		return errors.Join(err, h.same(got, want))
	case n < 98:
		handle := h.some()
		delete(h.model, handle)
		return h.store.Delete(ctx, handle)
	case n < 99 && h.rand.IntN(50) == 0:
		want := 0
		maps.DeleteFunc(h.model, func(_ scarab.Handle, r scarab.Record) bool {
			gone := r.Principal == "anna"
			if gone {
				want++
			}
			return gone
		})
		got, err := h.store.RevokePrincipal(ctx, "anna", h.now)
		h.now = h.now.Add(time.Microsecond)
		if got != want {
			err = fmt.Errorf("revoked %d, want %d", got, want)
		}
		return err
	case h.rand.IntN(20) == 0:
		want := 0
		maps.DeleteFunc(h.model, func(_ scarab.Handle, r scarab.Record) bool {
			gone := r.Expires.Before(h.now)
			if gone {
				want++
			}
			return gone
		})
		got, err := h.store.Sweep(ctx, h.now, 1<<30)
		if got != want {
			err = fmt.Errorf("swept %d, want %d", got, want)
		}
		return err
	}
	return nil
}

// forget takes out of the model what the store has evicted.
func (h *history) forget() {
	evicted := h.store.Evicted()
	if evicted == h.evicted {
		return
	}
	h.evicted = evicted
	maps.DeleteFunc(h.model, func(handle scarab.Handle, _ scarab.Record) bool {
		sh, _ := h.store.shard(handle)
		_, ok := sh.get(handle)
		return !ok
	})
}

func (h *history) same(got, want scarab.Record) error {
	if len(got.Data) == 0 && len(want.Data) == 0 {
		got.Data, want.Data = nil, nil
	}
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("got  %+v\nwant %+v", got, want)
	}
	return nil
}

// check compares the store with the model, and what its insides say of each
// other.
func (h *history) check(t *testing.T) {
	t.Helper()
	found := make(map[scarab.Handle]scarab.Record)
	for r, err := range h.store.Scan(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if err := h.same(r, h.model[r.Handle]); err != nil {
			t.Fatal(err)
		}
		found[r.Handle] = r
	}
	if len(found) != len(h.model) || h.store.Len() != len(h.model) {
		t.Fatalf("Scan yields %d, Len is %d, want %d", len(found), h.store.Len(), len(h.model))
	}
	byPrincipal := make(map[string]int)
	for _, r := range h.model {
		if r.Principal != "" {
			byPrincipal[r.Principal]++
		}
	}
	for p, want := range byPrincipal {
		n := 0
		for r := range h.store.Principal(t.Context(), p) {
			if _, ok := h.model[r.Handle]; !ok || r.Principal != p {
				t.Fatalf("Principal(%q) yields %+v", p, r)
			}
			n++
		}
		if n != want {
			t.Fatalf("Principal(%q) yields %d, want %d", p, n, want)
		}
	}
	for i := range h.store.shards {
		if err := h.store.shards[i].check(); err != nil {
			t.Fatalf("shard %d: %v", i, err)
		}
	}
}

// empty deletes everything: what is left is one segment a shard, at most.
func (h *history) empty(t *testing.T) {
	for handle := range h.model {
		if err := h.store.Delete(t.Context(), handle); err != nil {
			t.Fatal(err)
		}
	}
	clear(h.model)
	if got, most := h.store.Bytes(), int64(len(h.store.shards)*(maxSegment+100_000)); got > most {
		t.Errorf("an empty store takes up %d bytes, more than %d", got, most)
	}
}

// Any number of goroutines leave the insides in order, in a store that is full
// all the time.
func TestStore_concurrent(t *testing.T) {
	s := New(MaxBytes(1<<20, Evict))
	errs := make(chan error, 8)
	for i := range cap(errs) {
		go func() {
			h := &history{rand: rand.New(rand.NewPCG(uint64(i), 1)), store: s, model: make(map[scarab.Handle]scarab.Record), now: time.Unix(2e9, 0).UTC()}
			errs <- h.alone(t.Context())
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if err := s.shards[0].check(); err != nil || s.Evicted() == 0 {
		t.Errorf("%v; %d sessions were evicted", err, s.Evicted())
	}
}

// alone is a history of sessions that nobody else uses, but that may be
// evicted, swept and revoked by others.
func (h *history) alone(ctx context.Context) error {
	for range 400 {
		r := h.record()
		if err := h.store.Create(ctx, r); err != nil && !errors.Is(err, scarab.ErrNoSession) {
			return err
		}
		for range 4 {
			got, err := h.store.Load(ctx, r.Handle, h.now)
			if errors.Is(err, scarab.ErrNoSession) {
				break
			}
			if err := errors.Join(err, h.same(got, r)); err != nil {
				return err
			}
			r.Version++
			h.fill(&r)
			r.AuthTime = h.now
			if err := h.store.Save(ctx, r); errors.Is(err, scarab.ErrNoSession) {
				break
			} else if err != nil {
				return err
			}
		}
		var err error
		switch h.now = h.now.Add(time.Second); h.rand.IntN(20) {
		case 0:
			_, err = h.store.Sweep(ctx, h.now, 100)
		case 1:
			_, err = h.store.RevokePrincipal(ctx, "berta", h.now)
		case 2:
			for _, err = range h.store.Principal(ctx, "anna") {
			}
		case 3:
			err = h.store.Delete(ctx, r.Handle)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (sh *shard) check() error {
	bytes, live, dead, blocks, firsts := 0, 0, 0, 0, 0
	var errs []error
	for n, s := range sh.segments {
		bytes += cap(s.buf)
		in := 0
		sh.walk(n, func(p place, b block) {
			in += b.size()
			blocks++
			if at, _, ok := sh.find(b.handle(), sh.handleHash(b)); !ok || at != p {
				errs = append(errs, fmt.Errorf("block %v is found at %v, %v", p, at, ok))
			}
			if len(b.principal()) == 0 {
				return
			}
			if prev := b.u32(atPrev); prev == 0 {
				firsts++
				if slot := sh.first(string(b.principal()), sh.principalHash(b)); slot < 0 || sh.byPrincipal.at(slot) != p {
					errs = append(errs, fmt.Errorf("the first block of %q is not found", b.principal()))
				}
			} else if other := sh.at(place(prev - 1)); other.dead() || string(other.principal()) != string(b.principal()) || other.u32(atNext) != uint32(p)+1 {
				errs = append(errs, fmt.Errorf("block %v has a wrong neighbour in front", p))
			}
		})
		if in != s.live {
			errs = append(errs, fmt.Errorf("segment %d has %d live bytes, says %d", n, in, s.live))
		}
		if s.buf == nil != slices.Contains(sh.unused, uint32(n)) {
			errs = append(errs, fmt.Errorf("segment %d has a buffer of %d, and unused is %v", n, len(s.buf), sh.unused))
		}
		live += s.live
		dead += s.dead()
	}
	if bytes != sh.arena.bytes || live != sh.live || dead != sh.dead {
		errs = append(errs, fmt.Errorf("%d bytes, %d live, %d dead; the arena says %d, %d, %d", bytes, live, dead, sh.arena.bytes, sh.live, sh.dead))
	}
	if blocks != sh.byHandle.n || firsts != sh.byPrincipal.n {
		errs = append(errs, fmt.Errorf("%d blocks, %d first ones; the tables say %d, %d", blocks, firsts, sh.byHandle.n, sh.byPrincipal.n))
	}
	if sh.limit.bytes > 0 && sh.total() > sh.limit.shard() {
		errs = append(errs, fmt.Errorf("takes up %d bytes, more than %d", sh.total(), sh.limit.shard()))
	}
	if sh.dead > sh.arena.bytes/8+sh.segmentSize()+maxSegment {
		errs = append(errs, fmt.Errorf("%d of %d bytes are holes", sh.dead, sh.arena.bytes))
	}
	return errors.Join(errs...)
}

// A table keeps its entries over any history, also those with one hash.
func TestTable(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var table table
	model := make(map[place]uint32)
	for range 50_000 {
		if at := place(rng.IntN(3000)); rng.IntN(2) == 0 {
			if _, ok := model[at]; !ok {
				model[at] = uint32(rng.IntN(200)) * 0x01000193
				table.insert(model[at], at)
			}
		} else if hash, ok := model[at]; ok {
			table.remove(table.find(hash, func(p place) bool { return p == at }))
			delete(model, at)
		}
	}
	for at, hash := range model {
		if table.find(hash, func(p place) bool { return p == at }) < 0 {
			t.Errorf("%v is lost", at)
		}
	}
	if table.n != len(model) {
		t.Errorf("the table has %d entries, want %d", table.n, len(model))
	}
}
