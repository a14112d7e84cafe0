package admin

import (
	"slices"
	"strings"

	"github.com/scarab-go/scarab/admin/internal/schema"
)

// own reports whether a table is one of scarab's: who could edit a session
// could be anyone. It is told by its name, and since a store of sessions may be
// given any name, by its columns; a view of all of them is told so, too.
func own(t *schema.Table) bool {
	has := func(names ...string) bool {
		for _, name := range names {
			if !slices.ContainsFunc(t.Columns, func(c *schema.Column) bool { return strings.EqualFold(c.Name, name) }) {
				return false
			}
		}
		return true
	}
	return strings.HasPrefix(strings.ToLower(t.Name), "scarab_") ||
		has("handle", "secret", "commit_id") || // package sqlstore: the sessions
		len(t.Columns) == 2 && has("principal", "revoked_at") // and the principals that were revoked
}

// withoutOwn leaves out scarab's own tables, and the references to them: what
// they hold is not to be chosen from, either.
func withoutOwn(tables []*schema.Table) []*schema.Table {
	tables = slices.DeleteFunc(tables, own)
	for _, t := range tables {
		t.Refs = slices.DeleteFunc(t.Refs, func(fk schema.ForeignKey) bool { return own(fk.Table) })
	}
	return tables
}
