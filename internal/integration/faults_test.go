package integration

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/testserver"
	"github.com/scarab-go/scarab/redisstore"
	"github.com/scarab-go/scarab/sqlstore"
)

// A load is browsers that each add one to a counter in their session, again and
// again, over HTTP. What was answered with 200 is acknowledged: the counter must
// never be less than that.
type load struct {
	t        *testing.T
	site     *httptest.Server
	browsers []*browser
	stop     chan struct{}
	wg       sync.WaitGroup
	outage   atomic.Bool // nobody may be answered from an empty session
}

type browser struct {
	client *http.Client
	acked  atomic.Int64
	failed atomic.Int64
	empty  atomic.Int64 // answers with 200 from a session that has forgotten, during the outage
}

const counter = scarab.Key[int]("counter")

// startLoad has eight browsers work on sessions in store.
func startLoad(t *testing.T, store scarab.Store) *load {
	t.Helper()
	sessions, err := scarab.New(scarab.Stored(store), scarab.Config{Insecure: true, StoreTimeout: 2 * time.Second})
	must(t, err)
	mux := http.NewServeMux()
	mux.Handle("POST /add", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *scarab.Session) error {
		before := counter.Get(s)
		counter.Update(s, func(n int) int { return n + 1 })
		_, err := fmt.Fprint(w, before)
		return err
	}))
	mux.Handle("GET /counter", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *scarab.Session) error {
		_, err := fmt.Fprint(w, counter.Get(s))
		return err
	}))
	l := &load{t: t, site: httptest.NewServer(sessions.Wrap(mux)), stop: make(chan struct{})}
	t.Cleanup(l.site.Close)
	for range 8 {
		jar, err := cookiejar.New(nil)
		must(t, err)
		b := &browser{client: &http.Client{Transport: &http.Transport{}, Jar: jar, Timeout: 30 * time.Second}}
		t.Cleanup(b.client.CloseIdleConnections)
		l.browsers = append(l.browsers, b)
		l.wg.Go(func() { l.work(b) })
	}
	t.Cleanup(l.end)
	return l
}

func (l *load) work(b *browser) {
	for {
		select {
		case <-l.stop:
			return
		default:
		}
		during := l.outage.Load()
		n, ok := b.number(l.t, http.MethodPost, l.site.URL+"/add")
		if !ok {
			b.failed.Add(1)
			time.Sleep(time.Millisecond) // an outage is answered fast, and not to be flooded
			continue
		}
		if during && l.outage.Load() && int64(n) < b.acked.Load() {
			b.empty.Add(1)
		}
		b.acked.Add(1)
	}
}

// number sends a request and returns the number it is answered with, if it is.
func (b *browser) number(t *testing.T, method, url string) (int, bool) {
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Error(err)
		return 0, false
	}
	resp, err := b.client.Do(req)
	if err != nil {
		t.Errorf("%s: %v", url, err)
		return 0, false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return 0, false
	}
	n, err := strconv.Atoi(string(body))
	if err != nil {
		t.Errorf("%s answers with %q", url, body)
	}
	return n, true
}

// until waits until f holds for every browser.
func (l *load) until(what string, f func(*browser) bool) {
	l.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for _, b := range l.browsers {
		for !f(b) {
			if time.Now().After(deadline) {
				l.t.Fatalf("%s: not after a minute; %d acknowledged, %d failed", what, b.acked.Load(), b.failed.Load())
			}
			time.Sleep(time.Millisecond)
		}
	}
}

// more waits until every browser has had n more answers.
func (l *load) more(n int64) {
	l.t.Helper()
	want := make(map[*browser]int64)
	for _, b := range l.browsers {
		want[b] = b.acked.Load() + n
	}
	l.until("more answers", func(b *browser) bool { return b.acked.Load() >= want[b] })
}

// failing waits until every browser has had an error.
func (l *load) failing() {
	l.t.Helper()
	before := make(map[*browser]int64)
	for _, b := range l.browsers {
		before[b] = b.failed.Load()
	}
	l.until("an error", func(b *browser) bool { return b.failed.Load() > before[b] })
}

func (l *load) end() {
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	l.wg.Wait()
}

// lost ends the load and returns how many acknowledged changes there were, and
// how many of them the sessions do not have.
func (l *load) lost() (acked, lost int64) {
	l.t.Helper()
	l.end()
	for _, b := range l.browsers {
		n, ok := b.number(l.t, http.MethodGet, l.site.URL+"/counter")
		if !ok {
			l.t.Fatal("a session cannot be read after the fault")
		}
		if b.empty.Load() > 0 {
			l.t.Errorf("%d answers from an empty session during the outage", b.empty.Load())
		}
		acked += b.acked.Load()
		lost += max(b.acked.Load()-int64(n), 0)
	}
	l.t.Logf("%d of %d acknowledged changes are lost", lost, acked)
	return acked, lost
}

// crash kills a server in the middle of a load and restarts it.
func crash(t *testing.T, server *testserver.Server, store scarab.Store) (acked, lost int64) {
	t.Helper()
	l := startLoad(t, store)
	l.more(50)
	l.outage.Store(true)
	server.Kill()
	l.failing()
	l.outage.Store(false)
	server.Restart()
	l.more(50)
	return l.lost()
}

