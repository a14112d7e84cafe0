package admin

import (
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"
)

// LinkLifetime is how long a one-time link can be used.
const LinkLifetime = 5 * time.Minute

// Links are one-time links that log in whoever follows them and presses the
// button there. Methods may be called by any number of goroutines. The zero
// value is ready; it tells the time by the clock of the machine.
type Links struct {
	Clock func() time.Time // default: time.Now

	mu    sync.Mutex
	links map[[32]byte]link // by the hash of the token
}

type link struct {
	principal string
	expires   time.Time
}

// New returns the path of a new link for principal, behind the Prefix of the
// interface: "/login/link?token=…". Whoever has it can log in, so it goes
// only to where the person who asked for it looks.
func (l *Links) New(principal string) string {
	token := rand.Text()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.links == nil {
		l.links = make(map[[32]byte]link)
	}
	now := l.now()
	for k, old := range l.links {
		if !now.Before(old.expires) {
			delete(l.links, k)
		}
	}
	l.links[sha256.Sum256([]byte(token))] = link{principal, now.Add(LinkLifetime)}
	return "/login/link?token=" + token
}

// look tells whom a link is for.
func (l *Links) look(token string) (principal string, ok bool) {
	if l == nil || token == "" {
		return "", false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	found, ok := l.links[sha256.Sum256([]byte(token))]
	if !ok || !l.now().Before(found.expires) {
		return "", false
	}
	return found.principal, true
}

// take uses a link up.
func (l *Links) take(token string) (principal string, ok bool) {
	if principal, ok = l.look(token); !ok {
		return "", false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := sha256.Sum256([]byte(token))
	if _, ok = l.links[key]; !ok {
		return "", false // another request took it in between
	}
	delete(l.links, key)
	return principal, true
}

func (l *Links) now() time.Time {
	if l.Clock == nil {
		return time.Now()
	}
	return l.Clock()
}
