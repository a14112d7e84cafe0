package rows

import (
	"strconv"
	"strings"

	"github.com/scarab-go/scarab/admin/internal/schema"
)

// A Filter is a condition on one column.
type Filter struct {
	Column *schema.Column
	Op     Op
	Value  string
}

// An Op compares a column with a value.
type Op string

// The comparisons. Null and NotNull take no value.
const (
	Equal    Op = "is"
	NotEqual Op = "not"
	Less     Op = "lt"
	Greater  Op = "gt"
	AtMost   Op = "le"
	AtLeast  Op = "ge"
	Contains Op = "has"
	Begins   Op = "begins"
	Null     Op = "null"
	NotNull  Op = "notnull"
)

// Ops are all of them, in the order to offer them.
var Ops = []Op{Equal, NotEqual, Contains, Begins, Less, AtMost, Greater, AtLeast, Null, NotNull}

var symbols = map[Op]string{Equal: " = ", NotEqual: " <> ", Less: " < ", Greater: " > ", AtMost: " <= ", AtLeast: " >= "}

// NeedsValue reports whether the comparison takes a value.
func (o Op) NeedsValue() bool { return o != Null && o != NotNull }

// Conditions are written one after the other, WHERE before the first.
type conditions struct {
	b *builder
	n int
}

func (c *conditions) and(f func()) {
	if c.n == 0 {
		c.b.put(" WHERE ")
	} else {
		c.b.put(" AND ")
	}
	c.n++
	f()
}

// conditions adds those of the filters and of the search.
func (db *DB) conditions(b *builder, q Query) *conditions {
	all := &conditions{b: b}
	for _, f := range q.Filters {
		all.and(func() { db.filter(b, f) })
	}
	if q.Search != "" {
		all.and(func() { db.search(b, q) })
	}
	return all
}

func (db *DB) filter(b *builder, f Filter) {
	switch f.Op {
	case Null:
		b.column(f.Column).put(" IS NULL")
	case NotNull:
		b.column(f.Column).put(" IS NOT NULL")
	case Contains:
		db.like(b, f.Column, "%"+escapeLike(f.Value)+"%")
	case Begins:
		db.like(b, f.Column, escapeLike(f.Value)+"%")
	default:
		b.column(f.Column).put(symbols[f.Op]).value(f.Column, db.typed(f.Column, f.Value))
	}
}

// typed makes a number of s where a column has no type that would do so.
func (db *DB) typed(c *schema.Column, s string) any {
	if c.Loose {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n
		}
	}
	return s
}

// search finds the text in any column of text, and the whole number in the key.
func (db *DB) search(b *builder, q Query) {
	n := 0
	or := func() {
		if n > 0 {
			b.put(" OR ")
		}
		n++
	}
	b.put("(")
	for _, c := range q.Table.Columns {
		if searchable(c) {
			or()
			db.like(b, c, "%"+escapeLike(q.Search)+"%")
		}
	}
	if number, err := strconv.ParseInt(q.Search, 10, 64); err == nil {
		for _, c := range q.Table.Key {
			if c.Kind == schema.Integer {
				or()
				b.column(c).put(" = ").value(c, number)
			}
		}
	}
	if n == 0 {
		b.put("1 = 0")
	}
	b.put(")")
}

func searchable(c *schema.Column) bool {
	return c.Kind == schema.Text || c.Kind == schema.LongText || c.Kind == schema.Enum || c.Kind == schema.JSON || c.Kind == schema.UUID || c.Loose && c.Kind != schema.Binary
}

func (db *DB) like(b *builder, c *schema.Column, pattern string) {
	switch db.Dialect {
	case schema.PostgreSQL:
		b.column(c).put("::text ILIKE ")
	default:
		b.column(c).put(" LIKE ")
	}
	b.arg(pattern).put(" ESCAPE '!'")
}

var likeEscaper = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

func escapeLike(s string) string { return likeEscaper.Replace(s) }
