package admin

import (
	"net/http"

	"github.com/scarab-go/scarab/admin/internal/rows"
)

// row finds the key that the address names.
func (h *handler) row(f func(*visit) error) func(*visit) error {
	return func(v *visit) error {
		v.keyText = v.r.PathValue("key")
		key, err := rows.DecodeKey(v.table, v.keyText)
		if err != nil {
			return &problem{status: http.StatusNotFound, text: v.t("There is no such row, or not any more."), back: v.tableURL(v.table)}
		}
		v.key = key
		return f(v)
	}
}
