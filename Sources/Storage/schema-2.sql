-- Version 2: what records wait for, and what this site owes.

-- OutcomeCodes a record waits for, one byte each; NULL when it waits for nothing.
ALTER TABLE record ADD COLUMN holds BLOB;

CREATE INDEX record_held ON record (kind, id) WHERE holds IS NOT NULL;

-- Events this site writes by itself once it is unlocked (OwedEvent).
CREATE TABLE owed (
  kind INTEGER NOT NULL,
  record BLOB NOT NULL,
  event BLOB NOT NULL,              -- 16 bytes
  body BLOB NOT NULL,
  PRIMARY KEY (kind, record, event)
) STRICT, WITHOUT ROWID;

-- What this site found about signatures: local, never digested, never sent.
CREATE TABLE verdict (
  run INTEGER NOT NULL REFERENCES run (id),
  sequence INTEGER NOT NULL,
  state INTEGER NOT NULL,           -- SignatureVerdict.State
  reason BLOB NOT NULL,             -- text
  verified_at INTEGER NOT NULL,     -- microseconds UTC
  registry_number INTEGER NOT NULL,
  registry_digest BLOB NOT NULL,
  details BLOB NOT NULL,            -- canonical JSON
  PRIMARY KEY (run, sequence)
) STRICT, WITHOUT ROWID;

-- Readers of this site's own log: how far each has come (LogConsumer).
CREATE TABLE consumer (
  id INTEGER PRIMARY KEY,
  lsn INTEGER NOT NULL
) STRICT;

-- Files that records name, by content. The content itself lies in the directory of files.
CREATE TABLE file (
  digest BLOB PRIMARY KEY,          -- SHA-256 of the content
  size INTEGER NOT NULL,            -- bytes, as the first record says that named it
  state INTEGER NOT NULL            -- FileState
) STRICT, WITHOUT ROWID;

CREATE INDEX file_pending ON file (digest) WHERE state = 1;
