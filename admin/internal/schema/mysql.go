package schema

import (
	"context"
	"database/sql"
	"regexp"
	"strings"
)

// readMySQL reads the tables of the database of the connection, in MySQL and
// MariaDB.
//
// Each query compares the database of every table of information_schema it reads
// with a constant. MariaDB does not see that through the condition of a join, and
// would open every table of every database of the server.
func readMySQL(ctx context.Context, db Querier) ([]*Table, error) {
	m := &mysql{ctx: ctx, db: db}
	for _, step := range []func() error{m.readVersion, m.readTables, m.readColumns, m.readIndexes, m.readRefs, m.readChecks} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return m.tables, nil
}

type mysql struct {
	ctx     context.Context
	db      Querier
	mariadb bool
	tables  []*Table
}

func (m *mysql) each(query string, f func(*sql.Rows) error) error { return each(m.ctx, m.db, query, f) }

func (m *mysql) table(name string) *Table {
	for _, t := range m.tables {
		if t.Name == name {
			return t
		}
	}
	return nil
}

func (m *mysql) readVersion() error {
	return m.each("SELECT VERSION()", func(r *sql.Rows) error {
		var version string
		err := r.Scan(&version)
		m.mariadb = strings.Contains(version, "MariaDB")
		return err
	})
}

func (m *mysql) readTables() error {
	return m.each(`SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE IN ('BASE TABLE', 'VIEW')`, func(r *sql.Rows) error {
		t := new(Table)
		var kind string
		if err := r.Scan(&t.Name, &kind); err != nil {
			return err
		}
		t.View = kind == "VIEW"
		m.tables = append(m.tables, t)
		return nil
	})
}

func (m *mysql) readColumns() error {
	return m.each(`SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, EXTRA, GENERATION_EXPRESSION
		FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, ORDINAL_POSITION`,
		func(r *sql.Rows) error {
			c := new(Column)
			var table, declared, nullable, extra string
			var expression *string
			if err := r.Scan(&table, &c.Name, &declared, &nullable, &c.Default, &extra, &expression); err != nil {
				return err
			}
			t := m.table(table)
			if t == nil {
				return nil
			}
			c.setMySQLType(declared)
			c.NotNull = nullable == "NO"
			extra = strings.ToUpper(extra)
			c.Auto = strings.Contains(extra, "AUTO_INCREMENT")
			c.Generated = expression != nil && *expression != ""
			c.setMySQLDefault(m.mariadb, strings.Contains(extra, "DEFAULT_GENERATED"))
			t.Columns = append(t.Columns, c)
			return nil
		})
}

func (c *Column) setMySQLType(declared string) {
	c.setType(declared)
	lower := strings.ToLower(declared)
	switch {
	case lower == "tinyint(1)", lower == "bit(1)":
		c.Kind = Bool
	case strings.HasPrefix(lower, "bit"):
		c.Kind = Integer
	case strings.HasPrefix(lower, "enum("):
		c.Kind = Enum
		for _, v := range quotedText.FindAllStringSubmatch(declared, -1) {
			c.Choices = append(c.Choices, strings.ReplaceAll(v[1], "''", "'"))
		}
	case strings.HasPrefix(lower, "set("):
		c.Kind = Other
	}
}

// setMySQLDefault makes SQL of the default: MariaDB gives that, MySQL gives the
// text of a constant without quotes.
func (c *Column) setMySQLDefault(mariadb, expression bool) {
	switch {
	case c.Default == nil:
	case c.Generated, mariadb && *c.Default == "NULL":
		c.Default = nil
	case mariadb, expression, c.Kind.Number(), c.Kind == Bool, strings.HasPrefix(strings.ToUpper(*c.Default), "CURRENT_TIMESTAMP"):
	default:
		quoted := "'" + strings.ReplaceAll(*c.Default, "'", "''") + "'"
		c.Default = &quoted
	}
}

