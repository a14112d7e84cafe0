CREATE TABLE IF NOT EXISTS scarab_users (
  name     TEXT NOT NULL PRIMARY KEY COLLATE NOCASE,
  password TEXT NOT NULL,
  admin    INTEGER NOT NULL DEFAULT 0,
  created  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS scarab_grants (
  name       TEXT NOT NULL COLLATE NOCASE REFERENCES scarab_users (name) ON DELETE CASCADE,
  target     TEXT NOT NULL,
  permission INTEGER NOT NULL,
  PRIMARY KEY (name, target)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS scarab_audit (
  id        INTEGER PRIMARY KEY,
  at        INTEGER NOT NULL,
  principal TEXT NOT NULL,
  handle    TEXT NOT NULL,
  action    TEXT NOT NULL,
  target    TEXT NOT NULL,
  row       TEXT NOT NULL,
  details   TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS scarab_audit_target ON scarab_audit (target, row, id);
