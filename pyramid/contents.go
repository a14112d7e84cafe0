package pyramid

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/scarab-go/scarab"
)

// contents is a session's dict as it was loaded, with what Go was shown of it.
// Values that Go did not change are written as they were, shared parts and all.
type contents struct {
	dict   *pyDict        // what was loaded
	values []scarab.Value // what Go sees of it
	shown  map[string]int // where, by name
	hidden *pyDict        // the format's own keys
}

// reservedKey is where scarab keeps what Python has no word for: the same as
// scarab.InCookie's.
const reservedKey = "_scarab_"

// stateOf makes a state of a session's dict, but for the keys to hide. plain is
// for a dict that comes from JSON: no notation.
func stateOf(dict *pyDict, plain bool, hide ...string) (*scarab.State, *contents, error) {
	visible, hidden := new(pyDict), new(pyDict)
	for i, key := range dict.keys {
		to := visible
		if text, ok := key.(string); ok && (text == reservedKey || slices.Contains(hide, text)) {
			to = hidden
		}
		if err := to.set(key, dict.values[i]); err != nil {
			return nil, nil, err
		}
	}
	st := new(scarab.State)
	if reserved, ok := dict.lookup(reservedKey); ok {
		if err := readReserved(st, reserved); err != nil {
			return nil, nil, err
		}
	}
	var err error
	if st.Values, err = show(visible, plain, 4*maxPickle); err != nil {
		return nil, nil, err
	}
	c := &contents{dict: visible, values: slices.Clone(st.Values), shown: make(map[string]int, len(st.Values)), hidden: hidden}
	for i, v := range c.values {
		c.shown[v.Key] = i
	}
	return st, c, nil
}

// own returns the value of one of the format's own keys, or def if there is
// none.
func (c *contents) own(key string, def any) any {
	if c != nil {
		if v, ok := c.hidden.lookup(key); ok {
			return v
		}
	}
	return def
}

// fill puts the values of st into dict; plain as in stateOf.
func (c *contents) fill(dict *pyDict, st *scarab.State, plain bool) error {
	for _, v := range st.Values {
		if key, value, ok := c.unchanged(v); ok {
			dict.set(key, value) // as it was
			continue
		}
		value, err := parseJSON(v.JSON)
		if err != nil {
			return fmt.Errorf("the value at key %q: %w", v.Key, err)
		}
		if plain {
			dict.put(v.Key, value)
		} else if err := dict.setShown(v.Key, value); err != nil {
			return err
		}
	}
	return nil
}

// unchanged returns the key and the value that v stands for, if it is as it was
// loaded.
func (c *contents) unchanged(v scarab.Value) (key, value any, ok bool) {
	if c == nil {
		return nil, nil, false
	}
	i, ok := c.shown[v.Key]
	if !ok || !bytes.Equal(c.values[i].JSON, v.JSON) {
		return nil, nil, false
	}
	return c.dict.keys[i], c.dict.values[i], true
}

// putReserved puts what Python has no word for into dict, if there is any. idle
// is what the format itself says the idle timeout is.
func putReserved(dict *pyDict, id string, st *scarab.State, idle time.Duration) {
	r := new(pyDict)
	if !st.Deadline.IsZero() {
		r.put("deadline", fromTime(st.Deadline))
	}
	handle := st.Handle
	if handle == handleOf(id) {
		handle = ""
	}
	for _, f := range [...]struct{ name, value string }{{"principal", st.Principal}, {"label", st.Label}, {"handle", handle}} {
		if f.value != "" {
			r.put(f.name, f.value)
		}
	}
	if !st.AuthTime.IsZero() {
		r.put("auth_time", fromTime(st.AuthTime))
	}
	switch st.Idle {
	case 0, idle:
	case scarab.Never:
		r.put("idle", nil)
	default:
		r.put("idle", st.Idle.Seconds())
	}
	if len(r.keys) > 0 {
		dict.put(reservedKey, r)
	}
}

func readReserved(st *scarab.State, v any) error {
	r, ok := v.(*pyDict)
	if !ok {
		return errUndecodable
	}
	for name, t := range map[string]*time.Time{"deadline": &st.Deadline, "auth_time": &st.AuthTime} {
		if v := r.get(name); v != nil {
			if *t, ok = toTime(v); !ok {
				return errUndecodable
			}
			*t = t.Round(time.Microsecond)
		}
	}
	st.Principal, _ = r.get("principal").(string)
	st.Label, _ = r.get("label").(string)
	st.Handle, _ = r.get("handle").(string)
	if v, found := r.lookup("idle"); found {
		var err error
		if st.Idle, err = toDuration(v); err != nil {
			return err
		}
	}
	return nil
}

// toDuration reads a timeout in seconds; None is never.
func toDuration(v any) (time.Duration, error) {
	var seconds float64
	switch v := v.(type) {
	case nil:
		return scarab.Never, nil
	case int64:
		seconds = float64(v)
	case float64:
		seconds = v
	}
	if !(seconds > 0) {
		return 0, errUndecodable
	}
	if seconds >= math.MaxInt32 {
		return scarab.Never, nil
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// until shortens d so that it does not pass the deadline of st.
func until(d time.Duration, now time.Time, st *scarab.State) time.Duration {
	if left := st.Deadline.Sub(now); !st.Deadline.IsZero() && (d == none || left < d) {
		return max(left, time.Millisecond)
	}
	return d
}
