package limit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// Redis keeps sessions in Redis: GET, and a script that writes if the version
// is the one loaded. A record is version ‖ hash of the secret ‖ data.
type Redis struct{ client rueidis.Client }

// NewRedis returns a Redis on a client that stays the caller's.
func NewRedis(client rueidis.Client) *Redis { return &Redis{client} }

const versionSize = 8

var (
	replace = rueidis.NewLuaScript(`
if redis.call('GETRANGE', KEYS[1], 0, 7) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`)

	ttl = strconv.FormatInt(int64(lifetime/time.Millisecond), 10)
)

func redisKey(t *token) string { return "limit:" + string(t[:handleSize]) }

func redisValue(t *token, version uint64, data Data) []byte {
	value := make([]byte, versionSize, versionSize+sha256.Size+len(data))
	binary.BigEndian.PutUint64(value, version)
	hash := t.hash()
	return append(append(value, hash[:]...), data...)
}

// Create implements Backend.
func (s *Redis) Create(data Data) (string, error) {
	t := newToken()
	value := redisValue(&t, 1, data)
	err := s.client.Do(context.Background(), s.client.B().Set().Key(redisKey(&t)).
		Value(rueidis.BinaryString(value)).Nx().Px(lifetime).Build()).Error()
	return t.String(), err
}

// Load implements Backend.
func (s *Redis) Load(cookie string) (Loaded, error) {
	t, ok := parseToken(cookie)
	if !ok {
		return Loaded{}, nil
	}
	value, err := s.client.Do(context.Background(), s.client.B().Get().Key(redisKey(&t)).Build()).AsBytes()
	if rueidis.IsRedisNil(err) {
		return Loaded{}, nil
	}
	if err != nil || !t.opens(value[versionSize:versionSize+sha256.Size]) {
		return Loaded{}, err
	}
	return Loaded{value[versionSize+sha256.Size:], cookie, binary.BigEndian.Uint64(value)}, nil
}

// Save implements Backend.
func (s *Redis) Save(from Loaded, data Data) (string, error) {
	t, _ := parseToken(from.cookie)
	value := redisValue(&t, from.version+1, data)
	var version [versionSize]byte
	binary.BigEndian.PutUint64(version[:], from.version)
	done, err := replace.Exec(context.Background(), s.client, []string{redisKey(&t)},
		[]string{string(version[:]), rueidis.BinaryString(value), ttl}).AsInt64()
	if err == nil && done == 0 {
		err = ErrConflict
	}
	return from.cookie, err
}
