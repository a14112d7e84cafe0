package breaker

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/rueidis"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/testserver"
	"github.com/scarab-go/scarab/memstore"
	"github.com/scarab-go/scarab/redisstore"
	"github.com/scarab-go/scarab/sqlstore"
)

func TestMain(m *testing.M) {
	code := testserver.Run(m)
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// A storeKind says how a store is used.
type storeKind struct {
	plain  bool // without the optional methods
	fast   bool // it costs nothing to look often
	remote func(func(context.Context))
	suffix string // of principals, which checks in one database must not share
}

func (k storeKind) named() storeKind {
	k.suffix = " " + rand.Text()[:8]
	return k
}

func (k storeKind) person(name string) string { return name + k.suffix }

// run runs f, which uses the store.
func (k storeKind) run(f func(context.Context)) {
	if k.remote != nil {
		k.remote(f)
		return
	}
	f(context.Background())
}

// remote runs what uses drivers and sockets outside the bubble: their
// goroutines are outside, too, and their clock goes on.
func remote(t *testing.T) func(func(context.Context)) {
	work, done := make(chan func(context.Context)), make(chan bool)
	go func() {
		for f := range work {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			f(ctx)
			cancel()
			done <- true
		}
	}()
	t.Cleanup(func() { close(work) })
	return func(f func(context.Context)) {
		work <- f
		<-done
	}
}

type storeCase struct {
	name   string
	kind   storeKind
	checks int
	open   func(*testing.T) func() scarab.Store // which returns a store for each check
}

func inMemory(*testing.T) func() scarab.Store {
	return func() scarab.Store { return memstore.New() }
}

func inSQL(driver string, d sqlstore.Dialect, dsn func(*testing.T) string) func(*testing.T) func() scarab.Store {
	return func(t *testing.T) func() scarab.Store {
		t.Helper()
		db, err := sql.Open(driver, dsn(t))
		if err != nil {
			t.Fatal(err)
		}
		db.SetMaxOpenConns(16)
		db.SetMaxIdleConns(16)
		t.Cleanup(func() { db.Close() })
		store := sqlstore.New(db, d, sqlstore.Table("s_"+strings.ToLower(rand.Text())))
		if err := store.CreateTable(t.Context()); err != nil {
			t.Fatal(err)
		}
		return func() scarab.Store { return store }
	}
}

func sqliteFile(t *testing.T) string {
	q := url.Values{"_pragma": {"journal_mode(wal)", "synchronous(off)", "busy_timeout(20000)"}}
	return "file:" + filepath.Join(t.TempDir(), "sessions.sqlite") + "?" + q.Encode()
}

func inRedis(t *testing.T) func() scarab.Store {
	t.Helper()
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{testserver.SharedRedis(t).Addr}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	store := redisstore.New(client, redisstore.Config{Prefix: "test:" + rand.Text() + ":"})
	return func() scarab.Store { return store }
}

var stores = []storeCase{
	{"memory", storeKind{fast: true}, 400, inMemory},
	{"memory, nothing optional", storeKind{fast: true, plain: true}, 150, inMemory},
	{"SQLite", storeKind{}, 40, inSQL("sqlite", sqlstore.SQLite, sqliteFile)},
	{"PostgreSQL", storeKind{}, 40, inSQL("pgx", sqlstore.PostgreSQL, func(t *testing.T) string { return testserver.SharedPostgres(t).DSN })},
	{"MariaDB", storeKind{}, 40, inSQL("mysql", sqlstore.MySQL, func(t *testing.T) string { return testserver.SharedMySQL(t).DSN })},
	{"Redis", storeKind{}, 40, inRedis},
}
