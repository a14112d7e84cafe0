package pyramid

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/scarab-go/scarab"
)

// A BeakerConfig has the options of Beaker that make its cookies and what it
// stores. The prefix of the settings, session. or beaker.session., is left out
// here. Names and attributes of the cookie are in scarab.Config, and
// save_accessed_time=False is its TouchInterval: scarab.Never.
type BeakerConfig struct {
	// Secrets is the option secret, as text. With several, the first signs and
	// all are read. type=cookie does not use it.
	Secrets []string

	// InsecureUnsignedID is Beaker without a secret: whoever knows or plants
	// an id has the session.
	InsecureUnsignedID bool

	// Timeout is the option timeout, scarab.Never if Beaker has none, which is
	// its default. It is the idle timeout of sessions that Python made. Set
	// Config.IdleTimeout to the same: another one is written into each session
	// that Go makes, under the key _scarab_. Zero is Config.IdleTimeout for all
	// sessions, and none for Python.
	Timeout time.Duration

	// Legacy is for Beaker up to 1.11: what is stored without encryption is
	// the dict itself, and later versions cannot read it, nor the other way
	// round. Both are read here; Legacy says which is written.
	Legacy bool

	Serializer Serializer // data_serializer; "" is Pickle. Legacy stores ignore it

	// EncryptKey and ValidateKey are the options of those names, ASCII, and
	// Crypto the crypto_type: it must be said, since what Beaker means by
	// "default" depends on what is installed, and may be no encryption at all.
	// NonceBits is encrypt_nonce_bits; 0 is 128, 48 is the only other.
	EncryptKey, ValidateKey string
	Crypto                  BeakerCrypto
	NonceBits               int

	// Domain and Path are cookie_domain and cookie_path, which Beaker also
	// writes into the session. "" are None and "/".
	Domain, Path string
}

// Beaker returns the backend of Beaker, and so of pyramid_beaker, for all types
// but cookie: the session is in a storage, its id in the cookie.
//
// A session whose stored value does not decode is a new one, as Beaker's
// invalidate_corrupt=True has it. Go ends a session where Beaker leaves its
// entry behind, and takes no id that is not in the storage; Beaker takes an id
// that is well signed. What [RedisSessions] says of Python's blind writes and
// of Renew holds for every storage. Where Beaker's entries never expire, the
// notes that Renew and Login leave do not either: sweep both as you do now.
func Beaker(s BeakerStorage, c BeakerConfig) (scarab.Backend, error) {
	if s.open == nil {
		return nil, errors.New("pyramid: no Beaker storage: make one with BeakerRedis, BeakerMemcached, BeakerSQL or BeakerFiles")
	}
	data, errData := c.data()
	cookie, errCookie := c.idCookie()
	store, errStore := s.open()
	if err := errors.Join(errData, errCookie, errStore); err != nil {
		return nil, err
	}
	return &kept{cookie, &beaker{c: c, data: data, name: s.key}, store}, nil
}

// A BeakerStorage is where Beaker keeps sessions: the option type.
type BeakerStorage struct {
	open func() (storage, error)
	key  func(id string) string
}

// idCookie is the id behind its HMAC-SHA1.
func (c BeakerConfig) idCookie() (idCookie, error) {
	if c.InsecureUnsignedID {
		if len(c.Secrets) > 0 {
			return nil, errors.New("pyramid: Secrets and InsecureUnsignedID are both set: drop InsecureUnsignedID")
		}
		return beakerID{}, nil
	}
	keys, err := beakerKeys(c.Secrets, "Secrets")
	return beakerID{keys}, err
}

// beakerKeys are the bytes of secrets: UTF-8, where Pyramid has latin-1.
func beakerKeys(secrets []string, field string) (keys [][]byte, err error) {
	if len(secrets) == 0 {
		return nil, fmt.Errorf("pyramid: %s is empty: give it Beaker's", field)
	}
	for i, secret := range secrets {
		if secret == "" {
			return nil, fmt.Errorf("pyramid: %s[%d] is empty: is the setting it comes from missing?", field, i)
		}
		keys = append(keys, []byte(secret))
	}
	return keys, nil
}

type beakerID struct{ keys [][]byte } // none: unsigned

