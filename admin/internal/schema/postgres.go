package schema

import (
	"context"
	"database/sql"
	"regexp"
	"strings"
)

// readPostgres reads the tables of all schemas but PostgreSQL's own. Those on
// the search path have names without a schema.
func readPostgres(ctx context.Context, db Querier) ([]*Table, error) {
	p := &postgres{ctx: ctx, db: db, tables: map[int64]*Table{}, columns: map[[2]int64]*Column{}}
	for _, step := range []func() error{p.readTables, p.readColumns, p.readEnums, p.readIndexes, p.readConstraints} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	tables := make([]*Table, 0, len(p.tables))
	for _, t := range p.tables {
		tables = append(tables, t)
	}
	return tables, nil
}

type postgres struct {
	ctx     context.Context
	db      Querier
	tables  map[int64]*Table     // by the number of their relation
	columns map[[2]int64]*Column // and by the number of their attribute
	enums   map[int64][]*Column  // by the number of their type
}

func (p *postgres) each(query string, f func(*sql.Rows) error) error {
	return each(p.ctx, p.db, query, f)
}

func (p *postgres) readTables() error {
	return p.each(`SELECT c.oid::bigint, CASE WHEN pg_table_is_visible(c.oid) THEN '' ELSE n.nspname::text END, c.relname::text, c.relkind::text
		FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND n.nspname NOT IN ('information_schema') AND n.nspname NOT LIKE 'pg\_%'
		AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')`,
		func(r *sql.Rows) error {
			t := new(Table)
			var oid int64
			var kind string
			if err := r.Scan(&oid, &t.Schema, &t.Name, &kind); err != nil {
				return err
			}
			t.View = kind == "v" || kind == "m"
			p.tables[oid] = t
			return nil
		})
}

func (p *postgres) readColumns() error {
	p.enums = map[int64][]*Column{}
	return p.each(`SELECT a.attrelid::bigint, a.attnum::bigint, a.attname::text, format_type(a.atttypid, a.atttypmod),
			coalesce(format_type(nullif(t.typbasetype, 0), t.typtypmod), ''), t.typtype::text, t.oid::bigint,
			a.attnotnull OR t.typnotnull, a.attidentity::text, a.attgenerated::text, pg_get_expr(d.adbin, d.adrelid)
		FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_type AS t ON t.oid = a.atttypid
		LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum`,
		func(r *sql.Rows) error {
			c := new(Column)
			var table, number, typeOID int64
			var declared, base, kind, identity, generated string
			if err := r.Scan(&table, &number, &c.Name, &declared, &base, &kind, &typeOID, &c.NotNull, &identity, &generated, &c.Default); err != nil {
				return err
			}
			t := p.tables[table]
			if t == nil {
				return nil
			}
			if base == "" {
				base = declared
			}
			c.setType(base)
			c.Type = declared
			switch {
			case kind == "e":
				c.Kind = Enum
				p.enums[typeOID] = append(p.enums[typeOID], c)
			case strings.HasSuffix(base, "]"):
				c.Kind, c.Size = Other, 0 // an array
			}
			c.Generated = generated != ""
			if c.Generated {
				c.Default = nil
			}
			if identity != "" || c.Default != nil && strings.HasPrefix(*c.Default, "nextval(") {
				c.Auto, c.Default = true, nil
			}
			t.Columns = append(t.Columns, c)
			p.columns[[2]int64{table, number}] = c
			return nil
		})
}

func (p *postgres) readEnums() error {
	return p.each(`SELECT enumtypid::bigint, enumlabel::text FROM pg_enum ORDER BY enumtypid, enumsortorder`, func(r *sql.Rows) error {
		var oid int64
		var label string
		if err := r.Scan(&oid, &label); err != nil {
			return err
		}
		for _, c := range p.enums[oid] {
			c.Choices = append(c.Choices, label)
		}
		return nil
	})
}

