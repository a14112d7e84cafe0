package admin

import (
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"

	"github.com/scarab-go/scarab/admin/internal/rows"
	"github.com/scarab-go/scarab/admin/internal/schema"
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

// upload reads the file that was sent for c. Its name is not used for
// anything.
func upload(form *multipart.Form, c *schema.Column) (b []byte, sent bool, err error) {
	if form == nil {
		return nil, false, nil
	}
	files := form.File["v."+c.Slug()]
	if len(files) == 0 || files[0].Filename == "" {
		return nil, false, nil // a field for a file that was left alone
	}
	f, err := files[0].Open()
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	b, err = io.ReadAll(f)
	return b, err == nil, err
}
