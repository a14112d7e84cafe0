package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/scarab-go/scarab"
)

// Bounds of what is tried again. A caller with a deadline ends it earlier.
const (
	retryFor  = 10 * time.Second
	maxPause  = 50 * time.Millisecond
	maxRounds = 100
)

var errBusy = errors.New("other requests kept changing it")

// write runs q on its own and returns how many rows it changed.
func (s *Store) write(ctx context.Context, q *query, args ...any) (n int64, err error) {
	if s.err != nil {
		return 0, s.err
	}
	err = s.retry(ctx, func() error {
		unlock, err := s.lockWriter(ctx)
		if err != nil {
			return err
		}
		defer unlock()
		n, err = s.exec(ctx, nil, q, args...)
		return err
	})
	return n, err
}

// logIn is write for a statement that gives a session to principal and looks
// whether that was revoked. RevokePrincipal and it wait for each other, so that
// either the statement sees the revocation or the revocation sees the session.
func (s *Store) logIn(ctx context.Context, principal string, q *query, args ...any) (int64, error) {
	if principal == "" || s.dialect.lockShared == "" {
		return s.write(ctx, q, args...)
	}
	return s.locked(ctx, s.queries.lockShared, principal, func(tx *sql.Tx) (int64, error) {
		return s.exec(ctx, tx, q, args...)
	}, q)
}

// locked runs f in a transaction that holds a lock on principal. The queries
// that f uses are named so that they are prepared before: the transaction may
// have the only connection.
func (s *Store) locked(ctx context.Context, lock *query, principal string, f func(*sql.Tx) (int64, error), uses ...*query) (n int64, err error) {
	if s.err != nil {
		return 0, s.err
	}
	err = s.retry(ctx, func() error {
		if !s.unprepared {
			for _, q := range append(uses, lock) {
				if _, err := s.prepare(ctx, q); err != nil {
					return err
				}
			}
		}
		tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: s.dialect.isolation})
		if err != nil {
			return err
		}
		defer tx.Rollback()
		// A query: the MySQL driver's Exec of one that finds rows can hang.
		rows, err := s.query(ctx, tx, lock, s.text(principal))
		if err != nil {
			return err
		}
		for rows.Next() { // an error may come instead of a row
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if n, err = f(tx); err != nil {
			return err
		}
		return tx.Commit()
	})
	return n, err
}

// isRevoked reports whether r's principal was revoked after r's login.
func (s *Store) isRevoked(ctx context.Context, r scarab.Record) (revoked bool, err error) {
	if r.Principal == "" {
		return false, nil
	}
	err = s.retry(ctx, func() error {
		rows, err := s.query(ctx, nil, s.queries.revoked, s.text(r.Principal))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var at int64
			if err := rows.Scan(&at); err != nil {
				return err
			}
			revoked = micros(r.AuthTime) <= at
		}
		return rows.Err()
	})
	return revoked, err
}

// lockWriter waits in line to be the one who writes, and returns what ends
// that. SQLite would turn all but one writer away, to try again some time.
func (s *Store) lockWriter(ctx context.Context) (unlock func(), err error) {
	if s.writer == nil {
		return func() {}, nil
	}
	select {
	case <-s.writer:
		return func() { s.writer <- struct{}{} }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// retry runs f until it succeeds or fails for good. Every run starts from
// nothing, with a transaction and a snapshot of its own: in the old ones the
// reason to fail would still be there.
func (s *Store) retry(ctx context.Context, f func() error) error {
	start := time.Now()
	pause := time.Millisecond
	for {
		err := f()
		if err == nil || !s.dialect.transient(err) || time.Since(start) > retryFor {
			return err
		}
		timer := time.NewTimer(rand.N(pause)) // at random, so that those who met once do not meet again
		select {
		case <-ctx.Done():
			timer.Stop()
			return errors.Join(err, ctx.Err())
		case <-timer.C:
		}
		pause = min(2*pause, maxPause)
	}
}