// readIndexes reads which columns have one, primary keys, and what else is
// unique.
func (p *postgres) readIndexes() error {
	var name string
	err := p.each(`SELECT i.indrelid::bigint, i.indkey[0]::bigint FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_am AS m ON m.oid = c.relam
		WHERE i.indpred IS NULL AND i.indisvalid AND m.amname = 'btree'`, func(r *sql.Rows) error {
		var table, number int64
		if err := r.Scan(&table, &number); err != nil {
			return err
		}
		if c := p.columns[[2]int64{table, number}]; c != nil {
			c.Indexed = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	return p.each(`SELECT i.indrelid::bigint, c.relname::text, i.indisprimary, k.attnum::bigint
		FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid, unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
		WHERE i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indisvalid AND k.place <= i.indnkeyatts
		ORDER BY i.indexrelid, k.place`,
		func(r *sql.Rows) error {
			var table, number int64
			var index string
			var primary bool
			if err := r.Scan(&table, &index, &primary, &number); err != nil {
				return err
			}
			t, c := p.tables[table], p.columns[[2]int64{table, number}]
			if t == nil || c == nil {
				return nil
			}
			if primary {
				t.Key = append(t.Key, c)
			}
			if index != name {
				name = index
				t.Unique = append(t.Unique, nil)
			}
			t.Unique[len(t.Unique)-1] = append(t.Unique[len(t.Unique)-1], c)
			t.constrain(index, c)
			return nil
		})
}

// readConstraints reads foreign keys and checks.
func (p *postgres) readConstraints() error {
	var last string
	return p.each(`SELECT c.conrelid::bigint, c.conname::text, c.contype::text, k.here::bigint, c.confrelid::bigint, coalesce(c.confkey[k.place], 0)::bigint,
			c.confdeltype::text, pg_get_constraintdef(c.oid)
		FROM pg_constraint AS c, unnest(c.conkey) WITH ORDINALITY AS k (here, place)
		WHERE c.contype IN ('f', 'c') AND c.conparentid = 0 ORDER BY c.conrelid, c.oid, k.place`,
		func(r *sql.Rows) error {
			var table, here, target, there int64
			var name, kind, onDelete, definition string
			if err := r.Scan(&table, &name, &kind, &here, &target, &there, &onDelete, &definition); err != nil {
				return err
			}
			t, c := p.tables[table], p.columns[[2]int64{table, here}]
			if t == nil || c == nil {
				return nil
			}
			t.constrain(name, c)
			if kind == "c" {
				if choices := arrayChoices(definition); choices != nil && (c.Kind == Text || c.Kind == LongText) {
					c.Kind, c.Choices = Enum, choices
				}
				return nil
			}
			other, to := p.tables[target], p.columns[[2]int64{target, there}]
			if other == nil || to == nil {
				return nil
			}
			if id := t.FullName() + " " + name; id != last {
				last = id
				t.Refs = append(t.Refs, ForeignKey{Table: other, OnDelete: map[string]string{"c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}[onDelete]})
			}
			fk := &t.Refs[len(t.Refs)-1]
			fk.Columns, fk.To = append(fk.Columns, c), append(fk.To, to)
			return nil
		})
}

// PostgreSQL writes x IN ('a', 'b') as x = ANY (ARRAY['a'::text, 'b'::text]).
var anyArray = regexp.MustCompile(`^CHECK \(+[^'=]+ = ANY \(+ARRAY\[((?:'(?:[^']|'')*'(?:::[a-z ]+(?:\(\d+\))?)?(?:, )?)+)\][^'=]*$`)

func arrayChoices(definition string) (choices []string) {
	m := anyArray.FindStringSubmatch(definition)
	if m == nil {
		return nil
	}
	for _, v := range quotedText.FindAllStringSubmatch(m[1], -1) {
		choices = append(choices, strings.ReplaceAll(v[1], "''", "'"))
	}
	return choices
}
