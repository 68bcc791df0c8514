// SQLite's file layer over a faulty disk: opening, reading, locking, shared memory.
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "disk.h"

enum { SHARED_REGION_BYTE_COUNT = 32768 };

static open_file *open_file_of(sqlite3_file *base) { return (open_file *)base; }
static faulty_disk *disk_of(sqlite3_vfs *vfs) { return vfs->pAppData; }

// MARK: Files

static int file_close(sqlite3_file *base) {
  open_file *file = open_file_of(base);
  faulty_disk *disk = file->disk;
  open_file **link = &disk->open_files;
  while (*link != file) link = &(*link)->next;
  *link = file->next;
  base->pMethods = NULL;
  disk_sweep(disk);
  disk_free_if_unused(disk);
  return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *to, int size, sqlite3_int64 offset) {
  open_file *file = open_file_of(base);
  enum faulty_disk_fault fault = disk_admit(file->disk, FAULTY_DISK_READ);
  if (fault == FAULTY_DISK_ERROR || fault == FAULTY_DISK_FULL) return SQLITE_IOERR_READ;
  const byte_buffer *now = &file->file->now;
  size_t there = (size_t)offset < now->size ? now->size - (size_t)offset : 0;
  if (there > (size_t)size) there = (size_t)size;
  if (fault == FAULTY_DISK_SHORT_READ) there /= 2;
  if (there > 0) memcpy(to, now->bytes + offset, there);
  if (there == (size_t)size) return SQLITE_OK;
  memset((uint8_t *)to + there, 0, (size_t)size - there);
  return SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *base, const void *bytes, int size, sqlite3_int64 offset) {
  open_file *file = open_file_of(base);
  if (file->disk->is_off) return SQLITE_IOERR_WRITE;
  enum faulty_disk_fault fault = disk_admit(file->disk, FAULTY_DISK_WRITE);
  size_t done = fault == FAULTY_DISK_NO_FAULT ? (size_t)size : (size_t)size / 2;
  if (!disk_write(file->disk, file->file, bytes, done, (uint64_t)offset)) return SQLITE_FULL;
  disk_changed(file->disk);
  if (fault == FAULTY_DISK_NO_FAULT) return SQLITE_OK;
  return fault == FAULTY_DISK_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size) {
  open_file *file = open_file_of(base);
  if (disk_admit(file->disk, FAULTY_DISK_TRUNCATE) != FAULTY_DISK_NO_FAULT)
    return SQLITE_IOERR_TRUNCATE;
  if (!disk_truncate(file->disk, file->file, (uint64_t)size)) return SQLITE_IOERR_TRUNCATE;
  disk_changed(file->disk);
  return SQLITE_OK;
}

static int file_sync(sqlite3_file *base, int flags) {
  (void)flags;
  open_file *file = open_file_of(base);
  faulty_disk *disk = file->disk;
  if (disk->is_off) return SQLITE_IOERR_FSYNC;
  if (disk_admit(disk, FAULTY_DISK_SYNC) != FAULTY_DISK_NO_FAULT) {
    for (disk_change *change = file->file->first_change; change; change = change->next)
      change->is_abandoned = true;
    return SQLITE_IOERR_FSYNC;
  }
  if (!disk->is_lying) {
    if (!disk_sync(disk, file->file)) return SQLITE_IOERR_FSYNC;
    if (file->syncs_directory) disk_sync_directory(disk);
    file->syncs_directory = false;
  }
  disk_changed(disk);
  return SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *size) {
  open_file *file = open_file_of(base);
  if (disk_admit(file->disk, FAULTY_DISK_LOOK) != FAULTY_DISK_NO_FAULT) return SQLITE_IOERR_FSTAT;
  *size = (sqlite3_int64)file->file->now.size;
  return SQLITE_OK;
}

// MARK: Locks of the database file

/// The strongest lock that another connection has on the same file.
static int strongest_other_lock(const open_file *file) {
  int strongest = SQLITE_LOCK_NONE;
  for (open_file *other = file->disk->open_files; other; other = other->next)
    if (other != file && other->file == file->file && other->lock > strongest)
      strongest = other->lock;
  return strongest;
}

