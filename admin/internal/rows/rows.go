// Package rows reads and writes the rows of one table.
//
// Names come from the schema and are quoted; everything else is a parameter.
//
// A value is nil, int64, float64, bool, string or []byte: what the database
// holds, or its own way of writing it as text. Reading a value and writing it
// back changes nothing.
package rows

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/scarab-go/scarab/admin/internal/schema"
)

// ErrNoRow: the row is not there, or not any more.
var ErrNoRow = errors.New("there is no such row")

// ErrReadOnly: the table is a view, or its rows cannot be told apart.
var ErrReadOnly = errors.New("the table is read only")

// A DB reads and writes rows.
type DB struct {
	SQL     *sql.DB
	Dialect schema.Dialect
}

// A Row is the values of a row, in the order that was asked for.
type Row struct {
	Key    string // see EncodeKey; empty if the row cannot be told apart from others
	Values []any
}

// An executor is a *sql.DB, *sql.Conn or *sql.Tx.
type executor interface {
	schema.Querier
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// A builder puts a statement together.
type builder struct {
	strings.Builder
	d        schema.Dialect
	args     []any
	selected []*schema.Column // what read and preview were called for, in order
}

func (b *builder) put(parts ...string) *builder {
	for _, p := range parts {
		b.WriteString(p)
	}
	return b
}

func (b *builder) column(c *schema.Column) *builder { return b.put(b.d.Quote(c.Name)) }

// arg adds a parameter.
func (b *builder) arg(v any) *builder {
	b.args = append(b.args, v)
	return b.put(b.d.Placeholder(len(b.args)))
}

// value adds a parameter that is a value of c.
func (b *builder) value(c *schema.Column, v any) *builder {
	// SQLite keeps a value in a column without a type as it is given.
	if s, ok := v.(string); ok && b.d == schema.PostgreSQL && c.Kind == schema.Binary {
		v = []byte(s)
	}
	return b.arg(v)
}

// list writes f of each column, with separators between.
func (b *builder) list(columns []*schema.Column, separator string, f func(*schema.Column)) *builder {
	for i, c := range columns {
		if i > 0 {
			b.put(separator)
		}
		f(c)
	}
	return b
}

// read selects the whole value of c.
func (b *builder) read(c *schema.Column) *builder {
	b.selected = append(b.selected, c)
	return b.whole(c)
}

// whole is an expression for the whole value of c.
func (b *builder) whole(c *schema.Column) *builder {
	switch b.d {
	case schema.PostgreSQL:
		b.column(c)
		if c.Kind != schema.Binary && c.Kind != schema.Bool && c.Kind != schema.Integer {
			b.put("::text")
		}
		return b
	case schema.MySQL:
		if strings.HasPrefix(strings.ToLower(c.Type), "bit") {
			return b.put("(").column(c).put(" + 0)")
		}
		if c.Kind == schema.Binary || c.Kind == schema.Integer || c.Kind == schema.Bool || c.Kind == schema.Float {
			return b.column(c)
		}
		return b.put("CAST(").column(c).put(" AS CHAR)")
	default:
		// A bare column tells the driver its declared type, and the driver
		// then makes times and booleans of what is stored as text and numbers.
		return b.put("+").column(c)
	}
}

// preview selects the beginning of the value of c.
func (b *builder) preview(c *schema.Column) *builder {
	b.selected = append(b.selected, c)
	switch {
	case c.Key:
		return b.whole(c)
	case b.d == schema.SQLite && (c.Loose || c.Kind == schema.Binary || c.Kind.Textual() || c.Kind == schema.JSON):
		q := b.d.Quote(c.Name)
		return b.put("CASE typeof(", q, ") WHEN 'text' THEN substr(", q, ", 1, ", previewText, ") WHEN 'blob' THEN substr(", q, ", 1, ", previewBytes, ") ELSE ", q, " END")
	case b.d == schema.SQLite:
		return b.whole(c)
	case c.Kind == schema.Binary:
		return b.put("substr(").column(c).put(", 1, ", previewBytes, ")")
	case c.Kind.Textual() || c.Kind == schema.JSON:
		return b.put("substr(").whole(c).put(", 1, ", previewText, ")")
	default:
		return b.whole(c)
	}
}

// How much of a value a list shows.
const (
	previewText  = "240"
	previewBytes = "24"
)

// where adds the condition that the primary key of t is key.
func (b *builder) where(t *schema.Table, key []any) *builder {
	b.put(" WHERE ")
	i := 0
	return b.list(t.Key, " AND ", func(c *schema.Column) {
		b.column(c).put(" = ").value(c, key[i])
		i++
	})
}

// scan reads what b selects from the current row.
func (b *builder) scan(r *sql.Rows) ([]any, error) {
	values := make([]any, len(b.selected))
	into := make([]any, len(values))
	for i := range values {
		into[i] = &values[i]
	}
	if err := r.Scan(into...); err != nil {
		return nil, err
	}
	for i, v := range values {
		values[i] = plain(v)
		// SQLite tells texts from bytes, whatever the column is for.
		if raw, ok := values[i].([]byte); ok && b.d != schema.SQLite {
			values[i] = fromBytes(b.selected[i], raw)
		}
	}
	return values, nil
}

// fromBytes makes a value of what drivers of MySQL and PostgreSQL return as
// bytes, texts and numbers among it.
func fromBytes(c *schema.Column, raw []byte) any {
	switch c.Kind {
	case schema.Binary:
		return raw
	case schema.Integer, schema.Bool:
		if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
			return n
		}
	case schema.Float:
		if f, err := strconv.ParseFloat(string(raw), 64); err == nil {
			return f
		}
	}
	return string(raw)
}

