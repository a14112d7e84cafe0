package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"

	"github.com/scarab-go/scarab/internal/bench/app"
)

// wireLibraries are served over HTTP.
var wireLibraries = []string{
	"bare", "scs/memstore", "scs/memstore json", "gorilla/signed", "gorilla/encrypted", "gin/memstore", "fiber/memory",
	"limit/memory", "limit/signed", "limit/sealed", "scarab/memstore", "scarab/signed", "scarab/sealed",
	"scs/redis", "fiber/redis", "gorilla/redis", "limit/redis", "scarab/redis",
}

// wire measures servers over loopback: each has one core, and Redis and the
// clients share the others.
func (r *run) wire() error {
	out, err := r.child("wire", onOtherCores, strconv.FormatBool(r.quick), r.dir)
	if err != nil {
		return err
	}
	var facts []*Fact
	if err := json.Unmarshal(out, &facts); err != nil {
		return err
	}
	r.facts = facts
	return nil
}

// child runs this program again and returns what it printed.
func (r *run) child(name string, on []string, args ...string) ([]byte, error) {
	cmd, err := childCommand(r.ctx, on, append([]string{name}, args...)...)
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	return cmd.Output()
}

// childArg is the first argument of a child.
const childArg = "child-of-bench"

// What goes before a command to choose its cores; nothing where there is one
// core, or no program for it.
var onFirstCore, onOtherCores = func() (first, others []string) {
	taskset, err := exec.LookPath("taskset")
	if n := runtime.NumCPU(); err == nil && n > 1 {
		return []string{taskset, "-c", "0"}, []string{taskset, "-c", fmt.Sprintf("1-%d", n-1)}
	}
	return nil, nil
}()

func childCommand(ctx context.Context, on []string, args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	all := append(append(append([]string(nil), on...), self, childArg), args...)
	return exec.CommandContext(ctx, all[0], all[1:]...), nil
}

// child is what this program does when it was started by itself.
func child(args []string) error {
	switch args[0] {
	case "wire":
		quick, err := strconv.ParseBool(args[1])
		if err != nil {
			return err
		}
		r := &run{ctx: context.Background(), quick: quick, dir: args[2]}
		defer r.bed.mark()()
		if err := r.serveAndLoad(); err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(r.facts)
	case "serve":
		return serve(args[1], app.Options{Sample: app.S, Redis: args[2]})
	case "weigh":
		return weigh(context.Background(), args[1:])
	}
	return fmt.Errorf("unknown child %q", args[0])
}

// serve serves an application on one core until stdin ends. It prints its
// address, and for every line it reads how much processor time it has used.
func serve(name string, o app.Options) error {
	runtime.GOMAXPROCS(1)
	l, ok := app.Find(name)
	if !ok {
		return fmt.Errorf("no library %q", name)
	}
	a, err := l.Open(o)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go a.Serve(listener)
	fmt.Println(listener.Addr())
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fmt.Println(int64(cpuTime()))
	}
	return nil
}

// A site is a server in a process of its own.
type site struct {
	name string
	addr string
	in   io.WriteCloser
	out  *bufio.Reader
	cmd  *exec.Cmd
}

func startSite(ctx context.Context, name, redis string) (*site, error) {
	cmd, err := childCommand(ctx, onFirstCore, "serve", name, redis)
	if err != nil {
		return nil, err
	}
	s := &site{name: name, cmd: cmd}
	if s.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.out = bufio.NewReader(out)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := s.out.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("%s does not serve: %w", name, errors.Join(err, cmd.Wait()))
	}
	s.addr = line[:len(line)-1]
	return s, nil
}

// cpu returns the processor time the server has used so far.
func (s *site) cpu() (time.Duration, error) {
	if _, err := io.WriteString(s.in, "\n"); err != nil {
		return 0, err
	}
	line, err := s.out.ReadString('\n')
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(line[:len(line)-1], 10, 64)
	return time.Duration(n), err
}

func (s *site) stop() {
	s.in.Close()
	s.cmd.Wait()
}