// expect compares what was lost with what docs/operations.md says. How much
// "some" is depends on the moment; it is in the log.
func expect(t *testing.T, lose string, acked, lost int64) {
	t.Helper()
	switch {
	case lose == "none" && lost != 0:
		t.Errorf("%d of %d are lost", lost, acked)
	case lose == "all" && lost < 8*50: // what was acknowledged before the crash
		t.Errorf("only %d of %d are lost, not all", lost, acked)
	}
}

func TestFault_redisKilled(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		lose string
	}{
		{"without persistence", nil, "all"},
		{"AOF, fsync always", []string{"--appendonly", "yes", "--appendfsync", "always"}, "none"},
		// It is the system that has what was not synced yet, not the process.
		{"AOF, fsync every second", []string{"--appendonly", "yes", "--appendfsync", "everysec"}, "none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := testserver.Redis(t, tt.args...)
			store := redisstore.New(newRedis(t, rueidis.ClientOption{}, server.Addr), redisstore.Config{})
			acked, lost := crash(t, server, store)
			expect(t, tt.lose, acked, lost)
		})
	}
}

func TestFault_postgresKilled(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		opts []sqlstore.Option
		lose string
	}{
		{"as installed", nil, nil, "none"},
		{"asynchronous commit", []string{"-c", "synchronous_commit=off", "-c", "wal_writer_delay=200ms"}, nil, "some"},
		{"unlogged", nil, []sqlstore.Option{sqlstore.Unlogged()}, "all"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := testserver.Postgres(t, tt.args...)
			store := sqlstore.New(open(t, "pgx", server.DSN), sqlstore.PostgreSQL, tt.opts...)
			must(t, store.CreateTable(t.Context()))
			acked, lost := crash(t, server, store)
			expect(t, tt.lose, acked, lost)
		})
	}
}

func TestFault_postgresRestarted(t *testing.T) {
	server := testserver.Postgres(t)
	store := sqlstore.New(open(t, "pgx", server.DSN), sqlstore.PostgreSQL)
	must(t, store.CreateTable(t.Context()))
	l := startLoad(t, store)
	l.more(50)
	l.outage.Store(true)
	server.Stop()
	server.Restart()
	l.more(50)
	if acked, lost := l.lost(); lost != 0 {
		t.Errorf("%d of %d are lost", lost, acked)
	}
}

func TestFault_mariadbKilled(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		lose string
	}{
		{"as installed", nil, "none"},
		{"log written at once, synced every second", []string{"--innodb-flush-log-at-trx-commit=2"}, "none"},
		{"log written every second", []string{"--innodb-flush-log-at-trx-commit=0"}, "some"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := testserver.MySQL(t, tt.args...)
			store := sqlstore.New(open(t, "mysql", server.DSN), sqlstore.MySQL)
			must(t, store.CreateTable(t.Context()))
			acked, lost := crash(t, server, store)
			expect(t, tt.lose, acked, lost)
		})
	}
}

// A network that loses every packet makes errors, after StoreTimeout, and no
// empty sessions. When it is back, everything is there.
func TestFault_stalled(t *testing.T) {
	for _, tt := range []struct {
		name  string
		store func(t *testing.T) (scarab.Store, *testserver.Proxy)
	}{
		{"Redis", func(t *testing.T) (scarab.Store, *testserver.Proxy) {
			proxy := testserver.NewProxy(t, testserver.SharedRedis(t).Addr)
			return newRedisStore(newRedis(t, rueidis.ClientOption{}, proxy.Addr), redisstore.Config{}), proxy
		}},
		{"PostgreSQL", func(t *testing.T) (scarab.Store, *testserver.Proxy) {
			server := testserver.SharedPostgres(t)
			_, table := newSQLStore(t, openPostgres(t), sqlstore.PostgreSQL)
			proxy := testserver.NewProxy(t, server.Addr)
			return sqlstore.New(open(t, "pgx", through(server, proxy)), sqlstore.PostgreSQL, sqlstore.Table(table)), proxy
		}},
		{"MariaDB", func(t *testing.T) (scarab.Store, *testserver.Proxy) {
			server := testserver.SharedMySQL(t)
			_, table := newSQLStore(t, openMySQL(t), sqlstore.MySQL)
			proxy := testserver.NewProxy(t, server.Addr)
			return sqlstore.New(open(t, "mysql", through(server, proxy)), sqlstore.MySQL, sqlstore.Table(table)), proxy
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store, proxy := tt.store(t)
			l := startLoad(t, store)
			l.more(20)
			l.outage.Store(true)
			proxy.Stall()
			stalled := time.Now()
			l.failing()
			if took := time.Since(stalled); took > 10*time.Second {
				t.Errorf("the last error came after %v; StoreTimeout is 2s", took)
			}
			proxy.Pass()
			l.more(20)
			if acked, lost := l.lost(); lost != 0 {
				t.Errorf("%d of %d are lost", lost, acked)
			}
		})
	}
}
