package rows

import (
	"context"
	"errors"
	"fmt"

	"github.com/scarab-go/scarab/admin/internal/schema"
)

// Deleted is what a Delete took away and changed: enough to bring it back.
type Deleted struct {
	rows  []deletedRow
	links []severedLink // foreign keys that the database cleared
	size  int
}

type deletedRow struct {
	table  *schema.Table
	key    []any
	values []any
}

type severedLink struct {
	table   *schema.Table
	key     []any
	columns []*schema.Column
	values  []any
}

// Bounds of what can be brought back.
const (
	maxDeleted = 500     // rows, cascades included
	maxKept    = 8 << 20 // bytes of values, about
)

// errTooMuch: there is more than is kept.
var errTooMuch = errors.New("more than can be brought back")

// Rows is how many rows are gone.
func (d *Deleted) Rows() int { return len(d.rows) }

// A Loss is a row that a Delete took away, or one in which the database
// cleared a foreign key.
type Loss struct {
	Table   *schema.Table
	Key     []any
	Columns []*schema.Column // of Values
	Values  []any            // before
	Gone    bool             // the row is
}

// Losses are all of them, in no particular order.
func (d *Deleted) Losses() (out []Loss) {
	for _, r := range d.rows {
		out = append(out, Loss{r.table, r.key, r.table.Columns, r.values, true})
	}
	for _, l := range d.links {
		out = append(out, Loss{l.table, l.key, l.columns, l.values, false})
	}
	return out
}

// A NotAllowedError says that a deletion would reach into another table.
type NotAllowedError struct{ Table *schema.Table }

func (e *NotAllowedError) Error() string {
	return "the deletion would change rows of table " + e.Table.FullName()
}

// Delete removes the rows with those keys, or none of them. It first passes
// each row as it is now to check, whose error it returns. Rows that go or
// change along with them are of tables that may allows; otherwise nothing is
// deleted, and the error is a *NotAllowedError.
//
// What it returns brings the rows back, and those that the database removes or
// changes because they point at them; nil if that is too much to keep.
func (db *DB) Delete(ctx context.Context, s *schema.Schema, t *schema.Table, keys [][]any, may func(*schema.Table) bool, check func(current []any) error) (*Deleted, error) {
	if !t.Writable() {
		return nil, ErrReadOnly
	}
	var gone *Deleted
	err := db.inTx(ctx, func(ex executor) error {
		gone = new(Deleted)
		for _, key := range keys {
			if err := db.lockAndCheck(ctx, ex, t, key, check); err != nil {
				return err
			}
		}
		c := collector{db: db, ex: ex, schema: s, into: gone, seen: map[string]bool{}, may: may}
		for _, key := range keys {
			err := c.row(ctx, t, key)
			if errors.Is(err, errTooMuch) {
				gone = nil
				if err = c.mayReach(t, map[*schema.Table]bool{}); err == nil {
					break
				}
			}
			if err != nil {
				return err
			}
		}
		for _, key := range keys {
			b := &builder{d: db.Dialect}
			b.put("DELETE FROM ", db.Dialect.Table(t)).where(t, key)
			if _, err := ex.ExecContext(ctx, b.String(), b.args...); err != nil {
				return err
			}
		}
		return nil
	})
	err = db.explain(t, err)
	var refused *ColumnError
	if errors.As(err, &refused) && refused.Problem == Dangling {
		refused.Problem = InUse
	}
	if err != nil {
		return nil, err
	}
	return gone, nil
}

// A collector finds what a deletion takes along.
type collector struct {
	db     *DB
	ex     executor
	schema *schema.Schema
	into   *Deleted
	seen   map[string]bool
	may    func(*schema.Table) bool
}

