package pyramid

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/redis/rueidis"
	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/cookiecodec"
)

// A RedisConfig has the parameters of pyramid_redis_sessions and of
// pyramid_session_redis.
type RedisConfig struct {
	// Secrets is Pyramid's secret, as text. With several, the first signs and
	// all are read. At least one is needed.
	Secrets []string

	// Prefix is what the setting prefix puts in front of ids.
	Prefix string

	// NoExpires is python_expires=False of pyramid_session_redis, NoTTL its
	// set_redis_ttl=False (assume_redis_lru=True in old versions).
	NoExpires, NoTTL bool
}

// RedisSessions returns the backend of pyramid_redis_sessions: the session is a
// pickle in Redis, its id is signed in the cookie.
//
// The timeout of a session is kept with it, in whole seconds: it is
// Config.IdleTimeout when Go creates it, Pyramid's timeout when Python does,
// and Session.SetTimeouts is adjust_timeout_for_session.
//
// Go replaces a session only if it is still what it loaded, and ends it for
// good. Python does neither: it writes the whole session back after every
// change, with a SET that does not look. So a slow request of Pyramid's can
// undo what Go wrote meanwhile, and bring back a session that Go ended. That
// ends when the last route has moved.
//
// Renew and Login move the session to a new id, since the id is all that the
// cookie has. For an hour a key scarab-renewed-… beside the sessions says where
// to, for requests that are under way with the old id: what they save is not
// lost, and a logout ends the session. The client may be one of Sentinels or a
// cluster; its own retries should be off (rueidis.ClientOption.DisableRetry).
func RedisSessions(client rueidis.Client, c RedisConfig) (scarab.Backend, error) {
	cookie, err := c.cookie()
	if err != nil {
		return nil, err
	}
	return newKept(client, cookie, redisSessions{prefix: c.Prefix})
}

// RedisSessionsFork returns the backend of pyramid_session_redis, the fork of
// pyramid_redis_sessions that is maintained. Cookies and values are others;
// what [RedisSessions] says holds here too, but that Python writes once a
// request, and only what changed.
func RedisSessionsFork(client rueidis.Client, c RedisConfig) (scarab.Backend, error) {
	cookie, err := c.forkCookie()
	if err != nil {
		return nil, err
	}
	return newKept(client, cookie, redisFork{c})
}

func newKept(client rueidis.Client, cookie idCookie, f format) (scarab.Backend, error) {
	if client == nil {
		return nil, errors.New("pyramid: the Redis client is nil")
	}
	return &kept{cookie, f, redisStorage{client}}, nil
}

// cookie is the pickled id, signed as Pyramid 1.x signs.
func (c RedisConfig) cookie() (idCookie, error) {
	s, err := newSigner(c.Secrets)
	return signedID{s, true}, err
}

// forkCookie is the bare id, signed as Pyramid 2 signs.
func (c RedisConfig) forkCookie() (idCookie, error) {
	s, err := cookiecodec.NewSigned(cookiecodec.SignedConfig{SecretText: c.Secrets, Salt: "pyramid_session_redis."})
	return signedID{s, false}, err
}

type signedID struct {
	codec  scarab.Codec
	pickle bool
}

// maxID bounds ids; those of the originals have 64 characters and a prefix.
const maxID = 512

func (s signedID) seal(id string) (string, error) {
	data := []byte(id)
	if s.pickle {
		var err error
		if data, err = pickle(id); err != nil {
			return "", err
		}
	}
	return s.codec.Encode("", data)
}

func (s signedID) open(value string) (string, error) {
	data, err := s.codec.Decode("", value)
	if err != nil {
		return "", err
	}
	id := string(data)
	if s.pickle {
		v, err := unpickle(data)
		if err != nil {
			return "", err
		}
		var ok bool
		if id, ok = v.(string); !ok {
			return "", errors.New("pyramid: the signed id is no text")
		}
	}
	if id == "" || len(id) > maxID {
		return "", fmt.Errorf("pyramid: an id of %d bytes", len(id))
	}
	return id, nil
}

// redisSessions is {'managed_dict': {…}, 'created': float, 'timeout': int}.
type redisSessions struct{ prefix string }

// newID returns 64 hexadecimal digits, as the original's are.
func (f redisSessions) newID() string {
	var b [32]byte
	rand.Read(b[:])
	return f.prefix + hex.EncodeToString(b[:])
}

func (redisSessions) key(id string) string { return id }

