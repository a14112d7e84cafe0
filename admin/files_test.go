package admin_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/scarab-go/scarab/admin"
	"github.com/scarab-go/scarab/admin/internal/testdb"
	"github.com/scarab-go/scarab/scarabtest"
)

// upload sends the form of a page with a file in it.
func (s *site) upload(page *scarabtest.Page, field, name string, content []byte, set map[string]string) *scarabtest.Page {
	s.t.Helper()
	f := s.find(page, "")
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	w.WriteField("csrf_token", f.values.Get("csrf_token"))
	for n, values := range f.values {
		if _, ok := set[n]; n != "csrf_token" && !ok {
			w.WriteField(n, values[0])
		}
	}
	for n, v := range set {
		w.WriteField(n, v)
	}
	part, err := w.CreateFormFile(field, name)
	if err != nil {
		s.t.Fatal(err)
	}
	part.Write(content)
	w.Close()
	return s.From(page.URL).Post(f.action, w.FormDataContentType(), &body)
}

func TestFiles(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		s := newShopOn(t, k)
		content := append([]byte("<script>alert(1)</script>\x00\xff"), bytes.Repeat([]byte{0, 1, 2, 255}, 5000)...)
		page := s.upload(s.Get("/admin/t/products/row/1"), "v.picture", `..\..\..\etc/passwd"; x="`, content, map[string]string{"then": "edit"})
		if page.Status != http.StatusOK || !strings.Contains(page.Body, "Download") {
			t.Fatalf("status %d\n%s", page.Status, page.Body)
		}
		got := s.Get("/admin/t/products/row/1/file/picture")
		if got.Body != string(content) {
			t.Errorf("%d bytes came back as %d", len(content), len(got.Body))
		}
		for name, want := range map[string]string{
			"Content-Type": "application/octet-stream", "X-Content-Type-Options": "nosniff",
			"Content-Disposition": `attachment; filename="products-1-picture.bin"`, "Content-Security-Policy": "sandbox; default-src 'none'",
		} {
			if got.Header.Get(name) != want {
				t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want)
			}
		}
		// Saved again without a file, it stays.
		page = s.submit(s.Get("/admin/t/products/row/1"), "/row/1", map[string][]string{"v.name": {"Renamed"}})
		if page.Status != 200 || s.Get("/admin/t/products/row/1/file/picture").Body != string(content) {
			t.Errorf("status %d, and the file is another", page.Status)
		}
		// Two people, one file.
		mine, theirs := s.Get("/admin/t/products/row/1"), s.Get("/admin/t/products/row/1")
		s.upload(theirs, "v.picture", "x", []byte("theirs"), nil)
		if page := s.upload(mine, "v.picture", "x", []byte("mine"), nil); page.Status != http.StatusConflict {
			t.Errorf("the second of two uploads: status %d", page.Status)
		}
		page = s.submit(s.Get("/admin/t/products/row/1"), "/row/1", map[string][]string{"n.picture": {"1"}})
		if page.Status != 200 || s.value("SELECT count(*) FROM products WHERE picture IS NULL") != int64(120) {
			t.Errorf("status %d: the box that says NULL left a file", page.Status)
		}
		if page := s.Get("/admin/t/products/row/1/file/picture"); page.Status != http.StatusNotFound {
			t.Errorf("a file that is not there: status %d", page.Status)
		}
		for _, path := range []string{"/row/1/file/nothing", "/row/1/file/..%2f..%2fetc", "/row/1/file/name", "/row/9999/file/picture"} {
			if page := s.Get("/admin/t/products" + path); page.Status != http.StatusNotFound {
				t.Errorf("%s: status %d", path, page.Status)
			}
		}
	})
}

