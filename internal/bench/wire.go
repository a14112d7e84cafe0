package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scarab-go/scarab/internal/bench/app"
)

// wireLibraries are served over HTTP.
var wireLibraries = []string{
	"bare", "scs/memstore", "scs/memstore json", "gorilla/signed", "gorilla/encrypted", "gin/memstore", "fiber/memory",
	"limit/memory", "limit/signed", "limit/sealed", "scarab/memstore", "scarab/signed", "scarab/sealed",
	"scs/redis", "fiber/redis", "gorilla/redis", "limit/redis", "scarab/redis", "scarab/redis batched",
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

// serve serves an application.
func serve(name string, o app.Options) error {
	l, ok := app.Find(name)
	if !ok {
		return fmt.Errorf("no library %q", name)
	}
	a, err := l.Open(o)
	if err != nil {
		return err
	}
	return listen(a.Serve)
}

// What a server is asked for, a line each. It answers with a line.
const (
	askCPU     = "" // how much processor time it has used
	askProfile = "profile"
	askEnd     = "end" // of the profile, which it returns in base64
)

// listen serves on one core until stdin ends. It prints its address, and
// answers what it is asked.
func listen(serve func(net.Listener) error) error {
	runtime.GOMAXPROCS(1)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go serve(listener)
	fmt.Println(listener.Addr())
	var profiled bytes.Buffer
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		switch lines.Text() {
		case askCPU:
			fmt.Println(int64(cpuTime()))
		case askProfile:
			profiled.Reset()
			fmt.Println(pprof.StartCPUProfile(&profiled))
		case askEnd:
			pprof.StopCPUProfile()
			fmt.Println(base64.StdEncoding.EncodeToString(profiled.Bytes()))
		}
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
	return startServer(name, cmd)
}

func startServer(name string, cmd *exec.Cmd) (s *site, err error) {
	s = &site{name: name, cmd: cmd}
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
	if s.addr, err = s.line(); err != nil {
		return nil, fmt.Errorf("%s does not serve: %w", name, errors.Join(err, cmd.Wait()))
	}
	return s, nil
}

// line reads what the server prints next.
func (s *site) line() (string, error) {
	line, err := s.out.ReadString('\n')
	return strings.TrimSuffix(line, "\n"), err
}

// ask returns the server's answer to a question.
func (s *site) ask(question string) (string, error) {
	if _, err := io.WriteString(s.in, question+"\n"); err != nil {
		return "", err
	}
	return s.line()
}

// cpu returns the processor time the server has used so far.
func (s *site) cpu() (time.Duration, error) {
	line, err := s.ask(askCPU)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(line, 10, 64)
	return time.Duration(n), err
}

// start and end profile the server.
func (s *site) start() error {
	answer, err := s.ask(askProfile)
	if err == nil && answer != "<nil>" {
		err = errors.New(answer)
	}
	return err
}

func (s *site) end() (io.Reader, error) {
	answer, err := s.ask(askEnd)
	return base64.NewDecoder(base64.StdEncoding, strings.NewReader(answer)), err
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
	slices.SortStableFunc(crowds, func(a, b *socketCrowd) int { return byWork(a.fact, b.fact) })
	for range r.passes(10) {
		for _, c := range crowds {
			if err := c.pass(r.ctx, r.budget(250*time.Millisecond)); err != nil {
				return fmt.Errorf("%s: %w", c.fact.Library, err)
			}
		}
	}
	for _, c := range crowds {
		r.add(c.done())
	}
	return r.servedSpendings(crowds)
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

func (c *socketCrowd) do(worker, _ int) error {
	b := c.browsers[worker]
	return b.do(b.next)
}

func (c *socketCrowd) pass(ctx context.Context, d time.Duration) error {
	before, err := c.site.cpu()
	if err != nil {
		return err
	}
	l := drive(ctx, d, len(c.browsers), c.do)
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
