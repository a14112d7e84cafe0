package admin

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/scarab-go/scarab/admin/internal/rows"
	"github.com/scarab-go/scarab/admin/internal/schema"
	"github.com/scarab-go/scarab/admin/internal/ui"
)

const (
	pageSize = 50
	wide     = 40 // columns that a list shows of a table with more, until others are chosen
)

// A listing is what the address of a list asks for.
type listing struct {
	query rows.Query
	page  int        // counted from 1; 0: unknown, since it was counted from the end
	keep  url.Values // what stays when the page changes
}

// listing reads the address. What is not understood is left out, and notice
// says so.
func (v *visit) listing() (l listing, notice string) {
	in := v.r.URL.Query()
	l = listing{query: rows.Query{Table: v.table, Limit: pageSize}, page: 1, keep: url.Values{}}
	q := &l.query
	if name := in.Get("sort"); name != "" {
		if c := v.table.Column(name); c != nil && sortable(c) {
			q.Sort = c
			l.keep.Set("sort", name)
		} else {
			notice = v.t("There is no column %q to sort by.", name)
		}
	}
	if in.Get("dir") == "desc" {
		q.Desc = true
		l.keep.Set("dir", "desc")
	}
	if q.Search = strings.TrimSpace(in.Get("q")); q.Search != "" {
		l.keep.Set("q", q.Search)
	}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		slug, ok := strings.CutPrefix(name, "o.")
		if !ok || in.Get(name) == "" {
			continue
		}
		f := rows.Filter{Column: v.table.ColumnBySlug(slug), Op: rows.Op(in.Get(name)), Value: in.Get("f." + slug)}
		if f.Op.NeedsValue() && f.Value == "" {
			continue // an empty row of the filter form
		}
		if f.Column == nil || !slices.Contains(rows.Ops, f.Op) {
			notice = v.t("There is no column %q to filter by.", slug)
			continue
		}
		q.Filters = append(q.Filters, f)
		l.keep.Set(name, string(f.Op))
		if f.Op.NeedsValue() {
			l.keep.Set("f."+slug, f.Value)
		}
	}
	for _, slug := range in["c"] {
		if c := v.table.ColumnBySlug(slug); c != nil && !slices.Contains(q.Columns, c) {
			q.Columns = append(q.Columns, c)
			l.keep.Add("c", slug)
		}
	}
	if len(q.Columns) == len(v.table.Columns) && len(q.Columns) <= wide {
		q.Columns = nil
		l.keep.Del("c")
	}
	if n, err := strconv.Atoi(in.Get("page")); err == nil && n > 0 {
		l.page = n
	}
	q.Last = in.Get("last") != "" && len(v.table.Key) > 0
	for name, into := range map[string]*[]any{"after": &q.After, "before": &q.Before} {
		if text := in.Get(name); text != "" {
			key, err := rows.DecodeKey(v.table, text)
			if err != nil {
				notice = v.t("The address of this page is damaged, so this is the first page.")
				l.page = 1
				continue
			}
			*into = key
		}
	}
	if q.After != nil && q.Before != nil {
		q.Before = nil
	}
	if q.Last {
		l.page, q.After, q.Before = 0, nil, nil
	}
	q.Offset = max(l.page-1, 0) * pageSize // with a key: where to be if the row is gone
	return l, notice
}

func sortable(c *schema.Column) bool { return c.Kind != schema.Binary && c.Kind != schema.JSON }

// list shows a page of rows.
func (h *handler) list(v *visit) error {
	t := v.table
	l, notice := v.listing()
	if l.query.Columns == nil && len(t.Columns) > wide {
		l.query.Columns = t.Columns[:wide]
	}
	page, err := h.db.List(v.ctx, l.query)
	if err != nil {
		return err
	}
	n, exact, count, err := v.countRows(l.query)
	if err != nil {
		return err
	}
	b := ui.List{
		Name: t.FullName(), URL: v.tableURL(t), View: t.View, ReadOnly: !t.Writable() || v.permission < Write,
		Search: l.query.Search, Notice: notice, Filtered: l.query.Search != "" || len(l.query.Filters) > 0 || l.page > 1 && len(page.Rows) == 0,
		FilterOpen: len(l.query.Filters) > 0,
		Count:      count, Filters: v.filterFields(l.query),
	}
	if !b.ReadOnly {
		b.New, b.Select = v.tableURL(t)+"/new", true
	}
	for _, format := range [...]string{"csv", "json"} {
		b.Exports = append(b.Exports, ui.Link{Text: strings.ToUpper(format), URL: v.tableURL(t) + "/export/" + format + "?" + l.keep.Encode()})
	}
	for _, c := range t.Columns {
		b.Choose = append(b.Choose, ui.Choice{Value: c.Slug(), Label: c.Name, Selected: l.query.Columns == nil || slices.Contains(l.query.Columns, c)})
	}
	for _, name := range [...]string{"sort", "dir"} {
		if value := l.keep.Get(name); value != "" {
			b.Keep = append(b.Keep, ui.Hidden{Name: name, Value: value})
		}
	}
	for _, c := range page.Columns {
		b.Columns = append(b.Columns, v.listColumn(l, c))
	}
	names, err := v.names(page)
	if err != nil {
		return err
	}
	for _, row := range page.Rows {
		r := ui.ListRow{Key: row.Key}
		if row.Key != "" {
			r.URL = v.rowURL(t, row.Key)
		}
		for i, c := range page.Columns {
			r.Cells = append(r.Cells, v.cell(c, row.Values[i], names))
		}
		b.Rows = append(b.Rows, r)
	}
	b.Pager = v.pager(l, page, n, exact)
	return v.show(http.StatusOK, t.FullName(), b)
}

