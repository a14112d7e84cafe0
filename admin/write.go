package admin

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/scarab-go/scarab/admin/internal/rows"
	"github.com/scarab-go/scarab/admin/internal/schema"
	"github.com/scarab-go/scarab/admin/internal/ui"
)

// newRow is the form for a new row.
func (h *handler) newRow(v *visit) error {
	d := v.blank()
	if text := v.r.URL.Query().Get("clone"); text != "" {
		key, err := rows.DecodeKey(v.table, text)
		if err != nil {
			return rows.ErrNoRow
		}
		values, err := h.db.Get(v.ctx, v.table, key)
		if err != nil {
			return err
		}
		d = v.clone(values)
	}
	return v.showForm(http.StatusOK, v.newTitle(), v.tableURL(v.table)+"/new", d)
}

func (v *visit) newTitle() string { return v.t("New row in %s", v.table.FullName()) }

func (h *handler) createRow(v *visit) error {
	d, err := v.sent(true)
	if err != nil {
		return err
	}
	if len(d.finds) > 0 {
		return v.showForm(http.StatusOK, v.newTitle(), v.tableURL(v.table)+"/new", d)
	}
	changes := v.changes(d)
	var key []any
	status := http.StatusUnprocessableEntity
	if len(d.problems) == 0 {
		key, err = h.db.Insert(v.ctx, v.table, changes)
		if err != nil {
			if status = v.note(d, err); status == 0 {
				return err
			}
		}
	}
	if err != nil || len(d.problems) > 0 {
		return v.showForm(status, v.newTitle(), v.tableURL(v.table)+"/new", d)
	}
	v.record("insert", v.table.FullName(), rows.EncodeKey(key), v.differences(v.table, nil, changes))
	v.succeed(v.t("The row was added to %s.", v.table.FullName()))
	return v.then(rows.EncodeKey(key))
}

// then goes where the button that was pressed leads to.
func (v *visit) then(key string) error {
	if v.form.Get("then") == "edit" && key != "" {
		return v.redirect(v.rowURL(v.table, key))
	}
	return v.redirect(v.tableURL(v.table))
}

// editRow is the form for a row.
func (h *handler) editRow(v *visit) error {
	values, err := h.db.Get(v.ctx, v.table, v.key)
	if err != nil {
		return err
	}
	return v.showForm(http.StatusOK, v.title(values), v.rowURL(v.table, v.keyText), v.loaded(values))
}

var errConflict = errors.New("the row was changed meanwhile")

func (h *handler) updateRow(v *visit) error {
	d, err := v.sent(false)
	if err != nil {
		return err
	}
	changes := v.changes(d)
	var current []any
	if len(d.problems) > 0 || len(d.finds) > 0 {
		status := http.StatusUnprocessableEntity
		if len(d.finds) > 0 {
			status, d.problems = http.StatusOK, nil
		}
		current, err = h.db.Get(v.ctx, v.table, v.key)
		if errors.Is(err, rows.ErrNoRow) {
			return v.orphaned(d)
		}
		if err != nil {
			return err
		}
		return v.again(status, d, current)
	}
	key, err := h.db.Update(v.ctx, v.table, v.key, changes, func(now []any) error {
		if current = now; v.conflict(d, now) {
			return errConflict
		}
		return nil
	})
	switch {
	case errors.Is(err, rows.ErrNoRow):
		return v.orphaned(d)
	case errors.Is(err, errConflict):
		return v.again(http.StatusConflict, d, current)
	case err != nil:
		if status := v.note(d, err); status != 0 {
			return v.again(status, d, current)
		}
		return err
	case len(changes) == 0:
		v.warn(v.t("Nothing was changed."))
	default:
		v.record("update", v.table.FullName(), rows.EncodeKey(key), v.differences(v.table, current, changes))
		v.succeed(v.t("The row was saved."))
	}
	return v.then(rows.EncodeKey(key))
}

