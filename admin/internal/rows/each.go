package rows

import (
	"context"
	"time"
)

// batch is how many rows Each reads at a time. Between batches no lock is held
// on the database, however slow the reader is.
const batch = 500

// Each calls f with the values of every row that q asks for, from the first
// page on. Where rows have a key they are read in batches, each within the
// timeout; rows that come or go meanwhile may be missing. Without a key all is
// one query, within the timeout as a whole.
func (db *DB) Each(ctx context.Context, q Query, timeout time.Duration, f func(values []any) error) error {
	if len(q.Table.Key) == 0 {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		return db.stream(ctx, q, f)
	}
	q.Limit = batch
	for {
		p, err := db.listWithin(ctx, timeout, q)
		if err != nil {
			return err
		}
		for _, row := range p.Rows {
			if err := f(row.Values); err != nil {
				return err
			}
		}
		if !p.After || len(p.Rows) == 0 {
			return nil
		}
		last := p.Rows[len(p.Rows)-1].Key
		if last == "" {
			return ErrNoRow // a key with NULL, behind which nothing is found
		}
		if q.After, err = DecodeKey(q.Table, last); err != nil {
			return err
		}
	}
}

func (db *DB) listWithin(ctx context.Context, timeout time.Duration, q Query) (*Page, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return db.List(ctx, q)
}

// stream reads rows in one query.
func (db *DB) stream(ctx context.Context, q Query, f func([]any) error) error {
	b := db.statement(q, nil, false, 1<<40)
	r, err := db.SQL.QueryContext(ctx, b.String(), b.args...)
	if err != nil {
		return err
	}
	defer r.Close()
	for r.Next() {
		v, err := b.scan(r)
		if err != nil {
			return err
		}
		if err := f(v); err != nil {
			return err
		}
	}
	return r.Err()
}
