package rows

import (
	"errors"
	"regexp"
	"strings"

	"github.com/scarab-go/scarab/admin/internal/schema"
)

// A Problem is why the database refused a value.
type Problem string

// The problems.
const (
	Taken      Problem = "taken"      // another row has the value
	Missing    Problem = "missing"    // it may not be NULL
	Dangling   Problem = "dangling"   // it points at no row
	InUse      Problem = "in use"     // other rows point at this one
	Unfit      Problem = "unfit"      // a check refuses it
	WrongType  Problem = "wrong type" // not a value of the column's type
	TooLong    Problem = "too long"
	OutOfRange Problem = "out of range"
	Generated  Problem = "generated" // the database computes it
	Refused    Problem = "refused"   // a trigger refuses it
	Denied     Problem = "denied"    // the application's own rights do not reach so far
	Busy       Problem = "busy"      // other changes to the same rows are under way
)

// A ColumnError is a refusal by the database, with the column it belongs to if
// that is known.
type ColumnError struct {
	Column  *schema.Column // nil: the row as a whole
	Problem Problem
	Err     error // the database's own
}

func (e *ColumnError) Error() string {
	s := string(e.Problem)
	if e.Column != nil {
		s = "column " + e.Column.Name + ": " + s
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *ColumnError) Unwrap() error { return e.Err }

// explain makes a ColumnError of a refusal by the database. Other errors stay
// as they are.
func (db *DB) explain(t *schema.Table, err error) error {
	if err == nil {
		return nil
	}
	var known *ColumnError
	if errors.As(err, &known) {
		return err
	}
	switch db.Dialect {
	case schema.SQLite:
		return explainSQLite(t, err)
	case schema.PostgreSQL:
		return explainPostgres(t, err)
	case schema.MySQL:
		return explainMySQL(t, err)
	}
	return err
}

// The texts are SQLite's own (sqlite3ConstraintFailed and its callers), and the
// same with every driver: matching them needs no driver's types.
var sqliteProblems = []struct {
	text    *regexp.Regexp
	problem Problem
}{
	{regexp.MustCompile(`UNIQUE constraint failed: (.*?)(?: \(\d+\))?$`), Taken},
	{regexp.MustCompile(`PRIMARY KEY constraint failed: (.*?)(?: \(\d+\))?$`), Taken},
	{regexp.MustCompile(`NOT NULL constraint failed: (.*?)(?: \(\d+\))?$`), Missing},
	{regexp.MustCompile(`FOREIGN KEY constraint failed()`), Dangling},
	{regexp.MustCompile(`CHECK constraint failed: (.*?)(?: \(\d+\))?$`), Unfit},
	{regexp.MustCompile(`cannot store \w+ value in \w+ column (.*?)(?: \(\d+\))?$`), WrongType},
	{regexp.MustCompile(`datatype mismatch()`), WrongType},
	{regexp.MustCompile(`string or blob too big()`), TooLong},
	{regexp.MustCompile(`\(1811\)$()`), Refused}, // SQLITE_CONSTRAINT_TRIGGER
	{regexp.MustCompile(`attempt to write a readonly database()`), Denied},
	{regexp.MustCompile(`database (?:table )?is locked()`), Busy},
}

func explainSQLite(t *schema.Table, err error) error {
	for _, p := range sqliteProblems {
		m := p.text.FindStringSubmatch(err.Error())
		if m == nil {
			continue
		}
		e := &ColumnError{Problem: p.problem, Err: err}
		for _, c := range t.Columns {
			// "t.a, t.b", "t.a", or the text of a check.
			for name := range strings.SplitSeq(m[1], ", ") {
				if name == t.Name+"."+c.Name {
					e.Column = c
				}
			}
			if p.problem == Unfit && mentions(m[1], c.Name) && e.Column == nil {
				e.Column = c
			}
			if e.Column != nil {
				break
			}
		}
		if p.problem == WrongType && e.Column == nil && len(t.Key) == 1 {
			e.Column = t.Key[0] // "datatype mismatch" is said of row numbers only
		}
		return e
	}
	return err
}

// mentions reports whether the word name is in a check, whose text SQLite
// gives if the check has no name.
func mentions(check, name string) bool {
	words := strings.FieldsFunc(check, func(r rune) bool {
		return r != '_' && (r < '0' || '9' < r) && (r < 'A' || 'Z' < r) && (r < 'a' || 'z' < r)
	})
	for _, w := range words {
		if strings.EqualFold(w, name) {
			return true
		}
	}
	return false
}
