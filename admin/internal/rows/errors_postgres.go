package rows

import (
	"context"
	"errors"
	"reflect"
	"strings"

	"github.com/scarab-go/scarab/admin/internal/schema"
)

// PostgreSQL's codes, from the appendix "PostgreSQL Error Codes".
var postgresProblems = map[string]Problem{
	"23505": Taken, "23502": Missing, "23503": Dangling, "23001": InUse, "23514": Unfit, "23P01": Taken,
	"22001": TooLong, "22003": OutOfRange, "22P02": WrongType, "22007": WrongType, "22008": OutOfRange, "22P03": WrongType, "22P05": WrongType, "22021": WrongType, "428C9": Generated,
	"P0001": Refused, "42501": Denied, "40P01": Busy, "40001": Busy, "55P03": Busy,
}

// explainPostgres reads the fields of the drivers' errors without importing
// the drivers: pgx has SQLState, ConstraintName and ColumnName, lib/pq has
// SQLState, Constraint and Column.
func explainPostgres(t *schema.Table, err error) error {
	var coded interface {
		error
		SQLState() string
	}
	if !errors.As(err, &coded) {
		// pgx looks at values before it sends them, and has no type for that.
		if strings.Contains(err.Error(), "unable to encode") || strings.Contains(err.Error(), "cannot find encode plan") {
			problem := WrongType
			if strings.Contains(err.Error(), "maximum value") || strings.Contains(err.Error(), "minimum value") {
				problem = OutOfRange
			}
			return &ColumnError{Problem: problem, Err: err}
		}
		return err
	}
	problem, ok := postgresProblems[coded.SQLState()]
	if !ok {
		return err
	}
	e := &ColumnError{Problem: problem, Err: err}
	if columns := t.Constraints[field(coded, "ConstraintName", "Constraint")]; len(columns) > 0 {
		e.Column = columns[0]
	}
	if name := field(coded, "ColumnName", "Column"); name != "" && field(coded, "TableName", "Table") == t.Name {
		e.Column = t.Column(name)
	}
	return e
}

// blame finds the column whose value PostgreSQL does not take: it names the
// type of a value that cannot be read, and not the column.
func (db *DB) blame(ctx context.Context, t *schema.Table, c Changes, err error) error {
	var e *ColumnError
	if db.Dialect != schema.PostgreSQL || !errors.As(err, &e) || e.Column != nil || e.Problem != WrongType && e.Problem != OutOfRange {
		return err
	}
	for _, column := range c.columns(t) {
		b := &builder{d: db.Dialect}
		b.put("SELECT CAST(").value(column, c[column]).put(" AS ", column.Type, ")") // as the server writes the type
		r, err := db.SQL.QueryContext(ctx, b.String(), b.args...)
		if err == nil {
			r.Next()
			err = errors.Join(r.Err(), r.Close())
		}
		var again *ColumnError
		if err != nil && errors.As(explainPostgres(t, err), &again) {
			e.Column = column
			break
		}
	}
	return e
}

// field returns the first field of an error's struct that is a text.
func field(err error, names ...string) string {
	v := reflect.Indirect(reflect.ValueOf(err))
	if v.Kind() != reflect.Struct {
		return ""
	}
	for _, name := range names {
		if f := v.FieldByName(name); f.IsValid() && f.Kind() == reflect.String && f.Len() > 0 {
			return f.String()
		}
	}
	return ""
}
