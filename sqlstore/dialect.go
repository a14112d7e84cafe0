package sqlstore

import (
	"database/sql"
	"fmt"
	"strings"

	"github.com/scarab-go/scarab"
)

// A Dialect is the SQL that a database speaks.
type Dialect uint8

// The dialects. MySQL is MariaDB's too.
const (
	SQLite Dialect = iota + 1
	PostgreSQL
	MySQL
)

func (d Dialect) String() string {
	if dialect := dialects[d]; dialect != nil {
		return dialect.name
	}
	return fmt.Sprintf("Dialect(%d)", uint8(d))
}

var dialects = map[Dialect]*dialect{SQLite: &sqlite, PostgreSQL: &postgres, MySQL: &mysql}

// A dialect is what differs from one database to the next. In the texts, {t}
// and {r} stand for the tables of sessions and of revoked principals, {columns}
// for the columns, {min}, {max}, {div} and {is} for what does that, and ? for an
// argument.
type dialect struct {
	name       string
	quote      string             // around names
	numbered   bool               // arguments are $1, $2, … and not ?
	binaryText bool               // principals and labels are sent as bytes
	oneWriter  bool               // the database has one writer at a time
	resent     bool               // drivers have database/sql send again what may have run: see execOnce
	rewrites   bool               // an index, whenever a statement sets its column
	min, max   string             // of two values
	div        string             // divides whole numbers
	is         string             // compares texts, and not by an index
	isolation  sql.IsolationLevel // of the transaction around lockShared or lockAlone

	schema     func(*Store) []string
	lockSchema string // held while CreateTable runs; may be empty

	// What a SELECT finds of a session, with {data} for its data, and what makes
	// a record of that.
	selected string
	scan     func(*sql.Rows) (scarab.Record, error)

	create string // arguments as createArgs returns them
	enter  string // create, where that does not do for a record that has a principal
	login  string // arguments as loginArgs returns them; {update} sets those that update has, and hour and principal
	revoke string // principal, at
	sweep  string // before, before, limit

	// Statements that make logins of a principal wait for its revocation and
	// the other way round, until the transaction ends. None are needed where
	// one statement sees everything committed before it writes.
	lockShared, lockAlone string // principal

	transient func(error) bool // nothing was changed; it may work next time
	taken     func(error) bool // the key is there already
}

// identifier returns the name of a table or an index as SQL has it.
func (d *dialect) identifier(name string) string {
	return d.quote + strings.ReplaceAll(name, ".", d.quote+"."+d.quote) + d.quote
}

// expand writes text for the given table.
func (d *dialect) expand(text, table string) string {
	text = strings.NewReplacer(
		"{t}", d.identifier(table),
		"{r}", d.identifier(table+"_revoked"),
		"{min}", d.min,
		"{max}", d.max,
		"{div}", d.div,
		"{is}", d.is,
		"{columns}", columns,
	).Replace(text)
	if !d.numbered {
		return text
	}
	var b strings.Builder
	n := 0
	for _, c := range text {
		if c == '?' {
			n++
			fmt.Fprintf(&b, "$%d", n)
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}

// unqualified returns the last part of a table's name.
func unqualified(table string) string {
	return table[strings.LastIndexByte(table, '.')+1:]
}
