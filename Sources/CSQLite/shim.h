// What Swift cannot call: macros with casts.
#pragma once
#include <sqlite3.h>

/// SQLITE_TRANSIENT is a cast of -1 to a function pointer, which Swift does not import.
static inline sqlite3_destructor_type dongbo_sqlite_transient(void) { return SQLITE_TRANSIENT; }
/// The bytes outlive the statement's step: bound without a copy.
static inline sqlite3_destructor_type dongbo_sqlite_static(void) { return SQLITE_STATIC; }
