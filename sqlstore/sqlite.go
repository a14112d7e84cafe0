package sqlstore

import (
	"errors"
	"strings"
)

// The tables have no rowid: the handle is the only key, and a row is found in
// one search instead of two. An index is written whenever a statement sets its
// column, be it to what it was: save therefore sets none.
var sqlite = dialect{
	name:      "SQLite",
	quote:     `"`,
	oneWriter: true,
	rewrites:  true,
	min:       "MIN",
	max:       "MAX",
	div:       "/",
	is:        "=",

	schema: func(s *Store) []string {
		d := s.dialect
		// The index is created in the schema of the table, where it is looked for.
		index := func(name string) string { return d.identifier(s.table + name) }
		on := d.identifier(unqualified(s.table))
		return []string{
			d.expand(`CREATE TABLE IF NOT EXISTS {t} (
	handle BLOB NOT NULL PRIMARY KEY CHECK (length(handle) = 16),
	secret BLOB NOT NULL CHECK (length(secret) = 32),
	version INTEGER NOT NULL,
	commit_id BLOB NOT NULL CHECK (length(commit_id) = 16),
	principal TEXT NOT NULL,
	label TEXT NOT NULL,
	created INTEGER NOT NULL,
	auth_time INTEGER NOT NULL,
	renewed INTEGER NOT NULL,
	seen INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	expires_hour INTEGER NOT NULL,
	deadline INTEGER NOT NULL,
	idle INTEGER NOT NULL,
	data BLOB NOT NULL
) WITHOUT ROWID`, s.table),
			"CREATE INDEX IF NOT EXISTS " + index("_principal") + " ON " + on + " (principal)",
			"CREATE INDEX IF NOT EXISTS " + index("_expires") + " ON " + on + " (expires_hour)",
			d.expand(`CREATE TABLE IF NOT EXISTS {r} (
	principal TEXT NOT NULL PRIMARY KEY,
	revoked_at INTEGER NOT NULL
) WITHOUT ROWID`, s.table),
		}
	},

	selected: selected + "{data}",
	scan:     scanRow,

	create: `INSERT INTO {t} ({columns}) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
		WHERE NOT EXISTS (SELECT 1 FROM {r} WHERE principal = ? AND revoked_at >= ?)
		ON CONFLICT DO NOTHING`,
	revoke: `INSERT INTO {r} (principal, revoked_at) VALUES (?, ?)
		ON CONFLICT (principal) DO UPDATE SET revoked_at = MAX(revoked_at, excluded.revoked_at)`,
	sweep: `DELETE FROM {t} WHERE handle IN (SELECT handle FROM {t} WHERE expires_hour <= ? / 3600000000 AND expires < ? ORDER BY expires_hour LIMIT ?)`,

	taken:     func(error) bool { return false },
	transient: sqliteBusy,
}

// sqliteBusy reports SQLITE_BUSY and SQLITE_LOCKED, of which drivers have error
// types of their own.
func sqliteBusy(err error) bool {
	var coded interface{ Code() int }
	if errors.As(err, &coded) {
		code := coded.Code() & 0xff
		return code == 5 || code == 6
	}
	text := err.Error()
	return strings.Contains(text, "database is locked") || strings.Contains(text, "database table is locked")
}