// A gigabyte is refused before it has arrived, and is kept nowhere.
func TestUpload_gigabyte(t *testing.T) {
	s := newShop(t)
	page := s.Get("/admin/t/products/row/1")
	var head bytes.Buffer
	w := multipart.NewWriter(&head)
	w.WriteField("csrf_token", page.Field("csrf_token"))
	if _, err := w.CreateFormFile("v.picture", "big"); err != nil {
		t.Fatal(err)
	}
	const size = 1 << 30
	sent := &counter{Reader: io.LimitReader(zeros{}, size)}
	before := leftovers(t)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	held := m.HeapAlloc
	// Not with the browser of the tests, which keeps what it sends.
	server := httptest.NewServer(s.handler)
	defer server.Close()
	body := io.MultiReader(&head, sent, strings.NewReader("\r\n--"+w.Boundary()+"--\r\n"))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/admin/t/products/row/1", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "example.com"
	req.Header.Set("Origin", "https://example.com")
	req.Header.Set("Cookie", "__Host-session="+s.Cookie("https://example.com/", "__Host-session"))
	req.Header.Set("Content-Type", w.FormDataContentType())
	answer, err := http.DefaultTransport.RoundTrip(req)
	if err == nil {
		answer.Body.Close()
		if answer.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("status %d", answer.StatusCode)
		}
	}
	// Some transports report the broken pipe instead of the answer.
	if err != nil && !strings.Contains(err.Error(), "broken pipe") && !strings.Contains(err.Error(), "connection reset") && !strings.Contains(err.Error(), "closed") {
		t.Error(err)
	}
	if sent.n > size/2 {
		t.Errorf("%d bytes were read", sent.n)
	}
	runtime.GC()
	runtime.ReadMemStats(&m)
	if m.HeapAlloc > held+64<<20 {
		t.Errorf("%d MiB are held", (m.HeapAlloc-held)>>20)
	}
	if after := leftovers(t); after != before {
		t.Errorf("files were left behind: %d, before %d", after, before)
	}
	if s.value("SELECT count(*) FROM products WHERE picture IS NOT NULL") != int64(0) {
		t.Error("a part of it was saved")
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

type counter struct {
	io.Reader
	n int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}

func leftovers(t *testing.T) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(os.TempDir(), "multipart-*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

func TestExport(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		s := newShopOn(t, k)
		page := s.Get("/admin/t/orders/export/csv")
		if got := page.Header.Get("Content-Disposition"); got != `attachment; filename="orders.csv"` || page.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("Content-Disposition %q", got)
		}
		records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(page.Body, "\uFEFF"))).ReadAll()
		if err != nil || len(records) != 1501 || records[0][0] != "id" || records[1500][0] != "1500" {
			t.Errorf("%d lines, %v", len(records), err)
		}
		// Only what is listed, in the order of the list.
		page = s.Get("/admin/t/orders/export/json?o.status=is&f.status=paid&sort=placed_at&dir=desc&c=id&c=placed_at")
		var rows []struct {
			ID       int    `json:"id"`
			PlacedAt string `json:"placed_at"`
			Status   string `json:"status"`
		}
		if err := json.Unmarshal([]byte(page.Body), &rows); err != nil {
			t.Fatal(err)
		}
		if int64(len(rows)) != s.value("SELECT count(*) FROM orders WHERE status = 'paid'") || rows[0].PlacedAt < rows[len(rows)-1].PlacedAt || rows[0].Status != "" {
			t.Errorf("%d rows, from %+v to %+v", len(rows), rows[0], rows[len(rows)-1])
		}
		page = s.Get("/admin/t/sales_by_month/export/json")
		var months []map[string]any
		if err := json.Unmarshal([]byte(page.Body), &months); err != nil || len(months) != 20 {
			t.Errorf("a view: %d rows, %v", len(months), err)
		}
		for path, want := range map[string]int{"/t/orders/export/exe": 404, "/t/orders/export/csv?sort=nothing": 400, "/t/nothing/export/csv": 404} {
			if page := s.Get("/admin" + path); page.Status != want {
				t.Errorf("%s: status %d, want %d", path, page.Status, want)
			}
		}
	})
}

