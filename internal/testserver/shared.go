package testserver

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
)

// A shared server is started by the first test that asks for it.
type shared struct {
	env   string // variable with the URL of a server to use instead
	start func(testing.TB) func(port int, dir string) (*Server, error)

	mu     sync.Mutex
	server *Server
}

var (
	sharedRedis    = shared{env: "SCARAB_TEST_REDIS", start: redisServer()}
	sharedPostgres = shared{env: "SCARAB_TEST_POSTGRES", start: postgresServer("-c", "fsync=off")}
	sharedMySQL    = shared{env: "SCARAB_TEST_MYSQL", start: mysqlServer("--innodb-flush-log-at-trx-commit=0")}

	running bool // Run is under way
)

// Run runs the tests of a package and then stops the servers they shared. It
// returns the code to exit with.
func Run(m *testing.M) int {
	removeLeftovers()
	running = true
	code := m.Run()
	for _, s := range []*shared{&sharedRedis, &sharedPostgres, &sharedMySQL} {
		if s.server == nil || s.server.proc == nil {
			continue
		}
		if err := discard(s.server); err != nil {
			fmt.Fprintln(os.Stderr, "testserver:", err)
			code = 1
		}
	}
	return code
}

// SharedRedis returns the Redis server that the tests of this binary share. A
// test uses keys of its own, and does not stop it.
func SharedRedis(t testing.TB) *Server {
	t.Helper()
	return sharedRedis.get(t)
}

// SharedPostgres returns the PostgreSQL server that the tests of this binary
// share. A test uses tables of its own, and does not stop it.
func SharedPostgres(t testing.TB) *Server {
	t.Helper()
	return sharedPostgres.get(t)
}

// SharedMySQL returns the MariaDB server that the tests of this binary share. A
// test uses tables of its own, and does not stop it.
func SharedMySQL(t testing.TB) *Server {
	t.Helper()
	return sharedMySQL.get(t)
}

func (s *shared) get(t testing.TB) *Server {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		return s.server
	}
	if value := os.Getenv(s.env); value != "" {
		server, err := given(value)
		if err != nil {
			t.Fatalf("testserver: %s: %v", s.env, err)
		}
		s.server = server
		return server
	}
	if !running {
		t.Fatal("testserver: nobody would stop the shared servers: call testserver.Run in TestMain")
	}
	server, err := start(t, s.start(t))
	if err != nil {
		t.Fatalf("testserver: %v", err)
	}
	s.server = server
	return server
}

// given describes a server that was there already.
func given(value string) (*Server, error) {
	if !strings.Contains(value, "://") {
		value = "redis://" + value
	}
	u, err := url.Parse(value)
	if err != nil {
		return nil, err
	}
	s := &Server{Addr: u.Host, URL: value}
	switch u.Scheme {
	case "postgres", "postgresql":
		s.DSN = value
	case "mysql":
		s.DSN = mysqlDSN(u)
	}
	return s, nil
}

// mysqlDSN writes u as the Go driver wants it.
func mysqlDSN(u *url.URL) string {
	dsn := u.User.Username()
	if password, ok := u.User.Password(); ok {
		dsn += ":" + password
	}
	return dsn + "@tcp(" + u.Host + ")" + u.Path
}