static int file_lock(sqlite3_file *base, int lock) {
  open_file *file = open_file_of(base);
  if (lock <= file->lock) return SQLITE_OK;
  int other = strongest_other_lock(file);
  bool is_free = lock == SQLITE_LOCK_SHARED     ? other < SQLITE_LOCK_PENDING
                 : lock == SQLITE_LOCK_RESERVED ? other < SQLITE_LOCK_RESERVED
                                                : other == SQLITE_LOCK_NONE;
  if (!is_free) return SQLITE_BUSY;
  file->lock = lock;
  return SQLITE_OK;
}

static int file_unlock(sqlite3_file *base, int lock) {
  if (lock < open_file_of(base)->lock) open_file_of(base)->lock = lock;
  return SQLITE_OK;
}

static int file_is_reserved(sqlite3_file *base, int *is_reserved) {
  open_file *file = open_file_of(base);
  int other = strongest_other_lock(file);
  *is_reserved = file->lock >= SQLITE_LOCK_RESERVED || other >= SQLITE_LOCK_RESERVED;
  return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int operation, void *value) {
  (void)base, (void)operation, (void)value;
  return SQLITE_NOTFOUND;
}

static int file_sector_size(sqlite3_file *base) {
  (void)base;
  return 4096;
}

static int file_characteristics(sqlite3_file *base) {
  (void)base;
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

// MARK: Shared memory of the WAL

static int shared_map(sqlite3_file *base, int index, int size, int extends, void volatile **to) {
  open_file *file = open_file_of(base);
  *to = NULL;
  if (index < 0 || index >= SHARED_REGION_LIMIT || size != SHARED_REGION_BYTE_COUNT)
    return SQLITE_IOERR_SHMMAP;
  file->has_shared_memory = true;
  void **region = &file->file->regions[index];
  if (!*region && extends) *region = calloc(1, (size_t)size);
  if (!*region && extends) return SQLITE_NOMEM;
  *to = *region;
  return SQLITE_OK;
}

static int shared_lock(sqlite3_file *base, int offset, int count, int flags) {
  open_file *file = open_file_of(base);
  uint16_t mask = (uint16_t)(((1u << count) - 1) << offset);
  if (flags & SQLITE_SHM_UNLOCK) {
    file->shared_locks &= (uint16_t)~mask;
    file->exclusive_locks &= (uint16_t)~mask;
    return SQLITE_OK;
  }
  for (open_file *other = file->disk->open_files; other; other = other->next) {
    if (other == file || other->file != file->file) continue;
    if (other->exclusive_locks & mask) return SQLITE_BUSY;
    if (flags & SQLITE_SHM_EXCLUSIVE && other->shared_locks & mask) return SQLITE_BUSY;
  }
  if (flags & SQLITE_SHM_EXCLUSIVE)
    file->exclusive_locks |= mask;
  else
    file->shared_locks |= mask;
  return SQLITE_OK;
}

static void shared_barrier(sqlite3_file *base) {
  (void)base;
  atomic_thread_fence(memory_order_seq_cst);
}

static int shared_unmap(sqlite3_file *base, int deletes) {
  (void)deletes;
  open_file *file = open_file_of(base);
  file->has_shared_memory = false;
  file->shared_locks = file->exclusive_locks = 0;
  for (open_file *other = file->disk->open_files; other; other = other->next)
    if (other->file == file->file && other->has_shared_memory) return SQLITE_OK;
  for (int index = 0; index < SHARED_REGION_LIMIT; index++) {
    free(file->file->regions[index]);
    file->file->regions[index] = NULL;
  }
  return SQLITE_OK;
}

static const sqlite3_io_methods file_methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_is_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = shared_map,
    .xShmLock = shared_lock,
    .xShmBarrier = shared_barrier,
    .xShmUnmap = shared_unmap,
};

// MARK: Names