// serveAndLoad starts the servers and lets each take its turn.
func (r *run) serveAndLoad() error {
	redis := ""
	o, err := r.options(app.Redis, app.S)
	switch lacking := missing(""); {
	case errors.As(err, &lacking): // the others can still be measured
	case err != nil:
		return err
	default:
		redis = o.Redis
	}
	var crowds []*socketCrowd
	for _, name := range wireLibraries {
		if l, _ := app.Find(name); l.Place == app.Redis && redis == "" {
			continue
		}
		s, err := startSite(r.ctx, name, redis)
		if err != nil {
			return err
		}
		r.bed.Cleanup(s.stop)
		for _, op := range []app.Op{app.Untouched, app.Write} {
			c, err := newSocketCrowd(s, op, clients)
			if err != nil {
				return err
			}
			r.bed.Cleanup(c.hangUp)
			crowds = append(crowds, c)
		}
	}
	for range r.passes(3) {
		for _, c := range crowds {
			if err := c.pass(r.ctx, r.budget(700*time.Millisecond)); err != nil {
				return fmt.Errorf("%s: %w", c.fact.Library, err)
			}
		}
	}
	for _, c := range crowds {
		r.add(c.done())
	}
	return nil
}

// A socketCrowd is browsers with a connection each.
type socketCrowd struct {
	crowd
	site     *site
	browsers []*browser
}

func newSocketCrowd(s *site, op app.Op, n int) (*socketCrowd, error) {
	c := &socketCrowd{site: s, crowd: crowd{
		fact: &Fact{Part: "wire", Library: s.name, Work: op.String()}, more: map[string][]float64{}}}
	for range n {
		b, err := dial(s.addr)
		if err != nil {
			return nil, err
		}
		c.browsers = append(c.browsers, b)
		if err := b.do(b.request(app.Fill, "")); err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		b.next = b.request(op, b.cookie)
	}
	return c, nil
}

func (c *socketCrowd) hangUp() {
	for _, b := range c.browsers {
		b.conn.Close()
	}
}

func (c *socketCrowd) pass(ctx context.Context, d time.Duration) error {
	before, err := c.site.cpu()
	if err != nil {
		return err
	}
	l := drive(ctx, d, len(c.browsers), func(worker, _ int) error {
		b := c.browsers[worker]
		return b.do(b.next)
	})
	after, err := c.site.cpu()
	if err = errors.Join(err, l.err); err != nil {
		return err
	}
	c.fact.Passes = append(c.fact.Passes, l.rate())
	c.note("p50", float64(l.quantile(0.5)))
	c.note("p99", float64(l.quantile(0.99)))
	c.note("cpu", float64(after-before)/float64(len(l.latencies)))
	c.note("load", float64(l.cpu)/float64(l.took)) // of a core, used by the clients
	return nil
}

// A browser sends ready-made requests over one connection and reads as little
// of the answers as it can.
type browser struct {
	conn   net.Conn
	in     *bufio.Reader
	cookie string
	next   []byte
}

func dial(addr string) (*browser, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &browser{conn: conn, in: bufio.NewReader(conn)}, nil
}

func (b *browser) request(op app.Op, cookie string) []byte {
	text := op.Method() + " " + op.Path() + " HTTP/1.1\r\nHost: example.com\r\nUser-Agent: bench\r\nAccept: text/html\r\n"
	if op.Method() != "GET" {
		text += "Content-Length: 0\r\n"
	}
	if cookie != "" {
		text += "Cookie: " + cookie + "\r\n"
	}
	return []byte(text + "\r\n")
}

var (
	lengthHeader = []byte("Content-Length: ")
	cookieHeader = []byte("Set-Cookie: ")
	success      = []byte("HTTP/1.1 200")
)

// do sends a request and reads the answer.
func (b *browser) do(request []byte) error {
	if _, err := b.conn.Write(request); err != nil {
		return err
	}
	length, first := 0, true
	for {
		line, err := b.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.HasPrefix(line, success) {
			return fmt.Errorf("answer %q", line)
		}
		first = false
		if len(line) == 2 {
			break
		}
		if value, ok := bytes.CutPrefix(line, lengthHeader); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		} else if value, ok := bytes.CutPrefix(line, cookieHeader); ok && b.next == nil {
			pair, _, _ := bytes.Cut(value, []byte(";"))
			b.cookie = string(pair)
		}
	}
	_, err := b.in.Discard(length)
	return err
}
