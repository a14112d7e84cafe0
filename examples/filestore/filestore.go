// Package filestore keeps sessions as files in a directory: an example of a
// store, for one process. docs/writing-a-store.md walks through it.
package filestore

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/scarab-go/scarab"
)

// A Store keeps each session in a file with its handle as the name.
type Store struct {
	dir string
	mu  sync.Mutex // held from looking at a record until it is replaced
}

// New returns a store in dir, which it makes if it is missing.
func New(dir string) (*Store, error) { return &Store{dir: dir}, os.MkdirAll(dir, 0o700) }

func (s *Store) file(h scarab.Handle) string { return filepath.Join(s.dir, h.String()) }

func (s *Store) read(h scarab.Handle) (r scarab.Record, err error) {
	b, err := os.ReadFile(s.file(h))
	if errors.Is(err, fs.ErrNotExist) {
		return r, scarab.ErrNoSession
	}
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	return r, err
}

// write replaces the file in one step: who reads it meanwhile gets the old one.
func (s *Store) write(r scarab.Record) error {
	f, err := os.Create(s.file(r.Handle) + ".new")
	if err != nil {
		return err
	}
	err = errors.Join(json.NewEncoder(f).Encode(r), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), s.file(r.Handle))
}

func (s *Store) Load(_ context.Context, h scarab.Handle, now time.Time) (scarab.Record, error) {
	r, err := s.read(h)
	if err == nil && r.Expired(now) {
		return scarab.Record{}, scarab.ErrNoSession
	}
	return r, err
}

func (s *Store) Create(_ context.Context, r scarab.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.read(r.Handle); !errors.Is(err, scarab.ErrNoSession) {
		return errors.Join(err, scarab.ErrExists)
	}
	return s.write(r)
}

func (s *Store) Save(_ context.Context, r scarab.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch current, err := s.read(r.Handle); {
	case err != nil:
		return err
	case current.Version != r.Version-1:
		return &scarab.ConflictError[scarab.Record]{Current: &current}
	}
	return s.write(r)
}

func (s *Store) Touch(ctx context.Context, h scarab.Handle, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.Load(ctx, h, now)
	if err == nil {
		err = s.write(r.Touch(now))
	}
	return err
}

func (s *Store) Delete(_ context.Context, h scarab.Handle) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.Remove(s.file(h)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
