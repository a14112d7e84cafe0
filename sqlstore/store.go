package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/scarab-go/scarab"
)

// Load implements [scarab.Store].
func (s *Store) Load(ctx context.Context, h scarab.Handle, now time.Time) (scarab.Record, error) {
	return s.one(ctx, "loading", h, s.queries.load, h[:], micros(now))
}

// LoadTouch implements [scarab.LoadToucher]. It takes a second round trip when
// the session is due to be extended: a statement that can write costs more
// than one that cannot, at every request.
func (s *Store) LoadTouch(ctx context.Context, h scarab.Handle, secret [32]byte, now time.Time, every time.Duration) (scarab.Record, error) {
	r, err := s.Load(ctx, h, now)
	if err != nil || r.Secret != secret || now.Sub(r.Seen) <= every {
		return r, err
	}
	now = instant(micros(now)) // as the row has it
	n, err := s.write(ctx, s.queries.touchDue, micros(now), micros(now), micros(now), h[:], micros(now), secret[:], micros(now.Add(-every)))
	if err != nil {
		return scarab.Record{}, failed("touching", h, err)
	}
	if n == 0 { // another request was faster: it touched, renewed or ended the session
		return s.Load(ctx, h, now)
	}
	return r.Touch(now), nil
}

// Create implements [scarab.Store].
func (s *Store) Create(ctx context.Context, r scarab.Record) error {
	if err := s.check(r); err != nil {
		return err
	}
	create := s.queries.create
	if r.Principal != "" {
		create = s.queries.enter
	}
	n, err := s.logIn(ctx, r.Principal, create, s.createArgs(&r)...)
	switch {
	case err != nil && s.dialect.taken(err):
		return scarab.ErrExists
	case err != nil:
		return failed("creating", r.Handle, err)
	case n > 0:
		return nil
	}
	revoked, err := s.isRevoked(ctx, r)
	switch {
	case err != nil:
		return failed("creating", r.Handle, err)
	case revoked:
		return scarab.ErrNoSession
	}
	return scarab.ErrExists
}

// Save implements [scarab.Store]. It also replaces a record that has expired
// and was not swept yet: the request that saves it began while it was live.
func (s *Store) Save(ctx context.Context, r scarab.Record) error {
	if err := s.check(r); err != nil {
		return err
	}
	q, login := s.queries.save, renews(&r)
	// A row that was not updated is looked at. One that only expires in another
	// hour is moved; one that has changed again by then is tried again. Each
	// time round, another request got ahead.
	for range maxRounds {
		var n int64
		var err error
		if login {
			n, err = s.logIn(ctx, r.Principal, s.queries.login, s.loginArgs(&r)...)
		} else {
			n, err = s.write(ctx, q, s.saveArgs(&r)...)
		}
		if err != nil {
			return failed("saving", r.Handle, err)
		}
		if n > 0 {
			return nil
		}
		current, err := s.one(ctx, "saving", r.Handle, s.queries.current, r.Handle[:])
		switch {
		case err != nil:
			return err
		case current.Version != r.Version-1:
			return &scarab.ConflictError[scarab.Record]{Current: &current}
		case current.Principal == r.Principal:
			q = s.queries.move
			continue
		case !login:
			login = true
			continue
		}
		switch revoked, err := s.isRevoked(ctx, r); {
		case err != nil:
			return failed("saving", r.Handle, err)
		case revoked:
			return scarab.ErrNoSession
		}
	}
	return failed("saving", r.Handle, errBusy)
}

// renews reports whether r gives its session a new secret now, as each login does.
// It may be wrong: the statement for a login takes any Save, but costs more, and
// that for others finds no row of another principal.
func renews(r *scarab.Record) bool { return r.Principal != "" && r.Renewed.Equal(r.Seen) }

// Touch implements [scarab.Store].
func (s *Store) Touch(ctx context.Context, h scarab.Handle, now time.Time) error {
	n, err := s.write(ctx, s.queries.touch, micros(now), micros(now), micros(now), h[:], micros(now))
	if err != nil {
		return failed("touching", h, err)
	}
	if n == 0 {
		// MySQL counts the rows that came out different.
		_, err = s.Load(ctx, h, now)
	}
	return err
}

// Delete implements [scarab.Store].
func (s *Store) Delete(ctx context.Context, h scarab.Handle) error {
	if _, err := s.write(ctx, s.queries.delete, h[:]); err != nil {
		return failed("deleting", h, err)
	}
	return nil
}

// one returns the only record that q finds, or ErrNoSession.
func (s *Store) one(ctx context.Context, doing string, h scarab.Handle, q *query, args ...any) (scarab.Record, error) {
	found, err := s.records(ctx, q, args...)
	switch {
	case err != nil:
		return scarab.Record{}, failed(doing, h, err)
	case len(found) == 0:
		return scarab.Record{}, scarab.ErrNoSession
	case found[0].Handle != h: // a column before it has another length: see packed
		return scarab.Record{}, failed(doing, h, errUndecodable)
	}
	return found[0], nil
}

// records returns every record that q finds.
func (s *Store) records(ctx context.Context, q *query, args ...any) (found []scarab.Record, err error) {
	if s.err != nil {
		return nil, s.err
	}
	err = s.retry(ctx, func() error {
		found = nil
		if s.talksDirectly {
			err := s.directQuery(ctx, q, args, func(column []byte) error {
				r, err := decodePacked(column)
				found = append(found, r)
				return err
			})
			if !refusedDirectly(err) {
				return err
			}
		}
		rows, err := s.query(ctx, nil, q, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			r, err := s.dialect.scan(rows)
			if err != nil {
				return err
			}
			found = append(found, r)
		}
		return rows.Err()
	})
	return found, err
}

func failed(doing string, h scarab.Handle, err error) error {
	return fmt.Errorf("sqlstore: %s session %s: %w", doing, h, err)
}
