package limit

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Postgres keeps sessions in PostgreSQL, with pgx and nothing between.
type Postgres struct{ pool *pgxpool.Pool }

// NewPostgres makes the table. The pool stays the caller's.
func NewPostgres(ctx context.Context, pool *pgxpool.Pool) (*Postgres, error) {
	_, err := pool.Exec(ctx, `CREATE TABLE IF NOT EXISTS limit_sessions (
	handle bytea PRIMARY KEY, secret bytea NOT NULL, version bigint NOT NULL, expires bigint NOT NULL, data bytea NOT NULL)`)
	return &Postgres{pool}, err
}

const (
	insertRow = "INSERT INTO limit_sessions (handle, secret, version, expires, data) VALUES ($1, $2, 1, $3, $4)"
	selectRow = "SELECT secret, version, data FROM limit_sessions WHERE handle = $1 AND expires > $2"
	updateRow = "UPDATE limit_sessions SET version = version + 1, expires = $1, data = $2 WHERE handle = $3 AND version = $4"
)

func deadline() int64 { return time.Now().Add(lifetime).UnixMicro() }

// Create implements Backend.
func (p *Postgres) Create(data Data) (string, error) {
	t := newToken()
	hash := t.hash()
	_, err := p.pool.Exec(context.Background(), insertRow, t[:handleSize], hash[:], deadline(), []byte(data))
	return t.String(), err
}

// Load implements Backend.
func (p *Postgres) Load(cookie string) (Loaded, error) {
	t, ok := parseToken(cookie)
	if !ok {
		return Loaded{}, nil
	}
	var secret, data []byte
	l := Loaded{cookie: cookie}
	err := p.pool.QueryRow(context.Background(), selectRow, t[:handleSize], time.Now().UnixMicro()).Scan(&secret, &l.version, &data)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !t.opens(secret) {
		return Loaded{}, nil
	}
	l.Data = data
	return l, err
}

// Save implements Backend.
func (p *Postgres) Save(from Loaded, data Data) (string, error) {
	t, _ := parseToken(from.cookie)
	done, err := p.pool.Exec(context.Background(), updateRow, deadline(), []byte(data), t[:handleSize], from.version)
	if err == nil && done.RowsAffected() == 0 {
		err = ErrConflict
	}
	return from.cookie, err
}

// SQLite keeps sessions in SQLite, with prepared statements.
type SQLite struct{ insert, query, update *sql.Stmt }

// NewSQLite makes the table. The database stays the caller's.
func NewSQLite(db *sql.DB) (*SQLite, error) {
	if _, err := db.Exec(`CREATE TABLE IF NOT EXISTS limit_sessions (
	handle BLOB PRIMARY KEY, secret BLOB NOT NULL, version INTEGER NOT NULL, expires INTEGER NOT NULL, data BLOB NOT NULL) WITHOUT ROWID`); err != nil {
		return nil, err
	}
	s := new(SQLite)
	var errs [3]error
	s.insert, errs[0] = db.Prepare(insertRow)
	s.query, errs[1] = db.Prepare(selectRow)
	s.update, errs[2] = db.Prepare(updateRow)
	return s, errors.Join(errs[:]...)
}

// Create implements Backend.
func (s *SQLite) Create(data Data) (string, error) {
	t := newToken()
	hash := t.hash()
	_, err := s.insert.Exec(t[:handleSize], hash[:], deadline(), []byte(data))
	return t.String(), err
}

// Load implements Backend.
func (s *SQLite) Load(cookie string) (Loaded, error) {
	t, ok := parseToken(cookie)
	if !ok {
		return Loaded{}, nil
	}
	var secret, data []byte
	l := Loaded{cookie: cookie}
	err := s.query.QueryRow(t[:handleSize], time.Now().UnixMicro()).Scan(&secret, &l.version, &data)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !t.opens(secret) {
		return Loaded{}, nil
	}
	l.Data = data
	return l, err
}

// Save implements Backend.
func (s *SQLite) Save(from Loaded, data Data) (string, error) {
	t, _ := parseToken(from.cookie)
	done, err := s.update.Exec(deadline(), []byte(data), t[:handleSize], int64(from.version))
	if err != nil {
		return "", err
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return "", errors.Join(err, ErrConflict)
	}
	return from.cookie, nil
}

// NewUpsert returns a function that writes one row of SQLite, whatever was
// there: the least that a commit can be.
func NewUpsert(db *sql.DB) (func(Data) error, error) {
	if _, err := db.Exec("CREATE TABLE IF NOT EXISTS limit_upsert (token BLOB PRIMARY KEY, expires INTEGER NOT NULL, data BLOB NOT NULL) WITHOUT ROWID"); err != nil {
		return nil, err
	}
	upsert, err := db.Prepare(`INSERT INTO limit_upsert VALUES ($1, $2, $3)
		ON CONFLICT (token) DO UPDATE SET expires = excluded.expires, data = excluded.data`)
	if err != nil {
		return nil, err
	}
	t := newToken()
	return func(data Data) error {
		_, err := upsert.Exec(t[:], deadline(), []byte(data))
		return err
	}, nil
}
