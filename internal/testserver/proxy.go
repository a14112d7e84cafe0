package testserver

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// A Proxy stands between a client and a server, counts, and fails on demand.
type Proxy struct {
	Addr string

	target   string
	listener net.Listener
	wg       sync.WaitGroup

	trips, up, down atomic.Int64

	mu      sync.Mutex
	changed *sync.Cond // one of the fields below
	conns   map[net.Conn]bool
	stalled bool
	refuse  bool
	swallow int // answers still to be lost
	closed  bool
}

// NewProxy starts a proxy to the server at addr, which need not run yet. It
// ends with the test.
func NewProxy(t testing.TB, addr string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("testserver: %v", err)
	}
	p := &Proxy{Addr: l.Addr().String(), target: addr, listener: l, conns: map[net.Conn]bool{}}
	p.changed = sync.NewCond(&p.mu)
	p.wg.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// RoundTrips returns how often a client has sent something and waited for the
// answer: how often bytes from a client came first on a connection, or after
// bytes from the server. Requests sent together count once.
func (p *Proxy) RoundTrips() int { return int(p.trips.Load()) }

// Bytes returns how many bytes went to the server and came back.
func (p *Proxy) Bytes() (up, down int) { return int(p.up.Load()), int(p.down.Load()) }

// Stall keeps connections open and passes on nothing, in either direction, as
// a network does that loses every packet. New connections are taken.
func (p *Proxy) Stall() { p.set(func() { p.stalled = true }) }

// Pass ends a Stall and a Refuse. What was held back goes on its way.
func (p *Proxy) Pass() { p.set(func() { p.stalled, p.refuse = false, false }) }

// Refuse closes every connection, and new ones as they come.
func (p *Proxy) Refuse() {
	p.set(func() { p.refuse = true })
	p.Cut()
}

// Cut closes the connections there are.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

// LoseAnswers lets the next n requests through, and closes their connections
// instead of passing on the answers.
func (p *Proxy) LoseAnswers(n int) { p.set(func() { p.swallow = n }) }

func (p *Proxy) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	p.changed.Broadcast()
}

func (p *Proxy) close() {
	p.listener.Close()
	p.set(func() { p.closed = true })
	p.Cut()
	p.wg.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		p.wg.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	if !p.add(client) {
		return
	}
	defer p.remove(client)
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	if !p.add(server) {
		return
	}
	defer p.remove(server)

	var waiting atomic.Bool // the client has sent something and has no answer yet
	var wg sync.WaitGroup
	wg.Go(func() {
		p.pipe(server, client, func(n int) bool {
			p.up.Add(int64(n))
			if !waiting.Swap(true) {
				p.trips.Add(1)
			}
			return true
		})
	})
	p.pipe(client, server, func(n int) bool {
		p.down.Add(int64(n))
		waiting.Store(false)
		return !p.loses()
	})
	wg.Wait()
}

// pipe passes on what comes from src until either end closes or each says no.
func (p *Proxy) pipe(dst, src net.Conn, each func(n int) bool) {
	defer dst.Close()
	defer src.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := src.Read(buf)
		if n > 0 {
			if !p.pass() || !each(n) {
				return
			}
			if _, err := dst.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return
			}
			p.pass() // a stalled network does not tell that the other end is gone
			return
		}
	}
}

// pass waits while the proxy is stalled.
func (p *Proxy) pass() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.stalled && !p.closed {
		p.changed.Wait()
	}
	return !p.closed
}

func (p *Proxy) loses() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.swallow == 0 {
		return false
	}
	p.swallow--
	return true
}

func (p *Proxy) add(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse || p.closed {
		return false
	}
	p.conns[c] = true
	return true
}

func (p *Proxy) remove(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}
