package integration

import (
	"errors"
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/scarabtest"
	"github.com/scarab-go/scarab/sqlstore"
)

func TestSQLStore(t *testing.T) {
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			db := d.open(t)
			scarabtest.TestStore(t, func(t *testing.T) scarab.Store {
				return newSQLStore(t, db, d.dialect)
			}, scarabtest.StoreOptions{})
		})
	}
}

// Poolers such as PgBouncer know no prepared statements.
func TestSQLStore_unprepared(t *testing.T) {
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			db := d.open(t)
			scarabtest.TestStore(t, func(t *testing.T) scarab.Store {
				return newSQLStore(t, db, d.dialect, sqlstore.Unprepared())
			}, scarabtest.StoreOptions{})
		})
	}
}

func TestSQLStore_unlogged(t *testing.T) {
	db := openPostgres(t)
	scarabtest.TestStore(t, func(t *testing.T) scarab.Store {
		return newSQLStore(t, db, sqlstore.PostgreSQL, sqlstore.Unlogged())
	}, scarabtest.StoreOptions{})
}

// conflictCarries reports whether err is a conflict with a record that has data.
func conflictCarries(err error, data string) bool {
	var conflict *scarab.ConflictError[scarab.Record]
	return errors.As(err, &conflict) && conflict.Current != nil && string(conflict.Current.Data) == data
}
