package admin

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/scarab-go/scarab/admin/internal/rows"
	"github.com/scarab-go/scarab/admin/internal/schema"
	"github.com/scarab-go/scarab/admin/internal/ui"
)

// maxForm is how large the form of a row may be.
const maxForm = 32 << 20

// A draft is a row as it stands in a form.
type draft struct {
	isNew    bool
	entries  map[*schema.Column]entry
	was      map[*schema.Column]string // digests of what was shown
	fixed    map[*schema.Column]any    // values that are shown and not edited
	problems map[*schema.Column]string
	theirs   map[*schema.Column]entry // what is there now, where it is not what was shown
	problem  string                   // of the row as a whole
}

// blank is the draft of a new row.
func (v *visit) blank() *draft {
	d := &draft{isNew: true, entries: map[*schema.Column]entry{}}
	for _, c := range v.table.Columns {
		if text, ok := defaultText(c); ok {
			d.entries[c] = entry{text: text}
		} else if canNull(c) && c.Default == nil {
			d.entries[c] = entry{null: true}
		} else if fill := v.r.URL.Query().Get("v." + c.Slug()); fill != "" {
			d.entries[c] = entry{text: fill}
		}
	}
	return d
}

// loaded is the draft of a row of the database.
func (v *visit) loaded(values []any) *draft {
	d := &draft{entries: map[*schema.Column]entry{}, was: map[*schema.Column]string{}, fixed: map[*schema.Column]any{}}
	for i, c := range v.table.Columns {
		if !editable(c, values[i]) {
			d.fixed[c] = values[i]
			continue
		}
		d.entries[c] = entryOf(c, values[i])
		d.was[c] = d.entries[c].digest()
	}
	return d
}

// sent reads the draft that a browser sends.
func (v *visit) sent(isNew bool) (*draft, error) {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
	if err := v.r.ParseMultipartForm(1 << 20); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, err
		}
		return nil, &problem{status: http.StatusBadRequest, text: v.t("The form did not arrive whole. Please send it again.")}
	}
	d := &draft{isNew: isNew, entries: map[*schema.Column]entry{}, was: map[*schema.Column]string{}, problems: map[*schema.Column]string{}}
	form := v.r.PostForm
	for _, c := range v.table.Columns {
		texts, ok := form["v."+c.Slug()]
		if !ok {
			continue // not part of this form: it stays as it is
		}
		e := entry{text: unixLines(texts[0])}
		d.was[c] = form.Get("was." + c.Slug())
		if canNull(c) {
			e.null = form.Get("n."+c.Slug()) != ""
			e = settle(e, d.was[c], isNew)
		} else if e.text == "" && d.was[c] == (entry{null: true}).digest() {
			e.null = true // it was NULL, and nobody touched it
		}
		d.entries[c] = e
	}
	return d, nil
}

// settle decides where the box says NULL and the field has a text: what was
// changed counts. Without a script the box does not empty the field.
func settle(e entry, was string, isNew bool) entry {
	if !e.null || e.text == "" {
		if e.null {
			e.text = ""
		}
		return e
	}
	if isNew || was == (entry{null: true}).digest() {
		return entry{text: e.text} // NULL was checked already, and a text was typed
	}
	return entry{null: true}
}

// changes are what to write: of a new row all that was filled in, of an old
// one what differs from what was shown. Problems are noted in d.
func (v *visit) changes(d *draft) rows.Changes {
	out := rows.Changes{}
	for _, c := range v.table.Columns {
		e, ok := d.entries[c]
		if !ok || c.Generated || !d.isNew && e.digest() == d.was[c] {
			continue
		}
		value, skip, problem := v.parse(c, e, d.isNew)
		switch {
		case problem != "":
			d.problems[c] = problem
		case skip, !d.isNew && entryOf(c, value).digest() == d.was[c]:
			// Browsers may write a time in another way than it was given to them.
		default:
			out[c] = value
		}
	}
	return out
}

