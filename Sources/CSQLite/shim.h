// What Swift cannot call: macros with casts and variadic functions.
#pragma once
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/vfs.h>

/// The bytes outlive the statement's steps: bound without a copy. (A macro with a cast.)
static inline sqlite3_destructor_type dongbo_sqlite_static(void) { return SQLITE_STATIC; }

/// Sets a connection's on/off option, one of `SQLITE_DBCONFIG_*`.
static inline int dongbo_sqlite_set_option(sqlite3 *connection, int option, int is_on) {
  return sqlite3_db_config(connection, option, is_on, (int *)0);
}

/// Lets SQLite not count its memory, for which every allocation in the process takes one lock:
/// nobody asks how much it is. Refused once SQLite is in use.
static inline int dongbo_sqlite_count_no_memory(void) {
  return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/// The kind of file system that an open file is on, one of those of statfs(2); -1: not known.
/// Beside SQLite, and here because Swift's Glibc lacks the header.
static inline long dongbo_file_system(int file) {
  struct statfs known;
  return fstatfs(file, &known) == 0 ? (long)known.f_type : -1;
}

extern int fallocate(int, int, off_t, off_t);

/// Asks for space for a part of an open file, and leaves its size as it is. Here for the same
/// reason. 0, or -1 with errno.
static inline int dongbo_reserve(int file, long start, long count) {
  const int keep_size = 1;
  return fallocate(file, keep_size, start, count);
}
