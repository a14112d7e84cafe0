package scarab

import (
	"context"
	"errors"
	"math"
	"time"
)

// A tombstone keeps a handle from being used again: the record of no session,
// whose secret nothing hashes to, and which no copy of a session is newer than.
func tombstone(h Handle, now, until time.Time) Record {
	return Record{Handle: h, Version: math.MaxInt64, Created: now, Seen: now, Expires: until, Deadline: until, Idle: Never, Data: []byte{formatTombstone}}
}

func isTombstone(rec Record) bool { return len(rec.Data) > 0 && rec.Data[0] == formatTombstone }

// bury puts a tombstone at h, in place of what is there.
func bury(ctx context.Context, s Store, h Handle, now, until time.Time) error {
	var err error
	for range 8 {
		if err = s.Create(ctx, tombstone(h, now, until)); !errors.Is(err, ErrExists) {
			return err
		}
		rec, loadErr := s.Load(ctx, h, now)
		if loadErr == nil && isTombstone(rec) {
			return nil
		}
		if err = s.Delete(ctx, h); err != nil { // a slow request slipped in
			return err
		}
	}
	return err
}

func (b *stored) bury(ctx context.Context, now time.Time, handle string, until time.Time) error {
	h, err := ParseHandle(handle)
	if err != nil {
		return err
	}
	return bury(ctx, b.store, h, now, until)
}