// conflict compares what is there now with what was shown, and notes where it
// differs.
func (v *visit) conflict(d *draft, current []any) bool {
	d.theirs = map[*schema.Column]entry{}
	for i, c := range v.table.Columns {
		if _, ok := d.entries[c]; !ok || !editable(c, current[i]) {
			continue
		}
		if now := entryOf(c, current[i]); now.digest() != d.was[c] {
			d.theirs[c] = now
			d.was[c] = now.digest() // the next save knows of it
		}
	}
	return len(d.theirs) > 0
}

// note puts an error of the database where it belongs in the form. It reports
// whether that was possible.
func (v *visit) note(d *draft, err error) bool {
	var refused *rows.ColumnError
	if !errors.As(err, &refused) {
		return false
	}
	if d.problems == nil {
		d.problems = map[*schema.Column]string{}
	}
	if _, shown := d.entries[refused.Column]; refused.Column != nil && shown {
		d.problems[refused.Column] = v.refusal(refused)
	} else {
		d.problem = v.refusal(refused)
	}
	return true
}

// showForm shows the draft.
func (v *visit) showForm(status int, title, action string, d *draft) error {
	b := ui.Form{
		Table: v.table.FullName(), TableURL: v.tableURL(v.table), Title: title, Action: action, New: d.isNew,
		Error: d.problem, Conflict: len(d.theirs) > 0, ReadOnly: v.permission < Write || !v.table.Writable(),
	}
	for i, c := range v.table.Columns {
		if d.isNew && (c.Generated || c.Kind == schema.Binary) {
			continue
		}
		b.Fields = append(b.Fields, v.draftField(i, c, d, b.ReadOnly))
	}
	if len(d.problems) > 0 && b.Error == "" {
		b.Error = v.t("Nothing is saved yet: please look at the fields that are marked.")
	}
	if !d.isNew && !b.ReadOnly {
		b.Delete = v.rowURL(v.table, v.keyText) + "/delete"
	}
	if !d.isNew {
		b.Related = v.related()
	}
	return v.show(status, title, b)
}

func (v *visit) draftField(i int, c *schema.Column, d *draft, readOnly bool) ui.FormField {
	e, ok := d.entries[c]
	f := v.field(i, c, e, d.isNew)
	if value, fixed := d.fixed[c]; fixed || readOnly || !ok && !d.isNew {
		if !fixed {
			value = e.text
		}
		return ui.FormField{Name: c.Name, ID: f.ID, Type: f.Type, Input: "fixed", Key: c.Key, Null: fixed && value == nil || e.null, Value: v.fixedText(c, value)}
	}
	f.Was, f.Error = d.was[c], d.problems[c]
	if theirs, ok := d.theirs[c]; ok {
		f.Theirs = &ui.Theirs{Text: theirs.text, Null: theirs.null}
	}
	if fk := v.table.Ref(c); fk != nil && v.may(fk.Table) != None {
		v.reference(&f, c, fk, e)
	}
	return f
}

// fixedText shows a value that is not edited.
func (v *visit) fixedText(c *schema.Column, value any) string {
	if b, ok := value.([]byte); ok {
		return v.t("%d bytes", len(b))
	}
	text, more := cut(columnText(c, value), 2000)
	if more {
		text += "…"
	}
	return text
}

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
	options, err := v.h.db.Options(v.ctx, target, maxChoices)
	if err != nil || options == nil {
		return // too many, or no name to choose by
	}
	f.Input, f.Mode, f.Choices = "select", "", nil
	if !c.NotNull || e.text == "" {
		f.Choices = append(f.Choices, ui.Choice{Label: "–", Selected: e.text == ""})
	}
	found := e.text == ""
	for _, o := range options {
		key := textOf(o.Key)
		found = found || key == e.text
		f.Choices = append(f.Choices, ui.Choice{Value: key, Label: fmt.Sprintf("%s (%s)", textOf(o.Label), key), Selected: key == e.text})
	}
	if !found {
		f.Choices = append(f.Choices, ui.Choice{Value: e.text, Label: e.text, Selected: true})
	}
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
