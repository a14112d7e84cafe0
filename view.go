package scarab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// A view is a value that was given out and may be changed in place: a list or
// an object that Get returned, which Changed says to look at, or what Edit
// points to, which every commit looks at.
type view struct {
	key   string
	value any             // a map[string]any, a []any, or the pointer of Edit
	edit  bool            // from Edit
	raw   json.RawMessage // the value in the session it stands for; nil if there was none
	clean json.RawMessage // what value encoded to at first

	refresh func(json.RawMessage) // of Edit: makes value what another request has saved
}

// giveOut decodes raw. A list or an object is remembered, so that the next Get
// returns the same one, changes in place included.
func (s *Session) giveOut(key string, raw json.RawMessage) (any, bool) {
	for _, v := range s.views {
		if v.key == key && !v.edit && same(v.raw, raw) {
			return v.value, true
		}
	}
	value, err := decode(raw)
	if err != nil {
		return nil, false
	}
	switch value.(type) {
	case map[string]any, []any:
		s.addView(view{key: key, value: value, raw: raw})
	}
	return value, true
}

// addView remembers v, in place of views of values that are gone.
func (s *Session) addView(v view) {
	s.views = slices.DeleteFunc(s.views, func(old view) bool {
		return old.key == v.key && !same(old.raw, v.raw)
	})
	s.views = append(s.views, v)
}

// settle records a change for every view of key that was changed in place.
func (s *Session) settle(key string) {
	if len(s.views) > 0 {
		s.settleViews(func(v *view) bool { return v.key == key })
	}
}

func (s *Session) settleAll() {
	if len(s.views) > 0 {
		s.settleViews(func(*view) bool { return true })
	}
}

func (s *Session) settleViews(which func(*view) bool) {
	for i := range s.views {
		v := &s.views[i]
		if !which(v) || !v.edit && !s.live {
			continue
		}
		raw, ok := s.cur.get(v.key)
		if ok != (v.raw != nil) || !same(raw, v.raw) {
			continue // it was set to something else meanwhile, which counts
		}
		now, err := encode(v.value)
		if err != nil && !v.edit {
			// It may hold what Python has put there and JSON has no word for.
			if original, _ := decode(v.raw); fmt.Sprintf("%#v", original) == fmt.Sprintf("%#v", v.value) {
				continue
			}
		}
		if err != nil {
			s.failWith(encodeError(v.key, v.value, err))
			continue
		}
		if v.clean == nil {
			original, _ := decode(v.raw)
			if v.clean, err = encode(original); err != nil {
				v.clean = v.raw // it holds what JSON has no word for, such as NaN
			}
		}
		if !bytes.Equal(now, v.clean) {
			s.change(change{kind: changeSet, key: v.key, raw: now})
			v.raw, v.clean = now, now
		}
	}
}

// moveEdits makes what Edit points to stand for the values of next, which comes
// in place of s.cur: it goes on, also where another request was faster.
func (s *Session) moveEdits(next *State) {
	for i := range s.views {
		v := &s.views[i]
		if raw, ok := s.cur.get(v.key); v.edit && ok == (v.raw != nil) && same(raw, v.raw) {
			if v.raw, _ = next.get(v.key); !same(v.raw, raw) && !bytes.Equal(v.raw, raw) {
				v.refresh(v.raw)
				v.clean, _ = encode(v.value)
			}
		}
	}
}

// dropViews forgets the views of key.
func (s *Session) dropViews(key string) {
	s.views = slices.DeleteFunc(s.views, func(v view) bool { return v.key == key })
}

// same reports whether a and b are the same bytes in memory: encoded values
// are never changed in place, so this is a value nobody has set since.
func same(a, b json.RawMessage) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}
