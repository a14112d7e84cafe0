package testserver

import (
	"bufio"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Memcached starts a memcached server for one test.
func Memcached(t testing.TB, args ...string) *Server {
	t.Helper()
	path, ok := program("memcached")
	if !ok {
		Missing(t, "memcached", "memcached")
	}
	return own(t, func(port int, dir string) (*Server, error) {
		all := append([]string{"-l", "127.0.0.1", "-p", strconv.Itoa(port), "-U", "0"}, args...)
		as, err := unprivileged(dir, "memcache")
		if err != nil {
			return nil, err
		}
		return &Server{
			URL: fmt.Sprintf("memcached://127.0.0.1:%d", port),
			cmd: func() *exec.Cmd {
				cmd := exec.Command(path, all...)
				cmd.SysProcAttr = as()
				return cmd
			},
			quit: syscall.SIGTERM,
			die:  syscall.SIGKILL,
			try:  tryMemcached,
		}, nil
	})
}

func tryMemcached(addr string) error {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := conn.Write([]byte("version\r\n")); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && !strings.HasPrefix(line, "VERSION ") {
		err = fmt.Errorf("it answers with %q", line)
	}
	return err
}
