package admin

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/scarab-go/scarab/admin/internal/rows"
	"github.com/scarab-go/scarab/admin/internal/schema"
	"github.com/scarab-go/scarab/admin/internal/ui"
)

// A draft is a row as it stands in a form.
type draft struct {
	isNew    bool
	entries  map[*schema.Column]entry
	was      map[*schema.Column]string // digests of what was shown
	files    map[*schema.Column][]byte // what was uploaded
	fixed    map[*schema.Column]any    // values that are shown and not edited
	stored   map[*schema.Column][]byte // binary values of the row as it is now
	finds    map[*schema.Column]string // what to look for in the table that a column points at
	problems map[*schema.Column]string
	theirs   map[*schema.Column]entry // what is there now, where it is not what was shown
	problem  string                   // of the row as a whole
}

// blank is the draft of a new row.
func (v *visit) blank() *draft {
	d := &draft{isNew: true, entries: map[*schema.Column]entry{}}
	for _, c := range v.table.Columns {
		if c.Kind == schema.Binary {
			d.entries[c] = entry{null: !c.NotNull}
		} else if text, ok := defaultText(c); ok {
			d.entries[c] = entry{text: text}
		} else if canNull(c) && c.Default == nil {
			d.entries[c] = entry{null: true}
		} else if fill := v.r.URL.Query().Get("v." + c.Slug()); fill != "" {
			d.entries[c] = entry{text: fill}
		}
	}
	return d
}

// clone is the draft of a new row that begins as a copy of another. What the
// database makes unique by itself is left out.
func (v *visit) clone(values []any) *draft {
	d := v.loaded(values)
	d.isNew, d.was, d.fixed, d.stored = true, nil, nil, nil
	for _, c := range v.table.Columns {
		if c.Auto || c.Kind == schema.Binary {
			d.entries[c] = entry{null: c.Kind == schema.Binary && !c.NotNull}
		}
	}
	return d
}

// loaded is the draft of a row of the database.
func (v *visit) loaded(values []any) *draft {
	d := &draft{entries: map[*schema.Column]entry{}, was: map[*schema.Column]string{}}
	d.load(v.table, values)
	for i, c := range v.table.Columns {
		if _, fixed := d.fixed[c]; fixed {
			continue
		}
		d.entries[c] = entryOf(c, values[i])
		d.was[c] = d.entries[c].digest()
	}
	return d
}

// load notes what of a row is shown without being edited.
func (d *draft) load(t *schema.Table, values []any) {
	d.fixed, d.stored = map[*schema.Column]any{}, map[*schema.Column][]byte{}
	for i, c := range t.Columns {
		if !editable(c, values[i]) {
			d.fixed[c] = values[i]
		}
		if b, ok := values[i].([]byte); ok {
			d.stored[c] = b
		}
	}
}

// sent reads the draft that a browser sends.
func (v *visit) sent(isNew bool) (*draft, error) {
	if err := v.parseForm(); err != nil {
		return nil, err
	}
	d := &draft{
		isNew: isNew, entries: map[*schema.Column]entry{}, was: map[*schema.Column]string{}, problems: map[*schema.Column]string{},
		files: map[*schema.Column][]byte{}, finds: map[*schema.Column]string{},
	}
	form := v.form
	for _, c := range v.table.Columns {
		d.was[c] = form.Get("was." + c.Slug())
		if find := strings.TrimSpace(form.Get("find." + c.Slug())); find != "" {
			d.finds[c] = find
		}
		if c.Kind == schema.Binary {
			v.sentFile(d, c)
			continue
		}
		texts, ok := form["v."+c.Slug()]
		if !ok {
			continue // not part of this form: it stays as it is
		}
		e := entry{text: unixLines(texts[0])}
		if canNull(c) {
			e.null = form.Get("n."+c.Slug()) != ""
			e = settle(e, d.was[c], isNew)
		} else if e.text == "" && d.was[c] == (entry{null: true}).digest() {
			e.null = true // it was NULL, and nobody touched it
		}
		d.entries[c] = e
	}
	v.pick(d)
	return d, nil
}

