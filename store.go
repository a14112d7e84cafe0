package scarab

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"time"
)

// A Store keeps records by their handle. It is what someone writes who has a
// database of their own; pass it to [Stored].
//
// Methods may be called by any number of goroutines. They report what the
// contract names with an error that matches [ErrNoSession], [ErrExists] or
// [ErrConflict]; every other error means that the store itself failed and that
// nothing is known about the outcome.
//
// Stores never see a secret, only its hash: a copy of the store opens nothing.
// Times are kept at least to the microsecond, and a zero time stays zero.
//
// A Store may also be a [LoadToucher], a [PrincipalStore], a [Sweeper] and a
// [Scanner]. The suite github.com/scarab-go/scarab/scarabtest.TestStore checks
// all of it, sentence by sentence.
type Store interface {
	// Load returns the record of h, or ErrNoSession if it is absent or
	// expired at now. The caller does not change the record's Data.
	Load(ctx context.Context, h Handle, now time.Time) (Record, error)

	// Create adds r, or fails with ErrExists and leaves the record that is
	// already there as it was, also if that one has expired.
	Create(ctx context.Context, r Record) error

	// Save replaces version r.Version-1 of the record. If the record is gone
	// it fails with ErrNoSession: what was deleted stays deleted. If another
	// version is there, nothing is changed and the error is a
	// *ConflictError[Record], which carries the current record if that costs
	// nothing.
	Save(ctx context.Context, r Record) error

	// Touch replaces the record by [Record.Touch] of itself, in one step. It
	// never creates: if the record is absent, or expired at now, it fails
	// with ErrNoSession. The version stays.
	Touch(ctx context.Context, h Handle, now time.Time) error

	// Delete removes the record of h, whatever its version. That it is absent
	// is no error.
	Delete(ctx context.Context, h Handle) error
}

// A LoadToucher is a Store that loads and touches in one round trip.
type LoadToucher interface {
	// LoadTouch is Load, and Touch if the record's Secret equals secret (the
	// hash, as in the record) and its Seen is more than every before now. It
	// returns the record as it is afterwards.
	LoadTouch(ctx context.Context, h Handle, secret [32]byte, now time.Time, every time.Duration) (Record, error)
}

// A PrincipalStore is a Store that finds records by their principal.
type PrincipalStore interface {
	// Principal returns every live record of principal. It may return some
	// that have expired, too. Data may be nil.
	Principal(ctx context.Context, principal string) iter.Seq2[Record, error]

	// RevokePrincipal deletes the records of principal, but for those to
	// keep, and returns how many. From then on a Create with this principal,
	// and a Save that gives it to a record that had another, fail with
	// ErrNoSession if the record's AuthTime is not after at: a login that is
	// under way is caught too.
	RevokePrincipal(ctx context.Context, principal string, at time.Time, keep ...Handle) (int, error)
}

// A Sweeper is a Store whose expired records stay until they are swept.
type Sweeper interface {
	// Sweep removes up to limit records that expired before the given time
	// and returns how many. It rechecks the expiry in the step that removes:
	// a record touched meanwhile stays.
	Sweep(ctx context.Context, before time.Time, limit int) (int, error)
}

// A Scanner is a Store that lists everything it has, expired records included
// or not. Records that come or go during the scan may be missing.
type Scanner interface {
	Scan(ctx context.Context) iter.Seq2[Record, error]
}

// A Handle names a session for life: it is the key in the store, in lists and
// in audit logs. It is 16 random bytes and public: knowing it opens nothing.
type Handle [16]byte

// String returns h as 32 hexadecimal digits.
func (h Handle) String() string { return hex.EncodeToString(h[:]) }

// ParseHandle reads what [Handle.String] wrote.
func ParseHandle(s string) (Handle, error) {
	var h Handle
	if len(s) != hex.EncodedLen(len(h)) {
		return Handle{}, fmt.Errorf("scarab: a handle has 32 hexadecimal digits, not %d", len(s))
	}
	if _, err := hex.Decode(h[:], []byte(s)); err != nil {
		return Handle{}, fmt.Errorf("scarab: not a handle: %w", err)
	}
	return h, nil
}