// plain makes one of the types that values have of what a driver returns.
func plain(v any) any {
	switch v := v.(type) {
	case nil, int64, float64, bool, string, []byte:
		return v
	case int32:
		return int64(v)
	case float32:
		f, _ := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64) // the same digits
		return f
	case uint64:
		if v > 1<<63-1 {
			return fmt.Sprint(v)
		}
		return int64(v)
	case time.Time:
		return v.Format("2006-01-02 15:04:05.999999999Z07:00")
	default:
		return fmt.Sprint(v)
	}
}

// Get returns the values of all columns of the row with that key.
func (db *DB) Get(ctx context.Context, t *schema.Table, key []any) ([]any, error) {
	values, err := db.get(ctx, db.SQL, t, key, "")
	return values, db.noRow(t, err)
}

// noRow makes ErrNoRow of a refusal of the key: no row can have it.
func (db *DB) noRow(t *schema.Table, err error) error {
	var refused *ColumnError
	if errors.As(db.explain(t, err), &refused) && (refused.Problem == WrongType || refused.Problem == OutOfRange) {
		return ErrNoRow
	}
	return err
}

func (db *DB) get(ctx context.Context, ex executor, t *schema.Table, key []any, suffix string) ([]any, error) {
	if len(t.Key) == 0 || len(key) != len(t.Key) {
		return nil, ErrNoRow
	}
	b := &builder{d: db.Dialect}
	b.put("SELECT ").list(t.Columns, ", ", func(c *schema.Column) { b.read(c) })
	b.put(" FROM ", db.Dialect.Table(t)).where(t, key).put(suffix)
	return b.one(ctx, ex)
}

// one reads what b selects from the only row there is, or fails with ErrNoRow.
func (b *builder) one(ctx context.Context, ex executor) ([]any, error) {
	r, err := ex.QueryContext(ctx, b.String(), b.args...)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if !r.Next() {
		if err := r.Err(); err != nil {
			return nil, err
		}
		return nil, ErrNoRow
	}
	values, err := b.scan(r)
	if err != nil {
		return nil, err
	}
	r.Next() // a statement that writes is not over before
	return values, r.Err()
}
