package pyramid

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/redis/rueidis"
	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/testserver"
	"github.com/scarab-go/scarab/scarabtest"
	_ "modernc.org/sqlite"
)

// databases are those of a Redis server, as it comes, that no test uses.
var databases = func() chan int {
	free := make(chan int, 16)
	for db := range cap(free) {
		free <- db
	}
	return free
}()

// redisClient returns a client of an empty database of the test's own, and the
// URL that Python takes for it.
func redisClient(t testing.TB) (rueidis.Client, string) {
	t.Helper()
	maySkip(t)
	server := testserver.SharedRedis(t)
	db := <-databases
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{server.Addr}, DisableCache: true, SelectDB: db})
	if err == nil {
		err = client.Do(t.Context(), client.B().Flushdb().Build()).Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		databases <- db
	})
	return client, fmt.Sprintf("%s/%d", server.URL, db)
}

// beakerTable is what Beaker makes, as SQLAlchemy writes it for SQLite.
const beakerTable = `CREATE TABLE beaker_cache (id INTEGER NOT NULL, namespace VARCHAR(255) NOT NULL, accessed DATETIME NOT NULL,
	created DATETIME NOT NULL, data BLOB NOT NULL, PRIMARY KEY (id), UNIQUE (namespace))`

func sqliteFile(t testing.TB) (*sql.DB, string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "beaker.sqlite")
	db, err := sql.Open("sqlite", "file:"+name+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db, name
}

// storedBackends are all backends that keep sessions in a store.
func storedBackends(t *testing.T) map[string]func(t *testing.T) scarab.Backend {
	must := func(t testing.TB, b scarab.Backend, err error) scarab.Backend {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	secrets := []string{"correct horse battery staple"}
	redisC := RedisConfig{Secrets: secrets}
	beakerC := BeakerConfig{Secrets: secrets}
	legacy := BeakerConfig{Secrets: secrets, Legacy: true}
	json := BeakerConfig{Secrets: secrets, Serializer: JSON}
	gcm := BeakerConfig{Secrets: secrets, EncryptKey: "encrypt", ValidateKey: "validate", Crypto: BeakerGCM}
	memcached := testserver.Memcached(t)
	return map[string]func(t *testing.T) scarab.Backend{
		"RedisSessions": func(t *testing.T) scarab.Backend {
			client, _ := redisClient(t)
			b, err := RedisSessions(client, redisC)
			return &withClock{Backend: must(t, b, err), client: client}
		},
		"RedisSessionsFork": func(t *testing.T) scarab.Backend {
			client, _ := redisClient(t)
			b, err := RedisSessionsFork(client, redisC)
			return must(t, b, err)
		},
		"Beaker on Redis": func(t *testing.T) scarab.Backend {
			client, _ := redisClient(t)
			b, err := Beaker(BeakerRedis(client), beakerC)
			return must(t, b, err)
		},
		"Beaker on Redis, encrypted": func(t *testing.T) scarab.Backend {
			client, _ := redisClient(t)
			b, err := Beaker(BeakerRedis(client), gcm)
			return must(t, b, err)
		},
		"Beaker on memcached": func(t *testing.T) scarab.Backend {
			b, err := Beaker(BeakerMemcached(memcache.New(memcached.Addr)), legacy)
			return must(t, b, err)
		},
		"Beaker on SQLite": func(t *testing.T) scarab.Backend {
			db, _ := sqliteFile(t)
			if _, err := db.Exec(beakerTable); err != nil {
				t.Fatal(err)
			}
			b, err := Beaker(BeakerSQL(db, BeakerTable{}), legacy)
			return must(t, b, err)
		},
		"Beaker in files": func(t *testing.T) scarab.Backend {
			b, err := Beaker(BeakerFiles(t.TempDir()), json)
			return must(t, b, err)
		},
	}
}

// The contract of every backend, conflicts, renewals and logouts that overlap
// included: these formats are as strong as scarab's own, as long as Go writes.
func TestStored_contract(t *testing.T) {
	for name, newBackend := range storedBackends(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scarabtest.TestBackend(t, newBackend, scarabtest.BackendOptions{Now: time.Now})
		})
	}
}

func TestStored_http(t *testing.T) {
	for name, newBackend := range storedBackends(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scarabtest.TestHTTP(t, newBackend, scarabtest.BackendOptions{Now: time.Now})
		})
	}
}

// withClock makes Redis's time that of the test: when the test's clock goes
// forward, keys have less time to live.
type withClock struct {
	scarab.Backend
	client rueidis.Client

	mu   sync.Mutex
	last time.Time
}

func (b *withClock) Load(ctx context.Context, now time.Time, name, value string) (*scarab.State, error) {
	b.advance(ctx, now)
	return b.Backend.Load(ctx, now, name, value)
}

func (b *withClock) Commit(ctx context.Context, now time.Time, name, old string, op scarab.Op, st *scarab.State) (string, error) {
	b.advance(ctx, now)
	return b.Backend.Commit(ctx, now, name, old, op, st)
}

func (b *withClock) advance(ctx context.Context, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	step := now.Sub(b.last)
	first := b.last.IsZero()
	if first || step > 0 {
		b.last = now
	}
	if first || step < time.Millisecond {
		return
	}
	keys, _ := b.client.Do(ctx, b.client.B().Keys().Pattern("*").Build()).AsStrSlice()
	for _, key := range keys {
		if ms, _ := b.client.Do(ctx, b.client.B().Pttl().Key(key).Build()).AsInt64(); ms > 0 {
			b.client.Do(ctx, b.client.B().Pexpire().Key(key).Milliseconds(ms-step.Milliseconds()).Build())
		}
	}
}

func TestCookies_contract(t *testing.T) {
	newBackend := func(t *testing.T) scarab.Backend {
		b, err := BeakerCookie(BeakerConfig{ValidateKey: "validate", EncryptKey: "encrypt", Crypto: BeakerGCM})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	opts := scarabtest.BackendOptions{LastWins: true, CannotEnd: true}
	t.Run("BeakerCookie", func(t *testing.T) {
		t.Parallel()
		scarabtest.TestBackend(t, newBackend, opts)
	})
	t.Run("BeakerCookie, HTTP", func(t *testing.T) {
		t.Parallel()
		scarabtest.TestHTTP(t, newBackend, opts)
	})
	for _, c := range []InspectConfig{
		{Format: "signed", Secrets: []string{"s"}}, {Format: "signed-pickle", Secrets: []string{"s"}, Hash: "blake2b"},
		{Format: "unencrypted", Secrets: []string{"s"}}, {Format: "nacl", Key: make([]byte, 32)}, {Format: "nacl-pickle", Key: make([]byte, 32)},
	} {
		t.Run(c.Format, func(t *testing.T) {
			t.Parallel()
			scarabtest.TestHTTP(t, func(t *testing.T) scarab.Backend { return backendOf(t, c) }, opts)
		})
	}
}
