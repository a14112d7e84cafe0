package rows

import (
	"flag"
	"testing"

	"github.com/scarab-go/scarab/admin/internal/testdb"
)

var benchRows = flag.Int("rows", 100_000, "how many rows the table of the benchmarks has")

// The time of a page of 50 rows and of the number above it, in a table of as
// many rows as -rows says:
//
//	go test -run '^$' -bench List -benchtime 50x ./internal/rows -args -rows 10000000
func BenchmarkList(b *testing.B) {
	for _, k := range testdb.Kinds {
		b.Run(string(k.Dialect), func(b *testing.B) {
			db, table := big(b, k, *benchRows)
			middle := []any{int64(*benchRows / 2)}
			kind, at := table.Column("kind"), table.Column("at")
			for _, bb := range []struct {
				name string
				q    Query
			}{
				{"first", Query{}},
				{"middle", Query{After: middle}},
				{"last", Query{Last: true}},
				{"middle-by-5-values", Query{Sort: kind, After: middle}},
				{"middle-by-nullable-descending", Query{Sort: at, Desc: true, After: middle}},
				{"filtered-by-index", Query{Filters: []Filter{{Column: at, Op: Equal, Value: "7919"}}}},
			} {
				b.Run(bb.name, func(b *testing.B) {
					bb.q.Table, bb.q.Limit = table, 50
					for b.Loop() {
						if _, err := db.List(b.Context(), bb.q); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
			b.Run("count", func(b *testing.B) {
				for b.Loop() {
					if _, _, err := db.Count(b.Context(), Query{Table: table}); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
