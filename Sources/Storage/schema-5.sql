-- Version 5: the verifier is told which entries concern signatures, and looks at no others.

-- LSN of the first row of each entry after which its record's signatures are looked at
-- (StoreTransaction.noteSigned). Never taken away: with other anchors all of them are looked at again.
CREATE TABLE signed (
  lsn INTEGER PRIMARY KEY
) STRICT;

-- What was written before. A text that spells such a field costs one look in vain.
INSERT INTO signed
SELECT id FROM entry
WHERE instr(body, CAST('"type":"signature"' AS BLOB))
   OR instr(body, CAST('"type":"timestamp"' AS BLOB));

-- LogConsumer.verifier begins anew: what it has found stays found.
DELETE FROM consumer WHERE id = 1;
