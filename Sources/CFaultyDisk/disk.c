// The model of the disk: files as they are read, what is synced, and what a power loss leaves.
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk.h"

// MARK: Bytes

/// Makes the buffer so long, zeros at its end, within the disk's memory.
static bool resize(faulty_disk *disk, byte_buffer *buffer, size_t size) {
  if (size > buffer->size && size - buffer->size > disk->byte_limit - disk->byte_count)
    return false;
  if (size > buffer->capacity) {
    size_t capacity = size < 2 * buffer->capacity ? 2 * buffer->capacity : size;
    uint8_t *bytes = realloc(buffer->bytes, capacity);
    if (!bytes) return false;
    buffer->bytes = bytes;
    buffer->capacity = capacity;
  }
  if (size > buffer->size) memset(buffer->bytes + buffer->size, 0, size - buffer->size);
  disk->byte_count += size;
  disk->byte_count -= buffer->size;
  buffer->size = size;
  return true;
}

static bool put(faulty_disk *disk, byte_buffer *buffer, const void *bytes, size_t size,
                uint64_t offset) {
  if (size == 0) return true;
  if (offset > disk->byte_limit) return false;
  if (offset + size > buffer->size && !resize(disk, buffer, offset + size)) return false;
  memcpy(buffer->bytes + offset, bytes, size);
  return true;
}

static void free_buffer(faulty_disk *disk, byte_buffer *buffer) {
  disk->byte_count -= buffer->size;
  free(buffer->bytes);
  *buffer = (byte_buffer){0};
}

// MARK: Changes

static disk_change *make_change(faulty_disk *disk, const void *bytes, size_t size,
                                uint64_t offset) {
  if (sizeof(disk_change) + size > disk->byte_limit - disk->byte_count) return NULL;
  disk_change *change = malloc(sizeof(disk_change) + size);
  if (!change) return NULL;
  *change = (disk_change){.offset = offset, .size = size};
  if (size > 0) memcpy(change->bytes, bytes, size);
  disk->byte_count += sizeof(disk_change) + size;
  return change;
}

static void free_change(faulty_disk *disk, disk_change *change) {
  disk->byte_count -= sizeof(disk_change) + change->size;
  free(change);
}

static void add_change(disk_file *file, disk_change *change) {
  if (file->last_change)
    file->last_change->next = change;
  else
    file->first_change = change;
  file->last_change = change;
}

static void free_changes(faulty_disk *disk, disk_file *file) {
  while (file->first_change) {
    disk_change *next = file->first_change->next;
    free_change(disk, file->first_change);
    file->first_change = next;
  }
  file->last_change = NULL;
}

bool disk_write(faulty_disk *disk, disk_file *file, const void *bytes, size_t size,
                uint64_t offset) {
  disk_change *change = make_change(disk, bytes, size, offset);
  if (!change) return false;
  if (!put(disk, &file->now, bytes, size, offset)) {
    free_change(disk, change);
    return false;
  }
  add_change(file, change);
  return true;
}

bool disk_truncate(faulty_disk *disk, disk_file *file, uint64_t size) {
  disk_change *change = make_change(disk, NULL, 0, size);
  if (!change) return false;
  if (size > disk->byte_limit || !resize(disk, &file->now, size)) {
    free_change(disk, change);
    return false;
  }
  change->is_truncation = true;
  add_change(file, change);
  return true;
}

bool disk_sync(faulty_disk *disk, disk_file *file) {
  for (disk_change *change = file->first_change; change; change = change->next) {
    if (change->is_abandoned) continue;
    bool is_done = change->is_truncation
                       ? resize(disk, &file->synced, change->offset)
                       : put(disk, &file->synced, change->bytes, change->size, change->offset);
    if (!is_done) return false;
  }
  free_changes(disk, file);
  return true;
}

// MARK: Names

disk_name *disk_find(const faulty_disk *disk, const char *path) {
  for (int index = 0; index < NAME_LIMIT; index++) {
    const disk_name *name = &disk->names[index];
    if ((name->now || name->synced) && strcmp(name->path, path) == 0) return (disk_name *)name;
  }
  return NULL;
}

disk_file *disk_create(faulty_disk *disk, const char *path) {
  disk_name *name = disk_find(disk, path);
  for (int index = 0; !name && index < NAME_LIMIT; index++)
    if (!disk->names[index].now && !disk->names[index].synced) name = &disk->names[index];
  if (!name || strlen(path) >= PATH_LIMIT) return NULL;
  disk_file *file = calloc(1, sizeof *file);
  if (!file) return NULL;
  file->next = disk->files;
  disk->files = file;
  strcpy(name->path, path);
  name->now = file;
  return file;
}