func (v *visit) listColumn(l listing, c *schema.Column) ui.ListColumn {
	out := ui.ListColumn{Name: c.Name, Number: c.Kind.Number() && v.table.Ref(c) == nil, Key: c.Key}
	if !sortable(c) {
		return out
	}
	q := maps.Clone(l.keep)
	q.Set("sort", c.Name)
	q.Del("dir")
	sorted := l.query.Sort == c || l.query.Sort == nil && len(v.table.Key) > 0 && v.table.Key[0] == c
	switch {
	case sorted && l.query.Desc:
		out.Sorted = "descending"
	case sorted:
		out.Sorted = "ascending"
		q.Set("dir", "desc")
	}
	out.SortURL = v.tableURL(v.table) + "?" + q.Encode()
	return out
}

// filterFields are the conditions that can be set: on the columns that are
// shown, and on those that have one.
func (v *visit) filterFields(q rows.Query) []ui.FilterField {
	labels := map[rows.Op]string{
		rows.Equal: v.t("is"), rows.NotEqual: v.t("is not"), rows.Contains: v.t("contains"), rows.Begins: v.t("begins with"),
		rows.Less: v.t("less than"), rows.AtMost: v.t("at most"), rows.Greater: v.t("more than"), rows.AtLeast: v.t("at least"),
		rows.Null: v.t("is NULL"), rows.NotNull: v.t("is not NULL"),
	}
	var out []ui.FilterField
	for _, c := range v.table.Columns {
		if c.Kind == schema.Binary {
			continue
		}
		f := ui.FilterField{Column: c.Name, Slug: c.Slug()}
		var op rows.Op
		for _, on := range q.Filters {
			if on.Column == c {
				f.Value, op = on.Value, on.Op
			}
		}
		if op == "" && q.Columns != nil && !slices.Contains(q.Columns, c) {
			continue
		}
		for _, o := range rows.Ops {
			f.Ops = append(f.Ops, ui.Choice{Value: string(o), Label: labels[o], Selected: o == op})
		}
		out = append(out, f)
	}
	return out
}

// pager makes the links to other pages. Next and Previous go by the key of
// the last and first row shown, and carry the number of the page along.
func (v *visit) pager(l listing, p *rows.Page, n int, exact bool) ui.Pager {
	link := func(set func(url.Values)) string {
		q := maps.Clone(l.keep)
		set(q)
		if len(q) == 0 {
			return v.tableURL(v.table)
		}
		return v.tableURL(v.table) + "?" + q.Encode()
	}
	last := (n + pageSize - 1) / pageSize
	page := l.page
	if page == 0 && exact {
		page = max(last, 1)
	}
	var out ui.Pager
	number := func(q url.Values, page int) {
		if page > 0 {
			q.Set("page", strconv.Itoa(page))
		}
	}
	key := func(i int) string {
		if i < 0 || i >= len(p.Rows) {
			return ""
		}
		return p.Rows[i].Key
	}
	if p.Before {
		out.First = link(func(url.Values) {})
		out.Previous = link(func(q url.Values) {
			if page == 2 {
				return // the first page, and a whole one
			}
			number(q, page-1)
			if k := key(0); k != "" {
				q.Set("before", k)
			}
		})
	}
	if p.After {
		out.Next = link(func(q url.Values) {
			if page > 0 {
				number(q, page+1)
			}
			if k := key(len(p.Rows) - 1); k != "" {
				q.Set("after", k)
			}
		})
		if len(v.table.Key) > 0 {
			out.Last = link(func(q url.Values) { q.Set("last", "1") })
		}
	}
	switch {
	case page > 0 && exact:
		out.Page = v.t("Page %d of %d", page, max(last, page))
	case page > 0:
		out.Page = v.t("Page %d", page)
	default:
		out.Page = v.t("Last page")
	}
	return out
}