// A Record is what a [Store] keeps of one session.
//
// A zero Expires or Deadline means none. A record is expired from the instant
// Expires on. Renewed is zero until the first renewal, AuthTime if nobody is
// logged in. Principal and Label are UTF-8 without NUL, and may be empty.
type Record struct {
	Handle           Handle
	Secret           [32]byte // SHA-256 of the secret half of the token
	Version          uint64   // 1 at Create, one more at each Save
	Commit           [16]byte // random, the same for every attempt of one commit
	Principal, Label string

	Created, AuthTime, Renewed, Seen, Expires, Deadline time.Time

	Idle time.Duration // Never, or how long Touch extends Expires
	Data []byte        // opaque to the store; nobody changes it after handing it over
}

// Touch returns r as it is after a request at now: Seen is the later of both,
// Expires the later of itself and now+Idle, but not after Deadline. Neither
// moves backward.
func (r Record) Touch(now time.Time) Record {
	if now.After(r.Seen) {
		r.Seen = now
	}
	if expires := expiry(now, r.Idle, r.Deadline); !r.Expires.IsZero() &&
		(expires.IsZero() || expires.After(r.Expires)) {
		r.Expires = expires
	}
	return r
}

// Expired reports whether r is expired at now.
func (r Record) Expired(now time.Time) bool {
	return !r.Expires.IsZero() && !now.Before(r.Expires)
}

// expiry returns when a session used at now with these limits expires; zero if
// never.
func expiry(now time.Time, idle time.Duration, deadline time.Time) time.Time {
	if idle == Never {
		return deadline
	}
	expires := now.Add(idle)
	if !deadline.IsZero() && deadline.Before(expires) {
		return deadline
	}
	return expires
}

// A ConflictError reports that another version was found than the one to be
// replaced. It matches [ErrConflict]. Stores return a *ConflictError[Record],
// backends a *ConflictError[State].
type ConflictError[T any] struct {
	Current *T // what is there now; nil if not carried
}

func (e *ConflictError[T]) Error() string { return ErrConflict.Error() }

// Is reports whether target is ErrConflict.
func (e *ConflictError[T]) Is(target error) bool { return target == ErrConflict }

// The errors that code can match with errors.Is.
var (
	// ErrNoSession: there is no such session, or not any more. A store's
	// Save, Touch, Load; a backend's Load.
	ErrNoSession = errors.New("scarab: no session")

	// ErrUndecodable: there is a record, and it does not decode: damaged, or
	// sealed with a key that is gone. A store that can tell returns an error
	// that matches both this and ErrNoSession: nobody is let in, the record
	// stays for the operator, and a tombstone still counts as one.
	ErrUndecodable = errors.New("scarab: record does not decode")

	// ErrExists: Create found a record at that handle.
	ErrExists = errors.New("scarab: session exists")

	// ErrConflict: another version was there. Applications never see it.
	ErrConflict = errors.New("scarab: session was changed meanwhile")

	// ErrEnded: the session was invalidated, revoked or logged in anew while
	// this request was under way, and the request has changes that cannot be
	// kept. The answer is 409 Conflict.
	ErrEnded = errors.New("scarab: session ended while the request was under way")

	// ErrSuperseded: the request came with a token that was renewed away a
	// moment ago, and has changes. The answer is 409 Conflict.
	ErrSuperseded = errors.New("scarab: session token was renewed while the request was under way")

	// ErrPopped: a value taken with Key.Pop was taken or changed by another
	// request first. The answer is 409 Conflict.
	ErrPopped = errors.New("scarab: value was taken by another request")

	// ErrOutcomeUnknown: the store failed during a commit in a way that
	// leaves open whether the changes are in. The answer is 503.
	ErrOutcomeUnknown = errors.New("scarab: it is unknown whether the session was saved")

	// ErrHeaderSent: a change needs a cookie, and the header is out.
	ErrHeaderSent = errors.New("scarab: the header was sent before the session needed a cookie")

	// ErrTooLarge: the session does not fit; see [TooLargeError].
	ErrTooLarge = errors.New("scarab: session is too large")

	// ErrNoValue: the session has no value at that key.
	ErrNoValue = errors.New("scarab: no such value")

	// ErrNoMiddleware: the context does not come from Factory.Wrap.
	ErrNoMiddleware = errors.New("scarab: no session middleware around this handler; see Factory.Wrap")
)