// sentFile reads the field of a binary column: a file, the box that says NULL,
// or neither, which leaves it as it is.
func (v *visit) sentFile(d *draft, c *schema.Column) {
	b, sent := v.files["v."+c.Slug()]
	switch {
	case sent:
		d.files[c] = b
		d.entries[c] = entryOf(c, b)
	case v.form.Get("n."+c.Slug()) != "":
		d.entries[c] = entry{null: true}
	case d.isNew && c.NotNull && c.Default == nil:
		d.entries[c] = entry{}
		d.problems[c] = v.t("A file is needed here.")
	}
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
		if c.Kind == schema.Binary {
			if b, ok := d.files[c]; ok {
				out[c] = b
			} else if e.null {
				out[c] = nil
			}
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
		if d.was[c] == "" || !editable(c, current[i]) {
			continue
		}
		if now := entryOf(c, current[i]); now.digest() != d.was[c] {
			d.theirs[c] = now
			if c.Kind == schema.Binary {
				d.theirs[c] = entry{text: v.fixedText(c, current[i]), null: current[i] == nil}
			}
			d.was[c] = now.digest() // the next save knows of it
		}
	}
	return len(d.theirs) > 0
}

// note puts an error of the database where it belongs in the form, and returns
// the status to show it with; 0 if it belongs nowhere.
func (v *visit) note(d *draft, err error) (status int) {
	var refused *rows.ColumnError
	if errors.Is(err, context.DeadlineExceeded) && v.r.Context().Err() == nil {
		// Most likely someone else is changing the row. What was typed is kept.
		refused = &rows.ColumnError{Problem: rows.Busy, Err: err}
		v.startAgain()
	} else if !errors.As(err, &refused) {
		return 0
	}
	if refused.Problem == rows.Busy {
		d.problem = v.refusal(refused)
		return http.StatusServiceUnavailable
	}
	if d.problems == nil {
		d.problems = map[*schema.Column]string{}
	}
	if _, shown := d.entries[refused.Column]; refused.Column != nil && shown {
		d.problems[refused.Column] = v.refusal(refused)
	} else {
		d.problem = v.refusal(refused)
	}
	return http.StatusUnprocessableEntity
}

// showForm shows the draft.
func (v *visit) showForm(status int, title, action string, d *draft) error {
	b := ui.Form{
		Table: v.table.FullName(), TableURL: v.tableURL(v.table), Title: title, Action: action, New: d.isNew,
		Error: d.problem, Conflict: len(d.theirs) > 0, ReadOnly: v.permission < Write || !v.table.Writable(),
	}
	for i, c := range v.table.Columns {
		if d.isNew && c.Generated {
			continue
		}
		b.Fields = append(b.Fields, v.draftField(i, c, d, b.ReadOnly))
	}
	if len(d.problems) > 0 && b.Error == "" {
		b.Error = v.t("Nothing is saved yet: please look at the fields that are marked.")
	}
	if !d.isNew && !b.ReadOnly {
		b.Delete = v.rowURL(v.table, v.keyText) + "/delete"
		b.Clone = v.tableURL(v.table) + "/new?" + query("clone", v.keyText)
	}
	if !d.isNew {
		b.Related = v.related()
	}
	return v.show(status, title, b)
}

func (v *visit) draftField(i int, c *schema.Column, d *draft, readOnly bool) ui.FormField {
	e, ok := d.entries[c]
	f := v.field(i, c, e, d.isNew)
	if b, ok := d.stored[c]; ok && !d.isNew {
		f.Value, f.Download = v.fixedText(c, b), v.rowURL(v.table, v.keyText)+"/file/"+c.Slug()
	}
	if value, fixed := d.fixed[c]; fixed || readOnly || !ok && !d.isNew && c.Kind != schema.Binary {
		f.Input, f.CanNull, f.Required = "fixed", false, false
		f.Null = fixed && value == nil || e.null
		if fixed && f.Download == "" {
			f.Value = v.fixedText(c, value)
		}
		return f
	}
	f.Was, f.Error = d.was[c], d.problems[c]
	if theirs, ok := d.theirs[c]; ok {
		f.Theirs = &ui.Theirs{Text: theirs.text, Null: theirs.null}
	}
	if fk := v.table.Ref(c); fk != nil && v.may(fk.Table) != None {
		v.reference(&f, c, fk, e)
		if find := d.finds[c]; find != "" {
			v.findReference(&f, fk, find)
		}
	} else if fk := v.compositeRef(c); fk != nil {
		v.compositeReference(&f, fk, d)
		if find := d.finds[c]; find != "" {
			v.findReference(&f, fk, find)
		}
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
