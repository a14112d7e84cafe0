package testserver

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Postgres starts a PostgreSQL server for one test. Arguments are those of
// postgres, such as "-c", "synchronous_commit=off". Its superuser is postgres,
// without a password.
func Postgres(t testing.TB, args ...string) *Server {
	t.Helper()
	return own(t, postgresServer(args...)(t))
}

func postgresServer(args ...string) func(testing.TB) maker {
	return func(t testing.TB) maker {
		t.Helper()
		path, ok := program("postgres")
		initdb, ok2 := program("initdb")
		if !ok || !ok2 {
			Missing(t, "PostgreSQL", "postgresql")
		}
		return func(port int, dir string) (*Server, error) {
			data := filepath.Join(dir, "data")
			as, err := unprivileged(dir, "postgres")
			if err != nil {
				return nil, err
			}
			// No sync: a machine that crashes takes the folder with it.
			init := exec.Command(initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
			init.SysProcAttr, init.Dir = as(), dir
			if out, err := init.CombinedOutput(); err != nil {
				return nil, fmt.Errorf("initdb: %w\n%s", err, out)
			}
			all := append([]string{
				"-D", data, "-p", strconv.Itoa(port), "-k", dir,
				"-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200",
			}, args...)
			url := fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port)
			return &Server{
				URL: url, DSN: url,
				cmd: func() *exec.Cmd {
					cmd := exec.Command(path, all...)
					cmd.SysProcAttr, cmd.Dir = as(), dir
					return cmd
				},
				quit: syscall.SIGINT,  // fast shutdown: open connections are closed
				die:  syscall.SIGQUIT, // its children go with it
				try:  tryPostgres,
			}, nil
		}
	}
}

// tryPostgres succeeds when the server lets us in: until it is ready it takes
// connections and refuses them.
//
// Source: PostgreSQL's documentation, "Message Flow", start-up.
func tryPostgres(addr string) error {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	body := "\x00\x03\x00\x00user\x00postgres\x00database\x00postgres\x00\x00"
	msg := binary.BigEndian.AppendUint32(nil, uint32(4+len(body)))
	if _, err := conn.Write(append(msg, body...)); err != nil {
		return err
	}
	var kind [1]byte
	if _, err := io.ReadFull(conn, kind[:]); err != nil {
		return err
	}
	if kind[0] != 'R' {
		return fmt.Errorf("it answers with %q and is not ready", kind)
	}
	_, err = conn.Write([]byte{'X', 0, 0, 0, 4})
	return err
}

// unprivileged gives dir to a user that is not root, if this is root, and
// returns what makes a command run as that user.
func unprivileged(dir string, names ...string) (func() *syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return func() *syscall.SysProcAttr { return nil }, nil
	}
	for _, name := range append(names, "nobody") {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.Atoi(u.Uid)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.Atoi(u.Gid)
		if err != nil {
			return nil, err
		}
		return func() *syscall.SysProcAttr {
			return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		}, chown(dir, uid, gid)
	}
	return nil, fmt.Errorf("this is root, and none of the users %v exists", names)
}
