// What SQLite alone makes of the same rows, from C: the limit that `dongbo-bench limits` prints.
#pragma once
#include <stddef.h>
#include <stdint.h>

// One row a change: 17 bytes of key (kind, id) at keys[17 * i], the body from offsets[i] to
// offsets[i + 1].
typedef struct {
  const uint8_t *keys;
  const uint8_t *bodies;
  const size_t *offsets;
  size_t count;
} dongbo_rows;

// Inserts the rows into a new database at `path`: WAL, synchronous=FULL, 64 MiB of page cache,
// `per_transaction` rows a transaction. The body stands once, in a log; when `indexed`, a table of
// records points to the newest row of each.
// Returns nanoseconds of wall time from the first row to the last commit, or minus SQLite's code.
int64_t dongbo_sqlite_limit(const char *path, const dongbo_rows *rows, size_t per_transaction,
                            int indexed);
