package integration

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

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
	cfg.Prefix = "test:" + rand.Text() + ":"
	return redisstore.New(client, cfg)
}

func testRedisStore(t *testing.T, client rueidis.Client, cfg redisstore.Config) {
	t.Helper()
	scarabtest.TestStore(t, func(t *testing.T) scarab.Store {
		return newRedisStore(client, cfg)
	}, scarabtest.StoreOptions{})
}

func TestRedisStore(t *testing.T) {
	testRedisStore(t, newRedis(t, rueidis.ClientOption{}, testserver.SharedRedis(t).Addr), redisstore.Config{})
}

func TestRedisStore_cached(t *testing.T) {
	testRedisStore(t, newRedis(t, rueidis.ClientOption{}, testserver.SharedRedis(t).Addr), redisstore.Config{ClientSideCache: true})
}

func TestRedisStore_cluster(t *testing.T) {
	cluster := testserver.RedisCluster(t)
	testRedisStore(t, newRedis(t, rueidis.ClientOption{}, cluster.Addrs()...), redisstore.Config{})
}

func TestRedisStore_sentinel(t *testing.T) {
	set := testserver.RedisSentinels(t)
	client := newRedis(t, rueidis.ClientOption{Sentinel: rueidis.SentinelOption{MasterSet: set.Name}}, set.Sentinels[0].Addr)
	testRedisStore(t, client, redisstore.Config{WaitReplicas: 1})
}

// record returns a record that is live for an hour.
func record(data string) scarab.Record {
	now := time.Now().Truncate(time.Microsecond)
	r := scarab.Record{
		Version: 1, Created: now, Seen: now, Expires: now.Add(time.Hour), Deadline: now.Add(24 * time.Hour),
		Idle: time.Hour, Data: []byte(data),
	}
	rand.Read(r.Handle[:])
	rand.Read(r.Secret[:])
	rand.Read(r.Commit[:])
	return r
}

// of returns r after a login.
func of(r scarab.Record, principal string) scarab.Record {
	r.Principal, r.AuthTime = principal, r.Seen
	return r
}

// next returns the version after r.
func next(r scarab.Record, data string) scarab.Record {
	r.Version++
	r.Data = []byte(data)
	rand.Read(r.Commit[:])
	return r
}

// plainly returns r used a moment after it was given its secret.
func plainly(r scarab.Record) scarab.Record {
	r.Seen = r.Seen.Add(time.Second)
	return r
}