func (m *mysql) readIndexes() error {
	err := m.each(`SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.STATISTICS
		WHERE TABLE_SCHEMA = DATABASE() AND SEQ_IN_INDEX = 1 AND COLUMN_NAME IS NOT NULL AND SUB_PART IS NULL AND INDEX_TYPE = 'BTREE'`,
		func(r *sql.Rows) error {
			var table, column string
			if err := r.Scan(&table, &column); err != nil {
				return err
			}
			if t := m.table(table); t != nil {
				t.foldColumn(column).Indexed = true
			}
			return nil
		})
	if err != nil {
		return err
	}
	var last string
	return m.each(`SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME FROM information_schema.STATISTICS
		WHERE TABLE_SCHEMA = DATABASE() AND NON_UNIQUE = 0 AND COLUMN_NAME IS NOT NULL AND SUB_PART IS NULL ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX`,
		func(r *sql.Rows) error {
			var table, index, column string
			if err := r.Scan(&table, &index, &column); err != nil {
				return err
			}
			t := m.table(table)
			if t == nil {
				return nil
			}
			c := t.foldColumn(column)
			if index == "PRIMARY" {
				t.Key = append(t.Key, c)
			}
			if id := table + " " + index; id != last {
				last = id
				t.Unique = append(t.Unique, nil)
			}
			t.Unique[len(t.Unique)-1] = append(t.Unique[len(t.Unique)-1], c)
			t.constrain(index, c)
			return nil
		})
}

func (m *mysql) readRefs() error {
	// By table and name. A user who may only read the table is not told.
	onDelete := map[[2]string]string{}
	err := m.each("SELECT TABLE_NAME, CONSTRAINT_NAME, DELETE_RULE FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE()",
		func(r *sql.Rows) error {
			var table, name, rule string
			err := r.Scan(&table, &name, &rule)
			onDelete[[2]string{table, name}] = action(rule)
			return err
		})
	if err != nil {
		return err
	}
	var last [2]string
	return m.each(`SELECT TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE
		WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION`,
		func(r *sql.Rows) error {
			var table, name, column, target, to string
			if err := r.Scan(&table, &name, &column, &target, &to); err != nil {
				return err
			}
			t, other := m.table(table), m.table(target)
			if t == nil || other == nil {
				return nil
			}
			if id := [2]string{table, name}; id != last {
				last = id
				rule, ok := onDelete[id]
				if !ok {
					rule = Hidden
				}
				t.Refs = append(t.Refs, ForeignKey{Table: other, OnDelete: rule})
			}
			fk := &t.Refs[len(t.Refs)-1]
			c := t.foldColumn(column)
			fk.Columns, fk.To = append(fk.Columns, c), append(fk.To, other.foldColumn(to))
			t.constrain(name, c)
			return nil
		})
}

var jsonValid = regexp.MustCompile("(?i)^\\s*\\(?json_valid\\(`((?:[^`]|``)+)`\\)\\)?\\s*$")

// readChecks finds enumerations, and the JSON columns of MariaDB: there JSON is
// a text with a check.
func (m *mysql) readChecks() error {
	// In MySQL the name of a check is unique in a database, and only the other
	// view says which table has it. In MariaDB every table has its CONSTRAINT_1.
	query := `SELECT t.TABLE_NAME, c.CONSTRAINT_NAME, c.CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS AS c
		JOIN information_schema.TABLE_CONSTRAINTS AS t ON t.CONSTRAINT_NAME = c.CONSTRAINT_NAME
		WHERE c.CONSTRAINT_SCHEMA = DATABASE() AND t.TABLE_SCHEMA = DATABASE() AND t.CONSTRAINT_TYPE = 'CHECK'`
	if m.mariadb {
		query = "SELECT TABLE_NAME, CONSTRAINT_NAME, CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE()"
	}
	return m.each(query,
		func(r *sql.Rows) error {
			var table, name, clause string
			if err := r.Scan(&table, &name, &clause); err != nil {
				return err
			}
			t := m.table(table)
			if t == nil {
				return nil
			}
			for _, c := range t.Columns {
				if strings.Contains(clause, MySQL.Quote(c.Name)) {
					t.constrain(name, c)
				}
			}
			if found := jsonValid.FindStringSubmatch(clause); found != nil {
				if c := t.foldColumn(strings.ReplaceAll(found[1], "``", "`")); c != nil && c.Kind == LongText {
					c.Kind = JSON
				}
			}
			for column, choices := range checkChoices("check (" + strings.Trim(clause, "()") + "))") {
				if c := t.foldColumn(column); c != nil && (c.Kind == Text || c.Kind == LongText) {
					c.Kind, c.Choices = Enum, choices
				}
			}
			return nil
		})
}
