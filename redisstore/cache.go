package redisstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/scarab-go/scarab"
)

// cacheFor is how long a copy in memory is used at most, if the message that
// it is outdated is lost.
const cacheFor = time.Second

// cached is LoadTouch from memory, or from Redis into memory, if ok. Else Redis
// is to be asked, without a copy.
func (s *Store) cached(ctx context.Context, h scarab.Handle, secret [32]byte, now time.Time, every time.Duration) (r scarab.Record, ok bool, err error) {
	res := s.client.DoCache(ctx, s.client.B().Get().Key(s.sessionKey(h)).Cache(), cacheFor)
	r, err = live(h, res, now)
	switch {
	case err == nil && r.Secret == secret:
		return r, now.Sub(r.Seen) <= every, nil // or it is to be touched
	case res.IsCacheHit():
		// The copy may be from before another process created the session, or
		// renewed its secret: that a token is wrong is not for a copy to say.
		return r, false, err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		// Perhaps of another request, whose answer this one was to share.
		return r, false, err
	}
	return r, true, err
}

type freshKey struct{}

// Fresh returns a context whose loads go past the cache, for a page that must
// not be decided by a session as it was a moment ago. Requests with an unsafe
// method, such as POST, need it not.
func Fresh(ctx context.Context) context.Context {
	return context.WithValue(ctx, freshKey{}, true)
}

func isFresh(ctx context.Context) bool {
	return ctx.Value(freshKey{}) != nil || scarab.UnsafeMethod(ctx)
}

// written are the sessions that this store has changed lately. Their copies in
// memory may be from before: the message that says so comes after the answer to
// the change. When a session is no longer here, its copy is older than
// cacheFor, and not used any more.
type written struct {
	on         bool // there is a cache
	mu         sync.RWMutex
	since      time.Time
	young, old map[scarab.Handle]struct{}
}

// lateFor leaves a second for a copy to be made of an answer that was under way
// when the session was changed.
const lateFor = cacheFor + time.Second

func (w *written) note(h scarab.Handle) {
	if !w.on {
		return
	}
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.young == nil || now.Sub(w.since) > lateFor {
		w.old, w.young, w.since = w.young, make(map[scarab.Handle]struct{}), now
	}
	w.young[h] = struct{}{}
}

func (w *written) lately(h scarab.Handle) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if time.Since(w.since) > 2*lateFor {
		return false
	}
	if _, ok := w.young[h]; ok {
		return true
	}
	_, ok := w.old[h]
	return ok
}
