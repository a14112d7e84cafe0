package admin

import (
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/scarab-go/scarab/admin/internal/rows"
	"github.com/scarab-go/scarab/admin/internal/schema"
	"github.com/scarab-go/scarab/admin/internal/ui"
)

// cellLength is how many characters of a value a list shows.
const cellLength = 80

// cell shows a value in a list.
func (v *visit) cell(c *schema.Column, value any, names names) ui.Cell {
	cell := ui.Cell{Number: c.Kind.Number()}
	switch value := value.(type) {
	case nil:
		cell.Null = true
		return cell
	case []byte:
		cell.Mono, cell.Number = true, false
		cell.Text = hex.EncodeToString(value[:min(len(value), 12)])
		cell.Cut = len(value) > 12
		cell.Empty = len(value) == 0
		return cell
	}
	text := columnText(c, value)
	if yes, ok := boolOf(c, value); ok {
		cell.Bool, cell.Yes, cell.Number = true, yes, false
		text = v.t("no")
		if yes {
			text = v.t("yes")
		}
	}
	cell.Mono = c.Kind == schema.UUID || c.Kind == schema.JSON
	cell.Empty = text == ""
	cell.Text, cell.Cut = cut(text, cellLength)
	if name, ok := names[nameKey{c, rows.EncodeKey([]any{value})}]; ok {
		cell.URL, cell.Note, cell.Number = name.url, name.text, false
	}
	return cell
}

// cut keeps the first n characters.
func cut(s string, n int) (string, bool) {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if utf8.RuneCountInString(s) <= n {
		return s, false
	}
	return string([]rune(s)[:n]), true
}

// textOf writes a value as the database would.
func textOf(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case int64:
		return strconv.FormatInt(value, 10)
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(value)
	case string:
		return value
	case []byte:
		return hex.EncodeToString(value)
	}
	return ""
}

// columnText writes a value as its column would: SQLite keeps 19.40 as 19.4.
func columnText(c *schema.Column, value any) string {
	switch v := value.(type) {
	case int64:
		if c.Kind == schema.Decimal && c.Scale > 0 {
			return textOf(v) + "." + strings.Repeat("0", c.Scale)
		}
	case float64:
		if c.Kind == schema.Decimal {
			text := textOf(v)
			if _, behind, _ := strings.Cut(text, "."); len(behind) < c.Scale {
				text = strconv.FormatFloat(v, 'f', c.Scale, 64)
			}
			return text
		}
	}
	return textOf(value)
}

// boolOf reads a value of a column of booleans: SQLite and MySQL keep numbers.
func boolOf(c *schema.Column, value any) (yes, ok bool) {
	if c.Kind != schema.Bool {
		return false, false
	}
	switch value := value.(type) {
	case bool:
		return value, true
	case int64:
		return value == 1, value == 0 || value == 1
	}
	return false, false
}

// names are what the rows are called that foreign keys of a page point at.
type names map[nameKey]name

type nameKey struct {
	column *schema.Column
	key    string
}

type name struct{ text, url string }

// names looks them up, at one query for each foreign key. A row of a table
// that one may not see stays a bare key.
func (v *visit) names(p *rows.Page) (names, error) {
	out := names{}
	for i, c := range p.Columns {
		fk := v.table.Ref(c)
		if fk == nil || v.may(fk.Table) == None || len(fk.Table.Key) != 1 || fk.Table.Key[0] != fk.To[0] {
			continue
		}
		var keys []any
		for _, row := range p.Rows {
			if row.Values[i] != nil {
				keys = append(keys, row.Values[i])
			}
		}
		labels, err := v.h.db.Labels(v.ctx, fk.Table, keys)
		if err != nil {
			return nil, err
		}
		for key, label := range labels {
			short, _ := cut(textOf(label), 40)
			out[nameKey{c, key}] = name{short, v.rowURL(fk.Table, key)}
		}
	}
	return out, nil
}
