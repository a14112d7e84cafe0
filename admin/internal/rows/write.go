package rows

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/scarab-go/scarab/admin/internal/schema"
)

// Changes are new values by column; a column that is absent stays as it is,
// or gets its default.
type Changes map[*schema.Column]any

// columns are those of c in the order of the table.
func (c Changes) columns(t *schema.Table) []*schema.Column {
	var columns []*schema.Column
	for _, column := range t.Columns {
		if _, ok := c[column]; ok {
			columns = append(columns, column)
		}
	}
	return columns
}

// check refuses what the schema says cannot be written.
func (c Changes) check(t *schema.Table) error {
	if !t.Writable() {
		return ErrReadOnly
	}
	if columns := c.columns(t); len(columns) != len(c) {
		return fmt.Errorf("a column is not one of table %q", t.Name)
	}
	for column := range c {
		if column.Generated {
			return &ColumnError{Column: column, Problem: Generated}
		}
	}
	return nil
}

// Insert adds a row and returns its key.
func (db *DB) Insert(ctx context.Context, t *schema.Table, c Changes) (key []any, err error) {
	if err := c.check(t); err != nil {
		return nil, err
	}
	err = db.inTx(ctx, func(ex executor) error {
		key, err = db.insert(ctx, ex, t, c)
		return err
	})
	return key, db.blame(ctx, t, c, db.explain(t, err))
}

func (db *DB) insert(ctx context.Context, ex executor, t *schema.Table, c Changes) ([]any, error) {
	b := &builder{d: db.Dialect}
	columns := c.columns(t)
	b.put("INSERT INTO ", db.Dialect.Table(t))
	switch {
	case len(columns) > 0:
		b.put(" (").list(columns, ", ", func(column *schema.Column) { b.column(column) })
		b.put(")")
		if db.Dialect == schema.PostgreSQL && identity(columns) {
			b.put(" OVERRIDING SYSTEM VALUE") // what is given counts, also where the database numbers always
		}
		b.put(" VALUES (").list(columns, ", ", func(column *schema.Column) { b.value(column, c[column]) }).put(")")
	case db.Dialect == schema.MySQL:
		b.put(" () VALUES ()")
	default:
		b.put(" DEFAULT VALUES")
	}
	if db.Dialect == schema.MySQL {
		return db.insertMySQL(ctx, ex, b, t, c)
	}
	b.put(" RETURNING ").list(t.Key, ", ", func(column *schema.Column) { b.read(column) })
	key, err := b.one(ctx, ex)
	if errors.Is(err, ErrNoRow) {
		return nil, errors.New("the database added no row")
	}
	return key, err
}

// identity reports whether a value is given for a column that the database
// numbers.
func identity(columns []*schema.Column) bool {
	return slices.ContainsFunc(columns, func(c *schema.Column) bool { return c.Auto })
}

// insertMySQL does without RETURNING, which MySQL does not have.
func (db *DB) insertMySQL(ctx context.Context, ex executor, b *builder, t *schema.Table, c Changes) ([]any, error) {
	res, err := ex.ExecContext(ctx, b.String(), b.args...)
	if err != nil {
		return nil, err
	}
	key := make([]any, len(t.Key))
	for i, column := range t.Key {
		if v, ok := c[column]; ok && v != nil {
			key[i] = v
		} else if column.Auto {
			if key[i], err = res.LastInsertId(); err != nil {
				return nil, err
			}
		}
	}
	return key, nil
}

// Update changes the row with that key. It first passes the row as it is now
// to check, whose error it returns; no one else can change the row in between.
// The key it returns is the row's from then on.
func (db *DB) Update(ctx context.Context, t *schema.Table, key []any, c Changes, check func(current []any) error) (newKey []any, err error) {
	if err := db.UpdateAll(ctx, t, [][]any{key}, c, check); err != nil {
		return nil, err
	}
	newKey = slices.Clone(key)
	for i, column := range t.Key {
		if v, ok := c[column]; ok {
			newKey[i] = v
		}
	}
	return newKey, nil
}

// UpdateAll makes the same changes in all rows with those keys, or in none of
// them. It passes each row to check, as Update does.
func (db *DB) UpdateAll(ctx context.Context, t *schema.Table, keys [][]any, c Changes, check func(current []any) error) error {
	if err := c.check(t); err != nil {
		return err
	}
	err := db.inTx(ctx, func(ex executor) error {
		for _, key := range keys {
			if err := db.lockAndCheck(ctx, ex, t, key, check); err != nil {
				return err
			}
			if len(c) == 0 {
				continue
			}
			b := &builder{d: db.Dialect}
			b.put("UPDATE ", db.Dialect.Table(t), " SET ")
			b.list(c.columns(t), ", ", func(column *schema.Column) { b.column(column).put(" = ").value(column, c[column]) })
			b.where(t, key)
			if _, err := ex.ExecContext(ctx, b.String(), b.args...); err != nil {
				return err
			}
		}
		return nil
	})
	return db.blame(ctx, t, c, db.explain(t, err))
}

func (db *DB) lockAndCheck(ctx context.Context, ex executor, t *schema.Table, key []any, check func([]any) error) error {
	lock := " FOR UPDATE"
	if db.Dialect == schema.SQLite {
		lock = "" // the transaction has the whole database
	}
	current, err := db.get(ctx, ex, t, key, lock)
	err = db.noRow(t, err)
	if err != nil || check == nil {
		return err
	}
	return check(current)
}

// inTx runs f in a transaction that other writers of the same rows wait for.
func (db *DB) inTx(ctx context.Context, f func(executor) error) (err error) {
	if db.Dialect != schema.SQLite {
		tx, err := db.SQL.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if err := f(tx); err != nil {
			return err
		}
		return tx.Commit()
	}
	// A transaction that reads first and writes later fails in SQLite if
	// another wrote in between; one that is begun with IMMEDIATE waits instead.
	conn, err := db.SQL.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			// Not ctx: it may be what ended f.
			conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		}
	}()
	if err := f(conn); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return err
}

// Same reports whether two values are the same, in type too.
func Same(a, b any) bool {
	if x, ok := a.([]byte); ok {
		y, ok := b.([]byte)
		return ok && bytes.Equal(x, y)
	}
	if _, ok := b.([]byte); ok {
		return false
	}
	return a == b
}

var _ executor = (*sql.Conn)(nil)
