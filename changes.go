package scarab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// A change is one thing a request did to its session. Changes are applied at
// once to the request's own copy, and again, in the same order, to the current
// state if another request was faster. That is how nothing is lost:
//
//	set, remove     per key, the last commit wins; other keys are untouched
//	clear           clears what is there now
//	update          runs the function on the current value
//	take            fails if the value is not the one that was taken
//	push            appends; a unique one checks again
//	pop             removes the messages this request saw, and no others
//	login           sets the principal; clears the data of another one
//	the rest        the last commit wins
type change struct {
	kind       changeKind
	unique     bool // push
	persistent persistence
	key        string
	raw        json.RawMessage // set: the value; take: the value taken; push: the message; login: the new CSRF token
	update     func(current json.RawMessage, ok bool) (json.RawMessage, error)
	*popped
	*timed
}

// What a change has that is a pop.
type popped struct {
	through uint64                     // the version that was loaded
	is      func(json.RawMessage) bool // whether a message is of the queue's type
	seen    []json.RawMessage          // what was returned
}

// What a change has that is a login, or changes timeouts.
type timed struct {
	at             time.Time
	idle, lifetime time.Duration
}

type changeKind uint8

const (
	changeSet changeKind = iota
	changeRemove
	changeClear
	changeUpdate
	changeTake
	changePush
	changePop
	changeRenew
	changeLogin
	changeTimeouts
	changePersistent
	changeLabel
)

// apply makes the change to st. It returns how many messages a full queue lost.
func (c *change) apply(st *State) (dropped int, err error) {
	switch c.kind {
	case changeSet:
		st.set(c.key, c.raw)
	case changeRemove:
		st.remove(c.key)
	case changeClear:
		st.clear()
	case changeUpdate:
		current, ok := st.get(c.key)
		raw, err := c.update(current, ok)
		if err != nil {
			return 0, err
		}
		st.set(c.key, raw)
	case changeTake:
		if current, ok := st.get(c.key); !ok || !bytes.Equal(current, c.raw) {
			return 0, fmt.Errorf("%w: %q", ErrPopped, c.key)
		}
		st.remove(c.key)
	case changePush:
		return st.push(c.key, c.raw, c.unique)
	case changePop:
		st.popSeen(c)
	case changeLogin:
		st.login(c)
	case changeTimeouts:
		if c.idle != 0 {
			st.Idle = c.idle
		}
		if c.lifetime != 0 {
			st.Deadline, st.unbound = deadline(c.at, c.lifetime), false
		}
		st.Expires = time.Time{} // the backend sets it anew
	case changePersistent:
		st.persistent = c.persistent
	case changeLabel:
		st.Label = c.key
	}
	return 0, nil
}

func (st *State) login(c *change) {
	if st.Principal != "" && st.Principal != c.key {
		st.clear()
		st.Label, st.persistent = "", persistConfig
		st.Idle, st.Expires = 0, time.Time{} // as configured
	}
	st.Principal, st.AuthTime = c.key, c.at
	st.Deadline = deadline(c.at, c.lifetime)
	// A clock that is behind does not bring the expiry forward; a deadline does.
	switch expires := expiry(c.at, st.Idle, st.Deadline); {
	case st.Expires.IsZero(): // the backend sets it
	case expires.IsZero(), expires.After(st.Expires):
		st.Expires = expires
	case !st.Deadline.IsZero() && st.Deadline.Before(st.Expires):
		st.Expires = st.Deadline
	}
	st.set(csrfKey, c.raw)
}

func deadline(from time.Time, lifetime time.Duration) time.Time {
	if lifetime == Never {
		return time.Time{}
	}
	return from.Add(lifetime)
}

// push appends message to the queue at key.
func (st *State) push(key string, message json.RawMessage, unique bool) (dropped int, err error) {
	var list []json.RawMessage
	numbers := st.numbersOf(key)
	if raw, ok := st.get(key); ok {
		if list, err = elements(raw); err != nil {
			return 0, fmt.Errorf("scarab: the value at %q is not a list, so it holds no flash messages: delete it first", key)
		}
	}
	if unique && slices.ContainsFunc(list, func(m json.RawMessage) bool { return equalJSON(m, message) }) {
		return 0, nil
	}
	if len(numbers) != len(list) {
		numbers = make([]uint64, len(list)) // from a backend that keeps none
	}
	list = append(list, message)
	numbers = append(slices.Clip(numbers), 0)
	if dropped = max(0, len(list)-queueLimit); dropped > 0 {
		list, numbers = list[dropped:], numbers[dropped:]
	}
	st.putQueue(key, list, numbers)
	return dropped, nil
}

func (st *State) putQueue(key string, list []json.RawMessage, numbers []uint64) {
	if len(list) == 0 {
		st.remove(key)
		return
	}
	st.put(key, joinList(list))
	st.setNumbers(key, numbers)
}

func joinList(list []json.RawMessage) json.RawMessage {
	size := 2
	for _, m := range list {
		size += len(m) + 1
	}
	raw := append(make([]byte, 0, size), '[')
	for i, m := range list {
		if i > 0 {
			raw = append(raw, ',')
		}
		raw = append(raw, m...)
	}
	return append(raw, ']')
}

// popSeen removes what c's request saw: messages that were there when it
// loaded the session, and those it pushed itself.
func (st *State) popSeen(c *change) {
	raw, _ := st.get(c.key)
	list, err := elements(raw)
	if err != nil {
		return // another request put something else there: nothing of ours
	}
	numbers := st.numbersOf(c.key)
	known := len(numbers) == len(list)
	seen := slices.Clone(c.seen)
	var keep []json.RawMessage
	var kept []uint64
	for i, m := range list {
		gone := false
		if known {
			gone = numbers[i] <= c.through && c.is(m)
		} else if j := slices.IndexFunc(seen, func(s json.RawMessage) bool { return bytes.Equal(s, m) }); j >= 0 {
			seen = slices.Delete(seen, j, j+1) // one for one: an equal message that came later stays
			gone = true
		}
		if !gone {
			keep = append(keep, m)
			if known {
				kept = append(kept, numbers[i])
			}
		}
	}
	st.putQueue(c.key, keep, kept)
}

// replay applies changes to a copy of st.
func replay(st *State, changes []change) (next *State, dropped int, err error) {
	forked := st.fork()
	next = &forked
	for i := range changes {
		n, err := changes[i].apply(next)
		if err != nil {
			return nil, 0, err
		}
		dropped += n
	}
	return next, dropped, nil
}
