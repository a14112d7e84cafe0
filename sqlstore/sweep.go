package sqlstore

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/scarab-go/scarab"
)

// revokedFor is how long the revocation of a principal is remembered: as long
// as browsers keep the oldest cookie that could still bring a session back
// (RFC 6265bis, section 5.5).
const revokedFor = 400 * 24 * time.Hour

// Sweep implements [scarab.Sweeper]. It also forgets revocations of principals
// that are older than 400 days.
func (s *Store) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	if limit < 1 {
		return 0, s.err
	}
	n, err := s.write(ctx, s.queries.sweep, micros(before), micros(before), limit)
	if err == nil {
		_, err = s.write(ctx, s.queries.forget, micros(before.Add(-revokedFor)))
	}
	if err != nil {
		return int(n), fmt.Errorf("sqlstore: sweeping: %w", err)
	}
	return int(n), nil
}

// scanBatch is how many records a scan holds at once.
const scanBatch = 256

// Scan implements [scarab.Scanner], in the order of handles. It reads batch by
// batch, so that no transaction stays open while the caller works.
func (s *Store) Scan(ctx context.Context) iter.Seq2[scarab.Record, error] {
	return func(yield func(scarab.Record, error) bool) {
		after := []byte{}
		for {
			batch, err := s.records(ctx, s.queries.scan, after, scanBatch)
			if err != nil {
				yield(scarab.Record{}, fmt.Errorf("sqlstore: scanning: %w", err))
				return
			}
			for _, r := range batch {
				if !yield(r, nil) {
					return
				}
			}
			if len(batch) < scanBatch {
				return
			}
			after = batch[len(batch)-1].Handle[:]
		}
	}
}
