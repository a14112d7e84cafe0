package admin_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab/admin"
	"github.com/scarab-go/scarab/admin/internal/testdb"
)

// Whoever saves a row that someone else has deleted is told, keeps what was
// typed, and can add it again.
func TestEdit_deletedMeanwhile(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		s := newShopOn(t, k)
		if _, err := s.db.Exec("INSERT INTO tags (id, name) VALUES (50, 'alone')"); err != nil {
			t.Fatal(err)
		}
		mine := s.Get("/admin/t/tags/row/50")
		s.submit(s.Get("/admin/t/tags/row/50/delete"), "/row/50/delete", nil)
		page := s.submit(mine, "/row/50", url.Values{"v.name": {"kept"}})
		if page.Status != http.StatusConflict || !strings.Contains(page.Body, "Someone else has deleted this row") {
			t.Fatalf("status %d\n%s", page.Status, page.Body)
		}
		if s.value("SELECT count(*) FROM tags WHERE name = 'kept'") != int64(0) {
			t.Error("it was saved without being asked for")
		}
		page = s.submit(page, "/t/tags/new", nil)
		if got := s.value("SELECT name FROM tags WHERE id = 50"); page.Status != http.StatusOK || got != "kept" {
			t.Errorf("adding it again: status %d, %v", page.Status, got)
		}
		// Deleting what is gone says so.
		question := s.Get("/admin/t/tags/row/50/delete")
		s.submit(s.Get("/admin/t/tags/row/50/delete"), "/row/50/delete", nil)
		if page := s.submit(question, "/row/50/delete", nil); page.Status != http.StatusNotFound {
			t.Errorf("deleting twice: status %d", page.Status)
		}
	})
}

// The key of a row can be changed, also one of several columns, and the form
// goes on with the row under its new key.
func TestEdit_key(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		s := newSiteOn(t, k, `CREATE TABLE one (code VARCHAR(20) PRIMARY KEY, v INTEGER); INSERT INTO one VALUES ('a', 1), ('b', 2);
			CREATE TABLE two (x INTEGER, y VARCHAR(20), v INTEGER, PRIMARY KEY (y, x)); INSERT INTO two VALUES (1, 'a b', 1), (2, 'c', 2)`)
		page := s.submit(s.Get("/admin/t/one/row/a"), "/row/a", url.Values{"v.code": {"über 1"}, "then": {"edit"}})
		if got := s.value("SELECT v FROM one WHERE code = 'über 1'"); got != int64(1) || s.find(page, "").values.Get("v.code") != "über 1" {
			t.Errorf("%v; status %d at %s", got, page.Status, page.URL)
		}
		page = s.submit(page, "", url.Values{"v.code": {"b"}})
		if page.Status != http.StatusUnprocessableEntity || !strings.Contains(page.Body, "Another row has this value already") {
			t.Errorf("a key that is taken: status %d", page.Status)
		}
		if page = s.submit(page, "", url.Values{"v.code": {""}, "v.v": {"1"}}); s.value("SELECT count(*) FROM one WHERE code IS NULL") != int64(0) {
			t.Errorf("no key: status %d", page.Status)
		}
		link := "/admin/t/two/row/~tYSBi.1"
		page = s.submit(s.Get(link), "", url.Values{"v.x": {"7"}, "v.y": {"d/e"}, "then": {"edit"}})
		if got := s.value("SELECT v FROM two WHERE x = 7 AND y = 'd/e'"); got != int64(1) || s.find(page, "").values.Get("v.y") != "d/e" {
			t.Errorf("of two columns: %v; status %d at %s", got, page.Status, page.URL)
		}
		if got := s.value("SELECT count(*) FROM two"); got != int64(2) {
			t.Errorf("%v rows", got)
		}
	})
}

