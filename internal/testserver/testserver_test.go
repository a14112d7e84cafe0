package testserver

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestMain(m *testing.M) { os.Exit(Run(m)) }

func TestServers(t *testing.T) {
	for name, start := range map[string]func(testing.TB, ...string) *Server{
		"redis": Redis, "postgres": Postgres, "mysql": MySQL, "memcached": Memcached,
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			alive(t, s)
			s.Kill()
			dead(t, s)
			s.Restart()
			alive(t, s)
			s.Stop()
			dead(t, s)
			s.Restart()
			alive(t, s)
		})
	}
}

func alive(t *testing.T, s *Server) {
	t.Helper()
	if err := s.try(s.Addr); err != nil {
		t.Fatalf("%s does not answer: %v", s.URL, err)
	}
}

func dead(t *testing.T, s *Server) {
	t.Helper()
	if err := s.try(s.Addr); err == nil {
		t.Fatalf("%s still answers", s.URL)
	}
}

// A server that crashes is told apart from one that was asked to end, with what
// it printed.
func TestServer_died(t *testing.T) {
	s, err := start(t, redisServer()(t))
	if err != nil {
		t.Fatal(err)
	}
	s.Kill()
	s.Restart()
	if err := s.died(); err != nil {
		t.Error("it runs:", err)
	}
	p := s.proc
	p.os.Signal(syscall.SIGABRT)
	<-p.ended
	if err := discard(s); err == nil || !strings.Contains(err.Error(), "ended by itself") || !strings.Contains(err.Error(), "Ready to accept connections") {
		t.Errorf("after a crash: %v", err)
	}
	if err := s.died(); err != nil {
		t.Error("it was stopped:", err)
	}
}

