//go:build unix

package pyramid

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/scarab-go/scarab"
)

// BeakerFiles is type=file: a file for each session below dir, the option
// data_dir, locked as Beaker locks it. Both applications have to be on the same
// machine, and as a user or group that may write what the other made.
func BeakerFiles(dir string) BeakerStorage {
	return BeakerStorage{
		key: func(id string) string { return id },
		open: func() (storage, error) {
			info, err := os.Stat(dir)
			if err == nil && !info.IsDir() {
				err = errors.New("pyramid: not a folder: " + dir)
			}
			return fileStorage{dir}, err
		},
	}
}

type fileStorage struct{ dir string }

func (s fileStorage) file(id string) string {
	return filepath.Join(s.dir, "container_file", id[:1], id[:min(2, len(id))], id+".cache")
}

func (s fileStorage) lockFile(id string) string {
	sum := sha1.Sum([]byte(id))
	h := hex.EncodeToString(sum[:])
	return filepath.Join(s.dir, "container_file_lock", h[:1], h[:2], h+".lock")
}

// locked runs f with the lock of a session: a shared one, or one for itself.
func (s fileStorage) locked(ctx context.Context, id string, how int, f func() error) error {
	name := s.lockFile(id)
	if err := os.MkdirAll(filepath.Dir(name), 0o770); err != nil {
		return err
	}
	lock, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o660)
	if err != nil {
		return err
	}
	defer lock.Close() // which unlocks it
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		err := syscall.Flock(int(lock.Fd()), how|syscall.LOCK_NB)
		if err == nil {
			return f()
		}
		if err != syscall.EWOULDBLOCK && err != syscall.EINTR {
			return &os.PathError{Op: "flock", Path: name, Err: err}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

func (s fileStorage) read(id string) ([]byte, error) {
	raw, err := os.ReadFile(s.file(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, scarab.ErrNoSession
	}
	return raw, err
}

// write replaces the file in one step, as Beaker does.
func (s fileStorage) write(id string, raw []byte) error {
	name := s.file(id)
	if err := os.MkdirAll(filepath.Dir(name), 0o770); err != nil {
		return err
	}
	if err := os.WriteFile(name+".temp", raw, 0o660); err != nil {
		return err
	}
	return os.Rename(name+".temp", name)
}

func (s fileStorage) load(ctx context.Context, id string) (value any, p place, err error) {
	p.ttl = none
	err = s.locked(ctx, id, syscall.LOCK_SH, func() (err error) {
		p.raw, err = s.read(id)
		return err
	})
	if err == nil {
		value, err = unwrap(p.raw)
	}
	return value, p, err
}

func (s fileStorage) create(ctx context.Context, id string, value any, _ time.Duration) (place, error) {
	raw, err := wrap(value)
	if err != nil {
		return place{}, err
	}
	err = s.locked(ctx, id, syscall.LOCK_EX, func() error {
		_, err := s.read(id)
		switch {
		case err == nil:
			return scarab.ErrExists
		case !errors.Is(err, scarab.ErrNoSession):
			return err
		}
		return s.write(id, raw)
	})
	return place{raw: raw, ttl: none}, err
}

// ifSame runs f if the file is as it was at p.
func (s fileStorage) ifSame(ctx context.Context, id string, p place, f func() error) error {
	return s.locked(ctx, id, syscall.LOCK_EX, func() error {
		current, err := s.read(id)
		if err != nil {
			return err
		}
		if !bytes.Equal(current, p.raw) {
			return errChanged
		}
		return f()
	})
}

func (s fileStorage) replace(ctx context.Context, id string, p place, value any, _ time.Duration) (place, error) {
	raw, err := wrap(value)
	if err != nil {
		return place{}, err
	}
	return place{raw: raw, ttl: none}, s.ifSame(ctx, id, p, func() error { return s.write(id, raw) })
}

func (s fileStorage) extend(context.Context, string, place, time.Duration) error { return nil }

func (s fileStorage) removeSame(ctx context.Context, id string, p place) error {
	return s.ifSame(ctx, id, p, func() error { return os.Remove(s.file(id)) })
}

func (s fileStorage) remove(ctx context.Context, id string) error {
	return s.locked(ctx, id, syscall.LOCK_EX, func() error {
		if err := os.Remove(s.file(id)); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}
