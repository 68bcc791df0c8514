-- Version 1 of a site's store. `SchemaMigration.swift` runs this file on an empty database and sets
-- PRAGMA user_version; later versions add a step there and never edit an old one.
--
-- Identities, keys and texts are BLOBs, compared bytewise. Unsigned 64-bit numbers are stored with
-- their bit pattern. The comment after a column says what it holds.

-- One line of one origin's entries: (origin, incarnation) as a small number.
CREATE TABLE run (
  id INTEGER PRIMARY KEY,
  origin BLOB NOT NULL,
  incarnation BLOB NOT NULL,        -- 16 bytes
  UNIQUE (origin, incarnation)
) STRICT;

-- Every entry that has a row, its body stored once. Read back only under its digest, which proves
-- more than a foreign key; so this table and `log`, written for every row, have none.
CREATE TABLE entry (
  id INTEGER PRIMARY KEY,           -- LSN of its first row
  run INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  kind INTEGER,                     -- RecordKind; NULL in a genesis
  record BLOB,                      -- 16 bytes; NULL in a genesis
  digest BLOB NOT NULL,             -- 32 bytes, over header and SHA-256(body)
  header BLOB NOT NULL,
  body_digest BLOB,                 -- SHA-256(body), once the body has gone
  body BLOB,                        -- NULL in a stub
  CHECK ((body IS NULL) <> (body_digest IS NULL)),
  UNIQUE (run, sequence)
) STRICT;

CREATE INDEX entry_by_record ON entry (kind, record);
-- Half a digest finds it; the row says whether it is the one.
CREATE INDEX entry_by_digest ON entry (substr(digest, 1, 8));

-- This site's log. Narrow, because links scan it for the rows they want.
CREATE TABLE log (
  lsn INTEGER PRIMARY KEY,
  relog_of INTEGER,                 -- id of the entry; NULL in its first row
  author INTEGER NOT NULL,          -- run of the entry, repeated here for the scan
  lane INTEGER NOT NULL,
  via BLOB,                         -- the peer it came from; NULL when authored here
  recipients BLOB NOT NULL,         -- Recipients.encode
  head BLOB NOT NULL                -- 32 bytes
) STRICT;

CREATE INDEX log_by_relogged_entry ON log (relog_of) WHERE relog_of IS NOT NULL;

-- Which incarnation of this site wrote which stretch of its log: from first_row to the next life's.
CREATE TABLE life (
  first_row INTEGER PRIMARY KEY,
  run INTEGER NOT NULL UNIQUE REFERENCES run (id)
) STRICT;

-- RecordSummary.
CREATE TABLE record (
  kind INTEGER NOT NULL,
  id BLOB NOT NULL,                 -- 16 bytes
  owner BLOB,                       -- NULL until a put is here
  lane INTEGER,                     -- NULL until a put is here
  revision INTEGER NOT NULL,        -- the greatest
  held INTEGER NOT NULL,            -- entries of the record that wait
  conflicts BLOB,                   -- OutcomeCodes, one byte each; NULL when there is no conflict
  audience BLOB NOT NULL,           -- Recipients.encode
  PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX record_in_conflict ON record (kind, id) WHERE conflicts IS NOT NULL;

-- Unique keys: who claims one, and which entries refer to one.
CREATE TABLE claim (
  key BLOB NOT NULL,
  kind INTEGER NOT NULL,
  record BLOB NOT NULL,
  PRIMARY KEY (key, kind, record)
) STRICT, WITHOUT ROWID;

CREATE TABLE reference (
  key BLOB NOT NULL,
  run INTEGER NOT NULL REFERENCES run (id),
  sequence INTEGER NOT NULL,
  PRIMARY KEY (key, run, sequence)
) STRICT, WITHOUT ROWID;

-- Signed registries, never dropped.
CREATE TABLE registry (
  number INTEGER NOT NULL,
  digest BLOB NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (number, digest)
) STRICT;

-- Entries without a row: held for their registry revision, or quarantined.
CREATE TABLE waiting (
  arrival INTEGER PRIMARY KEY,      -- ascending; kept when the entry is replaced
  run INTEGER NOT NULL REFERENCES run (id),
  sequence INTEGER NOT NULL,
  kind INTEGER,
  via BLOB,
  state INTEGER NOT NULL,           -- OutcomeState
  code INTEGER NOT NULL,            -- OutcomeCode
  attempts INTEGER NOT NULL,
  registry_number INTEGER NOT NULL, -- the revision it was authored under
  registry_digest BLOB NOT NULL,
  digest BLOB NOT NULL,
  header BLOB NOT NULL,
  body_digest BLOB,
  body BLOB,
  CHECK ((body IS NULL) <> (body_digest IS NULL)),
  UNIQUE (run, sequence)
) STRICT;

CREATE INDEX waiting_by_registry ON waiting (registry_number, registry_digest);

-- Other entries under an identity that is in use: kept in the open, never applied.
CREATE TABLE fork (
  run INTEGER NOT NULL REFERENCES run (id),
  sequence INTEGER NOT NULL,
  via BLOB,
  digest BLOB NOT NULL,
  header BLOB NOT NULL,
  body_digest BLOB,
  body BLOB,
  CHECK ((body IS NULL) <> (body_digest IS NULL)),
  PRIMARY KEY (run, sequence, digest)
) STRICT;

-- PeerState.encode.
CREATE TABLE peer (
  site BLOB NOT NULL PRIMARY KEY,
  state BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- The numbered list of outcomes for each peer.
CREATE TABLE outcome (
  peer BLOB NOT NULL,
  number INTEGER NOT NULL,
  outcome BLOB NOT NULL,            -- Outcome.encode
  PRIMARY KEY (peer, number)
) STRICT, WITHOUT ROWID;

-- The last word of other sites about an entry.
CREATE TABLE remote_outcome (
  run INTEGER NOT NULL REFERENCES run (id),
  sequence INTEGER NOT NULL,
  site BLOB NOT NULL,
  outcome BLOB NOT NULL,
  PRIMARY KEY (run, sequence, site)
) STRICT, WITHOUT ROWID;

-- SiteState, one row; the end of the log is read from the log.
CREATE TABLE site_state (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  store_id BLOB NOT NULL,
  site BLOB NOT NULL,
  last_sequence INTEGER NOT NULL,
  clock_microseconds INTEGER NOT NULL,
  clock_counter INTEGER NOT NULL,
  greatest_depth INTEGER NOT NULL,
  registry_number INTEGER NOT NULL,
  registry_digest BLOB NOT NULL,
  lock_reason INTEGER,              -- LockReason; NULL when the site may write
  unconfirmed BLOB NOT NULL         -- sites, each as length and text
) STRICT;