// A spreadsheet takes nothing in the file for a formula.
func TestExport_formulas(t *testing.T) {
	s := newSite(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, "=x" TEXT, n INTEGER, d DECIMAL(8,2))`)
	texts := []string{`=1+1`, `+1`, `-1`, `@SUM(A1)`, "\t=1", "\r=1", `＝1`, `=HYPERLINK("http://evil.example","x")`, `plain`, `a=b`, ``, `"quoted", and a comma`, "two\nlines"}
	for i, text := range texts {
		if _, err := s.db.Exec(`INSERT INTO t VALUES (?, ?, -5, '-12.5')`, i+1, text); err != nil {
			t.Fatal(err)
		}
	}
	records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(s.Get("/admin/t/t/export/csv").Body, "\uFEFF"))).ReadAll()
	if err != nil || len(records) != len(texts)+1 {
		t.Fatalf("%d lines, %v", len(records), err)
	}
	if records[0][1] != "'=x" {
		t.Errorf("the heading is %q", records[0][1])
	}
	for i, text := range texts {
		got := records[i+1]
		want := text
		if i < 8 {
			want = "'" + text
		}
		if strings.ReplaceAll(got[1], "\r", "") != strings.ReplaceAll(want, "\r", "") || got[2] != "-5" || got[3] != "-12.5" {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// What JSON and spreadsheets have no numbers for is written as a text, and
// bytes are no formula either.
func TestExport_odd(t *testing.T) {
	s := newSite(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, r REAL, f BLOB); INSERT INTO t VALUES (1, 9e999, x'fbefbe'), (2, -9e999, x'00'), (3, 1.5, NULL)`)
	page := s.Get("/admin/t/t/export/json")
	var out []map[string]any
	if err := json.Unmarshal([]byte(page.Body), &out); err != nil || len(out) != 3 || out[0]["r"] != "+Inf" || out[2]["r"] != 1.5 {
		t.Errorf("%v\n%s", err, page.Body)
	}
	records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(s.Get("/admin/t/t/export/csv").Body, "\uFEFF"))).ReadAll()
	if err != nil || len(records) != 4 || records[1][1] != "'+Inf" || records[1][2] != "'++++" || records[2][1] != "'-Inf" || records[3][1] != "1.5" {
		t.Errorf("%q, %v", records, err)
	}
}

// All rows are in an export, in its order, also where no index has that and
// they are more than a batch.
func TestExport_sorted(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		s := newSiteOn(t, k, numbered(k, 1700))
		for _, order := range []string{"", "&sort=v", "&sort=v&dir=desc", "&sort=id&dir=desc"} {
			var out []struct{ ID, V int }
			page := s.Get("/admin/t/many/export/json?c=id&c=v" + order)
			if err := json.Unmarshal([]byte(page.Body), &out); err != nil || len(out) != 1700 {
				t.Fatalf("%s: %d rows, %v", order, len(out), err)
			}
			sorted := slices.IsSortedFunc(out, func(a, b struct{ ID, V int }) int {
				switch order {
				case "&sort=v":
					return a.V - b.V
				case "&sort=v&dir=desc":
					return b.V - a.V
				case "&sort=id&dir=desc":
					return b.ID - a.ID
				}
				return a.ID - b.ID
			})
			whole := !slices.ContainsFunc(out, func(r struct{ ID, V int }) bool { return r.V != r.ID*7919%10007 })
			if !sorted || !whole {
				t.Errorf("%s: in order %t, each with its values %t", order, sorted, whole)
			}
		}
	})
}

// A table of a thousand columns. MariaDB has room for as many if they are short.
func TestWideTables(t *testing.T) { testdb.Each(t, testWideTables) }

func testWideTables(t *testing.T, k testdb.Kind) {
	charset := ""
	if k.Dialect == admin.MySQL {
		charset = "CHARACTER SET latin1"
	}
	var columns, values strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&columns, ", column_%d VARCHAR(6)", i)
		fmt.Fprintf(&values, ", 'v%d'", i)
	}
	s := newSiteOn(t, k, "CREATE TABLE wide (id INTEGER PRIMARY KEY"+columns.String()+") "+charset+"; INSERT INTO wide VALUES (1"+values.String()+")")
	page := s.Get("/admin/t/wide")
	if page.Status != 200 || !strings.Contains(page.Body, ">v38") || strings.Contains(page.Body, ">v39<") || len(page.Body) > 1<<20 {
		t.Errorf("the list: status %d, %d bytes", page.Status, len(page.Body))
	}
	if page := s.Get("/admin/t/wide?c=column_999&c=id"); !strings.Contains(page.Body, ">v999") {
		t.Errorf("a column that was chosen is not shown")
	}
	page = s.submit(s.Get("/admin/t/wide/row/1"), "/row/1", map[string][]string{"v.column_777": {"new"}})
	if page.Status != 200 || s.value("SELECT column_777 FROM wide") != "new" || s.value("SELECT column_776 FROM wide") != "v776" {
		t.Errorf("editing: status %d", page.Status)
	}
	if page := s.Get("/admin/t/wide/export/json"); !strings.Contains(page.Body, `"column_999": "v999"`) {
		t.Errorf("the export: status %d", page.Status)
	}
}
