package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"reflect"
	"sync"
)

// talksDirectly reports whether statements go to the connections of db's driver
// past most of database/sql, which starts a goroutine for each query to watch
// its context. pgx watches itself, and prepares by itself what is asked again;
// together that is a fifth of what a load costs the application.
func talksDirectly(db *sql.DB, d *dialect) bool {
	if db == nil || d != &postgres {
		return false
	}
	t := reflect.TypeOf(db.Driver())
	return t != nil && t.Kind() == reflect.Pointer && t.Elem().PkgPath() == "github.com/jackc/pgx/v5/stdlib"
}

// direct lends f a connection of the driver's.
func (s *Store) direct(ctx context.Context, f func(conn any) error) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(f)
}

// refusedDirectly reports that a connection was broken or cannot do it: what may be
// done again is for database/sql to do, which finds one that works.
func refusedDirectly(err error) bool {
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, driver.ErrSkip)
}

// namedValues are for arguments on their way to pgx, which copies them, as
// *[]driver.NamedValue.
var namedValues = sync.Pool{New: func() any { return new([]driver.NamedValue) }}

// named calls f with args as drivers have them.
func named(args []any, f func([]driver.NamedValue) error) error {
	room := namedValues.Get().(*[]driver.NamedValue)
	values := (*room)[:0]
	for i, a := range args {
		values = append(values, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	defer func() {
		clear(values)
		*room = values
		namedValues.Put(room)
	}()
	return f(values)
}

// execOnce executes q on one connection. database/sql sends a statement again, on
// another one, when a driver says that a connection was bad, and some of
// PostgreSQL's say so of a statement that has run: pgx does where the server gets
// text only, and lib/pq everywhere. What became of it is for the caller to find
// out.
func (s *Store) execOnce(ctx context.Context, q *query, args []any) (n int64, err error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if s.talksDirectly {
		err := conn.Raw(func(conn any) error {
			c, ok := conn.(driver.ExecerContext)
			if !ok {
				return driver.ErrSkip
			}
			return named(args, func(values []driver.NamedValue) error {
				res, err := c.ExecContext(ctx, q.text, values)
				if err == nil {
					n, err = res.RowsAffected()
				}
				return err
			})
		})
		if !errors.Is(err, driver.ErrSkip) {
			return n, err
		}
	}
	res, err := conn.ExecContext(ctx, q.text, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// directQuery calls f with the only column of each row, which pgx has made for it.
func (s *Store) directQuery(ctx context.Context, q *query, args []any, f func(column []byte) error) error {
	return s.direct(ctx, func(conn any) error {
		c, ok := conn.(driver.QueryerContext)
		if !ok {
			return driver.ErrSkip
		}
		var rows driver.Rows
		err := named(args, func(values []driver.NamedValue) (err error) {
			rows, err = c.QueryContext(ctx, q.text, values)
			return err
		})
		if err != nil {
			return err
		}
		defer rows.Close()
		row := make([]driver.Value, 1)
		for {
			switch err := rows.Next(row); err {
			case nil:
			case io.EOF:
				return rows.Close()
			default:
				return err
			}
			column, _ := row[0].([]byte)
			if err := f(column); err != nil {
				return err
			}
		}
	})
}
