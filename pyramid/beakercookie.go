package pyramid

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"time"

	"github.com/scarab-go/scarab"
)

// BeakerCookie returns the backend of Beaker's type=cookie: the whole session is
// in the cookie, signed with ValidateKey and encrypted if there is an
// EncryptKey.
//
// The last Set-Cookie wins, and a copied cookie works until it expires, also
// after a logout. Pyramid's own invalidate is undone by Beaker unless something
// is set after it.
func BeakerCookie(c BeakerConfig) (scarab.Backend, error) {
	b, err := c.beakerCookie()
	if err != nil {
		return nil, err
	}
	return b, nil
}

func (c BeakerConfig) beakerCookie() (*beakerCookie, error) {
	data, err := c.data()
	if err != nil {
		return nil, err
	}
	if c.ValidateKey == "" {
		return nil, errors.New("pyramid: type=cookie needs ValidateKey, which signs the cookie")
	}
	data.legacy = false // both generations write cookies the same way
	return &beakerCookie{beaker{c: c, data: data}, [][]byte{[]byte(c.ValidateKey)}}, nil
}

type beakerCookie struct {
	beaker
	keys [][]byte
}

const (
	// maxBeakerCookie is Beaker's limit, for what follows the signature.
	maxBeakerCookie = 4064

	// maxCookie is browsers': RFC 6265bis, section 5.6.
	maxCookie = 4096
)

// Load implements scarab.Backend.
func (b *beakerCookie) Load(_ context.Context, now time.Time, _, value string) (*scarab.State, error) {
	dict, err := b.open(value)
	if errors.Is(err, errForged) {
		return nil, reject("forged")
	}
	if err != nil {
		return nil, undecodable(err)
	}
	st, c, err := b.state(now, dict, b.data.serializer == JSON)
	if err != nil {
		return nil, undecodable(err)
	}
	if st.Seen.After(now.Add(maxAhead)) {
		return nil, reject("from the future")
	}
	st.Version, st.Private = 1, c
	return st, nil
}

func (b *beakerCookie) open(value string) (*pyDict, error) {
	rest, err := checkSHA1(b.keys, value)
	if err != nil {
		return nil, err
	}
	return b.data.openText(rest)
}

// Commit implements scarab.Backend.
func (b *beakerCookie) Commit(_ context.Context, now time.Time, name, _ string, op scarab.Op, st *scarab.State) (string, error) {
	if op == scarab.Delete {
		return "", nil
	}
	c, _ := st.Private.(*contents) // nil if it comes from elsewhere
	id := any(b.newID())
	if op != scarab.Renew {
		id = c.own(beakerCookieID, id)
	}
	dict := new(pyDict)
	b.place(dict, c)
	dict.put(beakerCookieID, id)
	if err := c.fill(dict, st, b.data.plain()); err != nil {
		return "", err
	}
	st.Handle = ""
	st.Seen = now
	putReserved(dict, "", st, b.c.Timeout)
	dict.put(beakerCreated, fromTime(st.Created)).put(beakerAccessed, fromTime(now))
	if expires := c.own(beakerExpires, nil); expires != nil {
		dict.put(beakerExpires, expires)
	}
	rest, err := b.data.sealText(dict)
	if err != nil {
		return "", err
	}
	value := sumSHA1(b.keys[0], []byte(rest)) + rest
	size, limit := len(value), min(maxBeakerCookie+hexSHA1, maxCookie-len(name))
	if b.data.serializer == Pickle {
		size += base64.StdEncoding.EncodedLen(pythonGrowth(dict, false))
	}
	if size > limit {
		return "", tooLarge(st, size, limit)
	}
	st.Version, st.Private = 1, c
	return value, nil
}

// tooLarge names the keys with the longest values, as scarab's own backends do.
func tooLarge(st *scarab.State, size, limit int) error {
	values := slices.Clone(st.Values)
	slices.SortStableFunc(values, func(a, b scarab.Value) int { return len(b.JSON) - len(a.JSON) })
	e := &scarab.TooLargeError{Size: size, Limit: limit}
	for _, v := range values[:min(3, len(values))] {
		e.Largest = append(e.Largest, v.Key)
	}
	return e
}
