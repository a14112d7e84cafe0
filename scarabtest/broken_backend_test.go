package scarabtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/scarab-go/scarab"
)

// A brokenBackend keeps the contract, but for the one bug it has. Its values
// are a handle and a secret.
type brokenBackend struct {
	bug string

	mu     sync.Mutex
	states map[string]*kept
	last   string // created, for bugs only
}

// kept is a state with its secrets, the current one last.
type kept struct {
	scarab.State
	secrets []string
	renewed time.Time
}

var _ scarab.Backend = (*brokenBackend)(nil)

func newBrokenBackend(bug string) *brokenBackend {
	return &brokenBackend{bug: bug, states: make(map[string]*kept)}
}

func (b *brokenBackend) has(bug string) bool { return b.bug == bug }

func (b *brokenBackend) gap(bug string) {
	if b.has(bug) {
		b.mu.Unlock()
		time.Sleep(time.Millisecond)
		b.mu.Lock()
	}
}

func (b *brokenBackend) Load(ctx context.Context, now time.Time, name, value string) (*scarab.State, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ctx.Err() != nil && b.has("an ended context is no session") {
		return nil, scarab.ErrNoSession
	}
	handle, secret, ok := strings.Cut(value, ".")
	if !ok && b.has("a malformed value is a failure") {
		return nil, fmt.Errorf("malformed value %q", value)
	}
	k := b.states[handle]
	if k == nil {
		return nil, fmt.Errorf("%w: unknown", scarab.ErrNoSession)
	}
	known := slices.Contains(k.secrets, secret)
	current := k.secrets[len(k.secrets)-1]
	switch {
	case known && b.has("an old value goes on working"):
	case b.has("the secret is not looked at"):
	case secret != current && b.has("superseded is unknown"):
		return nil, scarab.ErrNoSession
	case known && secret != current && (now.Before(k.renewed.Add(time.Minute)) || b.has("superseded for ever")):
		return nil, scarab.ErrSuperseded
	case secret != current:
		return nil, fmt.Errorf("%w: unknown", scarab.ErrNoSession)
	}
	st := k.State
	st.Private = handle
	switch {
	case b.has("the principal is not kept"):
		st.Principal = ""
	case b.has("values come in alphabetical order"):
		st.Values = slices.SortedFunc(slices.Values(st.Values), func(a, b scarab.Value) int { return strings.Compare(a.Key, b.Key) })
	case b.has("the deadline is not kept"):
		st.Deadline = time.Time{}
	case b.has("the idle timeout is not kept"):
		st.Idle = 0
	}
	return &st, nil
}

func (b *brokenBackend) Commit(ctx context.Context, now time.Time, name, old string, op scarab.Op, st *scarab.State) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ctx.Err() != nil && b.has("a commit with an ended context is a conflict") {
		return "", scarab.ErrConflict
	}
	if op == scarab.Create {
		return b.create(st), nil
	}
	handle, ok := st.Private.(string)
	if !ok {
		handle = st.Handle
	}
	k := b.states[handle]
	switch {
	case op == scarab.Delete && b.has("Delete does nothing"):
		return "", nil
	case op == scarab.Delete && b.has("Delete goes by the secret"):
		if k != nil && !strings.HasSuffix(old, k.secrets[len(k.secrets)-1]) {
			return "", nil
		}
		delete(b.states, handle)
		return "", nil
	case op == scarab.Delete && k == nil && b.has("Delete of nothing fails"):
		return "", scarab.ErrNoSession
	case op == scarab.Delete:
		delete(b.states, handle)
		return "", nil
	case k == nil && b.has("Save creates"):
		return b.create(st), nil
	case k == nil:
		return "", scarab.ErrNoSession
	case op == scarab.Save && b.has("Save does nothing"):
		return old, nil
	case op == scarab.Touch && b.has("Touch saves everything"):
		b.put(k, st)
		return old, nil
	case op == scarab.Touch && b.has("Touch does nothing"):
		return old, nil
	case op == scarab.Touch:
		k.Seen = st.Seen
		return old, nil
	}
	stale := st.Version != k.Version
	b.gap("Save in two steps")
	if stale && !b.has("the version is not looked at") {
		current := k.State
		current.Private = handle
		if b.has("a conflict carries nothing") {
			return "", &scarab.ConflictError[scarab.State]{}
		}
		if b.has("a conflict carries what was to be saved") {
			current.Values = st.Values
		}
		return "", &scarab.ConflictError[scarab.State]{Current: &current}
	}
	value := old
	switch {
	case op == scarab.Renew && b.has("Renew is a Save"):
	case op == scarab.Renew && !strings.HasSuffix(old, k.secrets[len(k.secrets)-1]) && !b.has("a second Renew renews") &&
		(b.has("a login takes over a renewal") || st.AuthTime.Equal(k.AuthTime)):
	case op == scarab.Renew:
		k.secrets, k.renewed = append(k.secrets, rand.Text()), now
		value = handle + "." + k.secrets[len(k.secrets)-1]
	}
	if b.has("one version too many") {
		st.Version++
	}
	st.Version++
	b.put(k, st)
	if b.has("st is not completed") {
		st.Version--
	}
	if b.has("Save returns no value") {
		return "", nil
	}
	return value, nil
}

func (b *brokenBackend) put(k *kept, st *scarab.State) {
	old := k.Values
	k.State = scarab.State{ // what somebody else's format can keep
		Version: st.Version, Handle: st.Handle, Principal: st.Principal, Label: st.Label, Created: st.Created,
		AuthTime: st.AuthTime, Seen: st.Seen, Expires: st.Expires, Deadline: st.Deadline, Idle: st.Idle, Values: st.Values,
	}
	switch {
	case b.has("Save adds and never removes"):
		for _, v := range old {
			if !slices.ContainsFunc(k.Values, func(o scarab.Value) bool { return o.Key == v.Key }) {
				k.Values = append(slices.Clip(k.Values), v)
			}
		}
	case b.has("empty keys are dropped"):
		k.Values = slices.DeleteFunc(slices.Clone(k.Values), func(v scarab.Value) bool { return v.Key == "" })
	}
}

func (b *brokenBackend) create(st *scarab.State) string {
	st.Handle, st.Version = rand.Text(), 1
	if b.has("one session for all") {
		st.Handle = "all"
	}
	k := &kept{secrets: []string{rand.Text()}}
	if b.has("one session for all") {
		k.secrets[0] = "secret"
	}
	b.put(k, st)
	b.states[st.Handle] = k
	handle := st.Handle
	b.last = handle
	b.gap("calls are mixed up")
	if b.has("calls are mixed up") {
		return b.last + "." + b.states[b.last].secrets[0]
	}
	if b.has("the handle is not completed") {
		st.Handle = ""
	}
	if b.has("a value that no cookie can hold") {
		k.secrets[0] = "a; secret"
	}
	return handle + "." + k.secrets[0]
}
