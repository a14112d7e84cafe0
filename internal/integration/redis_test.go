package integration

import (
	"crypto/rand"
	"testing"

	"github.com/redis/rueidis"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/testserver"
	"github.com/scarab-go/scarab/redisstore"
	"github.com/scarab-go/scarab/scarabtest"
)

// newRedis returns a client of the server or the cluster at addrs.
func newRedis(t *testing.T, option rueidis.ClientOption, addrs ...string) rueidis.Client {
	t.Helper()
	option.InitAddress = addrs
	client, err := rueidis.NewClient(option)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// newRedisStore returns an empty store in a server that other tests may use too.
func newRedisStore(client rueidis.Client, cfg redisstore.Config) *redisstore.Store {
	cfg.Prefix += rand.Text() + ":"
	return redisstore.New(client, cfg)
}

func TestRedisStore(t *testing.T) {
	client := newRedis(t, rueidis.ClientOption{}, testserver.SharedRedis(t).Addr)
	scarabtest.TestStore(t, func(t *testing.T) scarab.Store {
		return newRedisStore(client, redisstore.Config{})
	}, scarabtest.StoreOptions{})
}
