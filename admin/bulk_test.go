package admin_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/scarab-go/scarab/admin/internal/testdb"
)

func TestSelected(t *testing.T) { testdb.Each(t, testSelected) }

func testSelected(t *testing.T, k testdb.Kind) {
	s := newShopOn(t, k)
	list := func() string { return s.Get("/admin/t/tags").Field("csrf_token") }
	send := func(form url.Values) (int, string) {
		form.Set("csrf_token", list())
		p := s.PostForm("/admin/t/tags/selected", form)
		return p.Status, p.Body
	}
	if _, body := send(url.Values{"do": {"ask-delete"}}); !strings.Contains(body, "Tick the rows first.") {
		t.Errorf("nothing ticked:\n%s", body)
	}
	if status, body := send(url.Values{"do": {"ask-delete"}, "key": {"11", "12"}}); status != 200 || !strings.Contains(body, "Delete 2 rows?") || !strings.Contains(body, "recycled") {
		t.Errorf("the question: %d\n%s", status, body)
	}
	if n := s.value("SELECT count(*) FROM tags"); n != int64(12) {
		t.Fatalf("the question deleted something: %v", n)
	}
	if _, err := s.db.Exec("INSERT INTO tags (id, name) VALUES (20, 'x'), (21, 'y')"); err != nil {
		t.Fatal(err)
	}
	if status, body := send(url.Values{"do": {"delete"}, "key": {"20", "21", "1"}}); status != 200 || !strings.Contains(body, "No row was deleted.") || s.value("SELECT count(*) FROM tags") != int64(14) {
		t.Errorf("one of three is pointed at: %d\n%s", status, body)
	}
	if status, body := send(url.Values{"do": {"delete"}, "key": {"20", "21"}}); status != 200 || !strings.Contains(body, "2 rows were deleted from tags.") || s.value("SELECT count(*) FROM tags") != int64(12) {
		t.Errorf("deleting: %d\n%s", status, body)
	}
	if status, body := send(url.Values{"do": {"ask-edit"}, "key": {"1", "2"}}); status != 200 || !strings.Contains(body, "tick.color") || strings.Contains(body, "tick.name") {
		t.Errorf("the form for several: %d\n%s", status, body)
	}
	if status, body := send(url.Values{"do": {"edit"}, "key": {"1", "2"}, "v.color": {"#000000"}}); status != 422 || !strings.Contains(body, "Tick the fields") {
		t.Errorf("no field ticked: %d\n%s", status, body)
	}
	if status, body := send(url.Values{"do": {"edit"}, "key": {"1", "2"}, "v.color": {"#00000000000"}, "tick.color": {"1"}}); status != 422 || !strings.Contains(body, "At most 7 characters") {
		t.Errorf("a wrong value: %d\n%s", status, body)
	}
	if status, body := send(url.Values{"do": {"edit"}, "key": {"1", "2"}, "v.color": {"#000000"}, "tick.color": {"1"}, "v.name": {"same"}, "tick.name": {"1"}}); status != 200 || !strings.Contains(body, "2 rows were changed in tags.") {
		t.Errorf("editing: %d\n%s", status, body)
	}
	if n, names := s.value("SELECT count(*) FROM tags WHERE color = '#000000'"), s.value("SELECT count(*) FROM tags WHERE name = 'same'"); n != int64(2) || names != int64(0) {
		t.Errorf("%v rows have the colour, %v the name", n, names)
	}
	if status, _ := send(url.Values{"do": {"delete"}, "key": {"not a key"}}); status != http.StatusBadRequest {
		t.Errorf("a key that is none: %d", status)
	}
}

func TestClone(t *testing.T) { testdb.Each(t, testClone) }

func testClone(t *testing.T, k testdb.Kind) {
	s := newShopOn(t, k)
	page := s.Get("/admin/t/products/new?clone=3")
	f := s.find(page, "/t/products/new").values
	if f.Get("v.id") != "" || f.Get("v.name") != "Gentle Basket" || f.Get("v.price") != "19.40" {
		t.Errorf("the copy begins as %v", f)
	}
	if page := s.submit(page, "/t/products/new", nil); page.Status != 422 || !strings.Contains(page.Body, "Another row has this value already") {
		t.Errorf("the same number of stock: status %d", page.Status)
	}
	if page := s.submit(page, "/t/products/new", url.Values{"v.sku": {"COPY"}}); page.Status != 200 {
		t.Errorf("status %d\n%s", page.Status, page.Body)
	}
	if got := s.value("SELECT name FROM products WHERE sku = 'COPY'"); got != "Gentle Basket" {
		t.Errorf("the copy is called %v", got)
	}
}

// What a foreign key points at is found by name, and nothing typed is lost.
func TestFindReference(t *testing.T) { testdb.Each(t, testFindReference) }

func testFindReference(t *testing.T, k testdb.Kind) {
	s := newShopOn(t, k)
	page := s.submit(s.Get("/admin/t/orders/new"), "/t/orders/new", url.Values{"v.comment": {"typed before"}, "find.customer_id": {"Kaito Va"}})
	if page.Status != http.StatusOK || !strings.Contains(page.Body, `<option value="3">Kaito Vargas (3)</option>`) {
		t.Fatalf("status %d\n%s", page.Status, page.Body)
	}
	if s.value("SELECT count(*) FROM orders") != int64(1500) {
		t.Error("looking for a customer saved the order")
	}
	page = s.submit(page, "/t/orders/new", url.Values{"v.customer_id": {"3"}, "then": {"edit"}})
	if page.Status != http.StatusOK || s.value("SELECT comment FROM orders WHERE customer_id = 3 ORDER BY id DESC LIMIT 1") != "typed before" {
		t.Errorf("status %d\n%s", page.Status, page.Body)
	}
	page = s.submit(page, "", url.Values{"find.customer_id": {"nobody at all"}})
	if !strings.Contains(page.Body, "“nobody at all” is not found in customers.") {
		t.Errorf("status %d\n%s", page.Status, page.Body)
	}
	// Of a small table all rows are offered at once.
	if page := s.Get("/admin/t/product_tags/new"); !strings.Contains(page.Body, ">handmade (3)</option>") {
		t.Errorf("no list of tags:\n%s", page.Body)
	}
}
