#include "limits_of_sqlite.h"

#include <sqlite3.h>
#include <time.h>

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static const char *schema =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536;"
    "CREATE TABLE log (lsn INTEGER PRIMARY KEY, key BLOB NOT NULL, body BLOB NOT NULL);"
    "CREATE TABLE record (key BLOB PRIMARY KEY, lsn INTEGER NOT NULL) WITHOUT ROWID;";

// Runs a prepared statement once. Returns SQLITE_OK or what went wrong.
static int run(sqlite3_stmt *statement) {
  int code = sqlite3_step(statement);
  int reset = sqlite3_reset(statement);
  return code == SQLITE_DONE ? SQLITE_OK : reset;
}

static int insert(const dongbo_rows *rows, size_t i, sqlite3_stmt *log, sqlite3_stmt *record) {
  const uint8_t *body = rows->bodies + rows->offsets[i];
  sqlite3_bind_int64(log, 1, (sqlite3_int64)i + 1);
  sqlite3_bind_blob(log, 2, rows->keys + 17 * i, 17, SQLITE_STATIC);
  sqlite3_bind_blob64(log, 3, body, rows->offsets[i + 1] - rows->offsets[i], SQLITE_STATIC);
  int code = run(log);
  if (code != SQLITE_OK || record == NULL) return code;
  sqlite3_bind_blob(record, 1, rows->keys + 17 * i, 17, SQLITE_STATIC);
  sqlite3_bind_int64(record, 2, (sqlite3_int64)i + 1);
  return run(record);
}

static int fill(sqlite3 *database, const dongbo_rows *rows, size_t per_transaction,
                sqlite3_stmt *log, sqlite3_stmt *record) {
  int code = SQLITE_OK;
  for (size_t i = 0; i < rows->count && code == SQLITE_OK; i++) {
    if (i % per_transaction == 0)
      code = sqlite3_exec(database, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (code == SQLITE_OK) code = insert(rows, i, log, record);
    int is_last = i % per_transaction == per_transaction - 1 || i + 1 == rows->count;
    if (code == SQLITE_OK && is_last) code = sqlite3_exec(database, "COMMIT", NULL, NULL, NULL);
  }
  return code;
}

int64_t dongbo_sqlite_limit(const char *path, const dongbo_rows *rows, size_t per_transaction,
                            int indexed) {
  sqlite3 *database = NULL;
  sqlite3_stmt *log = NULL, *record = NULL;
  int64_t elapsed = 0;
  int code = sqlite3_open(path, &database);
  if (code == SQLITE_OK) code = sqlite3_exec(database, schema, NULL, NULL, NULL);
  if (code == SQLITE_OK)
    code = sqlite3_prepare_v2(database, "INSERT INTO log VALUES (?, ?, ?)", -1, &log, NULL);
  if (code == SQLITE_OK && indexed)
    code = sqlite3_prepare_v2(database,
                              "INSERT INTO record VALUES (?, ?)"
                              " ON CONFLICT (key) DO UPDATE SET lsn = excluded.lsn",
                              -1, &record, NULL);
  if (code == SQLITE_OK) {
    int64_t start = now();
    code = fill(database, rows, per_transaction, log, record);
    elapsed = now() - start;
  }
  sqlite3_finalize(log);
  sqlite3_finalize(record);
  sqlite3_close(database);
  return code == SQLITE_OK ? elapsed : -(int64_t)code;
}
