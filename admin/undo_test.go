package admin_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scarab-go/scarab/admin"
	"github.com/scarab-go/scarab/admin/internal/testdb"
	"github.com/scarab-go/scarab/admin/state"
	"github.com/scarab-go/scarab/scarabtest"
)

// undoOf is where the button of a page leads that undoes a deletion.
func undoOf(t *testing.T, page *scarabtest.Page) string {
	t.Helper()
	for _, part := range strings.Split(page.Body, `action="`)[1:] {
		if address, _, _ := strings.Cut(part, `"`); strings.HasPrefix(address, "/admin/undo/") {
			return address
		}
	}
	t.Fatalf("no undo is offered: status %d\n%s", page.Status, page.Body)
	return ""
}

// Undo brings a row back with all that went along, once, and only for whoever
// deleted it.
func TestUndo(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		s := newShopOn(t, k)
		lines := s.value("SELECT count(*) FROM order_lines WHERE order_id = 3")
		page := s.submit(s.Get("/admin/t/orders/row/3/delete"), "/row/3/delete", nil)
		if page.Status != http.StatusOK || s.value("SELECT count(*) FROM order_lines WHERE order_id = 3") != int64(0) {
			t.Fatalf("deleting: status %d", page.Status)
		}
		undo := undoOf(t, page)
		other := s.another()
		other.logIn("other")
		if got := other.PostForm(undo, url.Values{"csrf_token": {other.Get("/admin/").Field("csrf_token")}}); got.Status != http.StatusGone {
			t.Errorf("someone else: status %d", got.Status)
		}
		if got := s.PostForm(undo, url.Values{}); got.Status != http.StatusForbidden {
			t.Errorf("without a token: status %d", got.Status)
		}
		if got := s.Get(undo); got.Status != http.StatusNotFound && got.Status != http.StatusMethodNotAllowed {
			t.Errorf("GET: status %d", got.Status)
		}
		page = s.submit(page, undo, nil)
		if got := flashes(t, page); len(got) != 1 || !strings.Contains(got[0], "back in orders") {
			t.Errorf("undoing: status %d, %q", page.Status, got)
		}
		if got := s.value("SELECT count(*) FROM order_lines WHERE order_id = 3"); got != lines {
			t.Errorf("%v lines, before %v", got, lines)
		}
		if got := s.PostForm(undo, url.Values{"csrf_token": {s.Get("/admin/").Field("csrf_token")}}); got.Status != http.StatusGone {
			t.Errorf("undoing again: status %d", got.Status)
		}
	})
}

// Several rows that were deleted together come back together; what stands in
// the way can be cleared, and the button pressed again.
func TestUndo_several(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		s := newShopOn(t, k)
		if _, err := s.db.Exec("INSERT INTO tags (id, name) VALUES (50, 'one'), (51, 'two')"); err != nil {
			t.Fatal(err)
		}
		token := s.Get("/admin/t/tags").Field("csrf_token")
		undo := undoOf(t, s.PostForm("/admin/t/tags/selected", url.Values{"csrf_token": {token}, "do": {"delete"}, "key": {"50", "51"}}))
		if _, err := s.db.Exec("INSERT INTO tags (id, name) VALUES (60, 'two')"); err != nil {
			t.Fatal(err)
		}
		page := s.PostForm(undo, url.Values{"csrf_token": {token}})
		if got := flashes(t, page); len(got) != 1 || !strings.HasPrefix(got[0], "error: The rows could not be brought back") || s.value("SELECT count(*) FROM tags WHERE name = 'one'") != int64(0) {
			t.Errorf("the name is taken: status %d, %q", page.Status, got)
		}
		if again := undoOf(t, page); again != undo {
			t.Errorf("another name: %s", again)
		}
		if _, err := s.db.Exec("DELETE FROM tags WHERE id = 60"); err != nil {
			t.Fatal(err)
		}
		page = s.submit(page, undo, nil)
		if n := s.value("SELECT count(*) FROM tags WHERE id IN (50, 51) AND name IN ('one', 'two')"); page.Status != http.StatusOK || n != int64(2) {
			t.Errorf("status %d, %v rows are back", page.Status, n)
		}
	})
}

