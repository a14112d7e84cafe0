package scarab_test

import (
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
)

// The browser keeps a persistent cookie until the deadline that it was told
// last.
func TestSetTimeouts_persistent(t *testing.T) {
	const day = 24 * time.Hour
	b := probeSite(t, scarab.Config{}).Browser()
	b.Do(doing(func(s *scarab.Session) {
		s.Login("ann")
		s.SetPersistent(true)
	}))
	a := b.Do(doing(func(s *scarab.Session) { s.SetTimeouts(30*day, 30*day) }))
	if len(a.SetCookie) != 1 || !strings.Contains(a.SetCookie[0], "; Max-Age=2592000;") {
		t.Errorf("with a new deadline: %q", a.SetCookie)
	}
	a = b.Do(doing(func(s *scarab.Session) { s.SetTimeouts(day, 0) }))
	expect(t, "cookies of one that keeps it", len(a.SetCookie), 0)
}
