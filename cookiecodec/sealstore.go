package cookiecodec

import (
	"context"
	"errors"
	"time"

	"github.com/scarab-go/scarab"
)

// SealStore returns a store that encrypts the data of records before store
// gets them. A copy of the database then shows handles, hashes, principals,
// labels and times, and nothing of what the sessions hold.
//
// The data is bound to its record's handle, secret and principal. Whoever can
// write to the database, but has no key, can delete a session and bring back an
// earlier version of it; he cannot give it a token of his own, another
// principal, or the data of another session.
//
// Records that do not open, because their key is gone from the ring or because
// they were never sealed, are no sessions: Load fails with a [*RecordError],
// and the record stays. To seal a store in use, copy it into a sealed one, as
// scarab migrate does.
//
// The result is a [scarab.LoadToucher], [scarab.PrincipalStore],
// [scarab.Sweeper] and [scarab.Scanner] exactly if store is. Principal yields
// records without data. Scan yields a record that does not open without data,
// together with its *RecordError, and goes on.
//
// A deny list has no data to hide, and should not depend on a key: give
// [scarab.DenyList] the store itself.
//
// Sealing adds 66 to 129 bytes to a record.
func SealStore(store scarab.Store, ring *Keyring, opts ...SealOption) (scarab.Store, error) {
	if store == nil {
		return nil, errors.New("cookiecodec: store is nil: SealStore needs one to keep the records")
	}
	sealer, err := newSealer(ring, audienceOf(opts), "record")
	if err != nil {
		return nil, err
	}
	return sealExtras(&sealedStore{store, recordSealer{sealer}}), nil
}

// A RecordError reports a record whose data does not open. It matches
// [scarab.ErrNoSession], so that its browser gets a new session.
type RecordError struct {
	Handle scarab.Handle
	Reason string // a fixed text, such as "data is not sealed"
}

func (e *RecordError) Error() string { return scarab.ErrNoSession.Error() + ": " + e.Reason }

// Is reports whether target is scarab.ErrNoSession or scarab.ErrUndecodable.
func (e *RecordError) Is(target error) bool {
	return target == scarab.ErrNoSession || target == scarab.ErrUndecodable
}

// A recordSealer seals the data of records.
type recordSealer struct{ *sealer }

func (s recordSealer) seal(r scarab.Record) (scarab.Record, error) {
	data, err := s.sealer.seal(nil, r.Data, string(r.Handle[:]), string(r.Secret[:]), r.Principal)
	r.Data = data
	return r, err
}

// open leaves r.Data as it is: the store may share it with others.
func (s recordSealer) open(r scarab.Record) (scarab.Record, error) {
	data, err := s.sealer.open(nil, r.Data, string(r.Handle[:]), string(r.Secret[:]), r.Principal)
	r.Data = data
	if err != nil {
		err = &RecordError{Handle: r.Handle, Reason: err.Error()}
	}
	return r, err
}

// sealedStore is what every sealed store can do. Touch and Delete have no
// business with the data.
type sealedStore struct {
	scarab.Store
	sealer recordSealer
}

func (s *sealedStore) Load(ctx context.Context, h scarab.Handle, now time.Time) (scarab.Record, error) {
	r, err := s.Store.Load(ctx, h, now)
	if err != nil {
		return r, err
	}
	return s.sealer.open(r)
}

func (s *sealedStore) Create(ctx context.Context, r scarab.Record) error {
	r, err := s.sealer.seal(r)
	if err != nil {
		return err
	}
	return s.Store.Create(ctx, r)
}

func (s *sealedStore) Save(ctx context.Context, r scarab.Record) error {
	r, err := s.sealer.seal(r)
	if err != nil {
		return err
	}
	err = s.Store.Save(ctx, r)
	var conflict *scarab.ConflictError[scarab.Record]
	if !errors.As(err, &conflict) || conflict.Current == nil {
		return err
	}
	current, err := s.sealer.open(*conflict.Current)
	if err != nil {
		// Not carried: the Load that follows says why.
		return &scarab.ConflictError[scarab.Record]{}
	}
	return &scarab.ConflictError[scarab.Record]{Current: &current}
}
