package rows

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/scarab-go/scarab/admin/internal/schema"
)

// A Query says which rows of a table are wanted.
//
// Pages after the first are found by After or Before, the key of the last or
// the first row of the page that was shown, at the cost of an index lookup if
// the order has an index. Offset counts rows instead; it is bounded by
// [MaxOffset], because a database reads all the rows that it skips.
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

// CountLimit is how far Count counts.
const CountLimit = 10_000

// A Page is the answer to a [Query].
type Page struct {
	Columns []*schema.Column
	Rows    []Row
	Before  bool // there are rows before these
	After   bool // there are rows after these

	backward bool // the database was asked for them in the other order
}

// List returns the rows that q asks for.
func (db *DB) List(ctx context.Context, q Query) (*Page, error) {
	if q.Offset < 0 || q.Offset > MaxOffset {
		return nil, fmt.Errorf("a page this far in is reached by a filter or by sorting: at most %d rows are skipped", MaxOffset)
	}
	b, p, err := db.statement(ctx, q)
	if err != nil {
		return nil, err
	}
	r, err := db.SQL.QueryContext(ctx, b.String(), b.args...)
	if err != nil {
		return nil, db.explain(q.Table, err)
	}
	defer r.Close()
	for r.Next() {
		v, err := b.scan(r)
		if err != nil {
			return nil, err
		}
		row := Row{Values: v[:len(p.Columns)]}
		if len(q.Table.Key) > 0 {
			row.Key = EncodeKey(v[len(p.Columns):])
		}
		p.Rows = append(p.Rows, row)
	}
	more := len(p.Rows) > q.Limit
	if more {
		p.Rows = p.Rows[:q.Limit]
	}
	if p.backward {
		slices.Reverse(p.Rows)
		p.Before = more
	} else {
		p.After = more
	}
	return p, db.explain(q.Table, r.Err())
}

// statement makes the statement for q, which asks for one row more than is
// shown, and the page without its rows.
func (db *DB) statement(ctx context.Context, q Query) (*builder, *Page, error) {
	p := &Page{Columns: q.Columns, backward: q.Last || q.Before != nil}
	if p.Columns == nil {
		p.Columns = q.Table.Columns
	}
	b := &builder{d: db.Dialect}
	b.put("SELECT ").list(p.Columns, ", ", func(c *schema.Column) {
		if q.Whole {
			b.read(c)
		} else {
			b.preview(c)
		}
	})
	for _, c := range q.Table.Key {
		b.put(", ").read(c)
	}
	b.put(" FROM ", db.Dialect.Table(q.Table))
	conditions := db.conditions(b, q)
	if anchor := either(q.After, q.Before); anchor != nil {
		order, values, err := db.anchor(ctx, q, anchor)
		switch {
		case err == ErrNoRow: // deleted meanwhile: where it was is told by Offset
			p.backward = false
		case err != nil:
			return nil, nil, err
		default:
			q.Offset = 0
			conditions.and(func() { db.beyond(b, order, values, q.Desc != p.backward) })
			p.Before, p.After = !p.backward, p.backward
		}
	}
	db.orderBy(b, q, p.backward)
	b.put(" LIMIT ").arg(q.Limit + 1)
	if q.Offset > 0 && !q.Last {
		b.put(" OFFSET ").arg(q.Offset)
		p.Before = true
	}
	return b, p, nil
}

func either(a, b []any) []any {
	if a != nil {
		return a
	}
	return b
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

func (db *DB) orderBy(b *builder, q Query, backward bool) {
	order := q.order()
	if len(order) == 0 {
		return // a view in the order it comes
	}
	direction := " ASC"
	if q.Desc != backward {
		direction = " DESC"
	}
	b.put(" ORDER BY ").list(order, ", ", func(c *schema.Column) { b.column(c).put(direction) })
}

// anchor reads the values that q sorts by from the row with that key.
func (db *DB) anchor(ctx context.Context, q Query, key []any) ([]*schema.Column, []any, error) {
	order := q.order()
	if q.Sort == nil || len(q.Table.Key) == 1 && q.Table.Key[0] == q.Sort {
		return order, key, nil
	}
	b := &builder{d: db.Dialect}
	b.put("SELECT ").list(order, ", ", func(c *schema.Column) { b.read(c) })
	b.put(" FROM ", db.Dialect.Table(q.Table)).where(q.Table, key)
	r, err := db.SQL.QueryContext(ctx, b.String(), b.args...)
	if err != nil {
		return nil, nil, db.noRow(q.Table, err)
	}
	defer r.Close()
	if !r.Next() {
		if err := r.Err(); err != nil {
			return nil, nil, db.noRow(q.Table, err)
		}
		return nil, nil, ErrNoRow
	}
	values, err := b.scan(r)
	return order, values, err
}

// beyond adds the condition that a row comes after one with those values:
// a > 1, or a = 1 and b > 2, and so on. In front of it stands a >= 1, which an
// index can answer.
func (db *DB) beyond(b *builder, order []*schema.Column, values []any, desc bool) {
	nullsLast := db.Dialect.NullsFirst() == desc
	more := " > "
	if desc {
		more = " < "
	}
	equal := func(i int) {
		if values[i] == nil {
			b.column(order[i]).put(" IS NULL")
		} else {
			b.column(order[i]).put(" = ").value(order[i], values[i])
		}
	}
	after := func(i int) {
		c, v := order[i], values[i]
		switch {
		case v == nil && nullsLast:
			b.put("1 = 0")
		case v == nil:
			b.column(c).put(" IS NOT NULL")
		case c.NotNull || c.Key || !nullsLast:
			b.column(c).put(more).value(c, v)
		default:
			b.put("(").column(c).put(more).value(c, v).put(" OR ").column(c).put(" IS NULL)")
		}
	}
	if first := order[0]; values[0] != nil && (first.NotNull || first.Key || !nullsLast) && len(order) > 1 {
		b.column(first).put(strings.TrimRight(more, " "), "= ").value(first, values[0]).put(" AND ")
	}
	b.put("(")
	for i := range order {
		if i > 0 {
			b.put(" OR ")
		}
		b.put("(")
		for j := range i {
			equal(j)
			b.put(" AND ")
		}
		after(i)
		b.put(")")
	}
	b.put(")")
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
