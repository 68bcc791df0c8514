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
