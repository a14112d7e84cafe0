package pyramid

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/redis/rueidis"
	"github.com/scarab-go/scarab"
)

// BeakerRedis is type=ext:redis: a key beaker_cache:ID:session for each session.
// It has a TTL, two minutes longer than the timeout, if there is a timeout.
func BeakerRedis(client rueidis.Client) BeakerStorage {
	return BeakerStorage{
		key: func(id string) string { return "beaker_cache:" + id + ":session" },
		open: func() (storage, error) {
			if client == nil {
				return nil, errors.New("pyramid: the Redis client is nil")
			}
			return redisStorage{client}, nil
		},
	}
}

// BeakerMemcached is type=ext:memcached, with python-memcached as the client: a
// key ID_session for each session. Beaker gives them no expiry, and neither
// does this: memcached drops what was not used for long when it is full.
// How long a call may take is up to the client, which looks at no context.
func BeakerMemcached(client *memcache.Client) BeakerStorage {
	return BeakerStorage{
		key: func(id string) string {
			key := strings.ReplaceAll(id+"_session", " ", "\u00b7")
			if len(key) > 250 {
				sum := sha1.Sum([]byte(key))
				key = hex.EncodeToString(sum[:])
			}
			return key
		},
		open: func() (storage, error) {
			if client == nil {
				return nil, errors.New("pyramid: the memcached client is nil")
			}
			return memcachedStorage{client}, nil
		},
	}
}

type memcachedStorage struct{ client *memcache.Client }

// Flags of python-memcached.
const (
	flagPickle     = 1
	flagCompressed = 8
	flagText       = 16
)

func (s memcachedStorage) load(_ context.Context, key string) (any, place, error) {
	item, err := s.client.Get(key)
	if errors.Is(err, memcache.ErrCacheMiss) {
		return nil, place{}, scarab.ErrNoSession
	}
	if err != nil {
		return nil, place{}, err
	}
	p := place{ttl: none, cas: item}
	raw := item.Value
	if item.Flags&flagCompressed != 0 {
		if raw, err = inflate(raw); err != nil {
			return nil, p, fmt.Errorf("%w: %w", errUndecodable, err)
		}
	}
	if item.Flags&flagPickle == 0 {
		return string(raw), p, nil
	}
	value, err := unpickle(raw)
	if err != nil {
		return nil, p, fmt.Errorf("%w: %w", errUndecodable, err)
	}
	return value, p, nil
}

// item returns what python-memcached makes of a value.
func (memcachedStorage) item(key string, value any) (*memcache.Item, error) {
	if text, ok := value.(string); ok {
		return &memcache.Item{Key: key, Value: []byte(text), Flags: flagText}, nil
	}
	raw, err := pickle(value)
	return &memcache.Item{Key: key, Value: raw, Flags: flagPickle}, err
}

func (s memcachedStorage) create(_ context.Context, key string, value any, _ time.Duration) (place, error) {
	item, err := s.item(key, value)
	if err != nil {
		return place{}, err
	}
	if err := s.client.Add(item); errors.Is(err, memcache.ErrNotStored) {
		return place{}, scarab.ErrExists
	} else if err != nil {
		return place{}, err
	}
	return s.place(item), nil
}

func (s memcachedStorage) replace(_ context.Context, key string, p place, value any, _ time.Duration) (place, error) {
	item, err := s.item(key, value)
	if err != nil {
		return place{}, err
	}
	next := *p.cas.(*memcache.Item) // with the token
	next.Value, next.Flags, next.Expiration = item.Value, item.Flags, 0
	if err := s.swap(&next); err != nil {
		return place{}, err
	}
	return s.place(&next), nil
}

// place returns where item was just written, with its token if it can be had:
// it may have been overwritten meanwhile. With the token of before, the next
// write is told that the value changed, which is right then.
func (s memcachedStorage) place(item *memcache.Item) place {
	if now, err := s.client.Get(item.Key); err == nil && bytes.Equal(now.Value, item.Value) {
		item = now
	}
	return place{ttl: none, cas: item}
}

func (s memcachedStorage) swap(item *memcache.Item) error {
	err := s.client.CompareAndSwap(item)
	switch {
	case errors.Is(err, memcache.ErrCASConflict):
		return errChanged
	case errors.Is(err, memcache.ErrCacheMiss), errors.Is(err, memcache.ErrNotStored):
		return scarab.ErrNoSession
	}
	return err
}

func (memcachedStorage) extend(context.Context, string, place, time.Duration) error { return nil }

// removeSame writes a value that has expired: memcached has no delete that
// compares.
func (s memcachedStorage) removeSame(_ context.Context, _ string, p place) error {
	next := *p.cas.(*memcache.Item)
	next.Expiration = -1
	return s.swap(&next)
}

func (s memcachedStorage) remove(_ context.Context, key string) error {
	if err := s.client.Delete(key); !errors.Is(err, memcache.ErrCacheMiss) {
		return err
	}
	return nil
}
