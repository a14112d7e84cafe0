package admin

import (
	"net/http"

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
		n, exact, err := h.db.Count(v.ctx, rows.Query{Table: t})
		count := v.rows(n, exact)
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