// A row that someone else has locked holds nobody up for long, and nothing that
// was typed is lost.
func TestEdit_locked(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		s := newShopOn(t, k, func(c *admin.Config) { c.Timeout = 500 * time.Millisecond })
		mine := s.Get("/admin/t/tags/row/1")
		conn, err := s.db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		begin := "BEGIN"
		if k.Dialect == admin.SQLite {
			begin = "BEGIN IMMEDIATE"
		}
		for _, statement := range []string{begin, "UPDATE tags SET color = '#111111' WHERE id = 1"} {
			if _, err := conn.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		page := s.submit(mine, "/row/1", url.Values{"v.color": {"#222222"}})
		if page.Status != http.StatusServiceUnavailable || !strings.Contains(page.Body, "busy with other changes") || s.find(page, "/row/1").values.Get("v.color") != "#222222" {
			t.Errorf("status %d\n%s", page.Status, page.Body)
		}
		if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
		page = s.submit(page, "/row/1", nil)
		if got := s.value("SELECT color FROM tags WHERE id = 1"); page.Status != http.StatusOK || got != "#222222" {
			t.Errorf("when it is free: status %d, %v", page.Status, got)
		}
	})
}

// Of two changes that wait for each other the database lets one through; the
// other is told so.
func TestEdit_deadlock(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		if k.Dialect == admin.SQLite {
			return // it has one lock, for which see TestEdit_locked
		}
		s := newShopOn(t, k)
		tx, err := s.db.BeginTx(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		change := func(id string) {
			if _, err := tx.Exec("UPDATE tags SET color = '#111111' WHERE id = " + id); err != nil && !strings.Contains(err.Error(), "eadlock") {
				t.Error(err)
			}
		}
		// The list of rows is changed in its order: 1, and then 2.
		change("2")
		if k.Dialect == admin.MySQL { // which ends the one that has changed less
			if _, err := tx.Exec("UPDATE products SET price = price + 1"); err != nil {
				t.Fatal(err)
			}
		}
		token := s.Get("/admin/t/tags").Field("csrf_token")
		done := make(chan int)
		go func() {
			done <- s.PostForm("/admin/t/tags/selected", url.Values{"csrf_token": {token}, "do": {"edit"}, "key": {"1", "2"}, "tick.color": {"1"}, "v.color": {"#222222"}}).Status
		}()
		for s.waiting() == 0 {
			select {
			case status := <-done:
				t.Fatalf("it did not wait: status %d", status)
			case <-time.After(150 * time.Millisecond): // MariaDB keeps its answer for less than that
			}
		}
		change("1")
		status := <-done
		if err := tx.Rollback(); err != nil {
			t.Log(err)
		}
		colors := []any{s.value("SELECT color FROM tags WHERE id = 1"), s.value("SELECT color FROM tags WHERE id = 2")}
		both, none := slices.Equal(colors, []any{"#222222", "#222222"}), !slices.Contains(colors, any("#222222"))
		if !(status == http.StatusOK && both || status == http.StatusServiceUnavailable && none) {
			t.Errorf("status %d, and the rows have %v", status, colors)
		}
		if k.Dialect == admin.MySQL && status != http.StatusServiceUnavailable {
			t.Errorf("status %d: the larger change was ended", status)
		}
	})
}

// waiting is how many statements wait for a lock.
func (s *site) waiting() int64 {
	if s.kind.Dialect == admin.PostgreSQL {
		return s.value("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())").(int64)
	}
	return s.value("SELECT count(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT' AND trx_mysql_thread_id IN (SELECT id FROM information_schema.PROCESSLIST WHERE db = DATABASE())").(int64)
}

