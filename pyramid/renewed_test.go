package pyramid

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
)

// A hooked storage runs a function before one of its operations.
type hooked struct {
	storage
	before map[string]func() // by operation; each runs once
}

func (h *hooked) run(op string) {
	if f := h.before[op]; f != nil {
		delete(h.before, op)
		f()
	}
}

func (h *hooked) create(ctx context.Context, key string, value any, ttl time.Duration) (place, error) {
	h.run("create " + key[:min(len(notePrefix), len(key))])
	return h.storage.create(ctx, key, value, ttl)
}

func (h *hooked) removeSame(ctx context.Context, key string, p place) error {
	h.run("removeSame")
	return h.storage.removeSame(ctx, key, p)
}

// keptFiles is a backend on Beaker's files, and its storage.
func keptFiles(t *testing.T) (*kept, *hooked) {
	t.Helper()
	b, err := Beaker(BeakerFiles(t.TempDir()), BeakerConfig{Secrets: []string{"s"}})
	if err != nil {
		t.Fatal(err)
	}
	k := b.(*kept)
	h := &hooked{storage: k.store, before: map[string]func(){}}
	k.store = h
	return k, h
}

var renewedAt = time.Unix(1700000000, 0).UTC()

func value(key, text string) scarab.Value {
	return scarab.Value{Key: key, JSON: json.RawMessage(text)}
}

// created returns the cookie of a new session, and its state as loaded.
func created(t *testing.T, b *kept) (string, *scarab.State) {
	t.Helper()
	st := &scarab.State{Created: renewedAt, Idle: time.Hour, Values: []scarab.Value{value("a", "1")}}
	cookie, err := b.Commit(t.Context(), renewedAt, "session", "", scarab.Create, st)
	if err != nil {
		t.Fatal(err)
	}
	return cookie, reloaded(t, b, cookie)
}

func reloaded(t *testing.T, b *kept, cookie string) *scarab.State {
	t.Helper()
	st, err := b.Load(t.Context(), renewedAt, "session", cookie)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// A logout that comes at any point of a renewal ends the session, under both
// ids, and the renewal fails or opens nothing.
func TestRenew_logoutAtEachStep(t *testing.T) {
	for _, step := range []string{"create ", "create " + notePrefix, "removeSame", "after"} {
		t.Run(step, func(t *testing.T) {
			b, h := keptFiles(t)
			cookie, renewal := created(t, b)
			logout := reloaded(t, b, cookie)
			end := func() {
				if _, err := b.Commit(t.Context(), renewedAt, "session", cookie, scarab.Delete, logout); err != nil {
					t.Errorf("logout: %v", err)
				}
			}
			if step == "create " {
				// Ids are random: the first create is that of the new session.
				h.before = map[string]func(){}
				b.store = &first{storage: h, f: end}
			} else {
				h.before[step] = end
			}
			next, err := b.Commit(t.Context(), renewedAt, "session", cookie, scarab.Renew, renewal)
			if step == "after" {
				if err != nil {
					t.Fatal(err)
				}
				end()
			} else if !errors.Is(err, scarab.ErrNoSession) {
				t.Errorf("renewal: %q, %v, want ErrNoSession", next, err)
			}
			for _, c := range []string{cookie, next} {
				if c == "" {
					continue
				}
				if _, err := b.Load(t.Context(), renewedAt.Add(2*time.Minute), "session", c); !errors.Is(err, scarab.ErrNoSession) {
					t.Errorf("%q opens a session: %v", c, err)
				}
			}
		})
	}
}

// first runs f before the first create.
type first struct {
	storage
	f func()
}

func (s *first) create(ctx context.Context, key string, v any, ttl time.Duration) (place, error) {
	if s.f != nil {
		f := s.f
		s.f = nil
		f()
	}
	return s.storage.create(ctx, key, v, ttl)
}

// A renewal that stopped between its note and its end leaves the old session,
// and another renewal is not held up for long.
func TestRenew_abandoned(t *testing.T) {
	b, h := keptFiles(t)
	cookie, renewal := created(t, b)
	stopped := errors.New("the power is cut")
	b.store = &powerCut{storage: h, err: stopped}
	if _, err := b.Commit(t.Context(), renewedAt, "session", cookie, scarab.Renew, renewal); !errors.Is(err, stopped) {
		t.Fatalf("renewal: %v", err)
	}
	b.store = h
	again := reloaded(t, b, cookie)
	if _, err := b.Commit(t.Context(), renewedAt.Add(time.Second), "session", cookie, scarab.Renew, again); !errors.Is(err, scarab.ErrConflict) {
		t.Errorf("a renewal a second later: %v, want a conflict", err)
	}
	later := renewedAt.Add(2 * time.Minute)
	var next string
	for range 2 { // the first clears the note away
		var err error
		next, err = b.Commit(t.Context(), later, "session", cookie, scarab.Renew, reloaded(t, b, cookie))
		if err == nil {
			break
		}
		if !errors.Is(err, scarab.ErrConflict) {
			t.Fatalf("a renewal two minutes later: %v", err)
		}
	}
	if st := reloaded(t, b, next); len(st.Values) != 1 {
		t.Errorf("values %v", st.Values)
	}
	if _, err := b.Load(t.Context(), later, "session", cookie); !errors.Is(err, scarab.ErrSuperseded) {
		t.Errorf("the old cookie: %v, want ErrSuperseded", err)
	}
}

// powerCut fails where a renewal comes to its end, and where it cleans up.
type powerCut struct {
	storage
	err error
}

func (s *powerCut) removeSame(context.Context, string, place) error { return s.err }
func (s *powerCut) remove(context.Context, string) error            { return s.err }

// What a request with the old id saves after a renewal is not lost.
func TestRenew_saveAfterIt(t *testing.T) {
	b, _ := keptFiles(t)
	cookie, renewal := created(t, b)
	slow := reloaded(t, b, cookie)
	next, err := b.Commit(t.Context(), renewedAt, "session", cookie, scarab.Renew, renewal)
	if err != nil {
		t.Fatal(err)
	}
	slow.Values = append(slow.Values, value("b", "2"))
	_, err = b.Commit(t.Context(), renewedAt, "session", cookie, scarab.Save, slow)
	var conflict *scarab.ConflictError[scarab.State]
	if !errors.As(err, &conflict) {
		t.Fatalf("a save with the old id: %v, want a conflict", err)
	}
	current := conflict.Current
	current.Values = append(current.Values, value("b", "2"))
	returned, err := b.Commit(t.Context(), renewedAt, "session", cookie, scarab.Save, current)
	if err != nil || returned != cookie {
		t.Errorf("saved again: %q, %v, want the cookie that came in", returned, err)
	}
	if st := reloaded(t, b, next); len(st.Values) != 2 {
		t.Errorf("values %v", st.Values)
	}
}
