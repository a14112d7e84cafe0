package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/scarab-go/scarab/admin/internal/rows"
	"github.com/scarab-go/scarab/admin/internal/ui"
)

// home lists the tables.
func (h *handler) home(v *visit) error {
	var b ui.Home
	for _, t := range v.schema.Tables {
		may := v.may(t)
		if may == None {
			continue
		}
		_, _, count, err := v.countRows(rows.Query{Table: t})
		if err != nil { // such as a view of a table that is gone: the others are still of use
			h.cfg.Logger.WarnContext(v.ctx, "admin: cannot count", "table", t.FullName(), "error", err)
			count = "?"
		}
		card := ui.HomeTable{Name: t.FullName(), URL: v.tableURL(t), View: t.View, Rows: count, Columns: len(t.Columns)}
		if may == Write && t.Writable() {
			card.New = v.tableURL(t) + "/new"
		}
		b.Tables = append(b.Tables, card)
	}
	return v.show(http.StatusOK, v.t("Tables"), b)
}

// rereadSchema reads the schema again, for columns that have come or gone.
func (h *handler) rereadSchema(v *visit) error {
	if err := h.readSchema(v.ctx); err != nil {
		return err
	}
	v.succeed(v.t("The tables were read again."))
	return v.redirect(v.url("/"))
}

// extraTimeout bounds how long a page waits for what it can do without, such
// as numbers of rows, all of it together.
const extraTimeout = 2 * time.Second

// extra is the context of what the page can do without.
func (v *visit) extra() context.Context {
	if v.extras == nil {
		ctx, end := context.WithTimeout(v.ctx, extraTimeout)
		v.extras, v.ends = ctx, append(v.ends, end)
	}
	return v.extras
}

// countRows counts the rows that q asks for; "" if that takes too long.
func (v *visit) countRows(q rows.Query) (n int, exact bool, text string, err error) {
	n, exact, err = v.h.db.Count(v.extra(), q)
	if err != nil && v.extra().Err() != nil && v.ctx.Err() == nil {
		return 0, false, "", nil
	}
	return n, exact, v.rows(n, exact), err
}

// rows writes how many rows there are, if they were counted only so far.
func (v *visit) rows(n int, exact bool) string {
	if exact {
		return v.t("%d rows", n)
	}
	return v.t("more than %d rows", n)
}

// count writes a number of rows that was counted only so far.
func (v *visit) count(n int, exact bool) string {
	if exact {
		return v.t("%d", n)
	}
	return v.t("%d+", n)
}
