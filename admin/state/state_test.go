package state

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"
)

func open(t *testing.T) *DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "state.sqlite")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s, err := Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), db); err != nil {
		t.Errorf("opening again: %v", err)
	}
	return s
}

const good = "a sentence that is long"

func TestCheckPassword(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	if err := d.AddUser(ctx, User{Name: "Eve"}, good); err != nil {
		t.Fatal(err)
	}
	if err := d.AddUser(ctx, User{Name: "eve"}, good); !errors.Is(err, ErrTaken) {
		t.Errorf("the same name: %v", err)
	}
	for _, tt := range []struct {
		name, password string
		ok             bool
	}{{"Eve", good, true}, {"eVE", good, true}, {"Eve", good + " ", false}, {"Eve", "", false}, {"bob", good, false}} {
		if name, ok, err := d.CheckPassword(ctx, tt.name, tt.password); ok != tt.ok || ok && name != "Eve" || err != nil {
			t.Errorf("%s, %q: %q, %t, %v", tt.name, tt.password, name, ok, err)
		}
	}
	var hash string
	if err := d.sql.QueryRow("SELECT password FROM scarab_users").Scan(&hash); err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") || strings.Contains(hash, good) {
		t.Errorf("stored is %q, %v", hash, err)
	}
	if err := d.SetPassword(ctx, "eve", good+" indeed"); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := d.CheckPassword(ctx, "eve", good); ok {
		t.Error("the old password is good")
	}
	for _, damaged := range []string{"", "$argon2id$", "$argon2id$v=19$m=99999999,t=2,p=1$AAAA$AAAA", "$bcrypt$x$x$x$x", "$argon2id$v=19$m=8,t=1,p=1$!$!", "$argon2id$v=19$m=8,t=0,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAA"} {
		if _, err := d.sql.Exec("UPDATE scarab_users SET password = ?", damaged); err != nil {
			t.Fatal(err)
		}
		if _, ok, err := d.CheckPassword(ctx, "eve", good); ok || err == nil {
			t.Errorf("damaged hash %q: %t, %v", damaged, ok, err)
		}
	}
}

func TestAddUser_refuses(t *testing.T) {
	d := open(t)
	for _, tt := range []struct{ name, password string }{
		{"", good}, {"-x", good}, {"a b", good}, {"a\nb", good}, {strings.Repeat("x", 65), good},
		{"eve", "short"}, {"eve", strings.Repeat("x", 20)}, {"eve", strings.Repeat("xy", 200)}, {"marguerite", "Marguerite1"}, {"eve", "not \xff UTF-8 at all"},
	} {
		if err := d.AddUser(t.Context(), User{Name: tt.name}, tt.password); err == nil {
			t.Errorf("%q with %q was added", tt.name, tt.password)
		}
	}
	if has, err := d.HasUsers(t.Context()); has || err != nil {
		t.Errorf("%t, %v", has, err)
	}
}

func TestPermission(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	for _, u := range []User{
		{Name: "root", Admin: true},
		{Name: "eve", Grants: map[string]Permission{"tags": Write, "orders": None, "*": Read}},
		{Name: "bob", Grants: map[string]Permission{Sessions: Read}},
	} {
		if err := d.AddUser(ctx, u, good); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name, target string
		want         Permission
		known        bool
	}{
		{"root", "tags", Write, true}, {"root", Values, Write, true},
		{"eve", "tags", Write, true}, {"eve", "orders", None, true}, {"eve", "anything", Read, true}, {"EVE", "tags", Write, true},
		{"eve", Sessions, None, true}, {"eve", Values, None, true}, {"eve", Audit, None, true},
		{"bob", Sessions, Read, true}, {"bob", "tags", None, true}, {"nobody", "tags", None, false},
	} {
		if p, known, err := d.Permission(ctx, tt.name, tt.target); p != tt.want || known != tt.known || err != nil {
			t.Errorf("%s, %s: %v, %t, %v", tt.name, tt.target, p, known, err)
		}
	}
	users, err := d.Users(ctx)
	if err != nil || len(users) != 3 || users[1].Name != "eve" || users[1].Grants["tags"] != Write || !users[2].Admin {
		t.Errorf("%+v, %v", users, err)
	}
}

func TestEntries(t *testing.T) {
	d := open(t)
	ctx := context.Background()
	to := "x"
	for i := range 5 {
		target := "a"
		if i%2 == 1 {
			target = "b"
		}
		if err := d.Record(ctx, Entry{Principal: "eve", Action: "update", Target: target, Details: map[string]Change{"c": {To: &to}}}); err != nil {
			t.Fatal(err)
		}
	}
	first, err := d.Entries(ctx, "a", 0, 2)
	if err != nil || len(first) != 2 || first[0].ID != 5 || first[1].ID != 3 || *first[0].Details["c"].To != "x" || first[0].At.IsZero() {
		t.Fatalf("%+v, %v", first, err)
	}
	rest, err := d.Entries(ctx, "a", first[1].ID, 2)
	if err != nil || len(rest) != 1 || rest[0].ID != 1 {
		t.Errorf("%+v, %v", rest, err)
	}
	if all, err := d.Entries(ctx, "", 0, 10); err != nil || len(all) != 5 {
		t.Errorf("%d entries, %v", len(all), err)
	}
}