func (redisSessions) decode(now time.Time, value any, ttl time.Duration) (*scarab.State, *contents, error) {
	outer, ok := value.(*pyDict)
	if !ok {
		return nil, nil, errUndecodable
	}
	dict, ok := outer.get("managed_dict").(*pyDict)
	created, ok2 := toTime(outer.get("created"))
	if !ok || !ok2 {
		return nil, nil, errUndecodable
	}
	st, c, err := stateOf(dict, false)
	if err != nil {
		return nil, nil, err
	}
	st.Created = created
	if st.Idle, err = toDuration(outer.get("timeout")); err != nil {
		return nil, nil, err
	}
	st.Seen = created
	switch {
	case st.Idle == scarab.Never:
	case ttl == none: // somebody took it off: the next touch sets it again
		st.Expires = now.Add(st.Idle)
	default: // how long it is kept tells when it was used
		st.Expires = now.Add(ttl)
		st.Seen = now.Add(min(ttl-st.Idle, 0))
		if !st.Deadline.IsZero() && st.Deadline.Sub(st.Expires) < time.Second {
			st.Seen = now // it is kept to its deadline, and a touch does nothing
		}
	}
	return st, c, nil
}

func (f redisSessions) encode(now time.Time, id string, st *scarab.State, c *contents) (any, time.Duration, error) {
	dict := new(pyDict)
	if err := c.fill(dict, st, false); err != nil {
		return nil, 0, err
	}
	putReserved(dict, id, st, st.Idle)
	timeout, ttl := expire(now, st)
	return new(pyDict).put("managed_dict", dict).put("created", fromTime(st.Created)).put("timeout", timeout), ttl, nil
}

func (redisSessions) touch(now time.Time, st *scarab.State) (touch, time.Duration) {
	_, ttl := expire(now, st)
	return touchTTL, ttl
}

// expire returns the timeout of st as it is stored, and for how long it is kept
// if it is used at now. It has no word for never; 68 years are.
func expire(now time.Time, st *scarab.State) (seconds int64, ttl time.Duration) {
	seconds = wholeSeconds(st.Idle)
	ttl = until(time.Duration(seconds)*time.Second, now, st)
	st.Expires = now.Add(ttl)
	return seconds, ttl
}

// wholeSeconds rounds up; a session that says nothing has Pyramid's default.
func wholeSeconds(idle time.Duration) int64 {
	if idle == 0 {
		idle = defaultTimeout
	}
	return int64(min(math.Ceil(idle.Seconds()), math.MaxInt32))
}

// redisFork is {'m': {…}, 'c': created, 'v': 1, 't': timeout, 'x': expiry}, in
// whole seconds rounded up. t is missing without a timeout, x if Python is not
// to check it.
type redisFork struct{ c RedisConfig }

// newID returns 64 characters, as the original's are.
func (f redisFork) newID() string {
	var b [48]byte
	rand.Read(b[:])
	return f.c.Prefix + base64.RawURLEncoding.EncodeToString(b[:])
}

func (redisFork) key(id string) string { return id }

func (redisFork) decode(now time.Time, value any, ttl time.Duration) (*scarab.State, *contents, error) {
	outer, ok := value.(*pyDict)
	if !ok {
		return nil, nil, errUndecodable
	}
	dict, ok := outer.get("m").(*pyDict)
	created, ok2 := toTime(outer.get("c"))
	version, ok3 := outer.get("v").(int64)
	if !ok || !ok2 || !ok3 || version < 1 {
		return nil, nil, errUndecodable
	}
	st, c, err := stateOf(dict, false)
	if err != nil {
		return nil, nil, err
	}
	st.Created, st.Seen = created, created
	if st.Idle, err = toDuration(outer.get("t")); err != nil {
		return nil, nil, err
	}
	if x, found := outer.lookup("x"); found {
		expires, ok := toTime(x)
		if !ok {
			return nil, nil, errUndecodable
		}
		// Python's session lives until after that second.
		st.Expires = expires.Add(time.Microsecond)
	} else if ttl != none {
		st.Expires = now.Add(ttl)
	}
	if !st.Expires.IsZero() && st.Idle != scarab.Never {
		st.Seen = st.Expires.Add(-st.Idle)
	}
	if st.Expires.IsZero() {
		st.Seen = now // nothing says when it was used last
	}
	return st, c, nil
}

func (f redisFork) encode(now time.Time, id string, st *scarab.State, c *contents) (any, time.Duration, error) {
	dict := new(pyDict)
	if err := c.fill(dict, st, false); err != nil {
		return nil, 0, err
	}
	putReserved(dict, id, st, st.Idle)
	outer := new(pyDict).put("m", dict).put("c", ceil(st.Created)).put("v", int64(1))
	if st.Idle == scarab.Never {
		return outer, f.ttl(until(none, now, st)), nil
	}
	seconds, ttl := expire(now, st)
	if !f.c.NoExpires {
		outer.put("x", ceil(st.Expires))
	}
	return outer.put("t", seconds), f.ttl(ttl), nil
}

func (f redisFork) touch(now time.Time, st *scarab.State) (touch, time.Duration) {
	switch {
	case st.Idle == scarab.Never:
		return touchNothing, 0
	case f.c.NoExpires:
		_, ttl := expire(now, st)
		return touchTTL, f.ttl(ttl)
	}
	return touchValue, 0
}

func (f redisFork) ttl(d time.Duration) time.Duration {
	if f.c.NoTTL {
		return none
	}
	return d
}

// ceil is t in whole seconds, rounded up.
func ceil(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}
