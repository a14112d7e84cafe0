package admin

import (
	"bufio"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/scarab-go/scarab/admin/internal/rows"
	"github.com/scarab-go/scarab/admin/internal/schema"
)

// export sends what a list shows, all pages of it, as CSV or JSON. Rows go out
// as they come in, a batch at a time.
func (h *handler) export(v *visit) error {
	formats := map[string]struct {
		contentType string
		make        func(io.Writer, []*schema.Column) encoder
	}{
		"csv":  {"text/csv; charset=utf-8; header=present", newCSV},
		"json": {"application/json", newJSON},
	}
	format, ok := formats[v.r.PathValue("format")]
	if !ok {
		return &problem{status: http.StatusNotFound}
	}
	l, notice := v.listing()
	if notice != "" {
		return &problem{status: http.StatusBadRequest, text: notice}
	}
	q := l.query
	q.Whole, q.Limit, q.Offset, q.After, q.Before, q.Last = true, rows.MaxOffset, 0, nil, nil, false
	columns := q.Columns
	if columns == nil {
		columns = v.table.Columns
	}
	// The first batch is read before anything is sent: what is wrong with the
	// query is a page, not half a file.
	started := false
	var out *bufio.Writer
	var e encoder
	err := h.db.Each(v.r.Context(), q, h.cfg.Timeout, func(values []any) error {
		if !started {
			started = true
			v.exportHeader(format.contentType)
			out = bufio.NewWriterSize(v.w, 32<<10)
			e = format.make(out, columns)
		}
		return e.row(values)
	})
	switch {
	case err == nil && !started:
		v.exportHeader(format.contentType)
		out = bufio.NewWriter(v.w)
		e = format.make(out, columns)
	case err != nil && started:
		h.cfg.Logger.WarnContext(v.ctx, "admin: export stopped", "table", v.table.FullName(), "error", err)
		panic(http.ErrAbortHandler) // so that the browser does not take half a file for a whole one
	case err != nil:
		return err
	}
	if err := e.end(); err != nil {
		return err
	}
	return out.Flush()
}

func (v *visit) exportHeader(contentType string) {
	head := v.w.Header()
	head.Set("Content-Type", contentType)
	head.Set("Content-Disposition", `attachment; filename="`+fileName(v.table.Name)+"."+v.r.PathValue("format")+`"`)
	head.Set("Content-Security-Policy", "sandbox; default-src 'none'")
}

// An encoder writes rows in a format.
type encoder interface {
	row(values []any) error
	end() error
}

// csvEncoder writes RFC 4180, with a byte order mark for spreadsheets.
type csvEncoder struct {
	w       *csv.Writer
	columns []*schema.Column
	record  []string
}

func newCSV(w io.Writer, columns []*schema.Column) encoder {
	io.WriteString(w, "\uFEFF")
	e := &csvEncoder{csv.NewWriter(w), columns, make([]string, len(columns))}
	e.w.UseCRLF = true
	for i, c := range columns {
		e.record[i] = harmless(c.Name)
	}
	e.w.Write(e.record) // an error comes again at the next call
	return e
}

func (e *csvEncoder) row(values []any) error {
	for i, value := range values {
		switch value := value.(type) {
		case []byte:
			e.record[i] = harmless(base64.StdEncoding.EncodeToString(value))
		case float64:
			e.record[i] = textOf(value)
			if math.IsInf(value, 0) {
				e.record[i] = harmless(e.record[i])
			}
		case string:
			e.record[i] = value
			if !e.columns[i].Kind.Number() || !decimal.MatchString(value) {
				e.record[i] = harmless(value)
			}
		default:
			e.record[i] = textOf(value)
		}
	}
	return e.w.Write(e.record)
}

func (e *csvEncoder) end() error {
	e.w.Flush()
	return e.w.Error()
}

// harmless puts an apostrophe in front of what a spreadsheet would take for a
// formula.
//
// Source: OWASP, "CSV Injection".
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", firstRune(s)) {
		return "'" + s
	}
	return s
}

func firstRune(s string) rune {
	for _, r := range s {
		return r
	}
	return 0
}

// jsonEncoder writes a list of objects, one in a line.
type jsonEncoder struct {
	w     io.Writer
	names []string // encoded, with the colon
	types []*schema.Column
	line  []byte
	rows  int
}

func newJSON(w io.Writer, columns []*schema.Column) encoder {
	e := &jsonEncoder{w: w, types: columns}
	for _, c := range columns {
		name, _ := json.Marshal(c.Name) // of a string: it cannot fail
		e.names = append(e.names, string(name)+": ")
	}
	return e
}

func (e *jsonEncoder) row(values []any) error {
	e.line = append(e.line[:0], ",\n{"...)
	if e.rows == 0 {
		e.line = append(e.line[:0], "[\n{"...)
	}
	e.rows++
	for i, value := range values {
		if i > 0 {
			e.line = append(e.line, ", "...)
		}
		e.line = append(e.line, e.names[i]...)
		if yes, ok := boolOf(e.types[i], value); ok {
			e.line = strconv.AppendBool(e.line, yes)
			continue
		}
		if text, ok := value.(string); ok && e.types[i].Kind == schema.JSON && json.Valid([]byte(text)) {
			e.line = append(e.line, text...)
			continue
		}
		if f, ok := value.(float64); ok && (math.IsInf(f, 0) || math.IsNaN(f)) {
			value = textOf(f) // JSON has no such numbers
		}
		b, err := json.Marshal(value) // bytes become base64
		if err != nil {
			return err
		}
		e.line = append(e.line, b...)
	}
	_, err := e.w.Write(append(e.line, '}'))
	return err
}

func (e *jsonEncoder) end() error {
	text := "\n]\n"
	if e.rows == 0 {
		text = "[]\n"
	}
	_, err := io.WriteString(e.w, text)
	return err
}
