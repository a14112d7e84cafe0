package testserver

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// MySQL starts a MariaDB server for one test. Arguments are those of mariadbd,
// such as "--innodb-flush-log-at-trx-commit=0". Its superuser is root, without
// a password, and it has a database named test.
func MySQL(t testing.TB, args ...string) *Server {
	t.Helper()
	return own(t, mysqlServer(args...)(t))
}

func mysqlServer(args ...string) func(testing.TB) maker {
	return func(t testing.TB) maker {
		t.Helper()
		path, ok := program("mariadbd")
		install, ok2 := program("mariadb-install-db")
		if !ok || !ok2 {
			Missing(t, "MariaDB", "mariadb-server")
		}
		return func(port int, dir string) (*Server, error) {
			data := filepath.Join(dir, "data")
			as, err := unprivileged(dir, "mysql")
			if err != nil {
				return nil, err
			}
			// A server that starts removes the temporary tables of others from a
			// folder that they share, and MariaDB crashes without them.
			own := append(os.Environ(), "TMPDIR="+dir)
			init := exec.Command(install, "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal")
			init.SysProcAttr, init.Dir, init.Env = as(), dir, own
			if out, err := init.CombinedOutput(); err != nil {
				return nil, fmt.Errorf("mariadb-install-db: %w\n%s", err, out)
			}
			all := append([]string{
				"--no-defaults", "--datadir=" + data, "--port=" + strconv.Itoa(port), "--bind-address=127.0.0.1",
				"--socket=" + filepath.Join(dir, "mysql.sock"), "--pid-file=" + filepath.Join(dir, "pid"),
				"--innodb-buffer-pool-size=64M", "--max-connections=200",
			}, args...)
			u := &url.URL{Scheme: "mysql", User: url.User("root"), Host: fmt.Sprintf("127.0.0.1:%d", port), Path: "/test"}
			return &Server{
				URL: u.String(), DSN: mysqlDSN(u),
				cmd: func() *exec.Cmd {
					cmd := exec.Command(path, all...)
					cmd.SysProcAttr, cmd.Dir, cmd.Env = as(), dir, own
					return cmd
				},
				quit: syscall.SIGTERM,
				die:  syscall.SIGKILL,
				try:  tryMySQL,
			}, nil
		}
	}
}

// tryMySQL succeeds when the server greets us with version 10 of its protocol.
func tryMySQL(addr string) error {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	var packet [5]byte // length, number, first byte
	if _, err := io.ReadFull(conn, packet[:]); err != nil {
		return err
	}
	if packet[4] != 10 {
		return fmt.Errorf("it greets with %d and is not ready", packet[4])
	}
	return nil
}