// What a trigger says is told, and what is out of range, not a value of its
// type or missing stands at its field.
func TestRefusals_byTheDatabase(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		s := newSiteOn(t, k, map[admin.Dialect]string{
			admin.SQLite: `CREATE TABLE t (id INTEGER PRIMARY KEY, small INTEGER CHECK (small < 128), n INTEGER, must TEXT NOT NULL, other TEXT, c TEXT) STRICT;
				CREATE TRIGGER guard BEFORE INSERT ON t WHEN NEW.c = 'stop' BEGIN SELECT RAISE(ABORT, 'the guard says no'); END;`,
			admin.PostgreSQL: `CREATE TABLE t (id INTEGER PRIMARY KEY, small SMALLINT, n INTEGER, must TEXT NOT NULL, other INET, c TEXT);
				CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.c = 'stop' THEN RAISE EXCEPTION 'the guard says no'; END IF; RETURN NEW; END $$;
				CREATE TRIGGER guard BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION guard();`,
			admin.MySQL: `CREATE TABLE t (id INTEGER PRIMARY KEY, small TINYINT, n INTEGER, must TEXT NOT NULL, other INET6, c TEXT);
				CREATE TRIGGER guard BEFORE INSERT ON t FOR EACH ROW IF NEW.c = 'stop' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the guard says no'; END IF;`,
		}[k.Dialect])
		for _, tt := range []struct {
			name, field, value, want string
			at                       bool // of its field
		}{
			{"a trigger", "v.c", "stop", "the guard says no", false},
			{"out of range", "v.small", "99999", map[bool]string{true: "A check of the database refuses", false: "out of range"}[k.Dialect == admin.SQLite], true},
			{"out of any range", "v.n", strings.Repeat("9", 40), map[bool]string{true: "not a value of the type", false: "out of range"}[k.Dialect == admin.SQLite], true},
			{"not an address", "v.other", "nowhere", "not a value of the type", true},
		} {
			if k.Dialect == admin.SQLite && tt.field == "v.other" {
				continue // it has no such type
			}
			page := s.submit(s.Get("/admin/t/t/new"), "/t/t/new", url.Values{"v.id": {"1"}, "v.must": {"x"}, tt.field: {tt.value}, "n." + tt.field[2:]: nil})
			_, part, _ := strings.Cut(page.Body, `name="`+tt.field+`"`)
			if part, _, _ = strings.Cut(part, `<div class="field`); !tt.at {
				part = page.Body
			}
			if page.Status != http.StatusUnprocessableEntity || !strings.Contains(part, tt.want) || s.find(page, "/t/t/new").values.Get(tt.field) != tt.value {
				t.Errorf("%s: status %d, not %q in\n%s", tt.name, page.Status, tt.want, part)
			}
		}
		// NULL where there must be a value: a form has no box for it, but a
		// request can say anything.
		token := s.Get("/admin/t/t").Field("csrf_token")
		if page := s.PostForm("/admin/t/t/new", url.Values{"csrf_token": {token}, "v.id": {"1"}}); page.Status != http.StatusUnprocessableEntity || !strings.Contains(page.Body, "A value is needed here") {
			t.Errorf("nothing for a column that must have something: status %d\n%s", page.Status, page.Body)
		}
	})
}

// The rights that the application has in its database may be smaller than those
// of the visitor.
func TestRefusals_denied(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		s := newShopOn(t, k)
		page := s.Get("/admin/t/tags/row/1")
		s.db.SetMaxOpenConns(1)
		switch k.Dialect {
		case admin.SQLite:
			if _, err := s.db.Exec("PRAGMA query_only = 1"); err != nil {
				t.Fatal(err)
			}
		case admin.PostgreSQL:
			if _, err := s.db.Exec("CREATE ROLE reader_of_" + s.database() + "; GRANT SELECT, UPDATE (id) ON tags TO reader_of_" + s.database() + "; SET ROLE reader_of_" + s.database()); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				s.db.Exec("RESET ROLE; DROP OWNED BY reader_of_" + s.database() + "; DROP ROLE reader_of_" + s.database())
			})
		default:
			return // an account has its rights from its login on: see TestRead_refusedByServer
		}
		page = s.submit(page, "/row/1", url.Values{"v.color": {"#222222"}})
		if page.Status != http.StatusUnprocessableEntity || !strings.Contains(page.Body, "does not let this site do that") {
			t.Errorf("status %d\n%s", page.Status, page.Body)
		}
	})
}

// database is the name of the database.
func (s *site) database() string { return s.value("SELECT current_database()").(string) }
