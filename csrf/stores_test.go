package csrf_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/scarab-go/scarab"
)

// codec signs: what is made for one cookie name does not open under another.
type codec string

func (key codec) mac(name, payload string) string {
	m := hmac.New(sha256.New, []byte(key))
	fmt.Fprintf(m, "%d %s %s", len(name), name, payload)
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

func (key codec) Encode(name string, payload []byte) (string, error) {
	text := base64.RawURLEncoding.EncodeToString(payload)
	return text + "." + key.mac(name, text), nil
}

func (key codec) Decode(name, value string) ([]byte, error) {
	text, mac, _ := strings.Cut(value, ".")
	if !hmac.Equal([]byte(mac), []byte(key.mac(name, text))) {
		return nil, errors.New("forged")
	}
	return base64.RawURLEncoding.DecodeString(text)
}

// mapStore is a store in a map, which counts its calls and can be down.
type mapStore struct {
	mu      sync.Mutex
	records map[scarab.Handle]scarab.Record
	calls   int
	down    error
}

func (m *mapStore) lock() (unlock func(), err error) {
	m.mu.Lock()
	m.calls++
	if m.records == nil {
		m.records = map[scarab.Handle]scarab.Record{}
	}
	return m.mu.Unlock, m.down
}

func (m *mapStore) Load(_ context.Context, h scarab.Handle, now time.Time) (scarab.Record, error) {
	unlock, err := m.lock()
	defer unlock()
	r, ok := m.records[h]
	switch {
	case err != nil:
		return scarab.Record{}, err
	case !ok || r.Expired(now):
		return scarab.Record{}, scarab.ErrNoSession
	}
	return r, nil
}

func (m *mapStore) Create(_ context.Context, r scarab.Record) error {
	unlock, err := m.lock()
	defer unlock()
	if _, ok := m.records[r.Handle]; ok && err == nil {
		err = scarab.ErrExists
	}
	if err == nil {
		m.records[r.Handle] = r
	}
	return err
}

func (m *mapStore) Save(_ context.Context, r scarab.Record) error {
	unlock, err := m.lock()
	defer unlock()
	current, ok := m.records[r.Handle]
	switch {
	case err != nil:
		return err
	case !ok:
		return scarab.ErrNoSession
	case current.Version != r.Version-1:
		return &scarab.ConflictError[scarab.Record]{Current: &current}
	}
	m.records[r.Handle] = r
	return nil
}

func (m *mapStore) Touch(_ context.Context, h scarab.Handle, now time.Time) error {
	unlock, err := m.lock()
	defer unlock()
	r, ok := m.records[h]
	if err == nil && (!ok || r.Expired(now)) {
		err = scarab.ErrNoSession
	}
	if err == nil {
		m.records[h] = r.Touch(now)
	}
	return err
}

func (m *mapStore) Delete(_ context.Context, h scarab.Handle) error {
	unlock, err := m.lock()
	defer unlock()
	if err == nil {
		delete(m.records, h)
	}
	return err
}

// fail makes every call fail from now on, nil ends that. count returns the
// calls so far, and len the sessions.
func (m *mapStore) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = err
}

func (m *mapStore) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls
}

func (m *mapStore) all() map[scarab.Handle]scarab.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.records)
}
