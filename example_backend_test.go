package scarab_test

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"log"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/scarab-go/scarab"
)

// A Cloakroom is a Backend of one's own, for a format that says both what is in
// the cookie and what is in the store: here a ticket with the number of a hook and
// a secret, and the state that hangs there. scarabtest.TestBackend checks it.
type Cloakroom struct {
	mu    sync.Mutex
	hooks map[string]*hook // by number
}

type hook struct {
	secret  string
	renewed time.Time // when it got this secret in place of another
	state   scarab.State
}

// Load returns a copy of what hangs there, for the ticket that is good now.
func (c *Cloakroom) Load(_ context.Context, now time.Time, _, ticket string) (*scarab.State, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	number, secret, _ := strings.Cut(ticket, ".")
	h, ok := c.hooks[number]
	switch {
	case !ok:
		return nil, scarab.ErrNoSession
	case subtle.ConstantTimeCompare([]byte(h.secret), []byte(secret)) == 1:
		return h.copy(number), nil
	case now.Before(h.renewed.Add(time.Minute)): // another tab has a newer ticket
		return nil, scarab.ErrSuperseded
	}
	return nil, scarab.ErrNoSession
}

// copy remembers the number for the next Commit.
func (h *hook) copy(number string) *scarab.State {
	st := h.state
	st.Values = slices.Clone(st.Values)
	st.Private = number
	return &st
}

// Commit hangs st up, and returns the ticket from now on.
func (c *Cloakroom) Commit(_ context.Context, now time.Time, _, old string, op scarab.Op, st *scarab.State) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if op == scarab.Create {
		number := rand.Text() // 128 random bits
		h := &hook{secret: rand.Text()}
		c.hooks[number] = h
		h.hang(number, now, st)
		return number + "." + h.secret, nil
	}
	number := st.Private.(string)
	h, ok := c.hooks[number]
	switch {
	case op == scarab.Delete:
		delete(c.hooks, number)
		return "", nil
	case !ok:
		return "", scarab.ErrNoSession // what is gone is gone
	case op == scarab.Touch:
		h.state.Seen = now
		return old, nil
	case h.state.Version != st.Version: // somebody was faster
		return "", &scarab.ConflictError[scarab.State]{Current: h.copy(number)}
	}
	ticket := old
	renewed := old != number+"."+h.secret // by another request: its ticket stays good
	if op == scarab.Renew && (!renewed || st.AuthTime.After(h.state.AuthTime)) {
		h.secret, h.renewed = rand.Text(), now
		ticket = number + "." + h.secret
	}
	h.hang(number, now, st)
	return ticket, nil
}

// hang completes st and keeps a copy of it.
func (h *hook) hang(number string, now time.Time, st *scarab.State) {
	st.Version++
	st.Seen, st.Private = now, number
	h.state = *st
	h.state.Values = slices.Clone(st.Values)
}

// Sessions in a format of one's own, cookie and store.
func ExampleBackend() {
	sessions, err := scarab.New(&Cloakroom{hooks: map[string]*hook{}}, scarab.Config{})
	if err != nil {
		log.Fatal(err)
	}
	page := sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *scarab.Session) error {
		scarab.Key[int]("visits").Update(s, func(n int) int { return n + 1 })
		_, err := fmt.Fprintf(w, "visit %v", s.Get("visits"))
		return err
	})

	ann := visitor(sessions.Wrap(page))
	defer ann.leave()
	fmt.Println(ann.get("/"))
	fmt.Println(ann.get("/"))
	// Output:
	// visit 1
	// visit 2
}
