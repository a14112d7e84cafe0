package app

import (
	"context"
	"fmt"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/bench/limit"
	"github.com/scarab-go/scarab/sqlstore"
)

// SQLiteCommit returns a function that saves a session of the sample in SQLite,
// and one that ends it: what a store does in a request that writes, alone.
func SQLiteCommit(library string, o Options) (commit func() error, end func(), err error) {
	a := new(App)
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	data, err := limitData(o.Sample)
	if err != nil {
		return nil, nil, err
	}
	switch library {
	case "scs/sqlite":
		store, err := scsSQLite(a, o)
		if err != nil {
			return nil, nil, err
		}
		return func() error {
			return store.Commit("0123456789012345678901234567890123456789012", data, time.Now().Add(time.Hour))
		}, a.Close, nil
	case "limit/sqlite":
		db, err := openSQLite(a, o, "limit")
		if err != nil {
			return nil, nil, err
		}
		upsert, err := limit.NewUpsert(db)
		return func() error { return upsert(data) }, a.Close, err
	case "scarab/sqlite":
		db, err := openSQLite(a, o, "scarab")
		if err != nil {
			return nil, nil, err
		}
		store := sqlstore.New(db, sqlstore.SQLite)
		ctx := context.Background()
		if err := store.CreateTable(ctx); err != nil {
			return nil, nil, err
		}
		now := time.Now().UTC().Truncate(time.Microsecond)
		rec := scarab.Record{Version: 1, Created: now, Seen: now, Expires: now.Add(time.Hour), Deadline: now.Add(24 * time.Hour), Idle: time.Hour, Data: data}
		if err := store.Create(ctx, rec); err != nil {
			return nil, nil, err
		}
		return func() error {
			rec.Version++
			rec.Seen = time.Now().UTC().Truncate(time.Microsecond)
			rec.Expires = rec.Seen.Add(time.Hour)
			return store.Save(ctx, rec)
		}, a.Close, nil
	}
	return nil, nil, fmt.Errorf("%s does not keep sessions in SQLite", library)
}
