package integration

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/testserver"
	"github.com/scarab-go/scarab/sqlstore"
)

// A Create or a Save whose answer is lost is not sent again, by no driver: it fails
// with an error that says nothing of what became of it, and is there once or not
// at all. What may be done twice may succeed.
func TestSQLStore_lostAnswers(t *testing.T) {
	for _, d := range []struct {
		name, driver, setting string
		dialect               sqlstore.Dialect
		server                func(testing.TB) *testserver.Server
	}{
		{"pgx", "pgx", "", sqlstore.PostgreSQL, testserver.SharedPostgres},
		{"pgx, exec", "pgx", "default_query_exec_mode=exec", sqlstore.PostgreSQL, testserver.SharedPostgres},
		{"pgx, simple protocol", "pgx", "default_query_exec_mode=simple_protocol", sqlstore.PostgreSQL, testserver.SharedPostgres},
		{"lib/pq", "postgres", "", sqlstore.PostgreSQL, testserver.SharedPostgres},
		{"lib/pq, binary", "postgres", "binary_parameters=yes", sqlstore.PostgreSQL, testserver.SharedPostgres},
		{"MariaDB", "mysql", "", sqlstore.MySQL, testserver.SharedMySQL},
		{"MariaDB, text", "mysql", "interpolateParams=true", sqlstore.MySQL, testserver.SharedMySQL},
	} {
		t.Run(d.name, func(t *testing.T) {
			server := d.server(t)
			near, table := newSQLStore(t, open(t, d.driver, server.DSN), d.dialect)
			proxy := testserver.NewProxy(t, server.Addr)
			db := open(t, d.driver, withSetting(through(server, proxy), d.setting))
			db.SetMaxOpenConns(1)
			far := sqlstore.New(db, d.dialect, sqlstore.Table(table))
			ctx, now := t.Context(), time.Now()

			begun, login := record("old"), of(record("old"), "ann")
			saved, entered := next(begun, "new"), of(next(begun, "new"), "ann")
			entered.Renewed = entered.Seen
			revoke := func() error { _, err := far.RevokePrincipal(ctx, "ann", now.Add(-time.Hour)); return err }
			for name, do := range map[string]func() error{
				"Create":            func() error { return far.Create(ctx, begun) },
				"Create of a login": func() error { return far.Create(ctx, login) },
				"Save":              func() error { return far.Save(ctx, saved) },
				"Save of a login":   func() error { return far.Save(ctx, entered) },
				"Touch":             func() error { return far.Touch(ctx, begun.Handle, now.Add(time.Minute)) },
				"Delete":            func() error { return far.Delete(ctx, begun.Handle) },
				"RevokePrincipal":   revoke,
			} {
				// Statements are prepared when they are first used.
				warm := record("")
				must(t, far.Create(ctx, warm), far.Create(ctx, of(record(""), "bob")), far.Touch(ctx, warm.Handle, now), far.Save(ctx, next(warm, "")), revoke())
				warm = next(next(warm, ""), "")
				warm.Renewed = warm.Seen
				must(t, far.Save(ctx, of(warm, "bob")), far.Delete(ctx, warm.Handle))

				must(t, near.Delete(ctx, begun.Handle), near.Delete(ctx, login.Handle))
				if name != "Create" {
					must(t, near.Create(ctx, begun))
				}
				proxy.LoseAnswers(1)
				err := do()
				proxy.Pass()
				told := func(target error) bool { return errors.Is(err, target) }
				twice := !strings.HasPrefix(name, "Create") && !strings.HasPrefix(name, "Save")
				if err == nil && !twice || slices.ContainsFunc([]error{scarab.ErrNoSession, scarab.ErrExists, scarab.ErrConflict}, told) {
					t.Errorf("%s: %v", name, err)
				}
				r, err := near.Load(ctx, begun.Handle, now)
				if err == nil && r.Version > 2 {
					t.Errorf("%s: version %d", name, r.Version)
				}
			}
		})
	}
}
