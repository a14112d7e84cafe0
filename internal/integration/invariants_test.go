package integration

import (
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/invariants"
	"github.com/scarab-go/scarab/internal/testserver"
	"github.com/scarab-go/scarab/redisstore"
)

// What sessions keep when requests overlap, on the stores that they are kept in.
func TestInvariants(t *testing.T) {
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			db := d.open(t)
			invariants.Run(t, func(t *testing.T) scarab.Store {
				store, _ := newSQLStore(t, db, d.dialect)
				return store
			})
		})
	}
	t.Run("Redis", func(t *testing.T) {
		// Redis removes what has expired by its own clock, and other tests have
		// taken a while.
		invariants.Start = time.Now().UTC().Truncate(time.Second)
		client := newRedis(t, rueidis.ClientOption{}, testserver.SharedRedis(t).Addr)
		invariants.Run(t, func(*testing.T) scarab.Store { return newRedisStore(client, redisstore.Config{}) })
	})
}
