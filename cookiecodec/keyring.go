package cookiecodec

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Keyring holds the keys of [NewSealed] and [SealStore]. The first writes,
// all read: the place of a key in the ring says whether it is for reading
// only, its absence that it is revoked. A Keyring never changes, and any
// number of codecs and stores can share it.
type Keyring struct{ keys []Key }

// NewKeyring returns a ring of these keys. It refuses a ring without a key,
// the zero Key, and a key that is there twice.
func NewKeyring(keys ...Key) (*Keyring, error) {
	if len(keys) == 0 {
		return nil, errors.New("cookiecodec: a keyring needs a key: make one with scarab keygen and read it with ParseKey")
	}
	for i, k := range keys {
		if k.k == nil {
			return nil, fmt.Errorf("cookiecodec: key %d of the keyring is the zero Key: was the error of ParseKey dropped?", i)
		}
		first := slices.IndexFunc(keys, func(other Key) bool { return other.k != nil && other.k.id == k.k.id })
		if first < i {
			return nil, fmt.Errorf("cookiecodec: keys %d and %d of the keyring are the same, with the id %s: drop one", first, i, k.ID())
		}
	}
	return &Keyring{slices.Clone(keys)}, nil
}

// String returns the ids of the keys, the one that writes first.
func (r *Keyring) String() string {
	ids := make([]string, len(r.keys))
	for i, k := range r.keys {
		ids[i] = k.ID()
	}
	return "cookiecodec.Keyring(ids " + strings.Join(ids, ", ") + ")"
}
