package sqlstore

import (
	"context"
	"database/sql"
	"strings"
	"sync/atomic"
)

// A query is a statement that is prepared when it is first used.
type query struct {
	text     string
	once     bool // not worth preparing
	again    bool // it may be carried out twice
	prepared atomic.Pointer[sql.Stmt]
}

type queries struct {
	load, current, create, enter, save, move, login, touch, touchDue, delete *query

	principal, revoke, revoked, lockShared, lockAlone *query

	sweep, forget, scan *query
}

func (q *queries) all() []*query {
	return []*query{
		q.load, q.current, q.create, q.enter, q.save, q.move, q.login, q.touch, q.touchDue, q.delete,
		q.principal, q.revoke, q.revoked, q.lockShared, q.lockAlone,
		q.sweep, q.forget, q.scan,
	}
}

func (d *dialect) queries(table string) queries {
	q := func(text string) *query { return &query{text: d.expand(text, table)} }
	again := func(text string) *query {
		q := q(text)
		q.again = true
		return q
	}

	const (
		update = `UPDATE {t} SET secret = ?, version = ?, commit_id = ?, label = ?,
			created = ?, auth_time = ?, renewed = ?, seen = ?, expires = ?, deadline = ?, idle = ?, data = ?`
		theVersion = `handle = ? AND version = ?`
		move       = update + `, expires_hour = ? WHERE ` + theVersion + ` AND principal {is} ?`
		longer     = `{max}(expires, CASE WHEN idle = 9223372036854775807 THEN deadline ELSE {min}(deadline, ? + idle) END)`
		touch      = `UPDATE {t} SET seen = {max}(seen, ?), expires = ` + longer + `, expires_hour = ` + longer + ` {div} 3600000000
			WHERE handle = ? AND expires > ?`
	)
	save := move
	if d.rewrites {
		save = update + ` WHERE expires_hour = ? AND ` + theVersion + ` AND principal {is} ?`
	}
	create, login := q(d.create), `{update} WHERE `+theVersion+` AND (principal = ? OR NOT EXISTS (SELECT 1 FROM {r} WHERE principal = ? AND revoked_at >= ?))`
	enter := create
	if d.enter != "" {
		enter, login = q(d.enter), d.login
	}
	found := "SELECT " + strings.ReplaceAll(d.selected, "{data}", "data") + " FROM {t} WHERE "
	listed := "SELECT " + strings.ReplaceAll(d.selected, "{data}", "''") + " FROM {t} WHERE "
	return queries{
		load:     q(found + `handle = ? AND expires > ?`),
		current:  q(found + `handle = ?`),
		create:   create,
		enter:    enter,
		save:     q(save),
		move:     q(move),
		login:    q(strings.ReplaceAll(login, "{update}", update+`, expires_hour = ?, principal = ?`)),
		touch:    again(touch),
		touchDue: again(touch + ` AND secret = ? AND seen < ?`),
		delete:   again(`DELETE FROM {t} WHERE handle = ?`),

		// The data of a session is nobody's business who only lists it.
		principal:  q(listed + `principal = ?`),
		revoke:     again(d.revoke),
		revoked:    q(`SELECT revoked_at FROM {r} WHERE principal = ?`),
		lockShared: q(d.lockShared),
		lockAlone:  q(d.lockAlone),

		sweep:  again(d.sweep),
		forget: again(`DELETE FROM {r} WHERE revoked_at < ?`),
		scan:   q(found + `handle > ? ORDER BY handle LIMIT ?`),
	}
}

// prepare returns the prepared statement of q. Whoever comes first prepares it,
// and those who come at the same time do too: waiting for one another, they
// could not keep their own deadlines.
func (s *Store) prepare(ctx context.Context, q *query) (*sql.Stmt, error) {
	if p := q.prepared.Load(); p != nil {
		return p, nil
	}
	p, err := s.db.PrepareContext(ctx, q.text)
	if err != nil {
		return nil, err
	}
	if !q.prepared.CompareAndSwap(nil, p) {
		p.Close()
		return s.prepare(ctx, q)
	}
	return p, nil
}

// exec executes q, in tx if there is one, and returns how many rows it changed.
func (s *Store) exec(ctx context.Context, tx *sql.Tx, q *query, args ...any) (int64, error) {
	if tx == nil && (s.talksDirectly || s.dialect.resent && !q.again) {
		if n, err := s.execOnce(ctx, q, args); !q.again || !refusedDirectly(err) {
			return n, err
		}
	}
	var res sql.Result
	var err error
	switch {
	case (s.unprepared || q.once) && tx != nil:
		res, err = tx.ExecContext(ctx, q.text, args...)
	case s.unprepared || q.once:
		res, err = s.db.ExecContext(ctx, q.text, args...)
	default:
		p, perr := s.prepare(ctx, q)
		if perr != nil {
			return 0, perr
		}
		if tx != nil {
			p = tx.StmtContext(ctx, p)
		}
		res, err = p.ExecContext(ctx, args...)
	}
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// query executes q, in tx if there is one, and returns the rows it finds.
func (s *Store) query(ctx context.Context, tx *sql.Tx, q *query, args ...any) (*sql.Rows, error) {
	switch {
	case s.unprepared && tx != nil:
		return tx.QueryContext(ctx, q.text, args...)
	case s.unprepared:
		return s.db.QueryContext(ctx, q.text, args...)
	}
	p, err := s.prepare(ctx, q)
	if err != nil {
		return nil, err
	}
	if tx != nil {
		p = tx.StmtContext(ctx, p)
	}
	return p.QueryContext(ctx, args...)
}
