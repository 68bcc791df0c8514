-- Version 7: what every commit changes of the key index stands in one row (KeyTail): items that no
-- segment has yet, and the counts by kind. An older program would miss them.
CREATE TABLE key_tail (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  number INTEGER NOT NULL,          -- KeyTail.number; above the ids of all older segments
  segments_number INTEGER NOT NULL, -- KeyTail.segmentsNumber
  counts BLOB NOT NULL,             -- KeyTail.encodedCounts
  items BLOB NOT NULL               -- IndexPage.encoded at KeyTail.place; empty: no items
) STRICT;

INSERT INTO key_tail (only, number, segments_number, counts, items)
  SELECT 1, coalesce(max(id), 0) + 1, 0, x'', x'' FROM segment;