// must fails the test if one of errs is an error.
func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestRedis_roundTrips(t *testing.T) {
	server := testserver.Redis(t)
	proxy := testserver.NewProxy(t, server.Addr)
	client := newRedis(t, rueidis.ClientOption{PipelineMultiplex: -1}, proxy.Addr) // one connection
	ctx := t.Context()

	plain := redisstore.New(client, redisstore.Config{Prefix: "plain:"})
	cached := redisstore.New(client, redisstore.Config{Prefix: "cached:", ClientSideCache: true})
	anonymous, of1, of2, twin := record("data"), of(record("data"), "ann"), of(record("data"), "ann"), record("data")
	login := of(next(anonymous, "data"), "ann")
	renewed := next(login, "login")
	renewed.Renewed = renewed.Seen
	longer := next(renewed, "data")
	longer.Deadline = longer.Deadline.Add(time.Hour)
	now := time.Now()

	// What is asked of every connection and script once.
	warm := of(record("data"), "warm")
	for _, s := range []*redisstore.Store{plain, cached} {
		must(t, s.Create(ctx, warm), s.Save(ctx, next(warm, "")), s.Touch(ctx, warm.Handle, now))
		_, err := s.Load(ctx, warm.Handle, now)
		must(t, err, s.Delete(ctx, warm.Handle), s.Create(ctx, warm))
		_, err = s.RevokePrincipal(ctx, "warm", now)
		must(t, err)
		for _, err := range s.Principal(ctx, "warm") {
			must(t, err)
		}
	}

	loadTouch := func(s *redisstore.Store, r scarab.Record, now time.Time) func() error {
		return func() error {
			_, err := s.LoadTouch(ctx, r.Handle, r.Secret, now, time.Minute)
			return err
		}
	}
	for _, step := range []struct {
		name  string
		trips int
		do    func() error
	}{
		{"Create", 1, func() error { return plain.Create(ctx, anonymous) }},
		{"LoadTouch", 1, loadTouch(plain, anonymous, now)},
		{"LoadTouch that touches", 1, loadTouch(plain, anonymous, now.Add(10*time.Minute))},
		{"Touch", 1, func() error { return plain.Touch(ctx, anonymous.Handle, now.Add(11*time.Minute)) }},
		{"Save of another principal", 3, func() error { return plain.Save(ctx, login) }},
		{"Save of a login, which has a new secret", 2, func() error { return plain.Save(ctx, renewed) }},
		{"Save of a session with a principal", 1, func() error { return plain.Save(ctx, plainly(next(renewed, "more"))) }},
		{"Save that conflicts", 1, func() error {
			if err := plain.Save(ctx, plainly(next(renewed, "late"))); !conflictCarries(err, "more") {
				return err
			}
			return nil
		}},
		{"Save of another deadline", 3, func() error { return plain.Save(ctx, plainly(next(longer, "longer"))) }},
		{"Create with a principal", 2, func() error { return plain.Create(ctx, of1) }},
		{"Create with a principal", 2, func() error { return plain.Create(ctx, of2) }},
		{"Principal", 2, func() error {
			for _, err := range plain.Principal(ctx, "ann") {
				if err != nil {
					return err
				}
			}
			return nil
		}},
		{"Delete of a session with a principal", 2, func() error { return plain.Delete(ctx, of1.Handle) }},
		{"RevokePrincipal", 3, func() error {
			_, err := plain.RevokePrincipal(ctx, "ann", now)
			return err
		}},
		{"Delete of what is gone", 1, func() error { return plain.Delete(ctx, of2.Handle) }},

		{"Create, cached", 1, func() error { return cached.Create(ctx, twin) }},
		{"LoadTouch after an own write, cached", 1, loadTouch(cached, twin, now)},
	} {
		before := proxy.RoundTrips()
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got := proxy.RoundTrips() - before; got != step.trips {
			t.Errorf("%s takes %d round trips, want %d", step.name, got, step.trips)
		}
	}

	// From memory: another process has written them.
	other, idle := record("data"), record("data")
	there := redisstore.New(newRedis(t, rueidis.ClientOption{}, server.Addr), redisstore.Config{Prefix: "cached:"})
	must(t, there.Create(ctx, other), there.Create(ctx, idle))
	touch := now.Add(10 * time.Minute)
	for i, step := range []struct {
		trips int
		do    func() error
	}{
		{1, loadTouch(cached, other, now)},
		{0, loadTouch(cached, other, now)},
		{0, loadTouch(cached, other, now)},
		{1, loadTouch(cached, other, touch)}, // the copy says that a touch is due
		{2, loadTouch(cached, idle, touch)},  // first a copy, which says the same
	} {
		before := proxy.RoundTrips()
		must(t, step.do())
		if got := proxy.RoundTrips() - before; got != step.trips {
			t.Errorf("cached LoadTouch %d takes %d round trips, want %d", i, got, step.trips)
		}
	}
	before := proxy.RoundTrips()
	_, err := cached.LoadTouch(redisstore.Fresh(ctx), other.Handle, other.Secret, now, time.Minute)
	must(t, err)
	if got := proxy.RoundTrips() - before; got != 1 {
		t.Errorf("cached LoadTouch with a fresh context takes %d round trips, want 1", got)
	}
}

// Redis removes a session when it expires, and not a millisecond before.
func TestRedis_expiry(t *testing.T) {
	server := testserver.SharedRedis(t)
	client := newRedis(t, rueidis.ClientOption{}, server.Addr)
	prefix := "test:" + rand.Text() + ":"
	store := redisstore.New(client, redisstore.Config{Prefix: prefix})
	ctx := t.Context()

	r := record("data")
	second := next(r, "second")
	second.Expires = r.Expires.Add(-30 * time.Minute)
	third := next(second, "third")
	third.Expires, third.Deadline, third.Idle = time.Time{}, time.Time{}, scarab.Never
	fourth := next(third, "fourth")
	fourth.Expires, fourth.Deadline, fourth.Idle = r.Expires, r.Deadline, time.Hour
	const forever = -1
	for _, step := range []struct {
		name string
		do   func() error
		want int64 // milliseconds
	}{
		{"Create", func() error { return store.Create(ctx, r) }, ceilMillis(r.Expires)},
		{"Touch", func() error { return store.Touch(ctx, r.Handle, r.Seen.Add(time.Minute)) }, ceilMillis(r.Expires.Add(time.Minute))},
		{"Touch by a clock behind", func() error { return store.Touch(ctx, r.Handle, r.Seen.Add(-time.Minute)) }, ceilMillis(r.Expires.Add(time.Minute))},
		{"Save of shorter timeouts", func() error { return store.Save(ctx, second) }, ceilMillis(second.Expires)},
		{"Save without timeouts", func() error { return store.Save(ctx, third) }, forever},
		{"Touch without timeouts", func() error { return store.Touch(ctx, r.Handle, r.Seen.Add(time.Minute)) }, forever},
		{"Save with timeouts again", func() error { return store.Save(ctx, fourth) }, ceilMillis(r.Expires)},
	} {
		must(t, step.do())
		got, err := client.Do(ctx, client.B().Pexpiretime().Key(prefix+"{"+r.Handle.String()+"}").Build()).AsInt64()
		if err != nil || got != step.want {
			t.Errorf("after %s Redis removes it at %d, %v, want %d", step.name, got, err, step.want)
		}
	}
}

