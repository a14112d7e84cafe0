package testserver

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

type maker = func(port int, dir string) (*Server, error)

// Redis starts a Redis server for one test. Arguments are those of
// redis-server, such as "--appendonly", "yes". Without any it keeps everything
// in memory and evicts nothing.
func Redis(t testing.TB, args ...string) *Server {
	t.Helper()
	return own(t, redisServer(args...)(t))
}

func redisServer(args ...string) func(testing.TB) maker {
	return func(t testing.TB) maker {
		t.Helper()
		path, ok := program("redis-server", "valkey-server")
		if !ok {
			Missing(t, "redis-server", "redis-server")
		}
		return func(port int, dir string) (*Server, error) {
			// A later argument overrides an earlier one.
			all := append([]string{
				"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir,
				"--save", "", "--maxmemory-policy", "noeviction", "--daemonize", "no",
			}, args...)
			return &Server{
				URL:  fmt.Sprintf("redis://127.0.0.1:%d", port),
				cmd:  func() *exec.Cmd { return exec.Command(path, all...) },
				quit: syscall.SIGTERM,
				die:  syscall.SIGKILL,
				try:  tryRedis,
			}, nil
		}
	}
}

// tryRedis succeeds when the server answers and has read its files. That it
// wants a password first is an answer.
func tryRedis(addr string) error {
	_, err := redisDo(addr, "PING")
	if err != nil && strings.Contains(err.Error(), "NOAUTH") {
		return nil
	}
	return err
}

// Do sends a command to a Redis server and returns the answer as text: what is
// nested is written line by line. An error that the server reports is an error.
func (s *Server) Do(args ...string) (string, error) { return redisDo(s.Addr, args...) }

func redisDo(addr string, args ...string) (string, error) {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := io.WriteString(conn, b.String()); err != nil {
		return "", err
	}
	return readRESP(bufio.NewReader(conn))
}

func readRESP(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", fmt.Errorf("redis: an empty answer")
	}
	switch rest := line[1:]; line[0] {
	case '-':
		return "", fmt.Errorf("redis: %s", rest)
	case '$':
		n, err := strconv.Atoi(rest)
		if err != nil || n < 0 {
			return "", err
		}
		buf := make([]byte, n+2)
		_, err = io.ReadFull(r, buf)
		return string(buf[:n]), err
	case '*':
		n, err := strconv.Atoi(rest)
		if err != nil {
			return "", err
		}
		var lines []string
		for range n {
			item, err := readRESP(r)
			if err != nil {
				return "", err
			}
			lines = append(lines, item)
		}
		return strings.Join(lines, "\n"), nil
	default:
		return rest, nil
	}
}
