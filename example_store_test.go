package scarab_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/scarab-go/scarab"
)

// A Shelf is a Store of one's own: five methods, and a rule or two for each.
// scarabtest.TestStore checks them all.
type Shelf struct {
	mu      sync.Mutex
	records map[scarab.Handle]scarab.Record
}

// Load knows what has expired.
func (s *Shelf) Load(_ context.Context, h scarab.Handle, now time.Time) (scarab.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.records[h]
	if !ok || r.Expired(now) {
		return scarab.Record{}, scarab.ErrNoSession
	}
	return r, nil
}

// Create replaces nothing.
func (s *Shelf) Create(_ context.Context, r scarab.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.records[r.Handle]; ok {
		return scarab.ErrExists
	}
	s.keep(r)
	return nil
}

// Save replaces one version and no other, and brings nothing back that is gone.
func (s *Shelf) Save(_ context.Context, r scarab.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	current, ok := s.records[r.Handle]
	switch {
	case !ok:
		return scarab.ErrNoSession
	case current.Version != r.Version-1:
		return &scarab.ConflictError[scarab.Record]{Current: &current}
	}
	s.keep(r)
	return nil
}

func (s *Shelf) keep(r scarab.Record) {
	r.Data = slices.Clip(r.Data) // whoever appends to it gets a copy
	s.records[r.Handle] = r
}

// Touch extends what is there.
func (s *Shelf) Touch(_ context.Context, h scarab.Handle, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.records[h]
	if !ok || r.Expired(now) {
		return scarab.ErrNoSession
	}
	s.records[h] = r.Touch(now)
	return nil
}

// Delete does not mind that there is nothing.
func (s *Shelf) Delete(_ context.Context, h scarab.Handle) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.records, h)
	return nil
}

// Sessions in a database of one's own.
func ExampleStore() {
	sessions, err := scarab.New(scarab.Stored(&Shelf{records: map[scarab.Handle]scarab.Record{}}), scarab.Config{})
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
