package rows

import (
	"context"
	"strings"

	"github.com/scarab-go/scarab/admin/internal/schema"
)

// What comes behind a row, in the order a, b, is: the same a and a larger b,
// then a larger a. Each of the two is one range of an index, which a database
// begins to read where the page begins.

// A span is such a range: terms, one for each of the first columns of the
// order.
type span []term

// split divides the spans among statements. PostgreSQL and SQLite take no
// range of an index for conditions that are joined by OR, and would read
// everything from the first row on. MySQL and MariaDB join the ranges; of one
// span alone they would often use one column of the index and no more.
func (db *DB) split(spans []span) (statements [][]span) {
	if db.Dialect == schema.MySQL {
		return [][]span{spans}
	}
	for _, s := range spans {
		statements = append(statements, []span{s})
	}
	return statements
}

// either writes the condition that a row is in one of the spans.
func either(b *builder, spans []span) {
	b.put("(")
	for i, s := range spans {
		if i > 0 {
			b.put(" OR ")
		}
		for j, t := range s {
			if j > 0 {
				b.put(" AND ")
			}
			t.write(b)
		}
	}
	b.put(")")
}

// fixed is how many columns of the order have one value in the whole span.
func (s span) fixed() (n int) {
	for n < len(s) && (s[n].op == " = " || s[n].op == isNull) {
		n++
	}
	return n
}

// A term is a condition on one column.
type term struct {
	column *schema.Column
	op     string
	value  func(*builder) // nil: op needs none
}

const (
	isNull    = " IS NULL"
	isNotNull = " IS NOT NULL"
)

func (t term) write(b *builder) {
	b.column(t.column).put(t.op)
	if t.value != nil {
		t.value(b)
	}
}

// An anchor is the row that a page begins behind: what it has in each column
// of the order.
type anchor []anchorValue

type anchorValue struct {
	null  bool
	write func(*builder)
	place int // of an enumeration of MySQL: the number of the value, from 1
}

// anchor finds the row of q.After or q.Before; nil if q has neither.
func (db *DB) anchor(ctx context.Context, q Query) (anchor, error) {
	key := q.After
	if key == nil {
		key = q.Before
	}
	if key == nil || q.Last {
		return nil, nil
	}
	var a anchor
	if q.Sort != nil && !(len(q.Table.Key) == 1 && q.Table.Key[0] == q.Sort) {
		v, err := db.anchorValue(ctx, q, key)
		if err != nil {
			return nil, err
		}
		a = append(a, v)
	}
	for i, c := range q.Table.Key {
		if c != q.Sort || len(q.Table.Key) == 1 {
			a = append(a, anchorValue{write: func(b *builder) { b.value(c, key[i]) }})
		}
	}
	return a, nil
}

// anchorValue is what the row with that key has where q sorts by.
func (db *DB) anchorValue(ctx context.Context, q Query, key []any) (v anchorValue, err error) {
	b := &builder{d: db.Dialect}
	b.put("SELECT ").read(q.Sort)
	if db.numbered(q.Sort) {
		b.selected = append(b.selected, &schema.Column{Kind: schema.Integer})
		b.put(", ").column(q.Sort).put(" + 0")
	}
	b.put(" FROM ", db.Dialect.Table(q.Table)).where(q.Table, key)
	values, err := b.one(ctx, db.SQL)
	if err != nil {
		return v, db.noRow(q.Table, err)
	}
	v.null = values[0] == nil
	if number, ok := values[len(values)-1].(int64); ok {
		v.place = int(number)
	}
	// The database looks the value up by itself: on the way here and back it
	// could change, as the number in a FLOAT of MySQL does.
	v.write = func(b *builder) {
		b.put("(SELECT ").column(q.Sort).put(" FROM ", db.Dialect.Table(q.Table)).where(q.Table, key).put(")")
	}
	return v, nil
}

// numbered reports whether c is an enumeration of MySQL: it is sorted by the
// numbers of its values, and compared by their texts.
func (db *DB) numbered(c *schema.Column) bool {
	return db.Dialect == schema.MySQL && c.Kind == schema.Enum && strings.HasPrefix(strings.ToLower(c.Type), "enum")
}

// larger is the condition that c is more than the value, or less if desc.
func (db *DB) larger(c *schema.Column, v anchorValue, desc bool) term {
	switch {
	case db.numbered(c):
		choices := c.Choices[min(v.place, len(c.Choices)):]
		if desc {
			choices = c.Choices[:max(v.place-1, 0)]
		}
		return term{c, " IN ", func(b *builder) {
			b.put("(NULL") // so that it is never empty; nothing is equal to it
			for _, text := range choices {
				b.put(", ").arg(text)
			}
			b.put(")")
		}}
	case desc:
		return term{c, " < ", v.write}
	default:
		return term{c, " > ", v.write}
	}
}

// beyond are the spans behind the anchor, in order.
func (db *DB) beyond(order []*schema.Column, a anchor, desc bool) []span {
	nullsLast := db.Dialect.NullsFirst() == desc
	var spans []span
	for i := len(order) - 1; i >= 0; i-- {
		c := order[i]
		add := func(last term) {
			var s span
			for j, same := range order[:i] {
				t := term{same, " = ", a[j].write}
				if a[j].null {
					t = term{same, isNull, nil}
				}
				s = append(s, t)
			}
			spans = append(spans, append(s, last))
		}
		switch {
		case a[i].null && nullsLast:
		case a[i].null:
			add(term{c, isNotNull, nil})
		default:
			add(db.larger(c, a[i], desc))
			if nullsLast && !c.NotNull && !c.Key {
				add(term{c, isNull, nil})
			}
		}
	}
	return spans
}