// mayReach looks at all tables that a deletion in t may reach into: which of
// them it does is not known.
func (c *collector) mayReach(t *schema.Table, seen map[*schema.Table]bool) error {
	for _, d := range c.schema.Dependants(t) {
		if d.OnDelete == "" || seen[d.Table] {
			continue
		}
		seen[d.Table] = true
		if !c.may(d.Table) {
			return &NotAllowedError{d.Table}
		}
		if d.OnDelete == "CASCADE" || d.OnDelete == schema.Hidden {
			if err := c.mayReach(d.Table, seen); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *collector) row(ctx context.Context, t *schema.Table, key []any) error {
	name := t.Slug() + " " + EncodeKey(key)
	if c.seen[name] {
		return nil
	}
	c.seen[name] = true
	values, err := c.db.get(ctx, c.ex, t, key, "")
	if err != nil {
		return err
	}
	for _, v := range values {
		switch v := v.(type) {
		case string:
			c.into.size += len(v)
		case []byte:
			c.into.size += len(v)
		}
	}
	c.into.rows = append(c.into.rows, deletedRow{t, key, values})
	if len(c.into.rows) > maxDeleted || c.into.size > maxKept {
		return errTooMuch
	}
	for _, d := range c.schema.Dependants(t) {
		if d.OnDelete == "" {
			continue // it stands in the way, and nothing will be deleted
		}
		if err := c.dependants(ctx, t, values, d); err != nil {
			return err
		}
	}
	return nil
}

// dependants collects the rows that point at a row with those values.
func (c *collector) dependants(ctx context.Context, t *schema.Table, values []any, d schema.Dependant) error {
	if len(d.Table.Key) == 0 || d.OnDelete == "SET DEFAULT" {
		return errTooMuch // what cannot be told apart afterwards cannot be brought back
	}
	b := &builder{d: c.db.Dialect}
	columns := append(append([]*schema.Column(nil), d.Table.Key...), d.Columns...)
	b.put("SELECT ").list(columns, ", ", func(column *schema.Column) { b.read(column) })
	b.put(" FROM ", c.db.Dialect.Table(d.Table), " WHERE ")
	i := 0
	b.list(d.Columns, " AND ", func(column *schema.Column) {
		b.column(column).put(" = ").value(column, ValueOf(t, values, d.To[i]))
		i++
	})
	b.put(" LIMIT ").arg(maxDeleted + 1)
	found, err := c.query(ctx, b)
	if err != nil {
		return err
	}
	if len(found) > 0 && !c.may(d.Table) {
		return &NotAllowedError{d.Table}
	}
	if len(found) > 0 && d.OnDelete == schema.Hidden {
		return errTooMuch // nor what becomes of it
	}
	for _, v := range found {
		key, link := v[:len(d.Table.Key)], v[len(d.Table.Key):]
		if d.OnDelete == "CASCADE" {
			err = c.row(ctx, d.Table, key)
		} else {
			c.into.links = append(c.into.links, severedLink{d.Table, key, d.Columns, link})
			if len(c.into.links) > maxDeleted {
				err = errTooMuch
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *collector) query(ctx context.Context, b *builder) ([][]any, error) {
	r, err := c.ex.QueryContext(ctx, b.String(), b.args...)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var found [][]any
	for r.Next() {
		v, err := b.scan(r)
		if err != nil {
			return nil, err
		}
		found = append(found, v)
	}
	return found, r.Err()
}

// ValueOf returns the value of c in a row of t.
func ValueOf(t *schema.Table, values []any, c *schema.Column) any {
	for i, column := range t.Columns {
		if column == c {
			return values[i]
		}
	}
	return nil
}

// Restore brings back what a Delete took away, or nothing of it.
func (db *DB) Restore(ctx context.Context, d *Deleted) error {
	var at *schema.Table
	err := db.inTx(ctx, func(ex executor) error {
		for _, r := range d.inOrder() {
			at = r.table
			changes := Changes{}
			for i, c := range r.table.Columns {
				if !c.Generated {
					changes[c] = r.values[i]
				}
			}
			if _, err := db.insert(ctx, ex, r.table, changes); err != nil {
				return err
			}
		}
		for _, l := range d.links {
			at = l.table
			b := &builder{d: db.Dialect}
			b.put("UPDATE ", db.Dialect.Table(l.table), " SET ")
			i := 0
			b.list(l.columns, ", ", func(c *schema.Column) {
				b.column(c).put(" = ").value(c, l.values[i])
				i++
			})
			// A link that was given another target meanwhile is left alone.
			b.where(l.table, l.key)
			b.put(" AND ").list(l.columns, " AND ", func(c *schema.Column) { b.column(c).put(" IS NULL") })
			if _, err := ex.ExecContext(ctx, b.String(), b.args...); err != nil {
				return err
			}
		}
		return nil
	})
	if at != nil {
		err = db.explain(at, err)
	}
	if err != nil {
		return fmt.Errorf("bringing back %d rows: %w", len(d.rows), err)
	}
	return nil
}

// inOrder returns the rows so that what is pointed at comes first.
func (d *Deleted) inOrder() []deletedRow {
	out := make([]deletedRow, 0, len(d.rows))
	seen := make([]bool, len(d.rows))
	var visit func(i int)
	visit = func(i int) {
		if seen[i] {
			return
		}
		seen[i] = true
		for _, fk := range d.rows[i].table.Refs {
			for j := range d.rows {
				if d.rows[j].table == fk.Table && d.rows[i].pointsAt(fk, d.rows[j]) {
					visit(j)
				}
			}
		}
		out = append(out, d.rows[i])
	}
	for i := range d.rows {
		visit(i)
	}
	return out
}

func (r deletedRow) pointsAt(fk schema.ForeignKey, other deletedRow) bool {
	for i, c := range fk.Columns {
		if v := ValueOf(r.table, r.values, c); v == nil || !Same(v, ValueOf(other.table, other.values, fk.To[i])) {
			return false
		}
	}
	return len(fk.Columns) > 0
}
