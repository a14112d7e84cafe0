package admin

import (
	"fmt"
	"net/url"
	"slices"

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
	options, err := v.h.db.Options(v.extra(), target, "", maxChoices)
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

// compositeRef is the foreign key of several columns that begins with c, if
// its target can be chosen: it points at a primary key.
func (v *visit) compositeRef(c *schema.Column) *schema.ForeignKey {
	for i := range v.table.Refs {
		fk := &v.table.Refs[i]
		if len(fk.Columns) < 2 || fk.Columns[0] != c || len(fk.To) != len(fk.Table.Key) || v.may(fk.Table) == None {
			continue
		}
		if !slices.ContainsFunc(fk.To, func(to *schema.Column) bool { return !slices.Contains(fk.Table.Key, to) }) {
			return fk
		}
	}
	return nil
}

// compositeReference adds to the field of its first column a link to the row
// that a foreign key points at, and the search for another.
func (v *visit) compositeReference(f *ui.FormField, fk *schema.ForeignKey, d *draft) {
	f.CanFind = fk.Table.Label() != nil
	key := make([]any, len(fk.Table.Key))
	for i, c := range fk.Columns {
		value, _, problem := v.parse(c, d.entries[c], false)
		if problem != "" || value == nil {
			return
		}
		key[slices.Index(fk.Table.Key, fk.To[i])] = value
	}
	text := rows.EncodeKey(key)
	f.RefURL, f.RefText = v.rowURL(fk.Table, text), v.t("%s in %s", text, fk.Table.FullName())
}

// pick fills in the columns of the foreign keys that were chosen as a whole.
func (v *visit) pick(d *draft) {
	for _, c := range v.table.Columns {
		text := v.form.Get("pick." + c.Slug())
		fk := v.compositeRef(c)
		if text == "" || fk == nil {
			continue
		}
		key, err := rows.DecodeKey(fk.Table, text)
		if err != nil {
			d.problems[c] = v.t("Choose one of the values.")
			continue
		}
		for i, column := range fk.Columns {
			d.entries[column] = entryOf(column, key[slices.Index(fk.Table.Key, fk.To[i])])
		}
	}
}

// findReference offers the rows that were looked for.
func (v *visit) findReference(f *ui.FormField, fk *schema.ForeignKey, find string) {
	options, err := v.h.db.Options(v.extra(), fk.Table, find, maxChoices)
	switch {
	case err != nil && v.extra().Err() != nil:
		f.Hint = v.t("The search took too long: type the key itself.")
	case err != nil:
		f.Hint = v.t("That could not be looked for.")
	case options == nil:
		f.Hint = v.t("“%s” is found in more than %d rows: type more of it.", find, maxChoices)
	case len(options) == 0:
		f.Hint = v.t("“%s” is not found in %s.", find, fk.Table.FullName())
	case len(fk.Columns) > 1:
		f.Hint, f.CanFind = v.t("Choose one of %d rows with “%s”.", len(options), find), true
		f.Pick = choices(options, "", true)
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
		plain := key
		if len(o.Key) > 1 {
			key = rows.EncodeKey(o.Key)
			plain = textOf(o.Key[0])
			for _, part := range o.Key[1:] {
				plain += ", " + textOf(part)
			}
		}
		found = found || key == value
		label, _ := cut(textOf(o.Label), 60)
		out = append(out, ui.Choice{Value: key, Label: fmt.Sprintf("%s (%s)", label, plain), Selected: key == value})
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

// pointing asks for the rows that point at the one with those values, and is
// the address of their list. Without all of the values there are none.
func (v *visit) pointing(d schema.Dependant, valueOf func(*schema.Column) any) (q rows.Query, address string, any bool) {
	q.Table = d.Table
	link := url.Values{}
	for i, c := range d.Columns {
		value := valueOf(d.To[i])
		if value == nil {
			return q, "", false
		}
		q.Filters = append(q.Filters, rows.Filter{Column: c, Op: rows.Equal, Value: textOf(value)})
		link.Set("o."+c.Slug(), string(rows.Equal))
		link.Set("f."+c.Slug(), textOf(value))
	}
	return q, v.tableURL(d.Table) + "?" + link.Encode(), true
}

// related are links to the rows that point at the key of this one.
func (v *visit) related() []ui.Link {
	var out []ui.Link
	for _, d := range v.schema.Dependants(v.table) {
		q, address, any := v.pointing(d, func(to *schema.Column) any {
			if i := slices.Index(v.table.Key, to); i >= 0 {
				return v.key[i]
			}
			return nil
		})
		if !any || v.may(d.Table) == None {
			continue
		}
		n, exact, err := v.h.db.Count(v.extra(), q)
		text := v.count(n, exact)
		switch {
		case err != nil && v.extra().Err() != nil:
			text = "?" // it would take too long: follow the link
		case err != nil || n == 0:
			continue
		}
		out = append(out, ui.Link{Text: v.t("%s in %s", text, d.Table.FullName()), URL: address})
	}
	return out
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
