-- Version 7: what every commit changes of the key index stands in one row (KeyTail): items that no
-- segment has yet, and the counts by kind. An older program would miss them. The step fills it
-- (`SchemaMigration+KeyIndex.swift`).
CREATE TABLE key_tail (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  tail BLOB NOT NULL                -- KeyTail.encoded
) STRICT;