func TestUndo_expires(t *testing.T) {
	clock := scarabtest.NewClock(time.Now())
	s := newShop(t, func(c *admin.Config) { c.Clock = clock.Now })
	page := s.submit(s.Get("/admin/t/orders/row/3/delete"), "/row/3/delete", nil)
	clock.Advance(10 * time.Minute)
	if got := s.submit(page, undoOf(t, page), nil); got.Status != http.StatusGone || s.value("SELECT count(*) FROM orders WHERE id = 3") != int64(0) {
		t.Errorf("ten minutes later: status %d", got.Status)
	}
}

// Whoever may not change a table any more cannot bring its rows back, and
// nobody deletes rows of a table that he may not change by deleting others.
func TestUndo_permissions(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		var lines atomic.Int32
		lines.Store(int32(admin.Write))
		s := newShopOn(t, k, func(c *admin.Config) {
			c.Access = func(_ context.Context, _, table string) admin.Permission {
				if table == "order_lines" {
					return admin.Permission(lines.Load())
				}
				return admin.Write
			}
		})
		page := s.submit(s.Get("/admin/t/orders/row/3/delete"), "/row/3/delete", nil)
		for may, want := range map[admin.Permission]string{
			admin.Read: "Rows of order_lines would go along with it, and you may not change that table.",
			admin.None: "Rows of a table that you may not change would go along with it.",
		} {
			lines.Store(int32(may))
			got := strings.Join(flashes(t, s.submit(s.Get("/admin/t/orders/row/4/delete"), "/row/4/delete", nil)), "\n")
			if !strings.Contains(got, want) || s.value("SELECT count(*) FROM orders WHERE id = 4") != int64(1) {
				t.Errorf("%v: %q", may, got)
			}
		}
		lines.Store(int32(admin.Read))
		if got := s.submit(page, undoOf(t, page), nil); got.Status != http.StatusForbidden || s.value("SELECT count(*) FROM orders WHERE id = 3") != int64(0) {
			t.Errorf("undoing: status %d", got.Status)
		}
	})
}

// The audit log has every row that a deletion took along, that an undo brought
// back, and that was changed together with others.
func TestAudit_everyRow(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		s := newShopOn(t, k, withState(t))
		actions := func() map[string]int {
			entries, err := s.state.Entries(t.Context(), "", 0, 1000)
			if err != nil {
				t.Fatal(err)
			}
			n := map[string]int{}
			for _, e := range entries {
				if e.Target != state.Sessions && (e.Row == "" || e.Principal != "admin") {
					t.Errorf("%+v", e)
				}
				n[e.Action+" "+e.Target]++
			}
			return n
		}
		lines := int(s.value("SELECT count(*) FROM order_lines WHERE order_id = 3").(int64))
		page := s.submit(s.Get("/admin/t/orders/row/3/delete"), "/row/3/delete", nil)
		if n := actions(); n["delete orders"] != 1 || n["delete order_lines"] != lines || lines == 0 {
			t.Errorf("after the deletion, with %d lines: %v", lines, n)
		}
		s.submit(page, undoOf(t, page), nil)
		if n := actions(); n["restore orders"] != 1 || n["restore order_lines"] != lines {
			t.Errorf("after the undo, with %d lines: %v", lines, n)
		}
		token := s.Get("/admin/t/tags").Field("csrf_token")
		s.PostForm("/admin/t/tags/selected", url.Values{"csrf_token": {token}, "do": {"edit"}, "key": {"1", "2", "3"}, "tick.color": {"1"}, "v.color": {"#000000"}})
		if n := actions(); n["update tags"] != 3 {
			t.Errorf("after three were changed: %v", n)
		}
	})
}