void disk_sync_directory(faulty_disk *disk) {
  for (int index = 0; index < NAME_LIMIT; index++)
    disk->names[index].synced = disk->names[index].now;
  disk_sweep(disk);
}

static bool is_referred_to(const faulty_disk *disk, const disk_file *file) {
  for (int index = 0; index < NAME_LIMIT; index++)
    if (disk->names[index].now == file || disk->names[index].synced == file) return true;
  for (open_file *opened = disk->open_files; opened; opened = opened->next)
    if (opened->file == file) return true;
  return false;
}

static void free_file(faulty_disk *disk, disk_file *file) {
  free_changes(disk, file);
  free_buffer(disk, &file->now);
  free_buffer(disk, &file->synced);
  for (int index = 0; index < SHARED_REGION_LIMIT; index++) free(file->regions[index]);
  free(file);
}

void disk_sweep(faulty_disk *disk) {
  disk_file **link = &disk->files;
  while (*link) {
    disk_file *file = *link;
    if (is_referred_to(disk, file)) {
      link = &file->next;
    } else {
      *link = file->next;
      free_file(disk, file);
    }
  }
}

// MARK: A disk

faulty_disk *faulty_disk_make(size_t byte_limit) {
  static atomic_uint last_number;
  faulty_disk *disk = calloc(1, sizeof *disk);
  if (!disk) return NULL;
  unsigned number = atomic_fetch_add(&last_number, 1) + 1;
  snprintf(disk->vfs_name, sizeof disk->vfs_name, "faulty-disk-%u", number);
  disk->byte_limit = byte_limit;
  disk_prepare_vfs(disk);
  if (sqlite3_vfs_register(&disk->vfs, 0) == SQLITE_OK) return disk;
  free(disk);
  return NULL;
}

void faulty_disk_release(faulty_disk *disk) {
  disk->is_released = true;
  disk_free_if_unused(disk);
}

void disk_free_if_unused(faulty_disk *disk) {
  if (!disk->is_released || disk->open_files) return;
  sqlite3_vfs_unregister(&disk->vfs);
  memset(disk->names, 0, sizeof disk->names);
  disk_sweep(disk);
  free(disk);
}

static disk_file *copy_file(faulty_disk *to, const disk_file *file) {
  disk_file *copy = calloc(1, sizeof *copy);
  if (!copy) return NULL;
  bool is_whole = put(to, &copy->now, file->now.bytes, file->now.size, 0) &&
                  put(to, &copy->synced, file->synced.bytes, file->synced.size, 0);
  for (disk_change *change = file->first_change; change && is_whole; change = change->next) {
    disk_change *twin =
        make_change(to, change->bytes, change->size, change->offset);
    is_whole = twin != NULL;
    if (!twin) break;
    twin->is_truncation = change->is_truncation;
    twin->is_abandoned = change->is_abandoned;
    add_change(copy, twin);
  }
  if (is_whole) return copy;
  free_file(to, copy);
  return NULL;
}

faulty_disk *faulty_disk_copy(const faulty_disk *disk) {
  faulty_disk *copy = faulty_disk_make(disk->byte_limit);
  if (!copy) return NULL;
  memcpy(copy->names, disk->names, sizeof copy->names);
  for (int index = 0; index < NAME_LIMIT; index++)
    copy->names[index].now = copy->names[index].synced = NULL;
  for (const disk_file *file = disk->files; file; file = file->next) {
    disk_file *twin = copy_file(copy, file);
    if (!twin) {
      faulty_disk_release(copy);
      return NULL;
    }
    twin->next = copy->files;
    copy->files = twin;
    for (int index = 0; index < NAME_LIMIT; index++) {
      if (disk->names[index].now == file) copy->names[index].now = twin;
      if (disk->names[index].synced == file) copy->names[index].synced = twin;
    }
  }
  disk_sweep(copy);
  return copy;
}

// MARK: Faults

const char *faulty_disk_vfs_name(const faulty_disk *disk) { return disk->vfs_name; }
void faulty_disk_turn_off(faulty_disk *disk) { disk->is_off = true; }
void faulty_disk_set_lying(faulty_disk *disk, bool is_lying) { disk->is_lying = is_lying; }

void faulty_disk_fail(faulty_disk *disk, uint32_t calls, uint64_t first, uint64_t count,
                      enum faulty_disk_fault fault) {
  disk->failing_calls = calls;
  disk->failing_first = first;
  disk->failing_count = count;
  disk->failing_seen = 0;
  disk->fault = fault;
}

