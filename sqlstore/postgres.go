package sqlstore

import (
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/scarab-go/scarab"
)

// The index for sweeps has the hour: an update that changes no indexed column
// leaves all indexes as they are (a "heap-only tuple"), if the page has room.
//
// PostgreSQL reads a CHECK, a generated column and the condition of an index
// anew for every statement: together they are a third of an update's work, so
// there are none.
//
// A subquery sees what was committed when its statement began, and not what the
// statement has waited for. INSERT ... ON CONFLICT DO UPDATE has the row as it is
// by then, or fails and is tried again, by the isolation. A login therefore leaves
// a row of its principal that revokes nothing, or leaves the one there as it is:
// it sees the revocation that it waited for, and a revocation waits for it, and
// deletes in its next statement.
//
// A planner without statistics takes the index of principals for as good as the
// primary key. Compared by "=", which an index can serve, the principal would have
// a save of a session that nobody logged in to read all of those.
var postgres = dialect{
	name:       "PostgreSQL",
	quote:      `"`,
	numbered:   true,
	binaryText: true,
	resent:     true,
	min:        "LEAST",
	max:        "GREATEST",
	div:        "/",
	is:         "IS NOT DISTINCT FROM",

	// Two CREATE TABLE IF NOT EXISTS at the same time can fail.
	lockSchema: `SELECT pg_advisory_xact_lock(hashtextextended('scarab schema', 0))`,

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
	expires_hour BIGINT NOT NULL,
	deadline BIGINT NOT NULL,
	idle BIGINT NOT NULL,
	data BYTEA NOT NULL
) WITH (fillfactor = 70)`, s.table),
			d.expand("CREATE INDEX IF NOT EXISTS "+index("_principal")+" ON {t} (principal)", s.table),
			d.expand("CREATE INDEX IF NOT EXISTS "+index("_expires")+" ON {t} (expires_hour)", s.table),
			d.expand(`CREATE TABLE IF NOT EXISTS {r} (
	principal BYTEA NOT NULL PRIMARY KEY,
	revoked_at BIGINT NOT NULL
)`, s.table),
		}
	},

	selected: packed,
	scan:     scanPacked,

	create: postgresCreate + ` WHERE NOT EXISTS (SELECT 1 FROM {r} WHERE principal = ? AND revoked_at >= ?) ON CONFLICT DO NOTHING`,
	enter:  entering("$16") + postgresCreate + ` FROM entering WHERE revoked_at < $17 ON CONFLICT DO NOTHING`,
	login:  entering("$18") + `{update} FROM entering WHERE handle = ? AND version = ? AND (principal = ? OR revoked_at < $19)`,
	revoke: `INSERT INTO {r} AS r (principal, revoked_at) VALUES (?, ?)
		ON CONFLICT (principal) DO UPDATE SET revoked_at = GREATEST(r.revoked_at, excluded.revoked_at)`,
	sweep: `DELETE FROM {t} WHERE handle IN (SELECT handle FROM {t}
		WHERE expires_hour <= ? / 3600000000 AND expires < ? ORDER BY expires_hour LIMIT ? FOR UPDATE SKIP LOCKED)`,

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

const postgresCreate = `INSERT INTO {t} ({columns}) SELECT ?::bytea, ?::bytea, ?::bigint, ?::bytea, ?::bytea, ?::bytea,
		?::bigint, ?::bigint, ?::bigint, ?::bigint, ?::bigint, ?::bigint, ?::bigint, ?::bytea, ?::bigint`

// entering begins a statement that logs a principal in: it finds out when that
// was revoked last. A row that it leaves revokes nothing, and is forgotten by the
// next sweep.
func entering(principal string) string {
	return `WITH entering AS (INSERT INTO {r} AS r (principal, revoked_at) VALUES (` + principal + `, -9223372036854775807)
		ON CONFLICT (principal) DO UPDATE SET revoked_at = r.revoked_at RETURNING revoked_at) `
}

// packed is a session as one column. What a driver spends on a column it spends
// fourteen times otherwise, and that is half of a load.
const packed = `secret || commit_id || handle || int8send(version) || int8send(created) || int8send(auth_time) ||
	int8send(renewed) || int8send(seen) || int8send(expires) || int8send(deadline) || int8send(idle) ||
	int4send(octet_length(principal)) || int4send(octet_length(label)) || principal || label || {data}`

// packedTexts is where the principal begins.
const packedTexts = 32 + 16 + 16 + 8*8 + 2*4

func scanPacked(rows *sql.Rows) (scarab.Record, error) {
	var b []byte
	if err := rows.Scan(&b); err != nil {
		return scarab.Record{}, err
	}
	return decodePacked(b)
}

// decodePacked takes a record out of b, whose end becomes its data.
func decodePacked(b []byte) (scarab.Record, error) {
	if len(b) < packedTexts {
		return scarab.Record{}, fmt.Errorf("%w: %d bytes, less than %d", errUndecodable, len(b), packedTexts)
	}
	number := func(i int) int64 { return int64(binary.BigEndian.Uint64(b[64+8*i:])) }
	principal := uint64(binary.BigEndian.Uint32(b[packedTexts-8:]))
	label := uint64(binary.BigEndian.Uint32(b[packedTexts-4:]))
	texts := b[packedTexts:]
	if uint64(len(texts)) < principal+label {
		return scarab.Record{}, fmt.Errorf("%w: texts of %d bytes in %d", errUndecodable, principal+label, len(texts))
	}
	return scarab.Record{
		Secret:    [32]byte(b),
		Commit:    [16]byte(b[32:]),
		Handle:    scarab.Handle(b[48:64]),
		Version:   uint64(number(0)),
		Created:   instant(number(1)),
		AuthTime:  instant(number(2)),
		Renewed:   instant(number(3)),
		Seen:      instant(number(4)),
		Expires:   limitInstant(number(5)),
		Deadline:  limitInstant(number(6)),
		Idle:      idleDuration(number(7)),
		Principal: string(texts[:principal]),
		Label:     string(texts[principal : principal+label]),
		Data:      texts[principal+label : len(texts) : len(texts)],
	}, nil
}
