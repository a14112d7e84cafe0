package admin

import (
	"fmt"

	"github.com/scarab-go/scarab/admin/internal/rows"
	"github.com/scarab-go/scarab/admin/internal/schema"
	"github.com/scarab-go/scarab/admin/internal/ui"
)

// maxChoices is how many rows a foreign key may choose from in a list; of a
// larger table the key is typed.
const maxChoices = 100

// reference makes a choice of a field that holds a foreign key.
func (v *visit) reference(f *ui.FormField, c *schema.Column, fk *schema.ForeignKey, e entry) {
	target := fk.Table
	if len(target.Key) != 1 || target.Key[0] != fk.To[0] {
		return
	}
	if value, _, problem := v.parse(c, e, false); problem == "" && value != nil {
		if labels, err := v.h.db.Labels(v.ctx, target, []any{value}); err == nil {
			for key, label := range labels {
				f.RefURL = v.rowURL(target, key)
				f.RefText = v.t("%s in %s", orKey(label, key), target.FullName())
			}
		}
	}
	options, err := v.h.db.Options(v.ctx, target, "", maxChoices)
	if err != nil {
		return // such as a table without a name to choose by: the key is typed
	}
	if options == nil {
		f.CanFind = target.Label() != nil
		return
	}
	f.Input, f.Mode = "select", ""
	f.Choices = choices(options, e.text, !c.NotNull)
}

// findReference offers the rows that were looked for.
func (v *visit) findReference(f *ui.FormField, fk *schema.ForeignKey, find string) {
	options, err := v.h.db.Options(v.ctx, fk.Table, find, maxChoices)
	switch {
	case err != nil:
		f.Hint = v.t("That could not be looked for.")
	case options == nil:
		f.Hint = v.t("“%s” is found in more than %d rows: type more of it.", find, maxChoices)
	case len(options) == 0:
		f.Hint = v.t("“%s” is not found in %s.", find, fk.Table.FullName())
	default:
		f.Hint = v.t("Choose one of %d rows with “%s”.", len(options), find)
		f.Input, f.Mode, f.CanFind = "select", "", true
		f.Choices = choices(options, f.Value, true)
	}
}

// choices are the options of a select, with the value that is chosen now.
func choices(options []rows.Option, value string, empty bool) []ui.Choice {
	var out []ui.Choice
	if empty || value == "" {
		out = append(out, ui.Choice{Label: "–", Selected: value == ""})
	}
	found := value == ""
	for _, o := range options {
		key := textOf(o.Key[0])
		found = found || key == value
		label, _ := cut(textOf(o.Label), 60)
		out = append(out, ui.Choice{Value: key, Label: fmt.Sprintf("%s (%s)", label, key), Selected: key == value})
	}
	if !found {
		out = append(out, ui.Choice{Value: value, Label: value, Selected: true})
	}
	return out
}

func orKey(label any, key string) string {
	if label == nil {
		return key
	}
	short, _ := cut(textOf(label), 60)
	return short
}

// related are links to the rows that point at this one.
func (v *visit) related() []ui.Link {
	var out []ui.Link
	for _, d := range v.schema.Dependants(v.table) {
		if v.may(d.Table) == None || len(d.Columns) != 1 || len(v.key) != 1 || d.To[0] != v.table.Key[0] {
			continue
		}
		q := rows.Query{Table: d.Table, Filters: []rows.Filter{{Column: d.Columns[0], Op: rows.Equal, Value: textOf(v.key[0])}}}
		n, exact, err := v.h.db.Count(v.ctx, q)
		if err != nil || n == 0 {
			continue
		}
		out = append(out, ui.Link{Text: v.t("%s in %s", v.count(n, exact), d.Table.FullName()), URL: v.filtered(d.Table, d.Columns[0], textOf(v.key[0]))})
	}
	return out
}

// filtered is the address of the rows of t with that value.
func (v *visit) filtered(t *schema.Table, c *schema.Column, value string) string {
	return v.tableURL(t) + "?" + query("o."+c.Slug(), string(rows.Equal), "f."+c.Slug(), value)
}

// title names a row.
func (v *visit) title(values []any) string {
	for i, c := range v.table.Columns {
		if c == v.table.Label() && values[i] != nil {
			if short, _ := cut(textOf(values[i]), 60); short != "" {
				return short
			}
		}
	}
	s := v.table.FullName()
	for i, c := range v.table.Key {
		part, _ := cut(textOf(v.key[i]), 40)
		s += " · " + c.Name + " " + part
	}
	return s
}
