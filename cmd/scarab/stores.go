package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/rueidis"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/redisstore"
	"github.com/scarab-go/scarab/sqlstore"
)

const storeURLs = "sqlite:FILE, postgres://…, mysql://…, redis://…, rediss://… or redis-cluster://…"

// An openedStore is a store that a URL names.
type openedStore struct {
	scarab.Store
	where string // for people, without the password
	close func() error
}

// openStore opens what --store, --from or --to names. Tables are created where
// they are missing, if create.
func openStore(ctx context.Context, option, address string, create bool) (*openedStore, error) {
	scheme, rest, _ := strings.Cut(address, ":")
	var opened *openedStore
	var err error
	switch scheme {
	case "sqlite":
		if rest == "" {
			return nil, &usageError{option + " sqlite: names no file", "write sqlite:FILE"}
		}
		opened, err = openSQLiteStore(ctx, rest, create)
	case "postgres", "postgresql":
		opened, err = openSQLStore(ctx, "pgx", address, sqlstore.PostgreSQL, create)
	case "mysql":
		var dsn string
		if dsn, err = mysqlDSN(address); err == nil {
			opened, err = openSQLStore(ctx, "mysql", dsn, sqlstore.MySQL, create)
		}
	case "redis", "rediss", "redis-cluster":
		opened, err = openRedisStore(address)
	case "":
		return nil, &usageError{option + " is missing", "it names a store: " + storeURLs}
	default:
		return nil, &usageError{fmt.Sprintf("%s %q names no store", option, redacted(address)), "use " + storeURLs}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", redacted(address), err)
	}
	opened.where = redacted(address)
	return opened, nil
}

func openSQLiteStore(ctx context.Context, file string, create bool) (*openedStore, error) {
	flags := os.O_RDWR
	if create {
		flags |= os.O_CREATE
	}
	// Sessions are personal data: a new file is for its owner only.
	f, err := os.OpenFile(file, flags, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	db, err := openSQLite(file, "journal_mode(WAL)", "synchronous(NORMAL)")
	if err != nil {
		return nil, err
	}
	return withTable(ctx, db, sqlstore.SQLite, create)
}

func openSQLStore(ctx context.Context, driver, dsn string, d sqlstore.Dialect, create bool) (*openedStore, error) {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	return withTable(ctx, db, d, create)
}

func withTable(ctx context.Context, db *sql.DB, d sqlstore.Dialect, create bool) (*openedStore, error) {
	store := sqlstore.New(db, d)
	err := db.PingContext(ctx)
	if err == nil && create {
		err = store.CreateTable(ctx)
	}
	if err != nil {
		db.Close()
		return nil, err
	}
	return &openedStore{Store: store, close: func() error { store.Close(); return db.Close() }}, nil
}

// mysqlDSN makes the driver's notation of a URL.
func mysqlDSN(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	dsn := mysql.NewConfig()
	dsn.Net, dsn.Addr = "tcp", u.Host
	if u.Port() == "" {
		dsn.Addr += ":3306"
	}
	dsn.User = u.User.Username()
	dsn.Passwd, _ = u.User.Password()
	dsn.DBName = strings.TrimPrefix(u.Path, "/")
	text := dsn.FormatDSN()
	if u.RawQuery != "" {
		text += "?" + u.RawQuery
	}
	_, err = mysql.ParseDSN(text)
	return text, err
}

func openRedisStore(address string) (*openedStore, error) {
	cluster := strings.HasPrefix(address, "redis-cluster:")
	option, err := rueidis.ParseURL(strings.Replace(address, "redis-cluster:", "redis:", 1))
	if err != nil {
		return nil, err
	}
	option.ForceSingleClient = !cluster
	client, err := rueidis.NewClient(option)
	if err != nil {
		return nil, err
	}
	return &openedStore{Store: redisstore.New(client, redisstore.Config{}), close: func() error { client.Close(); return nil }}, nil
}

// redacted is address without its password.
func redacted(address string) string {
	if u, err := url.Parse(address); err == nil {
		return u.Redacted()
	}
	scheme, _, _ := strings.Cut(address, ":")
	return scheme + ":…"
}
