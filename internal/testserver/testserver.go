// Package testserver starts real servers for tests: Redis (alone, with
// Sentinels, as a cluster), PostgreSQL, MariaDB and memcached.
//
// A server listens on a free port of 127.0.0.1, keeps its files in a temporary
// folder, and runs until the test ends. It is stopped by its process id, and by
// the kernel if the test's process dies (on Linux). The constructors return
// when it answers.
//
//	server := testserver.Redis(t, "--appendonly", "yes")
//	client, err := dial(server.Addr)
//	// ...
//	server.Kill() // as a power cut would
//	server.Restart()
//
// Most tests need a server and no power over it. They share one in each test
// binary, which [Run] stops in TestMain:
//
//	func TestMain(m *testing.M) { os.Exit(testserver.Run(m)) }
//
//	func TestStore(t *testing.T) {
//		server := testserver.SharedRedis(t)
//
// SCARAB_TEST_REDIS, SCARAB_TEST_POSTGRES and SCARAB_TEST_MYSQL give the URLs
// of servers to share instead, such as those of compose.yaml.
//
// Where a program is missing the test is skipped, and [Missing] notes why. With
// CI=true in the environment that is a failure.
package testserver

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startTimeout bounds how long a server may take until it answers, and to end
// when it is asked to.
const startTimeout = 60 * time.Second

// A Server is a process that listens on a port, or one that was there already.
type Server struct {
	Addr string // host:port
	URL  string // with user and database, as in redis://127.0.0.1:6379
	DSN  string // for sql.Open; empty if the server is none for SQL
	Dir  string // of its files; empty for one that was there already

	t    testing.TB
	cmd  func() *exec.Cmd // a new one for each start
	quit syscall.Signal   // ends it in good order
	die  syscall.Signal   // what the kernel sends when the test's process dies
	try  func(addr string) error

	mu   sync.Mutex
	proc *process // nil if it does not run
	log  lockedBuffer
}

// process is one run of a server.
type process struct {
	os    *os.Process
	ended chan struct{} // closed when it has
	err   error         // how it ended
}

// launch starts s and waits until it answers.
func (s *Server) launch() error {
	cmd := s.cmd()
	cmd.Stdout, cmd.Stderr = &s.log, &s.log
	dieWithParent(cmd, s.die)

	p := &process{ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel watches over the thread that forked, not the process. This
		// goroutine keeps its thread until the server has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.ended)
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	p.os = cmd.Process
	s.mu.Lock()
	s.proc = p
	s.mu.Unlock()

	deadline := time.After(startTimeout)
	for {
		err := s.try(s.Addr)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended: %v\n%s", cmd.Path, p.err, s.Log())
		case <-deadline:
			s.Kill()
			return fmt.Errorf("%s does not answer after %v: %v\n%s", cmd.Path, startTimeout, err, s.Log())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Log returns what the server has printed so far.
func (s *Server) Log() string { return s.log.String() }

// died says how the server ended, if nobody asked it to.
func (s *Server) died() error {
	s.mu.Lock()
	p := s.proc
	s.mu.Unlock()
	if p == nil {
		return nil
	}
	select {
	case <-p.ended:
		return fmt.Errorf("the server on %s ended by itself: %v\n%s", s.Addr, p.err, s.Log())
	default:
		return nil
	}
}

// Kill ends the server at once with SIGKILL: it has no time to write anything.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

// Stop ends the server in good order.
func (s *Server) Stop() { s.end(s.quit) }

// Pause stops the server as it is: connections stay open, nothing answers.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume ends a Pause.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

// Restart starts a server that was killed or stopped, on the same port with the
// same files.
func (s *Server) Restart() {
	s.t.Helper()
	s.mu.Lock()
	running := s.proc != nil
	s.mu.Unlock()
	if running {
		s.t.Fatalf("testserver: Restart of %s, which runs: Stop or Kill it first", s.Addr)
	}
	if err := s.launch(); err != nil {
		s.t.Fatalf("testserver: restarting %s: %v", s.Addr, err)
	}
}

func (s *Server) signal(sig os.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil {
		s.proc.os.Signal(sig)
	}
}

func (s *Server) end(sig syscall.Signal) {
	s.mu.Lock()
	p := s.proc
	s.proc = nil
	s.mu.Unlock()
	if p == nil {
		return
	}
	p.os.Signal(sig)
	if sig != syscall.SIGKILL {
		p.os.Signal(syscall.SIGCONT) // if it was paused
		select {
		case <-p.ended:
			return
		case <-time.After(startTimeout):
			p.os.Kill()
		}
	}
	<-p.ended
}

// program finds the first of some programs, also where Debian keeps those that
// are not for every user.
func program(names ...string) (string, bool) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, true
		}
		for _, dir := range []string{"/usr/sbin", "/usr/lib/postgresql/*/bin", "/usr/local/sbin", "/opt/homebrew/bin"} {
			found, _ := filepath.Glob(filepath.Join(dir, name))
			if len(found) > 0 {
				return found[len(found)-1], true
			}
		}
	}
	return "", false
}

// portTries is how often a start is tried with another port, when someone else
// was faster.
const portTries = 5

// start makes a server with the given constructor, which gets a port and a
// folder, and starts it.
func start(t testing.TB, make func(port int, dir string) (*Server, error)) (*Server, error) {
	var err error
	for range portTries {
		var port int
		if port, err = freePort(); err != nil {
			return nil, err
		}
		var dir string
		if dir, err = tempDir(); err != nil {
			return nil, err
		}
		var s *Server
		if s, err = make(port, dir); err == nil {
			s.t, s.Dir = t, dir
			s.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
			if err = s.launch(); err == nil {
				return s, nil
			}
		}
		os.RemoveAll(dir)
		if !strings.Contains(strings.ToLower(err.Error()), "in use") {
			break
		}
	}
	return nil, err
}

// own starts a server that lives as long as the test.
func own(t testing.TB, make func(port int, dir string) (*Server, error)) *Server {
	t.Helper()
	s, err := start(t, make)
	if err != nil {
		t.Fatalf("testserver: %v", err)
	}
	t.Cleanup(func() {
		if err := discard(s); err != nil {
			t.Errorf("testserver: %v", err)
		}
	})
	return s
}

// discard ends s for good and removes its files. The error is that s had ended
// by itself, which explains what else went wrong.
func discard(s *Server) error {
	err := s.died()
	s.Stop()
	os.RemoveAll(s.Dir)
	return err
}

// tempDir makes a folder that other users may enter, as some servers refuse to
// run as root. Its name starts with the id of this process.
func tempDir() (string, error) {
	dir, err := os.MkdirTemp("", fmt.Sprintf("%s%d-", dirPrefix, os.Getpid()))
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

const dirPrefix = "scarab-testserver-"

// removeLeftovers removes the folders of processes that died without doing so.
func removeLeftovers() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), dirPrefix+"*"))
	for _, dir := range dirs {
		var pid int
		fmt.Sscanf(strings.TrimPrefix(filepath.Base(dir), dirPrefix), "%d", &pid)
		if pid > 0 && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			os.RemoveAll(dir)
		}
	}
}

// lockedBuffer keeps the output of a server.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// chown gives dir and what is in it to the user that cmd runs as.
func chown(dir string, uid, gid int) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, uid, gid)
	})
}
