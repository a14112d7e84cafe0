package rows

import (
	"context"
	"time"
)

// batch is how many rows Each reads at a time. Between batches no lock is held
// on the database, however slow the reader is.
const batch = 500

// Each calls f with the values of every row that q asks for, from the first
// page on. Where an index has their order they are read in batches, each within
// the timeout; rows that come or go meanwhile may be missing. Otherwise all is
// one query, because each batch would sort everything again, and the timeout is
// that from one row to the next.
func (db *DB) Each(ctx context.Context, q Query, timeout time.Duration, f func(values []any) error) error {
	if len(q.Table.Key) == 0 || q.Sort != nil && !q.Sort.Indexed {
		return db.explain(q.Table, db.stream(ctx, q, timeout, f))
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
func (db *DB) stream(ctx context.Context, q Query, timeout time.Duration, f func([]any) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	late := time.AfterFunc(timeout, func() { cancel(context.DeadlineExceeded) })
	defer late.Stop()
	b := db.statement(q, nil, false, 1<<40)
	columns := len(q.columns())
	r, err := db.SQL.QueryContext(ctx, b.String(), b.args...)
	if err != nil {
		return cause(ctx, err)
	}
	defer r.Close()
	for r.Next() {
		v, err := b.scan(r)
		if err != nil {
			return err
		}
		if err := f(v[:columns]); err != nil {
			return err
		}
		late.Reset(timeout)
	}
	return cause(ctx, r.Err())
}

// cause is why ctx ended, if that is why there is an error.
func cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
