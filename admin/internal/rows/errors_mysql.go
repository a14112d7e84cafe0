package rows

import (
	"regexp"

	"github.com/scarab-go/scarab/admin/internal/schema"
)

// MySQL and MariaDB name columns and constraints in the text only, which is
// English unless lc_messages says otherwise; the numbers are always the same.
var mysqlProblems = map[string]struct {
	problem    Problem
	column     *regexp.Regexp // whose group is the column's name
	constraint *regexp.Regexp // or the constraint's
}{
	"1062": {Taken, nil, regexp.MustCompile(`for key '(?:.*\.)?([^'.]+)'`)},
	"1048": {Missing, regexp.MustCompile(`Column '(.*?)' cannot be null`), nil},
	"1364": {Missing, regexp.MustCompile(`Field '(.*?)' doesn't have`), nil},
	"1452": {Dangling, nil, regexp.MustCompile("CONSTRAINT `(.*?)` FOREIGN KEY")},
	"1216": {Dangling, nil, nil},
	"1451": {InUse, nil, nil},
	"1217": {InUse, nil, nil},
	"4025": {Unfit, nil, regexp.MustCompile("CONSTRAINT `(?:.*\\.)?(.*?)` failed")},
	"3819": {Unfit, nil, regexp.MustCompile(`constraint '(.*?)' is violated`)},
	"1406": {TooLong, regexp.MustCompile(`for column '(.*?)' at row`), nil},
	"1264": {OutOfRange, regexp.MustCompile(`for column '(.*?)' at row`), nil},
	"1265": {WrongType, regexp.MustCompile(`for column '(.*?)' at row`), nil},
	"1292": {WrongType, regexp.MustCompile("for column (?:.*\\.)?[`'](.*?)[`'] at row"), nil},
	"1366": {WrongType, regexp.MustCompile("for column (?:.*\\.)?[`'](.*?)[`'] at row"), nil},
	"3105": {Generated, regexp.MustCompile(`column '(.*?)' in table`), nil},
	"1644": {Refused, nil, nil}, // SIGNAL SQLSTATE '45000'
	"1142": {Denied, nil, nil},
	"1143": {Denied, nil, nil},
	"1205": {Busy, nil, nil}, // waited too long for a lock
	"1213": {Busy, nil, nil}, // deadlock
	"1020": {Busy, nil, nil}, // changed since the transaction began
	"1906": {Generated, regexp.MustCompile(`column '(.*?)' in table`), nil},
}

var mysqlNumber = regexp.MustCompile(`Error (\d+)`)

func explainMySQL(t *schema.Table, err error) error {
	text := err.Error()
	m := mysqlNumber.FindStringSubmatch(text)
	if m == nil {
		return err
	}
	known, ok := mysqlProblems[m[1]]
	if !ok {
		return err
	}
	e := &ColumnError{Problem: known.problem, Err: err}
	if known.column != nil {
		if m := known.column.FindStringSubmatch(text); m != nil {
			e.Column = t.Column(m[1])
		}
	}
	if known.constraint != nil {
		if m := known.constraint.FindStringSubmatch(text); m != nil {
			if columns := t.Constraints[m[1]]; len(columns) > 0 {
				e.Column = columns[0]
			} else {
				e.Column = t.Column(m[1]) // a check of one column has its name
			}
		}
	}
	return e
}
