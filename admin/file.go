package admin

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/scarab-go/scarab/admin/internal/rows"
)

// download sends a binary value as a file. A browser is never to show it: it
// may be a page with a script in it.
func (h *handler) download(v *visit) error {
	c := v.table.ColumnBySlug(v.r.PathValue("column"))
	if c == nil {
		return &problem{status: http.StatusNotFound}
	}
	values, err := h.db.Get(v.ctx, v.table, v.key)
	if err != nil {
		return err
	}
	b, ok := rows.ValueOf(v.table, values, c).([]byte)
	if !ok {
		return &problem{status: http.StatusNotFound, text: v.t("There is no file in this field.")}
	}
	head := v.w.Header()
	head.Set("Content-Type", "application/octet-stream")
	head.Set("Content-Disposition", `attachment; filename="`+fileName(v.table.Name, v.keyText, c.Name)+`.bin"`)
	head.Set("Content-Length", strconv.Itoa(len(b)))
	head.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	_, err = v.w.Write(b)
	return err
}

// fileName joins what is plain of its parts with hyphens.
func fileName(parts ...string) string {
	clean := func(r rune) rune {
		if r == '_' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' {
			return r
		}
		return -1
	}
	var out []string
	for _, p := range parts {
		if p = strings.Map(clean, p); p != "" {
			out = append(out, p[:min(len(p), 60)])
		}
	}
	return strings.Join(out, "-")
}
