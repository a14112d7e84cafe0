package scarab

import (
	"encoding/json"
	"fmt"
)

// A Key is a place in the session for values of type T. Declare it once, in
// the package that owns it:
//
//	const visits = scarab.Key[int]("visits")
//
// T may be anything that encoding/json encodes and decodes.
type Key[T any] string

// Get returns the value, or the zero value if there is none, or one of another
// type.
func (k Key[T]) Get(s *Session) T {
	v, err := k.Lookup(s)
	if err != nil {
		return *new(T)
	}
	return v
}

// Lookup returns the value. The error is ErrNoValue, or says why the value does
// not decode.
func (k Key[T]) Lookup(s *Session) (v T, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(string(k))
	raw, ok := s.cur.get(string(k))
	if !ok {
		return v, ErrNoValue
	}
	return k.decode(raw)
}

// Set puts v. What JSON cannot hold fails the commit, as with [Session.Set].
func (k Key[T]) Set(s *Session, v T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(string(k), v)
}

// Update replaces the value by what f makes of it, starting from the zero
// value if there is none. If another request changes the value meanwhile, f
// runs again on what is there then: no update is lost, as it would be with Get
// and Set. So f may run more than once, must not use s, and is best a function
// of its argument alone.
//
// A value that does not decode as T is left as it is and fails the commit: a
// deployment halfway must not wipe what the other half wrote.
func (k Key[T]) Update(s *Session, f func(T) T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(string(k))
	s.change(change{kind: changeUpdate, key: string(k), update: func(raw json.RawMessage, ok bool) (json.RawMessage, error) {
		var v T
		if ok {
			var err error
			if v, err = k.decode(raw); err != nil {
				return nil, err
			}
		}
		v = f(v)
		next, err := encodeAs(v)
		if err != nil {
			return nil, encodeError(string(k), v, err)
		}
		return next, nil
	}})
}

// Edit returns a pointer to the value, zero if there is none: what it holds at
// the commit is saved, if it differs. Other requests that edit the same key at
// the same time overwrite each other, the last one wins; [Key.Update] does not
// have that problem. A value that does not decode as T fails the commit.
func (k Key[T]) Edit(s *Session) *T {
	s.mu.Lock()
	defer s.mu.Unlock()
	current, _ := s.cur.get(string(k))
	for _, v := range s.views {
		if p, is := v.value.(*T); is && v.edit && v.key == string(k) && same(v.raw, current) {
			return p
		}
	}
	s.settle(string(k))
	raw, ok := s.cur.get(string(k))
	p := new(T)
	if ok {
		v, err := k.decode(raw)
		if err != nil {
			s.failWith(err)
			return p
		}
		*p = v
	}
	clean, err := encode(p)
	if err != nil {
		s.failWith(encodeError(string(k), *p, err))
		return p
	}
	s.addView(view{key: string(k), value: p, edit: true, raw: raw, clean: clean, refresh: func(raw json.RawMessage) {
		if v, err := k.decode(raw); err == nil {
			*p = v
		} else if raw == nil {
			*p = *new(T)
		}
	}})
	return p
}

// Pop removes the value and returns it, once: if another request takes or
// changes it before this one's commit, the commit fails with ErrPopped (409).
// Use it for what must not be used twice, such as the state of an OAuth login.
func (k Key[T]) Pop(s *Session) (v T, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(string(k))
	raw, ok := s.cur.get(string(k))
	if !ok {
		return v, false
	}
	v, err := k.decode(raw)
	if err != nil {
		return v, false
	}
	s.dropViews(string(k))
	s.change(change{kind: changeTake, key: string(k), raw: raw})
	return v, true
}

// Delete removes the value.
func (k Key[T]) Delete(s *Session) { s.Delete(string(k)) }

func (k Key[T]) decode(raw json.RawMessage) (v T, err error) {
	v, err = decodeAs[T](raw)
	if err != nil {
		return v, fmt.Errorf("scarab: the value at key %q is no %T: %w", string(k), v, err)
	}
	return v, nil
}

func encodeError(key string, v any, err error) error {
	return fmt.Errorf("scarab: the value for key %q, a %T, cannot be encoded: %w", key, v, err)
}
