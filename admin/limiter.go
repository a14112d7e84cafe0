package admin

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// A limiter counts failed logins in windows of time: by name, by address, and
// by both. Its zero value is ready.
//
// Source: OWASP ASVS 5.0, 6.3.1; NIST SP 800-63B-4, section 3.2.2.
type limiter struct {
	mu     sync.Mutex
	counts map[string]*failures
}

type failures struct {
	n     int
	until time.Time
}

// How many failures there may be in a window. A name can be tried from many
// addresses before it is held up, so that nobody locks others out with ease.
var limits = []struct {
	of     func(name, address string) string
	most   int
	window time.Duration
}{
	{func(name, address string) string { return "both " + address + " " + name }, 5, 5 * time.Minute},
	{func(_, address string) string { return "address " + address }, 30, 5 * time.Minute},
	{func(name, _ string) string { return "name " + name }, 100, time.Hour},
}

// maxCounted bounds the memory: beyond that, what is over is forgotten first.
const maxCounted = 100_000

// wait returns how long a login has to wait; 0: it may be tried.
func (l *limiter) wait(now time.Time, name, address string) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, limit := range limits {
		if f := l.counts[limit.of(name, address)]; f != nil && f.n >= limit.most {
			wait = max(wait, f.until.Sub(now))
		}
	}
	return max(wait, 0)
}

// try counts a login that is about to be tried, as failed: many that are tried
// at once must not pass together.
func (l *limiter) try(now time.Time, name, address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil || len(l.counts) >= maxCounted {
		l.forget(now)
	}
	for _, limit := range limits {
		key := limit.of(name, address)
		f := l.counts[key]
		if f == nil || !now.Before(f.until) {
			f = &failures{until: now.Add(limit.window)}
			l.counts[key] = f
		}
		f.n++
	}
}

// succeed takes back what try counted for both.
func (l *limiter) succeed(name, address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.counts, limits[0].of(name, address))
	for _, limit := range limits[1:] {
		if f := l.counts[limit.of(name, address)]; f != nil {
			f.n--
		}
	}
}

func (l *limiter) forget(now time.Time) {
	kept := make(map[string]*failures)
	for key, f := range l.counts {
		if now.Before(f.until) && len(kept) < maxCounted/2 {
			kept[key] = f
		}
	}
	l.counts = kept
}

// address is where a request comes from, without its port. Of IPv6 it is the
// network: one line has many addresses.
func address(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if ip = ip.Unmap(); ip.Is6() {
		if p, err := ip.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}
