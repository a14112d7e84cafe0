package schema

import (
	"regexp"
	"strconv"
	"strings"
)

// A Kind is what sort of values a column is for; it decides the form field.
type Kind uint8

// The kinds.
const (
	Text Kind = iota // one line
	LongText
	Integer
	Decimal // with a fixed number of digits
	Float
	Bool
	Date
	Time
	DateTime
	Enum
	JSON
	UUID
	Binary
	Other // shown and written as text, in the database's own notation
)

func (k Kind) String() string {
	return [...]string{"text", "long text", "integer", "decimal", "float", "boolean", "date", "time", "date and time", "enumeration", "JSON", "UUID", "binary", "other"}[k]
}

// Number reports whether values are numbers.
func (k Kind) Number() bool { return k == Integer || k == Decimal || k == Float }

// Textual reports whether the empty string is a value of this kind.
func (k Kind) Textual() bool { return k == Text || k == LongText || k == Other }

// words are the kinds of declared types, by their first word in small letters.
var words = map[string]Kind{
	"int": Integer, "integer": Integer, "tinyint": Integer, "smallint": Integer, "mediumint": Integer, "bigint": Integer,
	"int2": Integer, "int4": Integer, "int8": Integer, "serial": Integer, "bigserial": Integer, "smallserial": Integer, "unsigned": Integer, "year": Integer,
	"decimal": Decimal, "numeric": Decimal, "number": Decimal,
	"real": Float, "float": Float, "double": Float, "float4": Float, "float8": Float,
	"bool": Bool, "boolean": Bool,
	"date": Date, "time": Time, "timetz": Time, "datetime": DateTime, "timestamp": DateTime, "timestamptz": DateTime,
	"char": Text, "varchar": Text, "character": Text, "nchar": Text, "nvarchar": Text, "bpchar": Text, "citext": Text, "name": Text, "varying": Text, "native": Text,
	"text": LongText, "clob": LongText, "tinytext": LongText, "mediumtext": LongText, "longtext": LongText,
	"json": JSON, "jsonb": JSON, "uuid": UUID,
	"blob": Binary, "bytea": Binary, "binary": Binary, "varbinary": Binary, "tinyblob": Binary, "mediumblob": Binary, "longblob": Binary, "bit": Other,
	"enum": Enum,
}

var typeWord = regexp.MustCompile(`^\s*([A-Za-z_0-9]+)[^(]*(?:\(\s*(\d+)\s*(?:,\s*(\d+))?)?`)

// setType notes the kind of a declared type such as "VARCHAR(40)", and its
// size or scale. A word it does not know is Other.
func (c *Column) setType(declared string) {
	c.Type, c.Kind = declared, Other
	m := typeWord.FindStringSubmatch(declared)
	if m == nil {
		return
	}
	k, ok := words[strings.ToLower(m[1])]
	if !ok {
		return
	}
	c.Kind = k
	switch k {
	case Text, LongText:
		c.Size, _ = strconv.Atoi(m[2]) // out of range: no limit
		if c.Size > 255 {
			c.Kind = LongText
		}
	case Decimal:
		c.Scale, _ = strconv.Atoi(m[3])
	}
}
