-- Version 3: recalls, updates and replacements of a document stand under a key of their own
-- (UniqueKey.changes), so that the tasks the document gave are not read to find them. Of what refers
-- to a document's id (space 2), only documents (kind 1) change one.
UPDATE reference SET key = CAST(x'09' || key AS BLOB)
WHERE key >= x'02' AND key < x'03' AND EXISTS (
  SELECT 1 FROM entry
  WHERE entry.run = reference.run AND entry.sequence = reference.sequence AND entry.kind = 1
);
