// A disk in memory that SQLite writes to through a file layer (VFS) of its own, and that fails as
// disks do. For tests and the simulation only.
//
// What it keeps over a power loss, file by file: what was synced, and any seeded subset of the
// writes since, sector by sector, the last of them torn or garbage. The name of a file that was
// made or deleted is lost with the power, or not, until the directory is synced, which SQLite's own
// file layer on Unix does in the first sync of a journal or WAL that it has made, and after a
// deletion that asks for it; so does this one. A write touches no byte outside its range, as
// SQLite's default (SQLITE_IOCAP_POWERSAFE_OVERWRITE) has it. What a failed sync was to keep is
// gone with the power, though a later sync succeeds, as on Linux. There are no renames: SQLite has
// none. The shared memory of a WAL is memory of this process; a power loss ends it.
//
// A disk and its connections belong to one thread at a time.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct faulty_disk faulty_disk;

/// Calls that can fail; bits of a mask.
enum faulty_disk_call {
  FAULTY_DISK_OPEN = 1,
  FAULTY_DISK_READ = 2,
  FAULTY_DISK_WRITE = 4,
  FAULTY_DISK_TRUNCATE = 8,
  FAULTY_DISK_SYNC = 16,
  FAULTY_DISK_DELETE = 32,
  /// Whether a file exists, and its size.
  FAULTY_DISK_LOOK = 64,
};
enum { FAULTY_DISK_CALL_KINDS = 7 };

enum faulty_disk_fault {
  FAULTY_DISK_NO_FAULT,
  /// EIO. Of a write, the first half is done.
  FAULTY_DISK_ERROR,
  /// ENOSPC. Of a write, the first half is done.
  FAULTY_DISK_FULL,
  /// A read returns half of what is there.
  FAULTY_DISK_SHORT_READ,
};
enum { FAULTY_DISK_FAULT_KINDS = 4 };

/// Makes an empty disk and registers its file layer.
/// - Parameter byte_limit: bytes of memory for all that it holds; beyond, it is full.
/// - Returns: NULL when there is no memory.
faulty_disk *faulty_disk_make(size_t byte_limit);

/// Another disk with the same files, synced and unsynced, and none of them open: what a process
/// leaves that is killed here. Nothing fails on it.
faulty_disk *faulty_disk_copy(const faulty_disk *disk);

/// Lets go of the disk, which stays until its last file is closed.
void faulty_disk_release(faulty_disk *disk);

/// Name of the file layer, for sqlite3_open_v2; the disk's own.
const char *faulty_disk_vfs_name(const faulty_disk *disk);

/// Every call fails from here on, until the power is lost, so that what is open can be closed
/// without writing.
void faulty_disk_turn_off(faulty_disk *disk);

/// The power goes and comes back. No file may be open.
void faulty_disk_lose_power(faulty_disk *disk, uint64_t seed);

/// Of the calls in the mask, number `first` (from 1) and the `count` - 1 after it fail. Replaces
/// the plan before; FAULTY_DISK_NO_FAULT ends it.
void faulty_disk_fail(faulty_disk *disk, uint32_t calls, uint64_t first, uint64_t count,
                      enum faulty_disk_fault fault);

/// Whether syncs say that they are done and do nothing.
void faulty_disk_set_lying(faulty_disk *disk, bool is_lying);

/// Turns one bit, in what is read and what is synced.
/// - Returns: false when the file does not reach so far.
bool faulty_disk_flip(faulty_disk *disk, const char *path, uint64_t bit);

/// Size of the file as it is read; 0 without one.
size_t faulty_disk_size(const faulty_disk *disk, const char *path);

/// Calls of the mask so far.
uint64_t faulty_disk_call_count(const faulty_disk *disk, uint32_t calls);
uint64_t faulty_disk_injected_count(const faulty_disk *disk, enum faulty_disk_fault fault);

/// `observer` runs after each call that changed the disk or synced it; NULL ends that.
void faulty_disk_observe(faulty_disk *disk, void (*observer)(void *context), void *context);