enum faulty_disk_fault disk_admit(faulty_disk *disk, enum faulty_disk_call call) {
  if (disk->is_off) return FAULTY_DISK_ERROR;
  for (int kind = 0; kind < FAULTY_DISK_CALL_KINDS; kind++)
    if (call == 1 << kind) disk->call_counts[kind] += 1;
  if (disk->fault == FAULTY_DISK_NO_FAULT || !(disk->failing_calls & call))
    return FAULTY_DISK_NO_FAULT;
  disk->failing_seen += 1;
  if (disk->failing_seen < disk->failing_first ||
      disk->failing_seen - disk->failing_first >= disk->failing_count)
    return FAULTY_DISK_NO_FAULT;
  disk->injected_counts[disk->fault] += 1;
  return disk->fault;
}

uint64_t faulty_disk_call_count(const faulty_disk *disk, uint32_t calls) {
  uint64_t count = 0;
  for (int kind = 0; kind < FAULTY_DISK_CALL_KINDS; kind++)
    if (calls & 1u << kind) count += disk->call_counts[kind];
  return count;
}

uint64_t faulty_disk_injected_count(const faulty_disk *disk, enum faulty_disk_fault fault) {
  return disk->injected_counts[fault];
}

void faulty_disk_observe(faulty_disk *disk, void (*observer)(void *context), void *context) {
  disk->observer = observer;
  disk->observer_context = context;
}

void disk_changed(faulty_disk *disk) {
  if (disk->observer && !disk->is_off) disk->observer(disk->observer_context);
}

size_t faulty_disk_size(const faulty_disk *disk, const char *path) {
  const disk_name *name = disk_find(disk, path);
  return name && name->now ? name->now->now.size : 0;
}

bool faulty_disk_flip(faulty_disk *disk, const char *path, uint64_t bit) {
  if (bit / 8 >= faulty_disk_size(disk, path)) return false;
  disk_file *file = disk_find(disk, path)->now;
  uint8_t mask = (uint8_t)(1u << bit % 8);
  file->now.bytes[bit / 8] ^= mask;
  if (bit / 8 < file->synced.size) file->synced.bytes[bit / 8] ^= mask;
  return true;
}

// MARK: Power loss

/// SplitMix64.
static uint64_t next_random(uint64_t *state) {
  *state += 0x9e3779b97f4a7c15;
  uint64_t z = *state;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

/// Of each change since the sync, each sector's part arrived or not; `odds` of 8.
static void keep_some(faulty_disk *disk, disk_file *file, uint64_t odds, uint64_t *random) {
  for (disk_change *change = file->first_change; change; change = change->next) {
    if (change->is_truncation) {
      if (next_random(random) % 8 < odds) resize(disk, &file->synced, change->offset);
      continue;
    }
    for (size_t start = 0; start < change->size;) {
      size_t end = start + SECTOR_BYTE_COUNT - (change->offset + start) % SECTOR_BYTE_COUNT;
      if (end > change->size) end = change->size;
      if (next_random(random) % 8 < odds)
        put(disk, &file->synced, change->bytes + start, end - start, change->offset + start);
      start = end;
    }
  }
}

/// The write under way when the power went: a part of it at its beginning, or garbage.
static void tear(faulty_disk *disk, disk_file *file, uint64_t *random) {
  disk_change *last = file->last_change;
  if (!last || last->size == 0) return;
  uint64_t way = next_random(random) % 4;
  if (way == 0) {
    put(disk, &file->synced, last->bytes, next_random(random) % last->size, last->offset);
  } else if (way == 1) {
    size_t start = next_random(random) % last->size;
    size_t end = start + SECTOR_BYTE_COUNT < last->size ? start + SECTOR_BYTE_COUNT : last->size;
    for (size_t index = start; index < end; index++) {
      uint8_t garbage = (uint8_t)next_random(random);
      put(disk, &file->synced, &garbage, 1, last->offset + index);
    }
  }
}

void faulty_disk_lose_power(faulty_disk *disk, uint64_t seed) {
  static const uint64_t odds[] = {0, 1, 4, 7, 8};
  uint64_t random = seed;
  for (int index = 0; index < NAME_LIMIT; index++) {
    disk_name *name = &disk->names[index];
    if (name->now == name->synced) continue;
    if (next_random(&random) % 2) name->synced = name->now;
    name->now = name->synced;
  }
  disk_sweep(disk);
  for (int index = 0; index < NAME_LIMIT; index++) {
    disk_file *file = disk->names[index].now;
    if (!file) continue;
    uint64_t chosen = odds[next_random(&random) % 5];
    keep_some(disk, file, chosen, &random);
    if (chosen > 0) tear(disk, file, &random);
    free_changes(disk, file);
    resize(disk, &file->now, file->synced.size);
    put(disk, &file->now, file->synced.bytes, file->synced.size, 0);
  }
  disk->is_off = false;
}
