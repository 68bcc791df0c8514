// What the fuzzing program needs from the toolchain's runtimes: libFuzzer's driver, and
// AddressSanitizer's word about every block of memory. Only `dongbo-fuzz` is linked with either.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// libFuzzer with a `main` of our own.
extern int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*input)(const uint8_t *, size_t));

extern int __sanitizer_install_malloc_and_free_hooks(
    void (*taken)(const volatile void *, size_t), void (*given)(const volatile void *));
extern size_t __sanitizer_get_allocated_size(const volatile void *);

/// Bytes alive now and at most, against those at the last start; the fuzzer runs in one thread.
static int64_t dongbo_memory_alive;
static int64_t dongbo_memory_most;

static inline void dongbo_memory_taken(const volatile void *block, size_t count) {
  dongbo_memory_alive += (int64_t)count;
  if (dongbo_memory_alive > dongbo_memory_most) dongbo_memory_most = dongbo_memory_alive;
}

static inline void dongbo_memory_given(const volatile void *block) {
  dongbo_memory_alive -= (int64_t)__sanitizer_get_allocated_size(block);
}

/// From then on every block counts. Zero when the runtime takes no hooks.
static inline int dongbo_memory_watch(void) {
  return __sanitizer_install_malloc_and_free_hooks(dongbo_memory_taken, dongbo_memory_given);
}

static inline void dongbo_memory_start(void) {
  dongbo_memory_alive = 0;
  dongbo_memory_most = 0;
}

/// Most bytes alive at a time since the start.
static inline int64_t dongbo_memory_peak(void) { return dongbo_memory_most; }
