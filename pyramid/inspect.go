package pyramid

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/scarab-go/scarab"
)

// Formats are the cookies that Inspect takes apart.
var Formats = []string{
	"signed", "signed-pickle", "unencrypted", "nacl", "nacl-pickle",
	"redis-sessions", "redis-sessions-fork", "beaker-id", "beaker-cookie",
}

// An InspectConfig says what a cookie was made with. Fields that a format has
// no use for are ignored.
type InspectConfig struct {
	Format string // one of Formats

	// Secrets is Pyramid's secret, as text, for all formats but nacl; for
	// beaker-cookie it is the validate_key. For beaker-id it may be empty.
	Secrets []string

	// Key is the secret of nacl, 32 bytes, or the encrypt_key of beaker-cookie.
	Key []byte

	Salt   string // of signed; "" is the default
	NoSalt bool
	Hash   string // of signed; "" is sha512

	// Crypto, NonceBits and Serializer are of beaker-cookie: see BeakerConfig.
	Crypto     BeakerCrypto
	NonceBits  int
	Serializer Serializer

	// Timeout is Pyramid's; 0 is its default, 20 minutes, scarab.Never none. A
	// nanosecond stands for timeout=0.
	Timeout time.Duration
}

// A Report is what Inspect found in a cookie. Its JSON is what the command
// scarab inspect prints.
type Report struct {
	Verdict string `json:"verdict"` // "accept" or "reject"
	Reason  string `json:"reason,omitempty"`

	// Created and Accessed are seconds since 1970, if the cookie has them.
	Created  *float64 `json:"created,omitempty"`
	Accessed *float64 `json:"accessed,omitempty"`

	// ID is the session's id where the cookie has one: for sessions in Redis
	// and Beaker's other storages, and for Beaker's cookies.
	ID string `json:"id,omitempty"`

	// State is what the session holds, where that is in the cookie: also of
	// one that is expired. Values that JSON cannot hold exactly are objects:
	// those of the package's notation, and {"$int": "…"} beyond 53 bits,
	// {"$float": "1.5"} for every float.
	State json.RawMessage `json:"state,omitempty"`
}

// Accepted reports whether the cookie is good at the time it was inspected.
func (r Report) Accepted() bool { return r.Verdict == "accept" }

// Inspect takes the value of a cookie apart, as it is at now. It needs no
// server: what the formats with an id keep elsewhere is not looked up.
//
// A cookie that is no good is a Report that says why; an error means that c
// is wrong.
func Inspect(now time.Time, c InspectConfig, cookie string) (Report, error) {
	switch c.Format {
	case "redis-sessions", "redis-sessions-fork", "beaker-id":
		open, err := c.idCookie()
		if err != nil {
			return Report{}, err
		}
		id, err := open(cookie)
		if err != nil {
			return rejected(err), nil
		}
		return Report{Verdict: "accept", ID: id}, nil
	case "beaker-cookie":
		return c.beakerCookie(now, cookie)
	}
	codec, serializer, err := c.codec()
	if err != nil {
		return Report{}, err
	}
	data, err := codec.Decode("", cookie)
	if err != nil {
		return rejected(err), nil
	}
	var v any
	if serializer == Pickle {
		v, err = unpickle(data)
	} else {
		v, err = parseJSON(data)
	}
	if err != nil {
		return rejected(err), nil
	}
	accessed, created, dict, err := triple(v)
	if err != nil {
		return rejected(err), nil
	}
	return c.report(now, created, accessed, dict, len(data)), nil
}

// codec returns the codec of a format that has the session in the cookie.
func (c InspectConfig) codec() (scarab.Codec, Serializer, error) {
	name, isPickle := strings.CutSuffix(c.Format, "-pickle")
	serializer := JSON
	if isPickle || name == "unencrypted" {
		serializer = Pickle
	}
	var codec scarab.Codec
	var err error
	switch {
	case name == "signed":
		codec, err = SignedConfig{Secrets: c.Secrets, Salt: c.Salt, NoSalt: c.NoSalt, Hash: c.Hash}.codec()
	case name == "nacl":
		codec, err = NaClConfig{Keys: [][]byte{c.Key}, Serializer: JSON}.codec()
	case c.Format == "unencrypted":
		codec, err = newSigner(c.Secrets)
	default:
		err = fmt.Errorf("pyramid: no format %q: use one of %s", c.Format, strings.Join(Formats, ", "))
	}
	return codec, serializer, err
}

// report judges a session whose contents are known.
func (c InspectConfig) report(now time.Time, created, accessed any, dict *pyDict, size int) Report {
	state, err := renderExact(dict, 2*renderLimit(size))
	if err != nil {
		return rejected(err)
	}
	r := Report{Verdict: "accept", State: state}
	timeout := c.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	if t, ok := toTime(created); ok {
		r.Created = new(float64)
		*r.Created = fromTime(t)
	}
	if t, ok := toTime(accessed); ok {
		r.Accessed = new(float64)
		*r.Accessed = fromTime(t)
		switch age := now.Sub(t); {
		case age < -maxAhead:
			r.Verdict, r.Reason = "reject", "from the future"
		case timeout != scarab.Never && age > timeout:
			r.Verdict, r.Reason = "reject", "expired"
		}
	}
	return r
}

const (
	// defaultTimeout is that of Pyramid's session factories.
	defaultTimeout = 20 * time.Minute

	// maxAhead is scarab.InCookie's: how far a clock may be ahead of ours.
	maxAhead = time.Minute
)

func rejected(err error) Report {
	reason := strings.TrimPrefix(err.Error(), "pyramid: ")
	return Report{Verdict: "reject", Reason: strings.TrimPrefix(reason, "cookiecodec: ")}
}

// idCookie returns what opens the cookie of a format that has an id in it.
func (c InspectConfig) idCookie() (func(string) (string, error), error) {
	var cookie idCookie
	var err error
	switch c.Format {
	case "redis-sessions":
		cookie, err = RedisConfig{Secrets: c.Secrets}.cookie()
	case "redis-sessions-fork":
		cookie, err = RedisConfig{Secrets: c.Secrets}.forkCookie()
	case "beaker-id":
		cookie, err = BeakerConfig{Secrets: c.Secrets, InsecureUnsignedID: len(c.Secrets) == 0}.idCookie()
	default:
		err = fmt.Errorf("pyramid: format %q has no id", c.Format)
	}
	if err != nil {
		return nil, err
	}
	return cookie.open, nil
}

// beakerCookie inspects a session that Beaker has in the cookie.
func (c InspectConfig) beakerCookie(now time.Time, cookie string) (Report, error) {
	if len(c.Secrets) == 0 {
		return Report{}, errors.New("pyramid: beaker-cookie needs a secret: the validate_key")
	}
	b, err := BeakerConfig{EncryptKey: string(c.Key), ValidateKey: c.Secrets[0], Crypto: c.Crypto, NonceBits: c.NonceBits, Serializer: c.Serializer}.beakerCookie()
	if err != nil {
		return Report{}, err
	}
	dict, err := b.open(cookie)
	if err != nil {
		return rejected(err), nil
	}
	r := c.report(now, dict.get(beakerCreated), dict.get(beakerAccessed), dict, len(cookie))
	r.ID, _ = dict.get(beakerCookieID).(string)
	return r, nil
}
