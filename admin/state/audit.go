package state

import (
	"context"
	"encoding/json"
	"time"
)

// An Entry of the audit log says who did what to which row.
type Entry struct {
	ID        int64
	At        time.Time
	Principal string
	Handle    string // of the session
	Action    string // such as "insert", "update", "delete"
	Target    string // the table, or an area
	Row       string // its key as in addresses; empty: none or several
	Details   map[string]Change
}

// A Change is what became of a value. Long ones are cut.
type Change struct {
	From *string `json:"from"` // nil: NULL, or a row that was not there
	To   *string `json:"to"`
}

// Record adds entries, all or none; ID and At are set by it.
func (d *DB) Record(ctx context.Context, entries ...Entry) error {
	tx, err := d.sql.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, e := range entries {
		details, err := json.Marshal(e.Details)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO scarab_audit (at, principal, handle, action, target, row, details) VALUES (?, ?, ?, ?, ?, ?, ?)",
			d.now().UnixMicro(), e.Principal, e.Handle, e.Action, e.Target, e.Row, string(details))
		if err != nil {
			return err
		}
	}
	return tx.Commit()
}

// Entries returns up to limit entries that are older than the one with the id
// before (0: the newest), the newest first; of one target if it is not empty.
func (d *DB) Entries(ctx context.Context, target string, before int64, limit int) ([]Entry, error) {
	if before == 0 {
		before = 1<<63 - 1
	}
	query, args := "SELECT id, at, principal, handle, action, target, row, details FROM scarab_audit WHERE id < ?", []any{before}
	if target != "" {
		query += " AND target = ?"
		args = append(args, target)
	}
	r, err := d.sql.QueryContext(ctx, query+" ORDER BY id DESC LIMIT ?", append(args, limit)...)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var entries []Entry
	for r.Next() {
		var e Entry
		var at int64
		var details string
		if err := r.Scan(&e.ID, &at, &e.Principal, &e.Handle, &e.Action, &e.Target, &e.Row, &details); err != nil {
			return nil, err
		}
		e.At = time.UnixMicro(at).UTC()
		if err := json.Unmarshal([]byte(details), &e.Details); err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, r.Err()
}
