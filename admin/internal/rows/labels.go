package rows

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/scarab-go/scarab/admin/internal/schema"
)

// Labels returns what the rows of t with those keys are called, by the encoded
// key. The primary key of t is one column. A row without a name has nil; a row
// that does not exist is absent.
func (db *DB) Labels(ctx context.Context, t *schema.Table, keys []any) (map[string]any, error) {
	distinct := map[string]any{}
	for _, k := range keys {
		if e := EncodeKey([]any{k}); e != "" {
			distinct[e] = k
		}
	}
	if len(distinct) == 0 || len(t.Key) != 1 {
		return nil, nil
	}
	b := &builder{d: db.Dialect}
	b.put("SELECT ").read(t.Key[0])
	if label := t.Label(); label != nil {
		b.put(", ").preview(label)
	}
	b.put(" FROM ", db.Dialect.Table(t), " WHERE ").column(t.Key[0]).put(" IN (")
	first := true
	for _, k := range distinct {
		if !first {
			b.put(", ")
		}
		first = false
		b.value(t.Key[0], k)
	}
	b.put(")")
	r, err := db.SQL.QueryContext(ctx, b.String(), b.args...)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out := map[string]any{}
	for r.Next() {
		v, err := b.scan(r)
		if err != nil {
			return nil, err
		}
		out[EncodeKey(v[:1])] = nil
		if len(v) > 1 {
			out[EncodeKey(v[:1])] = v[1]
		}
	}
	return out, r.Err()
}

// An Option is a row to choose.
type Option struct {
	Key   []any
	Label any
}

// Options returns the rows of t in which the text is found, sorted by their
// name, or nil if they are more than limit. An empty text is found in all.
// Rows without a name cannot be chosen.
func (db *DB) Options(ctx context.Context, t *schema.Table, find string, limit int) ([]Option, error) {
	label := t.Label()
	if len(t.Key) == 0 || label == nil {
		return nil, nil
	}
	// In the order of the key: what is more than limit is found out without
	// looking at all of it, as sorting would.
	columns := append(slices.Clone(t.Key), label)
	p, err := db.List(ctx, Query{Table: t, Columns: columns, Search: find, Limit: limit})
	if err != nil || p.After {
		return nil, err
	}
	options := make([]Option, 0, len(p.Rows))
	for _, r := range p.Rows {
		options = append(options, Option{r.Values[:len(t.Key)], r.Values[len(t.Key)]})
	}
	slices.SortStableFunc(options, func(a, b Option) int {
		return strings.Compare(strings.ToLower(fmt.Sprint(a.Label)), strings.ToLower(fmt.Sprint(b.Label)))
	})
	return options, nil
}
