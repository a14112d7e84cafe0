package schema

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

func readSQLite(ctx context.Context, db Querier) ([]*Table, error) {
	var tables []*Table
	sources := map[*Table]string{}
	err := each(ctx, db, `SELECT l.name, l.type, coalesce(s.sql, '') FROM pragma_table_list AS l
		JOIN sqlite_schema AS s ON s.name = l.name AND s.type IN ('table', 'view')
		WHERE l.schema = 'main' AND l.type IN ('table', 'view', 'virtual') AND l.name NOT LIKE 'sqlite!_%' ESCAPE '!'`,
		func(r *sql.Rows) error {
			t := new(Table)
			var kind, source string
			if err := r.Scan(&t.Name, &kind, &source); err != nil {
				return err
			}
			t.View, t.Virtual = kind == "view", kind == "virtual"
			tables = append(tables, t)
			sources[t] = source
			return nil
		})
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		if err := t.readSQLiteColumns(ctx, db); err != nil {
			return nil, fmt.Errorf("table %q: %w", t.Name, err)
		}
		for name, choices := range checkChoices(sources[t]) {
			if c := t.foldColumn(name); c != nil && (c.Kind == Text || c.Kind == LongText) {
				c.Kind, c.Choices = Enum, choices
			}
		}
	}
	for _, t := range tables {
		if err := t.readSQLiteRefs(ctx, db, tables); err != nil {
			return nil, fmt.Errorf("table %q: %w", t.Name, err)
		}
		if err := t.readSQLiteIndexes(ctx, db); err != nil {
			return nil, fmt.Errorf("table %q: %w", t.Name, err)
		}
	}
	return tables, nil
}

func (t *Table) readSQLiteColumns(ctx context.Context, db Querier) error {
	keys := map[int]*Column{}
	err := each(ctx, db, `SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?) ORDER BY cid`, func(r *sql.Rows) error {
		c := new(Column)
		var pk, hidden int
		if err := r.Scan(&c.Name, &c.Type, &c.NotNull, &c.Default, &pk, &hidden); err != nil {
			return err
		}
		if hidden == 1 {
			return nil // of a virtual table: an argument, not a column
		}
		c.Generated = hidden > 1
		c.setType(c.Type)
		c.Loose = looseSQLite(c.Type)
		if pk > 0 {
			keys[pk] = c
		}
		t.Columns = append(t.Columns, c)
		return nil
	}, t.Name)
	if err != nil {
		return err
	}
	for i := 1; i <= len(keys); i++ {
		t.Key = append(t.Key, keys[i])
	}
	// "INTEGER PRIMARY KEY" and nothing else is the row's number.
	if len(t.Key) == 1 && strings.EqualFold(t.Key[0].Type, "integer") {
		t.Key[0].Auto = true
	}
	return nil
}

// looseSQLite reports whether a column of that declared type has no affinity:
// "Determination Of Column Affinity" in SQLite's documentation.
func looseSQLite(declared string) bool {
	u := strings.ToUpper(declared)
	for _, s := range [...]string{"INT", "CHAR", "CLOB", "TEXT"} {
		if strings.Contains(u, s) {
			return false
		}
	}
	return u == "" || u == "ANY" || strings.Contains(u, "BLOB")
}

func (t *Table) readSQLiteRefs(ctx context.Context, db Querier, tables []*Table) error {
	last := -1
	skipped := map[int]bool{}
	return each(ctx, db, `SELECT id, "table", "from", "to", on_delete FROM pragma_foreign_key_list(?) ORDER BY id, seq`, func(r *sql.Rows) error {
		var id int
		var target, from, onDelete string
		var to *string
		if err := r.Scan(&id, &target, &from, &to, &onDelete); err != nil {
			return err
		}
		if id != last {
			last = id
			other := foldTable(tables, target)
			if other == nil {
				skipped[id] = true
				return nil
			}
			t.Refs = append(t.Refs, ForeignKey{Table: other, OnDelete: action(onDelete)})
		}
		if skipped[id] {
			return nil // it points at a table that is not there
		}
		fk := &t.Refs[len(t.Refs)-1]
		column := fk.Table.implied(len(fk.Columns))
		if to != nil {
			column = fk.Table.foldColumn(*to)
		}
		if c := t.foldColumn(from); c != nil && column != nil {
			fk.Columns, fk.To = append(fk.Columns, c), append(fk.To, column)
		}
		return nil
	}, t.Name)
}

// implied is the nth column of the primary key, which a foreign key without
// columns points at.
func (t *Table) implied(n int) *Column {
	if n < len(t.Key) {
		return t.Key[n]
	}
	return nil
}

func (t *Table) readSQLiteIndexes(ctx context.Context, db Querier) error {
	unique := map[string]bool{}
	var names []string
	err := each(ctx, db, `SELECT name, "unique" FROM pragma_index_list(?) WHERE NOT partial ORDER BY seq`, func(r *sql.Rows) error {
		var name string
		var is bool
		err := r.Scan(&name, &is)
		names, unique[name] = append(names, name), is
		return err
	}, t.Name)
	if err != nil {
		return err
	}
	for _, name := range names {
		var columns []*Column
		plain := true
		err := each(ctx, db, `SELECT name FROM pragma_index_info(?) ORDER BY seqno`, func(r *sql.Rows) error {
			var name *string
			if err := r.Scan(&name); err != nil {
				return err
			}
			if name == nil {
				plain = false // an expression
				return nil
			}
			columns = append(columns, t.foldColumn(*name))
			return nil
		}, name)
		if err != nil {
			return err
		}
		if len(columns) > 0 && columns[0] != nil && plain {
			columns[0].Indexed = true
		}
		if plain && unique[name] {
			t.Unique = append(t.Unique, columns)
		}
	}
	return nil
}

// action leaves out the actions that refuse.
func action(onDelete string) string {
	switch a := strings.ToUpper(onDelete); a {
	case "NO ACTION", "RESTRICT":
		return ""
	default:
		return a
	}
}

// foldTable finds a table by name, whatever its case: SQLite compares so.
func foldTable(tables []*Table, name string) *Table {
	for _, t := range tables {
		if strings.EqualFold(t.Name, name) {
			return t
		}
	}
	return nil
}

func (t *Table) foldColumn(name string) *Column {
	for _, c := range t.Columns {
		if strings.EqualFold(c.Name, name) {
			return c
		}
	}
	return nil
}

// each calls f for every row of a query.
func each(ctx context.Context, db Querier, query string, f func(*sql.Rows) error, args ...any) error {
	r, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer r.Close()
	for r.Next() {
		if err := f(r); err != nil {
			return err
		}
	}
	return r.Err()
}