// orphaned shows the form as it was sent, for a new row: someone has deleted
// the one that it was for.
func (v *visit) orphaned(d *draft) error {
	d.isNew, d.theirs = true, nil
	d.problem = v.t("Someone else has deleted this row since you opened it. What you typed is still here: save to add it as a new row.")
	return v.showForm(http.StatusConflict, v.newTitle(), v.tableURL(v.table)+"/new", d)
}

// again shows the form as it was sent, for the row as it is now; nil if it was
// not read, because other changes held it up.
func (v *visit) again(status int, d *draft, current []any) error {
	if current == nil {
		var err error
		if current, err = v.h.db.Get(v.ctx, v.table, v.key); err != nil {
			return err
		}
	}
	d.load(v.table, current)
	return v.showForm(status, v.title(current), v.rowURL(v.table, v.keyText), d)
}

// askDelete asks before a row is deleted, and tells what depends on it.
func (h *handler) askDelete(v *visit) error {
	values, err := h.db.Get(v.ctx, v.table, v.key)
	if err != nil {
		return err
	}
	self := v.rowURL(v.table, v.keyText)
	b := ui.Question{
		Table: v.table.FullName(), TableURL: v.tableURL(v.table), Title: v.t("Delete “%s”?", v.title(values)), Action: self + "/delete", Back: self,
	}
	for i, c := range v.table.Columns {
		b.Facts = append(b.Facts, ui.Fact{Name: c.Name, Value: v.fixedText(c, values[i]), Null: values[i] == nil})
	}
	if b.Dependants, b.Blocked, err = v.dependants(values); err != nil {
		return err
	}
	return v.show(http.StatusOK, b.Title, b)
}

// dependants counts the rows that point at the row with those values, and
// says what becomes of them.
func (v *visit) dependants(values []any) (out []ui.Dependant, blocked bool, err error) {
	for _, d := range v.schema.Dependants(v.table) {
		q, address, any := v.pointing(d, func(to *schema.Column) any { return rows.ValueOf(v.table, values, to) })
		if !any {
			continue
		}
		n, exact, err := v.h.db.Count(v.extra(), q)
		count := v.rows(n, exact)
		switch {
		case err != nil && v.extra().Err() != nil && v.ctx.Err() == nil:
			count = "?" // it would take too long
		case err != nil:
			return nil, false, err
		case n == 0:
			continue
		}
		entry := ui.Dependant{Table: v.t("a table you may not see"), Count: count}
		if v.may(d.Table) != None {
			entry.Table, entry.URL = d.Table.FullName(), address
		}
		switch d.OnDelete {
		case "CASCADE", schema.Hidden: // of what may be, the worst
			entry.Effect = v.t("will be deleted too")
		case "SET NULL", "SET DEFAULT":
			entry.Effect = v.t("will point nowhere")
		default:
			entry.Effect = v.t("stand in the way")
			blocked = blocked || n > 0
		}
		out = append(out, entry)
	}
	return out, blocked, nil
}

func (h *handler) deleteRow(v *visit) error {
	var title string
	var before []any
	gone, err := h.db.Delete(v.ctx, v.schema.Schema, v.table, [][]any{v.key}, v.mayChange, func(current []any) error {
		title, before = v.title(current), current
		return nil
	})
	if reason := v.undeletable(err); reason != "" && title != "" {
		Failure.Push(v.s, Notice{Text: v.t("“%s” was not deleted. %s", title, reason)})
		return v.redirect(v.rowURL(v.table, v.keyText))
	}
	if err != nil {
		return err
	}
	v.recordDeletion([]string{v.keyText}, [][]any{before}, gone)
	v.deleted(v.t("“%s” was deleted from %s.", title, v.table.FullName()), gone)
	return v.redirect(v.tableURL(v.table))
}

// query makes a query string of names and values.
func query(pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return q.Encode()
}
