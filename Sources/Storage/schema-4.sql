-- Version 4: what is looked up by keys in random order stands in the key index: sorted segments that
-- are merged, instead of b-trees in which every row lands on another page. `SQLiteKeyIndex.swift`
-- says how. The step fills it from the tables of version 3 and takes those away.

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

-- Entries with a row, by kind of record, so that nobody counts them.
CREATE TABLE entry_count (
  kind INTEGER PRIMARY KEY,
  count INTEGER NOT NULL
) STRICT;

INSERT INTO entry_count (kind, count)
SELECT kind, count(*) FROM entry WHERE kind IS NOT NULL GROUP BY kind;

DROP INDEX entry_by_record;
DROP INDEX entry_by_digest;
