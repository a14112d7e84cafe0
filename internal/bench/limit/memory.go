package limit

import (
	"crypto/sha256"
	"sync"
	"time"
)

// Memory keeps sessions in maps with a lock each.
type Memory struct {
	shards [64]struct {
		mu      sync.Mutex
		records map[[handleSize]byte]record
	}
}

type record struct {
	secret  [sha256.Size]byte
	version uint64
	expires int64
	data    Data
}

// NewMemory returns an empty Memory.
func NewMemory() *Memory {
	m := new(Memory)
	for i := range m.shards {
		m.shards[i].records = make(map[[handleSize]byte]record)
	}
	return m
}

// Create implements Backend.
func (m *Memory) Create(data Data) (string, error) {
	t := newToken()
	sh := &m.shards[t[0]%64]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.records[t.handle()] = record{t.hash(), 1, time.Now().Add(lifetime).Unix(), data}
	return t.String(), nil
}

// Load implements Backend.
func (m *Memory) Load(cookie string) (Loaded, error) {
	t, ok := parseToken(cookie)
	if !ok {
		return Loaded{}, nil
	}
	sh := &m.shards[t[0]%64]
	sh.mu.Lock()
	r, ok := sh.records[t.handle()]
	sh.mu.Unlock()
	if !ok || r.expires < time.Now().Unix() || !t.opens(r.secret[:]) {
		return Loaded{}, nil
	}
	return Loaded{r.data, cookie, r.version}, nil
}

// Save implements Backend.
func (m *Memory) Save(from Loaded, data Data) (string, error) {
	t, _ := parseToken(from.cookie)
	sh := &m.shards[t[0]%64]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	r := sh.records[t.handle()]
	if r.version != from.version {
		return "", ErrConflict
	}
	r.version++
	r.data, r.expires = data, time.Now().Add(lifetime).Unix()
	sh.records[t.handle()] = r
	return from.cookie, nil
}