// A MariaDB server that starts removes what looks like the temporary tables of
// others, and those crash.
func TestMySQL_ownTemporaryFolder(t *testing.T) {
	shared := t.TempDir()
	for _, dir := range []string{shared, filepath.Dir(shared)} {
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("TMPDIR", shared)
	another := filepath.Join(shared, "#sql-temptable-1-1-1.MAI")
	if err := os.WriteFile(another, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	MySQL(t)
	if _, err := os.Stat(another); err != nil {
		t.Error("the table of another server:", err)
	}
}

func TestShared(t *testing.T) {
	for name, get := range map[string]func(testing.TB) *Server{
		"redis": SharedRedis, "postgres": SharedPostgres, "mysql": SharedMySQL,
	} {
		t.Run(name, func(t *testing.T) {
			if a, b := get(t), get(t); a != b {
				t.Errorf("two tests share no server: %s and %s", a.URL, b.URL)
			}
		})
	}
}

func TestGiven(t *testing.T) {
	for _, tt := range []struct{ value, addr, url, dsn string }{
		{"127.0.0.1:6379", "127.0.0.1:6379", "redis://127.0.0.1:6379", ""},
		{"redis://127.0.0.1:6379", "127.0.0.1:6379", "redis://127.0.0.1:6379", ""},
		{"postgres://a:b@127.0.0.1:5432/d", "127.0.0.1:5432", "postgres://a:b@127.0.0.1:5432/d", "postgres://a:b@127.0.0.1:5432/d"},
		{"mysql://a:b@127.0.0.1:3306/d", "127.0.0.1:3306", "mysql://a:b@127.0.0.1:3306/d", "a:b@tcp(127.0.0.1:3306)/d"},
		{"mysql://root@127.0.0.1:3306/d", "127.0.0.1:3306", "mysql://root@127.0.0.1:3306/d", "root@tcp(127.0.0.1:3306)/d"},
	} {
		s, err := given(tt.value)
		if err != nil || s.Addr != tt.addr || s.URL != tt.url || s.DSN != tt.dsn {
			t.Errorf("given(%q) = %q, %q, %q, %v", tt.value, s.Addr, s.URL, s.DSN, err)
		}
	}
}

// A server does not outlive the process of its test, however that ends.
func TestDiesWithParent(t *testing.T) {
	if _, ok := program("redis-server", "valkey-server"); !ok {
		Missing(t, "redis-server", "redis-server")
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestChild$")
	cmd.Env = append(os.Environ(), childVariable+"=1")
	cmd.Stdout = os.Stderr
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	addr := strings.TrimSpace(line)
	if _, _, err := net.SplitHostPort(addr); err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		t.Fatalf("the child says %q: %v", line, err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	deadline := time.Now().Add(10 * time.Second)
	for tryRedis(addr) == nil {
		if time.Now().After(deadline) {
			t.Fatalf("the server at %s still answers", addr)
		}
		time.Sleep(time.Millisecond)
	}
	removeLeftovers()
	for _, dir := range leftovers(t) {
		if strings.Contains(dir, dirPrefix+strconv.Itoa(cmd.Process.Pid)+"-") {
			t.Errorf("%s was left behind", dir)
		}
	}
}

func leftovers(t *testing.T) (names []string) {
	entries, err := os.ReadDir(os.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

const childVariable = "SCARAB_TESTSERVER_CHILD"

// TestChild is a part of TestDiesWithParent: it starts a server and waits to be
// killed.
func TestChild(t *testing.T) {
	if os.Getenv(childVariable) == "" {
		return
	}
	fmt.Fprintln(os.Stderr, Redis(t).Addr)
	select {}
}

func TestMissing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "skipped")
	t.Setenv("SCARAB_TEST_SKIPPED", file)
	t.Setenv("CI", "")
	f := &fakeTB{TB: t}
	Missing(f, "a server", "package-of-it")
	const want = "TestMissing: a server is missing: install package-of-it, or run scripts/setup.sh\n"
	if got, err := os.ReadFile(file); err != nil || string(got) != want {
		t.Errorf("the summary has %q, %v, want %q", got, err, want)
	}
	if f.skipped != 1 || f.failed != 0 {
		t.Errorf("skipped %d times, failed %d times, want 1 and 0", f.skipped, f.failed)
	}

	t.Setenv("CI", "true")
	f = &fakeTB{TB: t}
	Missing(f, "a server", "package-of-it")
	if f.failed != 1 {
		t.Errorf("with CI=true it failed %d times, want 1", f.failed)
	}
}

type fakeTB struct {
	testing.TB
	skipped, failed int
}

func (f *fakeTB) Skip(...any)  { f.skipped++ }
func (f *fakeTB) Fatal(...any) { f.failed++ }

func TestSentinels(t *testing.T) {
	set := RedisSentinels(t)
	was, err := set.Primary()
	if err != nil || was != set.Link.Addr {
		t.Fatalf("the primary is %q, %v, want %q", was, err, set.Link.Addr)
	}
	set.Redis[0].Kill()
	until(t, "there is another primary", func() error {
		is, err := set.Primary()
		if err == nil && is == was {
			err = io.ErrNoProgress
		}
		return err
	})
}

func TestCluster(t *testing.T) {
	c := RedisCluster(t)
	if n := len(c.Addrs()); n != 6 {
		t.Errorf("%d nodes", n)
	}
	c.Primaries[0].Kill()
	until(t, "the replica has taken over", func() error {
		return answers(c.Replicas[0], "role:master", "INFO", "replication")
	})
}

func TestProxy(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	got := make(chan string, 10)
	go func() { // echoes
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf := make([]byte, 100)
				for {
					n, err := c.Read(buf)
					if err != nil {
						return
					}
					got <- string(buf[:n])
					c.Write(buf[:n])
				}
			}()
		}
	}()
	p := NewProxy(t, l.Addr().String())
	dial := func() net.Conn {
		c, err := net.Dial("tcp", p.Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	trip := func(c net.Conn, text string) (string, error) {
		if _, err := io.WriteString(c, text); err != nil {
			return "", err
		}
		buf := make([]byte, 100)
		c.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, err := c.Read(buf)
		return string(buf[:n]), err
	}

	c := dial()
	for _, text := range []string{"one", "two", "three"} {
		if answer, err := trip(c, text); err != nil || answer != text {
			t.Fatalf("%q answered with %q, %v", text, answer, err)
		}
	}
	up, down := p.Bytes()
	if n := p.RoundTrips(); n != 3 || up != 11 || down != 11 {
		t.Errorf("%d round trips, %d bytes up, %d down; want 3, 11, 11", n, up, down)
	}

	for range 3 {
		<-got
	}
	p.LoseAnswers(1)
	if answer, err := trip(c, "lost"); err == nil {
		t.Errorf("the answer that was to be lost is %q", answer)
	}
	if text := <-got; text != "lost" {
		t.Errorf("the server got %q, want %q", text, "lost")
	}

	c = dial()
	if _, err := trip(c, "four"); err != nil {
		t.Fatal(err)
	}
	p.Stall()
	io.WriteString(c, "five")
	c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := c.Read(make([]byte, 1)); err == nil || n > 0 {
		t.Errorf("a stalled proxy passed on an answer")
	}
	p.Pass()
	buf := make([]byte, 10)
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if n, err := c.Read(buf); err != nil || string(buf[:n]) != "five" {
		t.Errorf("after the stall: %q, %v", buf[:n], err)
	}

	p.Refuse()
	if _, err := trip(c, "six"); err == nil {
		t.Error("a connection lives on")
	}
	if _, err := trip(dial(), "seven"); err == nil {
		t.Error("a connection was taken")
	}
	p.Pass()
	if _, err := trip(dial(), "eight"); err != nil {
		t.Error(err)
	}
}