// Ids are 32 hexadecimal digits, but other code may have made them. They become
// names of files and keys: nothing that means something there is let through.
var beakerIDForm = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,127}$`)

func (b beakerID) seal(id string) (string, error) {
	if b.keys == nil {
		return id, nil
	}
	return sumSHA1(b.keys[0], []byte(id)) + id, nil
}

func (b beakerID) open(value string) (string, error) {
	id := value
	if b.keys != nil {
		var err error
		if id, err = checkSHA1(b.keys, value); err != nil {
			return "", err
		}
	}
	if !beakerIDForm.MatchString(id) {
		return "", errors.New("pyramid: the id has a form that Beaker's have not")
	}
	return id, nil
}

// checkSHA1 returns what follows the signature in value.
func checkSHA1(keys [][]byte, value string) (string, error) {
	if len(value) < hexSHA1 {
		return "", errForged
	}
	for _, key := range keys {
		if hmac.Equal([]byte(sumSHA1(key, []byte(value[hexSHA1:]))), []byte(value[:hexSHA1])) {
			return value[hexSHA1:], nil
		}
	}
	return "", errForged
}

// beaker is Beaker's dict, with keys of its own beside those of the application.
type beaker struct {
	c    BeakerConfig
	data *beakerData
	name func(id string) string
}

// Beaker's own keys. Go does not show them.
const (
	beakerDomain   = "_domain"
	beakerPath     = "_path"
	beakerAccessed = "_accessed_time"
	beakerCreated  = "_creation_time"
	beakerCookieID = "_id"      // type=cookie
	beakerExpires  = "_expires" // type=cookie, legacy
)

func (b *beaker) newID() string { return newUUID() }

// newUUID is Python's uuid.uuid4().hex: 122 random bits.
func newUUID() string {
	var id [16]byte
	rand.Read(id[:])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return hex.EncodeToString(id[:])
}

func (b *beaker) key(id string) string { return b.name(id) }

func (b *beaker) decode(now time.Time, value any, _ time.Duration) (*scarab.State, *contents, error) {
	dict, err := b.data.open(value)
	if err != nil {
		return nil, nil, err
	}
	if len(dict.keys) == 0 { // no session to Beaker either
		return nil, nil, errUndecodable
	}
	_, legacy := value.(*pyDict)
	return b.state(now, dict, b.data.serializer == JSON && !legacy)
}

// state makes a state of the dict; plain as in stateOf.
func (b *beaker) state(now time.Time, dict *pyDict, plain bool) (*scarab.State, *contents, error) {
	st, c, err := stateOf(dict, plain, beakerDomain, beakerPath, beakerAccessed, beakerCreated, beakerCookieID, beakerExpires)
	if err != nil {
		return nil, nil, err
	}
	// Beaker takes a session without times for one that is made now.
	var ok1, ok2 bool
	st.Created, ok1 = toTime(c.own(beakerCreated, fromTime(now)))
	st.Seen, ok2 = toTime(c.own(beakerAccessed, fromTime(now)))
	if !ok1 || !ok2 {
		return nil, nil, errUndecodable
	}
	if st.Idle == 0 {
		st.Idle = b.c.Timeout
	}
	return st, c, nil
}

func (b *beaker) encode(now time.Time, id string, st *scarab.State, c *contents) (any, time.Duration, error) {
	dict := new(pyDict)
	b.place(dict, c)
	dict.put(beakerAccessed, fromTime(st.Seen)).put(beakerCreated, fromTime(st.Created))
	if err := c.fill(dict, st, b.data.plain()); err != nil {
		return nil, 0, err
	}
	putReserved(dict, id, st, b.c.Timeout)
	value, err := b.data.seal(dict)
	return value, b.ttl(now, st), err
}

// place puts the domain and the path of the cookie into dict.
func (b *beaker) place(dict *pyDict, c *contents) {
	var domain any
	if b.c.Domain != "" {
		domain = b.c.Domain
	}
	path := b.c.Path
	if path == "" {
		path = "/"
	}
	dict.put(beakerDomain, c.own(beakerDomain, domain)).put(beakerPath, c.own(beakerPath, path))
}

// ttl is Beaker's: only with a timeout, and two minutes longer.
func (b *beaker) ttl(now time.Time, st *scarab.State) time.Duration {
	if b.c.Timeout == 0 || b.c.Timeout == scarab.Never || st.Idle == scarab.Never {
		return none
	}
	return max(b.c.Timeout, st.Idle) + 2*time.Minute
}

func (*beaker) touch(time.Time, *scarab.State) (touch, time.Duration) { return touchValue, 0 }