static int layer_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags,
                      int *flags_out) {
  faulty_disk *disk = disk_of(vfs);
  open_file *opened = open_file_of(base);
  memset(opened, 0, sizeof *opened);
  // A file without a name is temporary; the store keeps those in memory.
  if (!path || disk_admit(disk, FAULTY_DISK_OPEN) != FAULTY_DISK_NO_FAULT)
    return SQLITE_CANTOPEN;
  disk_name *name = disk_find(disk, path);
  disk_file *file = name ? name->now : NULL;
  if (!file) {
    if (!(flags & SQLITE_OPEN_CREATE)) return SQLITE_CANTOPEN;
    file = disk_create(disk, path);
    if (!file) return SQLITE_CANTOPEN;
    // As the file layer of Unix does; a new database's own name waits for its journal's.
    const int journals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
    opened->syncs_directory = flags & journals;
    disk_changed(disk);
  }
  opened->disk = disk;
  opened->file = file;
  opened->next = disk->open_files;
  disk->open_files = opened;
  base->pMethods = &file_methods;
  if (flags_out) *flags_out = flags;
  return SQLITE_OK;
}

static int layer_delete(sqlite3_vfs *vfs, const char *path, int syncs_directory) {
  faulty_disk *disk = disk_of(vfs);
  if (disk_admit(disk, FAULTY_DISK_DELETE) != FAULTY_DISK_NO_FAULT) return SQLITE_IOERR_DELETE;
  disk_name *name = disk_find(disk, path);
  if (!name || !name->now) return SQLITE_IOERR_DELETE_NOENT;
  name->now = NULL;
  if (syncs_directory && !disk->is_lying) disk_sync_directory(disk);
  disk_sweep(disk);
  disk_changed(disk);
  return SQLITE_OK;
}

/// As on Unix, an empty file counts as none.
static int layer_access(sqlite3_vfs *vfs, const char *path, int flags, int *answer) {
  faulty_disk *disk = disk_of(vfs);
  if (disk_admit(disk, FAULTY_DISK_LOOK) != FAULTY_DISK_NO_FAULT) return SQLITE_IOERR_ACCESS;
  disk_name *name = disk_find(disk, path);
  bool is_empty_enough = flags == SQLITE_ACCESS_EXISTS && name && name->now && !name->now->now.size;
  *answer = name && name->now && !is_empty_enough;
  return SQLITE_OK;
}

static int layer_full_path(sqlite3_vfs *vfs, const char *path, int size, char *to) {
  (void)vfs;
  if (strlen(path) >= (size_t)size) return SQLITE_CANTOPEN;
  strcpy(to, path);
  return SQLITE_OK;
}

// MARK: What is no disk's

/// The same each time: nothing that SQLite keeps may depend on it.
static int layer_randomness(sqlite3_vfs *vfs, int size, char *to) {
  (void)vfs;
  memset(to, 0x5a, (size_t)size);
  return size;
}

static int layer_sleep(sqlite3_vfs *vfs, int microseconds) {
  (void)vfs;
  return microseconds;
}

static int layer_time(sqlite3_vfs *vfs, sqlite3_int64 *milliseconds) {
  (void)vfs;
  *milliseconds = 212640000000000; // in 2026
  return SQLITE_OK;
}

static int layer_old_time(sqlite3_vfs *vfs, double *days) {
  (void)vfs;
  *days = 2461111.0;
  return SQLITE_OK;
}

static int layer_last_error(sqlite3_vfs *vfs, int size, char *to) {
  (void)vfs, (void)size, (void)to;
  return 0;
}

void disk_prepare_vfs(faulty_disk *disk) {
  disk->vfs = (sqlite3_vfs){
      .iVersion = 2,
      .szOsFile = sizeof(open_file),
      .mxPathname = PATH_LIMIT - 1,
      .zName = disk->vfs_name,
      .pAppData = disk,
      .xOpen = layer_open,
      .xDelete = layer_delete,
      .xAccess = layer_access,
      .xFullPathname = layer_full_path,
      .xRandomness = layer_randomness,
      .xSleep = layer_sleep,
      .xCurrentTime = layer_old_time,
      .xGetLastError = layer_last_error,
      .xCurrentTimeInt64 = layer_time,
  };
}
