// What the model of the disk (disk.c) and its file layer (vfs.c) share.
#pragma once
#include <sqlite3.h>

#include "faulty_disk.h"

enum {
  /// What a disk writes whole or not at all.
  SECTOR_BYTE_COUNT = 512,
  /// A store has a database, a journal and a WAL.
  NAME_LIMIT = 8,
  PATH_LIMIT = 256,
  /// Of 32 KiB each: a WAL of a million pages.
  SHARED_REGION_LIMIT = 256,
};

typedef struct {
  uint8_t *bytes;
  size_t size;
  size_t capacity;
} byte_buffer;

/// One change of a file since its last sync: bytes at an offset, or a new size.
typedef struct disk_change {
  struct disk_change *next;
  uint64_t offset;
  size_t size;
  bool is_truncation;
  /// A sync that should have kept it has failed: no later one keeps it.
  bool is_abandoned;
  uint8_t bytes[];
} disk_change;

typedef struct disk_file {
  struct disk_file *next;
  /// As the machine reads it.
  byte_buffer now;
  byte_buffer synced;
  disk_change *first_change;
  disk_change *last_change;
  void *regions[SHARED_REGION_LIMIT];
} disk_file;

typedef struct {
  char path[PATH_LIMIT];
  /// NULL: no file.
  disk_file *now;
  /// As of the directory's last sync.
  disk_file *synced;
} disk_name;

typedef struct open_file {
  sqlite3_file base;
  struct open_file *next;
  faulty_disk *disk;
  disk_file *file;
  /// The name is new: the next sync is the directory's too.
  bool syncs_directory;
  int lock;
  bool has_shared_memory;
  uint16_t shared_locks;
  uint16_t exclusive_locks;
} open_file;

struct faulty_disk {
  sqlite3_vfs vfs;
  char vfs_name[40];
  size_t byte_limit;
  size_t byte_count;
  disk_file *files;
  disk_name names[NAME_LIMIT];
  open_file *open_files;
  bool is_off;
  bool is_lying;
  bool is_released;
  uint32_t failing_calls;
  uint64_t failing_first;
  uint64_t failing_count;
  /// Calls of the plan so far.
  uint64_t failing_seen;
  enum faulty_disk_fault fault;
  uint64_t call_counts[FAULTY_DISK_CALL_KINDS];
  uint64_t injected_counts[FAULTY_DISK_FAULT_KINDS];
  void (*observer)(void *context);
  void *observer_context;
};

/// Fills in the functions of the file layer.
void disk_prepare_vfs(faulty_disk *disk);

/// Counts the call and says whether it fails.
enum faulty_disk_fault disk_admit(faulty_disk *disk, enum faulty_disk_call call);
void disk_changed(faulty_disk *disk);

/// The name in use for `path`; NULL when there is none.
disk_name *disk_find(const faulty_disk *disk, const char *path);
/// A new empty file under `path`; NULL when there is no room.
disk_file *disk_create(faulty_disk *disk, const char *path);
void disk_sync_directory(faulty_disk *disk);
/// Frees files that no name and nobody who has them open refers to.
void disk_sweep(faulty_disk *disk);
/// Frees a released disk that nobody has open.
void disk_free_if_unused(faulty_disk *disk);

/// All false or NULL when there is no room; nothing is changed then.
bool disk_write(faulty_disk *disk, disk_file *file, const void *bytes, size_t size,
                uint64_t offset);
bool disk_truncate(faulty_disk *disk, disk_file *file, uint64_t size);
bool disk_sync(faulty_disk *disk, disk_file *file);
