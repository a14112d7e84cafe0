package admin

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/scarab-go/scarab/admin/internal/rows"
	"github.com/scarab-go/scarab/admin/internal/schema"
	"github.com/scarab-go/scarab/admin/internal/ui"
	"github.com/scarab-go/scarab/admin/state"
)

// record writes to the audit log.
func (v *visit) record(action, target, row string, details map[string]state.Change) {
	v.recordAll([]state.Entry{{Action: action, Target: target, Row: row, Details: details}})
}

// recordAll writes what one request did. That it fails is logged and told:
// what was done is done.
func (v *visit) recordAll(entries []state.Entry) {
	if v.h.cfg.State == nil {
		return
	}
	for i := range entries {
		entries[i].Principal, entries[i].Handle = v.s.Principal(), v.s.Handle()
	}
	// Not v.ctx: that what was done took long does not leave it out.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(v.ctx), v.h.cfg.Timeout)
	defer cancel()
	if err := v.h.cfg.State.Record(ctx, entries...); err != nil {
		v.h.cfg.Logger.ErrorContext(v.ctx, "admin: audit log", "error", err)
		v.warn(v.t("It was done, but could not be written to the audit log."))
	}
}

// recordDeletion writes which rows are gone: those with these keys, and what
// went along with them as far as it was kept.
func (v *visit) recordDeletion(keys []string, before [][]any, gone *rows.Deleted) {
	var entries []state.Entry
	own := map[string]bool{}
	for i, key := range keys {
		own[key] = true
		entries = append(entries, state.Entry{Action: "delete", Target: v.table.FullName(), Row: key, Details: v.losses(v.table.Columns, before[i])})
	}
	if gone != nil {
		for _, l := range gone.Losses() {
			key := rows.EncodeKey(l.Key)
			switch {
			case l.Gone && l.Table == v.table && own[key]:
			case l.Gone:
				entries = append(entries, state.Entry{Action: "delete", Target: l.Table.FullName(), Row: key, Details: v.losses(l.Columns, l.Values)})
			default:
				entries = append(entries, state.Entry{Action: "update", Target: l.Table.FullName(), Row: key, Details: v.losses(l.Columns, l.Values)})
			}
		}
	}
	v.recordAll(entries)
}

// recordRestoration writes which rows are back.
func (v *visit) recordRestoration(gone *rows.Deleted) {
	var entries []state.Entry
	for _, l := range gone.Losses() {
		details := v.losses(l.Columns, l.Values)
		for name, c := range details {
			details[name] = state.Change{To: c.From}
		}
		entries = append(entries, state.Entry{Action: "restore", Target: l.Table.FullName(), Row: rows.EncodeKey(l.Key), Details: details})
	}
	v.recordAll(entries)
}

// auditLength is how much of a value the audit log keeps.
const auditLength = 200

// differences are the changes of a row for the audit log. before is nil for a
// new row.
func (v *visit) differences(t *schema.Table, before []any, c rows.Changes) map[string]state.Change {
	out := map[string]state.Change{}
	for i, column := range t.Columns {
		to, changed := c[column]
		if !changed {
			continue
		}
		change := state.Change{To: v.auditText(column, to)}
		if before != nil {
			change.From = v.auditText(column, before[i])
		}
		out[column.Name] = change
	}
	return out
}

// losses are values that are not there any more for the audit log.
func (v *visit) losses(columns []*schema.Column, before []any) map[string]state.Change {
	out := map[string]state.Change{}
	for i, column := range columns {
		if !column.Generated && before[i] != nil {
			out[column.Name] = state.Change{From: v.auditText(column, before[i])}
		}
	}
	return out
}

func (v *visit) auditText(c *schema.Column, value any) *string {
	if value == nil {
		return nil
	}
	s := v.fixedText(c, value)
	if short, more := cut(s, auditLength); more {
		s = short + "…"
	}
	return &s
}

const auditPage = 50

// auditPage shows the log.
func (h *handler) auditPage(v *visit) error {
	before, _ := strconv.ParseInt(v.r.URL.Query().Get("before"), 10, 64) // anything else: the newest
	target := v.r.URL.Query().Get("table")
	entries, err := h.cfg.State.Entries(v.ctx, target, max(before, 0), auditPage+1)
	if err != nil {
		return err
	}
	b := ui.Audit{URL: v.url("/audit"), Target: target}
	if len(entries) > auditPage {
		entries = entries[:auditPage]
		b.Older = v.url("/audit") + "?" + query("table", target, "before", strconv.FormatInt(entries[auditPage-1].ID, 10))
	}
	for _, e := range entries {
		b.Entries = append(b.Entries, v.auditEntry(e))
	}
	return v.show(http.StatusOK, v.t("Audit log"), b)
}

func (v *visit) auditEntry(e state.Entry) ui.AuditEntry {
	out := ui.AuditEntry{At: e.At.Format("2006-01-02 15:04:05"), User: e.Principal, Action: v.action(e.Action), Target: e.Target}
	// What a table holds is for those who may read it, its keys too, and also
	// when the table is gone.
	if e.Target != state.Sessions && v.mayUse(e.Target) == None {
		return out
	}
	out.Row = e.Row
	if t := v.schema.named(e.Target); t != nil && e.Row != "" {
		out.URL = v.rowURL(t, e.Row)
	}
	for name, c := range e.Details {
		out.Changes = append(out.Changes, ui.AuditChange{Column: name, From: theirs(c.From), To: theirs(c.To)})
	}
	sortChanges(out.Changes)
	return out
}

func theirs(s *string) ui.Theirs {
	if s == nil {
		return ui.Theirs{Null: true}
	}
	return ui.Theirs{Text: *s}
}

// action is the word for people.
func (v *visit) action(name string) string {
	switch name {
	case "insert":
		return v.t("added")
	case "update":
		return v.t("changed")
	case "delete":
		return v.t("deleted")
	case "restore":
		return v.t("brought back")
	case "end":
		return v.t("ended")
	case "login":
		return v.t("logged in")
	}
	return name
}

func sortChanges(c []ui.AuditChange) {
	slices.SortFunc(c, func(a, b ui.AuditChange) int { return strings.Compare(a.Column, b.Column) })
}
