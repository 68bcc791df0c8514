-- Version 4: what is looked up by keys in random order stands in the key index: sorted segments
-- that are merged, instead of b-trees in which every row lands on another page.
-- `SQLiteKeyIndex.swift` says how. The step fills it from the tables of version 3 and takes those
-- away (`SchemaMigration+KeyIndex.swift`).

-- The secret under which names are hashed; made here, never changed, never leaves the store.
CREATE TABLE key_secret (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  secret BLOB NOT NULL              -- 16 bytes
) STRICT;

INSERT INTO key_secret (only, secret) VALUES (1, randomblob(16));

-- The segments (Segment). A reader looks into those that are whole in its snapshot.
CREATE TABLE segment (
  id INTEGER PRIMARY KEY,           -- ascending: the greatest is never taken away
  level INTEGER NOT NULL,
  state INTEGER NOT NULL,           -- Segment.State
  page_count INTEGER NOT NULL,
  target INTEGER                    -- the segment it is being merged into; NULL: into none
) STRICT;

CREATE TABLE segment_page (
  id INTEGER PRIMARY KEY,           -- Segment.place
  items BLOB NOT NULL               -- IndexPage.encoded
) STRICT;

CREATE TABLE segment_guide (
  id INTEGER PRIMARY KEY,           -- Segment.place of a block
  guide BLOB NOT NULL               -- IndexGuide.encoded
) STRICT;

-- Of which kinds of name there is any: most that are looked for are of none.
CREATE TABLE key_kind (
  id INTEGER PRIMARY KEY            -- KeyKinds.number
) STRICT;

-- RecordSummary.encode, each once; which record has which stands in the key index.
CREATE TABLE summary (
  id INTEGER PRIMARY KEY,
  summary BLOB NOT NULL UNIQUE
) STRICT;

-- Records that wait for something or are in conflict: what pages and counts ask of their summaries.
CREATE TABLE open_record (
  kind INTEGER NOT NULL,
  id BLOB NOT NULL,                 -- 16 bytes
  in_conflict INTEGER NOT NULL,     -- 1: it has conflicts
  waits INTEGER NOT NULL,           -- 1: it has holds
  ownerless INTEGER NOT NULL,       -- 1: no put of it is here
  held INTEGER NOT NULL,            -- entries of it that wait
  PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX open_in_conflict ON open_record (kind, id) WHERE in_conflict = 1;
CREATE INDEX open_waiting ON open_record (kind, id) WHERE waits = 1;
CREATE INDEX open_ownerless ON open_record (kind, id) WHERE ownerless = 1;

-- So that nobody counts them: by kind, entries with a row, and records of which a put is here.
CREATE TABLE kind_count (
  kind INTEGER PRIMARY KEY,
  entries INTEGER NOT NULL,
  records INTEGER NOT NULL
) STRICT;
