package pyramid

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"
	"github.com/scarab-go/scarab"
)

// redisStorage keeps pickles in Redis.
type redisStorage struct{ client rueidis.Client }

func (s redisStorage) load(ctx context.Context, key string) (any, place, error) {
	answers := s.client.DoMulti(ctx,
		s.client.B().Get().Key(key).Build(),
		s.client.B().Pttl().Key(key).Build())
	raw, err := answers[0].AsBytes()
	if rueidis.IsRedisNil(err) {
		return nil, place{}, scarab.ErrNoSession
	}
	if err != nil {
		return nil, place{}, err
	}
	ms, err := answers[1].AsInt64()
	if err != nil {
		return nil, place{}, err
	}
	p := place{raw: raw, ttl: none}
	if ms >= 0 {
		p.ttl = time.Duration(ms) * time.Millisecond
	}
	value, err := unpickle(raw)
	if err != nil {
		return nil, p, fmt.Errorf("%w: %w", errUndecodable, err)
	}
	return value, p, nil
}

func (s redisStorage) create(ctx context.Context, key string, value any, ttl time.Duration) (place, error) {
	raw, err := pickle(value)
	if err != nil {
		return place{}, err
	}
	set := s.client.B().Set().Key(key).Value(rueidis.BinaryString(raw)).Nx()
	command := set.Build
	if ttl != none {
		command = set.PxMilliseconds(milliseconds(ttl)).Build
	}
	err = s.client.Do(ctx, command()).Error()
	if rueidis.IsRedisNil(err) {
		return place{}, scarab.ErrExists
	}
	return place{raw: raw, ttl: ttl}, err
}

// ifSame does something to a key whose value has the given SHA-1: the value
// itself may be long. It returns 1, 0 if the key is not there, -1 if it has
// another value.
var ifSame = rueidis.NewLuaScript(`
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
if redis.sha1hex(value) ~= ARGV[1] then return -1 end
if ARGV[2] == 'DEL' then redis.call('DEL', KEYS[1]) end
if ARGV[2] == 'SET' then redis.call('SET', KEYS[1], ARGV[4]) end
if ARGV[3] ~= '' then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return 1`)

func (s redisStorage) ifSame(ctx context.Context, key string, p place, what string, ttl time.Duration, raw []byte) error {
	sum := sha1.Sum(p.raw)
	ms := ""
	if ttl != none {
		ms = strconv.FormatInt(milliseconds(ttl), 10)
	}
	n, err := ifSame.Exec(ctx, s.client, []string{key},
		[]string{hex.EncodeToString(sum[:]), what, ms, rueidis.BinaryString(raw)}).AsInt64()
	switch {
	case err != nil:
		return err
	case n == 0:
		return scarab.ErrNoSession
	case n < 0:
		return errChanged
	}
	return nil
}

func (s redisStorage) replace(ctx context.Context, key string, p place, value any, ttl time.Duration) (place, error) {
	raw, err := pickle(value)
	if err != nil {
		return place{}, err
	}
	return place{raw: raw, ttl: ttl}, s.ifSame(ctx, key, p, "SET", ttl, raw)
}

func (s redisStorage) extend(ctx context.Context, key string, p place, ttl time.Duration) error {
	return s.ifSame(ctx, key, p, "", ttl, nil)
}

func (s redisStorage) removeSame(ctx context.Context, key string, p place) error {
	return s.ifSame(ctx, key, p, "DEL", none, nil)
}

func (s redisStorage) remove(ctx context.Context, key string) error {
	return s.client.Do(ctx, s.client.B().Del().Key(key).Build()).Error()
}

func milliseconds(d time.Duration) int64 { return max(d.Milliseconds(), 1) }
