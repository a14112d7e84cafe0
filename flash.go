package scarab

import (
	"encoding/json"
	"reflect"
)

// A Queue is a list of flash messages of type T with a name: messages that the
// next page shows, once. They are kept under the key "_f_" plus the name, as
// Pyramid keeps them, and "" is the default queue.
//
//	const warnings = scarab.Queue[Notice]("warnings")
//
// A queue holds 100 messages; a push onto a full one drops the oldest and
// raises an event. HEAD requests and prefetches see messages and leave them.
type Queue[T any] string

// Push appends msg. If the key holds something else than a list, the commit
// fails.
func (q Queue[T]) Push(s *Session, msg T) { q.push(s, msg, false) }

// PushUnique is Push, unless an equal message is waiting: Pyramid's
// allow_duplicate=False. Messages are equal if their JSON is.
func (q Queue[T]) PushUnique(s *Session, msg T) { q.push(s, msg, true) }

func (q Queue[T]) push(s *Session, msg T, unique bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := q.key()
	raw, err := encodeAs(msg)
	if err != nil {
		s.failWith(encodeError(key, msg, err))
		return
	}
	s.settle(key)
	s.change(change{kind: changePush, key: key, raw: raw, unique: unique})
}

// Pop returns the messages and removes them; messages that are no T stay. A
// second Pop is empty. Two requests that pop at the same time both show what
// was there; a message that is pushed meanwhile stays for the next.
func (q Queue[T]) Pop(s *Session) []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	messages, raws := q.messages(s)
	if len(messages) > 0 {
		s.change(change{kind: changePop, key: q.key(), popped: &popped{s.base.Version, is[T], raws}})
	}
	return messages
}

// Peek returns the messages and leaves them.
func (q Queue[T]) Peek(s *Session) []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	messages, _ := q.messages(s)
	return messages
}

// messages returns those that are a T, and their JSON.
func (q Queue[T]) messages(s *Session) (messages []T, raws []json.RawMessage) {
	s.settle(q.key())
	raw, _ := s.cur.get(q.key())
	list, err := elements(raw)
	if err != nil {
		return nil, nil
	}
	for _, raw := range list {
		if m, ok := message[T](raw); ok {
			messages, raws = append(messages, m), append(raws, raw)
		}
	}
	return messages, raws
}

func (q Queue[T]) key() string { return queuePrefix + string(q) }

// message decodes raw, if it is a T. A null is one only for types that have a
// nil.
func message[T any](raw json.RawMessage) (m T, ok bool) {
	if string(raw) == "null" {
		switch reflect.TypeFor[T]().Kind() {
		case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice:
			return m, true
		}
		return m, false
	}
	m, err := decodeAs[T](raw)
	return m, err == nil
}

func is[T any](raw json.RawMessage) bool {
	_, ok := message[T](raw)
	return ok
}

// Flash pushes msg onto the default queue.
func (s *Session) Flash(msg string) { Queue[string]("").Push(s, msg) }

// PopFlash returns the messages of the default queue and removes them.
func (s *Session) PopFlash() []string { return Queue[string]("").Pop(s) }

// PeekFlash returns the messages of the default queue and leaves them.
func (s *Session) PeekFlash() []string { return Queue[string]("").Peek(s) }
