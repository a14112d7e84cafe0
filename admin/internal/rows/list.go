package rows

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/scarab-go/scarab/admin/internal/schema"
)

// A Query says which rows of a table are wanted.
//
// Pages after the first are found by After or Before, the key of the last or
// the first row of the page that was shown, at the cost of an index lookup if
// the order has an index. Offset counts rows instead, where that row is gone;
// it is bounded by [MaxOffset], because a database reads all the rows that it
// skips.
type Query struct {
	Table   *schema.Table
	Columns []*schema.Column // to read; nil: all
	Sort    *schema.Column   // nil: the primary key
	Desc    bool
	Search  string // in all columns of text
	Filters []Filter
	After   []any // a key
	Before  []any
	Last    bool // the last page
	Offset  int
	Limit   int
	Whole   bool // whole values, not only how they begin
}

// MaxOffset is how many rows a Query may skip.
const MaxOffset = 10_000

// ErrTooFar: the page is reached by counting rows only, and they are more than
// MaxOffset.
var ErrTooFar = fmt.Errorf("more than %d rows would be skipped", MaxOffset)

// CountLimit is how far Count counts.
const CountLimit = 10_000

// A Page is the answer to a [Query].
type Page struct {
	Columns []*schema.Column
	Rows    []Row
	Before  bool // there are rows before these
	After   bool // there are rows after these
}

// List returns the rows that q asks for.
func (db *DB) List(ctx context.Context, q Query) (*Page, error) {
	p, err := db.list(ctx, q)
	return p, db.explain(q.Table, err)
}

func (db *DB) list(ctx context.Context, q Query) (*Page, error) {
	p := &Page{Columns: q.columns()}
	backward := q.Last || q.Before != nil
	statements := [][]span{nil}
	switch anchor, err := db.anchor(ctx, q); {
	case errors.Is(err, ErrNoRow): // deleted meanwhile: where it was is told by Offset
		backward = false
	case err != nil:
		return nil, err
	case anchor != nil:
		statements, q.Offset = db.split(db.beyond(q.order(), anchor, q.Desc != backward)), 0
		p.Before, p.After = !backward, backward
	}
	if q.Last {
		q.Offset = 0
	}
	if q.Offset < 0 || q.Offset > MaxOffset {
		return nil, ErrTooFar
	}
	p.Before = p.Before || q.Offset > 0
	for _, spans := range statements {
		// One more than is shown tells whether there are others.
		if err := db.readSpans(ctx, q, spans, backward, q.Limit+1-len(p.Rows), p); err != nil {
			return nil, err
		}
		if len(p.Rows) > q.Limit {
			break
		}
	}
	more := len(p.Rows) > q.Limit
	if more {
		p.Rows = p.Rows[:q.Limit]
	}
	if backward {
		slices.Reverse(p.Rows)
		p.Before = more
	} else {
		p.After = more
	}
	return p, nil
}

// readSpans adds up to limit rows of the spans to p.
func (db *DB) readSpans(ctx context.Context, q Query, spans []span, backward bool, limit int, p *Page) error {
	b := db.statement(q, spans, backward, limit)
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
		row := Row{Values: v[:len(p.Columns)]}
		if len(q.Table.Key) > 0 {
			row.Key = EncodeKey(v[len(p.Columns):])
		}
		p.Rows = append(p.Rows, row)
	}
	return r.Err()
}

func (q Query) columns() []*schema.Column {
	if q.Columns != nil {
		return q.Columns
	}
	return q.Table.Columns
}

// order is the columns to sort by: they end with the key, so that no two rows
// are equal.
func (q Query) order() []*schema.Column {
	var order []*schema.Column
	if q.Sort != nil {
		order = append(order, q.Sort)
	}
	for _, c := range q.Table.Key {
		if c != q.Sort {
			order = append(order, c)
		}
	}
	return order
}

// statement selects the columns of q and then the key of each row of the spans,
// or of all rows if there are none.
func (db *DB) statement(q Query, spans []span, backward bool, limit int) *builder {
	b := &builder{d: db.Dialect}
	b.put("SELECT ").list(q.columns(), ", ", func(c *schema.Column) {
		if q.Whole {
			b.read(c)
		} else {
			b.preview(c)
		}
	})
	for _, c := range q.Table.Key {
		b.put(", ").read(c)
	}
	b.put(" FROM ", db.Dialect.Table(q.Table), " AS listed")
	all := db.conditions(b, q)
	order := q.order()
	if len(spans) > 0 {
		all.and(func() { either(b, spans) })
	}
	if len(spans) == 1 {
		order = order[spans[0].fixed():]
	}
	if len(order) > 0 { // a view comes in the order it has
		direction := " ASC"
		if q.Desc != backward {
			direction = " DESC"
		}
		// A bare name would mean the column that is selected, where a date is
		// a text, and not the one that has the index.
		b.put(" ORDER BY ").list(order, ", ", func(c *schema.Column) { b.put("listed.").column(c).put(direction) })
	}
	b.put(" LIMIT ").arg(limit)
	if q.Offset > 0 {
		b.put(" OFFSET ").arg(q.Offset)
	}
	return b
}

// Count counts the rows that q asks for, up to CountLimit; exact tells whether
// that was all.
func (db *DB) Count(ctx context.Context, q Query) (n int, exact bool, err error) {
	b := &builder{d: db.Dialect}
	b.put("SELECT count(*) FROM (SELECT 1 AS one FROM ", db.Dialect.Table(q.Table))
	db.conditions(b, q)
	b.put(" LIMIT ", strconv.Itoa(CountLimit+1), ") AS counted")
	r, err := db.SQL.QueryContext(ctx, b.String(), b.args...)
	if err != nil {
		return 0, false, db.explain(q.Table, err)
	}
	defer r.Close()
	if r.Next() {
		err = r.Scan(&n)
	}
	if err == nil {
		err = r.Err()
	}
	return min(n, CountLimit), n <= CountLimit, db.explain(q.Table, err)
}
