package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/scarab-go/scarab"
)

// Principal implements [scarab.PrincipalStore]: the records that are in the
// table, expired ones that were not swept yet included, without their Data.
func (s *Store) Principal(ctx context.Context, principal string) iter.Seq2[scarab.Record, error] {
	return func(yield func(scarab.Record, error) bool) {
		// All of them first: a caller that revokes while it lists would
		// otherwise hold two connections.
		found, err := s.records(ctx, s.queries.principal, s.text(principal))
		if err != nil {
			yield(scarab.Record{}, fmt.Errorf("sqlstore: listing the sessions of %q: %w", principal, err))
			return
		}
		for _, r := range found {
			r.Data = nil // it is empty: not asked for
			if !yield(r, nil) {
				return
			}
		}
	}
}

// RevokePrincipal implements [scarab.PrincipalStore].
func (s *Store) RevokePrincipal(ctx context.Context, principal string, at time.Time, keep ...scarab.Handle) (int, error) {
	n, err := s.revokePrincipal(ctx, principal, at, keep)
	if err != nil {
		return 0, fmt.Errorf("sqlstore: revoking the sessions of %q: %w", principal, err)
	}
	return int(n), nil
}

func (s *Store) revokePrincipal(ctx context.Context, principal string, at time.Time, keep []scarab.Handle) (int64, error) {
	if err := checkText("principal", principal, maxPrincipal); err != nil {
		return 0, err
	}
	// The text differs with the number of handles: it is not worth preparing.
	args := []any{s.text(principal)}
	text := "DELETE FROM {t} WHERE principal = ?"
	if len(keep) > 0 {
		text += " AND handle NOT IN (?" + strings.Repeat(", ?", len(keep)-1) + ")"
		for _, h := range keep {
			args = append(args, h[:])
		}
	}
	revoke := &query{text: s.dialect.expand(text, s.table), once: true, again: true}

	if s.dialect.lockAlone == "" {
		// First the revocation: no login slips in between.
		if _, err := s.write(ctx, s.queries.revoke, s.text(principal), micros(at)); err != nil {
			return 0, err
		}
		return s.write(ctx, revoke, args...)
	}
	return s.locked(ctx, s.queries.lockAlone, principal, func(tx *sql.Tx) (int64, error) {
		if _, err := s.exec(ctx, tx, s.queries.revoke, s.text(principal), micros(at)); err != nil {
			return 0, err
		}
		return s.exec(ctx, tx, revoke, args...)
	}, s.queries.revoke)
}
