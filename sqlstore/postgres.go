package sqlstore

import (
	"database/sql"
	"errors"
)

// One statement sees what was committed when it began, not what it waited for.
// Logins and revocations of a principal therefore take an advisory lock first,
// and look in the next statement.
var postgres = dialect{
	name:       "PostgreSQL",
	quote:      `"`,
	numbered:   true,
	binaryText: true,
	min:        "LEAST",
	max:        "GREATEST",
	isolation:  sql.LevelReadCommitted,

	// Two CREATE TABLE IF NOT EXISTS at the same time can fail.
	lockSchema: `SELECT pg_advisory_xact_lock(hashtextextended('scarab schema', 0))`,
	lockShared: `SELECT pg_advisory_xact_lock_shared(hashtextextended(encode(?::bytea, 'hex'), 7310579))`,
	lockAlone:  `SELECT pg_advisory_xact_lock(hashtextextended(encode(?::bytea, 'hex'), 7310579))`,

	schema: func(s *Store) []string {
		d := s.dialect
		index := func(name string) string { return d.identifier(unqualified(s.table) + name) }
		create := "CREATE TABLE"
		if s.unlogged {
			create = "CREATE UNLOGGED TABLE"
		}
		return []string{
			d.expand(create+` IF NOT EXISTS {t} (
	handle BYTEA NOT NULL PRIMARY KEY,
	secret BYTEA NOT NULL,
	version BIGINT NOT NULL,
	commit_id BYTEA NOT NULL,
	principal BYTEA NOT NULL,
	label BYTEA NOT NULL,
	created BIGINT NOT NULL,
	auth_time BIGINT NOT NULL,
	renewed BIGINT NOT NULL,
	seen BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	deadline BIGINT NOT NULL,
	idle BIGINT NOT NULL,
	data BYTEA NOT NULL
)`, s.table),
			d.expand("CREATE INDEX IF NOT EXISTS "+index("_principal")+" ON {t} (principal) WHERE principal <> ''::bytea", s.table),
			d.expand("CREATE INDEX IF NOT EXISTS "+index("_expires")+" ON {t} (expires)", s.table),
			d.expand(`CREATE TABLE IF NOT EXISTS {r} (
	principal BYTEA NOT NULL PRIMARY KEY,
	revoked_at BIGINT NOT NULL
)`, s.table),
		}
	},

	create: `INSERT INTO {t} ({columns}) SELECT ?::bytea, ?::bytea, ?::bigint, ?::bytea, ?::bytea, ?::bytea,
		?::bigint, ?::bigint, ?::bigint, ?::bigint, ?::bigint, ?::bigint, ?::bigint, ?::bytea
		WHERE NOT EXISTS (SELECT 1 FROM {r} WHERE principal = ? AND revoked_at >= ?)
		ON CONFLICT DO NOTHING`,
	revoke: `INSERT INTO {r} AS r (principal, revoked_at) VALUES (?, ?)
		ON CONFLICT (principal) DO UPDATE SET revoked_at = GREATEST(r.revoked_at, excluded.revoked_at)`,
	sweep: `DELETE FROM {t} WHERE expires < ? AND handle IN
		(SELECT handle FROM {t} WHERE expires < ? ORDER BY expires LIMIT ? FOR UPDATE SKIP LOCKED)`,
	sweepTwice: true,

	taken: func(error) bool { return false },
	transient: func(err error) bool {
		var coded interface{ SQLState() string }
		if !errors.As(err, &coded) {
			return false
		}
		switch coded.SQLState() {
		case "40001", "40P01", "55P03": // serialization failure, deadlock, lock not available
			return true
		}
		return false
	},
}
