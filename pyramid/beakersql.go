package pyramid

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/scarab-go/scarab"
)

// A BeakerTable says where type=ext:database and type=ext:sqla keep sessions.
type BeakerTable struct {
	Name string // table_name; "" is beaker_cache, Beaker's default

	// Dollar is for drivers whose parameters are $1, $2, as those of PostgreSQL
	// are. Others have a question mark.
	Dollar bool
}

// BeakerSQL is type=ext:database and type=ext:sqla: a row for each session. The
// table is Beaker's; this does not make it, nor sweep it: neither does Beaker.
// The driver is up to the application.
func BeakerSQL(db *sql.DB, t BeakerTable) BeakerStorage {
	return BeakerStorage{
		key: func(id string) string { return id },
		open: func() (storage, error) {
			if db == nil {
				return nil, errors.New("pyramid: the database is nil")
			}
			if t.Name == "" {
				t.Name = "beaker_cache"
			}
			if strings.ContainsFunc(t.Name, func(r rune) bool {
				return !(r == '_' || r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z')
			}) {
				return nil, fmt.Errorf("pyramid: the name of the table, %q, has more in it than letters, digits, underscores and dots", t.Name)
			}
			return sqlStorage{db, t}, nil
		},
	}
}

type sqlStorage struct {
	db *sql.DB
	t  BeakerTable
}

// statement puts the table's name and the driver's kind of parameters into text.
func (s sqlStorage) statement(text string) string {
	var b strings.Builder
	n := 0
	for _, r := range text {
		switch {
		case r == '@':
			b.WriteString(s.t.Name)
		case r == '?' && s.t.Dollar:
			n++
			b.WriteString("$" + strconv.Itoa(n))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// sessionKey is where the row's and the file's dict has the session.
const sessionKey = "session"

func (s sqlStorage) load(ctx context.Context, key string) (any, place, error) {
	var raw []byte
	err := s.db.QueryRowContext(ctx, s.statement("SELECT data FROM @ WHERE namespace = ?"), key).Scan(&raw)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, place{}, scarab.ErrNoSession
	}
	if err != nil {
		return nil, place{}, err
	}
	value, err := unwrap(raw)
	return value, place{raw: raw, ttl: none}, err
}

// unwrap takes the session out of a pickled {'session': …}.
func unwrap(raw []byte) (any, error) {
	v, err := unpickle(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUndecodable, err)
	}
	dict, ok := v.(*pyDict)
	if !ok {
		return nil, errUndecodable
	}
	value, ok := dict.lookup(sessionKey)
	if !ok {
		return nil, scarab.ErrNoSession
	}
	return value, nil
}

func wrap(value any) ([]byte, error) { return pickle(new(pyDict).put(sessionKey, value)) }

// timestamp is how SQLAlchemy writes a naive, local time where the database has
// no type for it; where it has one, it reads this.
func timestamp() string { return time.Now().Format("2006-01-02 15:04:05.000000") }

func (s sqlStorage) create(ctx context.Context, key string, value any, _ time.Duration) (place, error) {
	raw, err := wrap(value)
	if err != nil {
		return place{}, err
	}
	now := timestamp()
	_, err = s.db.ExecContext(ctx, s.statement("INSERT INTO @ (namespace, accessed, created, data) VALUES (?, ?, ?, ?)"), key, now, now, raw)
	if err != nil {
		// The error of a unique column is different in each driver.
		if _, _, loadErr := s.load(ctx, key); loadErr == nil {
			err = scarab.ErrExists
		}
		return place{}, err
	}
	return place{raw: raw, ttl: none}, nil
}

func (s sqlStorage) replace(ctx context.Context, key string, p place, value any, _ time.Duration) (place, error) {
	raw, err := wrap(value)
	if err != nil {
		return place{}, err
	}
	next := place{raw: raw, ttl: none}
	return next, s.changed(ctx, key, p, raw, "UPDATE @ SET data = ?, accessed = ? WHERE namespace = ? AND data = ?", raw, timestamp(), key, p.raw)
}

func (s sqlStorage) extend(context.Context, string, place, time.Duration) error { return nil }

func (s sqlStorage) removeSame(ctx context.Context, key string, p place) error {
	return s.changed(ctx, key, p, nil, "DELETE FROM @ WHERE namespace = ? AND data = ?", key, p.raw)
}

// changed runs a statement that replaces old by next, and finds out why if it
// changed nothing.
func (s sqlStorage) changed(ctx context.Context, key string, old place, next []byte, text string, args ...any) error {
	result, err := s.db.ExecContext(ctx, s.statement(text), args...)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err != nil || n > 0 {
		return err
	}
	_, p, err := s.load(ctx, key)
	switch {
	case err != nil && !errors.Is(err, errUndecodable):
		return err
	case bytes.Equal(p.raw, old.raw) && bytes.Equal(next, old.raw):
		return nil // MySQL does not count rows that are written as they were
	}
	return errChanged
}

func (s sqlStorage) remove(ctx context.Context, key string) error {
	_, err := s.db.ExecContext(ctx, s.statement("DELETE FROM @ WHERE namespace = ?"), key)
	return err
}
