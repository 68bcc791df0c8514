-- Version 8: guides of the key index are of 19 pages instead of 28, and the bits of a key stand in
-- one line of their filter (IndexGuide, KeyProbe). An older program would not find what it looks
-- for. The step writes them anew (`SchemaMigration+KeyIndex.swift`).
DELETE FROM segment_guide;
