package scarab

import (
	"context"
	"errors"
	"sync"
)

// locks serialize, by handle, the commits of this process that have met a
// conflict: without them, n writers of one session would save n²/4 times until
// all are done. Correctness does not rest on them; other processes have their
// own.
type locks struct {
	mu       sync.Mutex
	byHandle map[string]*lock
}

type lock struct {
	turn  chan struct{} // holds one token while taken
	users int           // who has it or waits; guarded by locks.mu
	last  *State        // what the last holder saved: the next need not load it
}

// maxWaiting is how many commits of one session may wait.
const maxWaiting = 1024

var errBusy = errors.New("too many requests change this session at once")

func (l *locks) acquire(ctx context.Context, handle string) (*lock, error) {
	l.mu.Lock()
	k := l.byHandle[handle]
	if k == nil {
		if l.byHandle == nil {
			l.byHandle = make(map[string]*lock)
		}
		k = &lock{turn: make(chan struct{}, 1)}
		l.byHandle[handle] = k
	}
	if k.users > maxWaiting {
		l.mu.Unlock()
		return nil, errBusy
	}
	k.users++
	l.mu.Unlock()
	select {
	case k.turn <- struct{}{}:
		return k, nil
	case <-ctx.Done():
		l.leave(handle, k)
		return nil, ctx.Err()
	}
}

func (l *locks) release(handle string, k *lock) {
	<-k.turn
	l.leave(handle, k)
}

func (l *locks) leave(handle string, k *lock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k.users--; k.users == 0 {
		delete(l.byHandle, handle)
	}
}