func ceilMillis(t time.Time) int64 { return (t.UnixMicro() + 999) / 1000 }

func TestRedis_fullMemory(t *testing.T) {
	server := testserver.Redis(t)
	client := newRedis(t, rueidis.ClientOption{}, server.Addr)
	store := newRedisStore(client, redisstore.Config{})
	ctx, r := t.Context(), record("data")
	must(t, store.Create(ctx, r))
	if _, err := server.Do("CONFIG", "SET", "maxmemory", "1"); err != nil {
		t.Fatal(err)
	}
	// Its touch is due and fails.
	got, err := store.LoadTouch(ctx, r.Handle, r.Secret, r.Seen.Add(10*time.Minute), time.Minute)
	if err != nil || string(got.Data) != "data" || !got.Seen.Equal(r.Seen) {
		t.Errorf("LoadTouch: %q, seen %v, %v", got.Data, got.Seen, err)
	}
	if err := store.Save(ctx, next(r, "more")); err == nil || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("Save: %v, want an error of the server", err)
	}
	must(t, store.Delete(ctx, r.Handle))
}

// A server that was restarted knows no scripts.
func TestRedis_scriptsGone(t *testing.T) {
	server := testserver.Redis(t)
	store := newRedisStore(newRedis(t, rueidis.ClientOption{}, server.Addr), redisstore.Config{})
	r := record("data")
	must(t, store.Create(t.Context(), r))
	for i := range 3 {
		if _, err := server.Do("SCRIPT", "FLUSH"); err != nil {
			t.Fatal(err)
		}
		saved := next(r, "saved")
		saved.Version += uint64(i)
		must(t, store.Save(t.Context(), saved))
	}
}

// A write whose answer is lost is not sent twice, whatever the client retries.
func TestRedis_lostAnswer(t *testing.T) {
	server := testserver.Redis(t)
	proxy := testserver.NewProxy(t, server.Addr)
	direct := redisstore.New(newRedis(t, rueidis.ClientOption{}, server.Addr), redisstore.Config{})
	store := redisstore.New(newRedis(t, rueidis.ClientOption{PipelineMultiplex: -1}, proxy.Addr), redisstore.Config{})
	ctx, r := t.Context(), record("data")
	saved := next(r, "saved")
	warm := record("warm")
	must(t, store.Create(ctx, warm), store.Save(ctx, next(warm, "")), store.Touch(ctx, warm.Handle, time.Now()), store.Delete(ctx, warm.Handle))

	for _, step := range []struct {
		name   string
		do     func() error
		repeat bool // it may be, for twice is as good as once
	}{
		{"Create", func() error { return store.Create(ctx, r) }, false},
		{"Save", func() error { return store.Save(ctx, saved) }, false},
		{"Touch", func() error { return store.Touch(ctx, r.Handle, time.Now().Add(time.Minute)) }, true},
		{"Delete", func() error { return store.Delete(ctx, r.Handle) }, true},
	} {
		// The client notices that its connection is gone, and opens another.
		for store.Touch(ctx, scarab.Handle{}, time.Now()) != scarab.ErrNoSession {
		}
		before := scriptsRun(t, server)
		proxy.LoseAnswers(1)
		err := step.do()
		ran := scriptsRun(t, server) - before
		if step.repeat {
			if err != nil || ran != 2 {
				t.Errorf("%s: %v, and the script ran %d times, want 2", step.name, err, ran)
			}
			continue
		}
		if err == nil || ran != 1 {
			t.Errorf("%s: %v, and the script ran %d times; want an error, and once", step.name, err, ran)
		}
		if _, err := direct.Load(ctx, r.Handle, time.Now()); err != nil {
			t.Errorf("%s was not carried out: %v", step.name, err)
		}
	}
	if _, err := direct.Load(ctx, r.Handle, time.Now()); err == nil {
		t.Error("Delete was not carried out")
	}
}

func scriptsRun(t *testing.T, server *testserver.Server) (n int) {
	t.Helper()
	stats, err := server.Do("INFO", "commandstats")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(stats) {
		if calls, ok := strings.CutPrefix(line, "cmdstat_evalsha:calls="); ok {
			for _, c := range calls[:strings.IndexByte(calls, ',')] {
				n = 10*n + int(c-'0')
			}
		}
	}
	return n
}
