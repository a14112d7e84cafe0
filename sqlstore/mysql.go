package sqlstore

import (
	"database/sql"
	"fmt"
	"strings"
)

// The index for sweeps has the hour: it changes less often than the time of
// expiry, which every request moves.
//
// Everything that is compared is binary: the collations of text fold case, and
// ignore spaces at the end.
var mysql = dialect{
	name:      "MySQL",
	quote:     "`",
	min:       "LEAST",
	max:       "GREATEST",
	div:       "DIV",
	is:        "=",
	isolation: sql.LevelRepeatableRead, // a lock on a row that is not there holds from here on

	lockShared: `SELECT revoked_at FROM {r} WHERE principal = ? LOCK IN SHARE MODE`,
	lockAlone:  `SELECT revoked_at FROM {r} WHERE principal = ? FOR UPDATE`,

	schema: func(s *Store) []string {
		d := s.dialect
		index := func(name string) string { return d.identifier(unqualified(s.table) + name) }
		return []string{
			d.expand(`CREATE TABLE IF NOT EXISTS {t} (
	handle BINARY(16) NOT NULL PRIMARY KEY,
	secret BINARY(32) NOT NULL,
	version BIGINT NOT NULL,
	commit_id BINARY(16) NOT NULL,
	principal VARBINARY(1024) NOT NULL,
	label VARBINARY(1024) NOT NULL,
	created BIGINT NOT NULL,
	auth_time BIGINT NOT NULL,
	renewed BIGINT NOT NULL,
	seen BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	expires_hour BIGINT NOT NULL,
	deadline BIGINT NOT NULL,
	idle BIGINT NOT NULL,
	data LONGBLOB NOT NULL,
	INDEX `+index("_principal")+` (principal),
	INDEX `+index("_expires")+` (expires_hour)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`, s.table),
			d.expand(`CREATE TABLE IF NOT EXISTS {r} (
	principal VARBINARY(1024) NOT NULL PRIMARY KEY,
	revoked_at BIGINT NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`, s.table),
		}
	},

	selected: selected + "{data}",
	scan:     scanRow,

	// ON DUPLICATE KEY UPDATE could do without the error, but with some
	// settings of the driver it counts a row as changed that was there.
	create: `INSERT INTO {t} ({columns}) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM DUAL
		WHERE NOT EXISTS (SELECT 1 FROM {r} WHERE principal = ? AND revoked_at >= ?)`,
	revoke: `INSERT INTO {r} (principal, revoked_at) VALUES (?, ?)
		ON DUPLICATE KEY UPDATE revoked_at = GREATEST(revoked_at, VALUES(revoked_at))`,
	sweep: `DELETE FROM {t} WHERE expires_hour <= ? DIV 3600000000 AND expires < ? ORDER BY expires_hour LIMIT ?`,

	taken: func(err error) bool { return mysqlNumber(err) == 1062 },
	transient: func(err error) bool {
		switch mysqlNumber(err) {
		case 1213, 1205, 1020: // deadlock, lock wait timeout, record changed since last read
			return true
		}
		return false
	},
}

// mysqlNumber finds the number of a server's error in its text, "Error 1213
// (40001): Deadlock found …": the type is the driver's.
func mysqlNumber(err error) (number int) {
	text := err.Error()
	if i := strings.Index(strings.ToLower(text), "error "); i >= 0 {
		fmt.Sscanf(text[i+len("error "):], "%d", &number)
	}
	return number
}
