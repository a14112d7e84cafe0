package admin

import (
	"errors"
	"net/http"

	"github.com/scarab-go/scarab/admin/internal/rows"
	"github.com/scarab-go/scarab/admin/internal/schema"
	"github.com/scarab-go/scarab/admin/internal/ui"
	"github.com/scarab-go/scarab/admin/state"
)

// selected is what is done with the rows that were ticked in a list: first a
// question, then the deed.
func (h *handler) selected(v *visit) error {
	if err := v.parseForm(); err != nil {
		return err
	}
	texts := v.form["key"]
	if len(texts) == 0 {
		v.warn(v.t("Tick the rows first."))
		return v.redirect(v.tableURL(v.table))
	}
	if len(texts) > 10*pageSize {
		return &problem{status: http.StatusBadRequest, text: v.t("At most %d rows at a time.", 10*pageSize), back: v.tableURL(v.table)}
	}
	var keys [][]any
	for _, text := range texts {
		key, err := rows.DecodeKey(v.table, text)
		if err != nil {
			return &problem{status: http.StatusBadRequest, text: v.t("There is no such row, or not any more."), back: v.tableURL(v.table)}
		}
		keys = append(keys, key)
	}
	switch v.form.Get("do") {
	case "ask-delete":
		return v.askDeleteSelected(texts, keys)
	case "delete":
		return h.deleteSelected(v, texts, keys)
	case "ask-edit":
		return v.askEditSelected(http.StatusOK, texts, nil)
	case "edit":
		return h.editSelected(v, texts, keys)
	}
	return &problem{status: http.StatusBadRequest, text: v.t("There is no such button.")}
}

func (v *visit) askDeleteSelected(texts []string, keys [][]any) error {
	b := ui.Question{
		Table: v.table.FullName(), TableURL: v.tableURL(v.table), Title: v.t("Delete %d rows?", len(keys)),
		Action: v.tableURL(v.table) + "/selected", Back: v.tableURL(v.table),
		Hidden: append(hiddenKeys(texts), ui.Hidden{Name: "do", Value: "delete"}),
	}
	counts := map[string]ui.Dependant{}
	for _, key := range keys {
		values, err := v.h.db.Get(v.ctx, v.table, key)
		if err != nil {
			return err
		}
		v.key = key
		b.Facts = append(b.Facts, ui.Fact{Value: v.title(values)})
		found, blocked, err := v.dependants(values)
		if err != nil {
			return err
		}
		b.Blocked = b.Blocked || blocked
		for _, d := range found {
			counts[d.Table+" "+d.Effect] = ui.Dependant{Table: d.Table, Effect: d.Effect}
		}
	}
	for _, d := range counts {
		b.Dependants = append(b.Dependants, d)
	}
	return v.show(http.StatusOK, b.Title, b)
}

func hiddenKeys(texts []string) (out []ui.Hidden) {
	for _, text := range texts {
		out = append(out, ui.Hidden{Name: "key", Value: text})
	}
	return out
}

func (h *handler) deleteSelected(v *visit, texts []string, keys [][]any) error {
	var before [][]any
	gone, err := h.db.Delete(v.ctx, v.schema.Schema, v.table, keys, v.mayChange, func(current []any) error {
		before = append(before, current)
		return nil
	})
	if reason := v.undeletable(err); reason != "" {
		Failure.Push(v.s, Notice{Text: v.t("No row was deleted. %s", reason)})
		return v.redirect(v.tableURL(v.table))
	}
	if err != nil {
		return err
	}
	v.recordDeletion(texts, before, gone)
	v.deleted(v.t("%d rows were deleted from %s.", len(keys), v.table.FullName()), gone)
	return v.redirect(v.tableURL(v.table))
}

func (v *visit) mayChange(t *schema.Table) bool { return v.may(t) == Write }

// undeletable says why a deletion was refused; "" if it was not.
func (v *visit) undeletable(err error) string {
	var refused *rows.ColumnError
	var reach *rows.NotAllowedError
	switch {
	case errors.Is(err, rows.ErrNoRow):
		return v.t("There is no such row, or not any more.")
	case errors.As(err, &refused):
		return v.refusal(refused)
	case errors.As(err, &reach) && v.may(reach.Table) == None:
		return v.t("Rows of a table that you may not change would go along with it.")
	case errors.As(err, &reach):
		return v.t("Rows of %s would go along with it, and you may not change that table.", reach.Table.FullName())
	}
	return ""
}

// deleted tells of a deletion, and offers to undo it.
func (v *visit) deleted(text string, gone *rows.Deleted) {
	n := Notice{Text: text}
	if gone == nil {
		n.Text += " " + v.t("It took too many other rows along to be undone.")
	} else {
		n.Undo = v.h.undos.keep(v.h.cfg.Clock(), v.s.Principal(), v.table.FullName(), gone)
	}
	Success.Push(v.s, n)
}

// askEditSelected is the form that changes the same fields in many rows: those
// that are ticked.
func (v *visit) askEditSelected(status int, texts []string, d *draft) error {
	if d == nil {
		d = &draft{entries: map[*schema.Column]entry{}}
	}
	b := ui.Form{
		Table: v.table.FullName(), TableURL: v.tableURL(v.table), Title: v.t("Edit %d rows", len(texts)),
		Action: v.tableURL(v.table) + "/selected", Hidden: append(hiddenKeys(texts), ui.Hidden{Name: "do", Value: "edit"}), Error: d.problem, Several: true,
	}
	for i, c := range v.table.Columns {
		if c.Generated || c.Kind == schema.Binary || c.Key || c.Unique {
			continue // these are not the same in any two rows
		}
		f := v.draftField(i, c, d, false)
		if _, typed := d.entries[c]; !typed {
			f = v.field(i, c, entry{}, false)
			if fk := v.table.Ref(c); fk != nil && v.may(fk.Table) != None {
				v.reference(&f, c, fk, entry{})
			}
		}
		f.Was, f.Required, f.Tick = "", false, true
		_, f.Ticked = d.entries[c]
		f.Error = d.problems[c]
		b.Fields = append(b.Fields, f)
	}
	return v.show(status, b.Title, b)
}

func (h *handler) editSelected(v *visit, texts []string, keys [][]any) error {
	d, err := v.sent(false)
	if err != nil {
		return err
	}
	for c := range d.entries {
		if v.form.Get("tick."+c.Slug()) == "" || c.Key || c.Unique {
			delete(d.entries, c)
		}
		d.was[c] = ""
	}
	changes := v.changes(d)
	if len(d.entries) == 0 {
		d.problem = v.t("Tick the fields to change.")
	}
	if len(d.problems) > 0 || d.problem != "" {
		return v.askEditSelected(http.StatusUnprocessableEntity, texts, d)
	}
	var before [][]any
	err = h.db.UpdateAll(v.ctx, v.table, keys, changes, func(current []any) error {
		before = append(before, current)
		return nil
	})
	if errors.Is(err, rows.ErrNoRow) {
		d.problem = v.t("There is no such row, or not any more.")
		return v.askEditSelected(http.StatusConflict, texts, d)
	}
	if err != nil {
		if status := v.note(d, err); status != 0 {
			return v.askEditSelected(status, texts, d)
		}
		return err
	}
	var entries []state.Entry
	for i, text := range texts {
		entries = append(entries, state.Entry{Action: "update", Target: v.table.FullName(), Row: text, Details: v.differences(v.table, before[i], changes)})
	}
	v.recordAll(entries)
	v.succeed(v.t("%d rows were changed in %s.", len(keys), v.table.FullName()))
	return v.redirect(v.tableURL(v.table))
}
