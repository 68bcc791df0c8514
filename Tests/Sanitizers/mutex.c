// ThreadSanitizer sees the short way of Swift's Mutex, which the compiler writes into our code, and
// not the long one: that sleeps in the kernel (futex with priority inheritance), inside a library
// that is not instrumented. Without this every Mutex that two threads ever waited for looks like a
// race. Deploy/sanitize loads it before that library: the long way, and what it means.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));

typedef __attribute__((swiftcall)) void (*slow_lock)(
    uint32_t thread, __attribute__((swift_context)) void *handle);
typedef __attribute__((swiftcall)) void (*slow_unlock)(
    __attribute__((swift_context)) void *handle);

__attribute__((swiftcall)) void dongbo_lock_slow(
    uint32_t thread, __attribute__((swift_context)) void *handle) __asm__(LOCK_SLOW);
__attribute__((swiftcall)) void dongbo_unlock_slow(
    __attribute__((swift_context)) void *handle) __asm__(UNLOCK_SLOW);

__attribute__((swiftcall)) void dongbo_lock_slow(
    uint32_t thread, __attribute__((swift_context)) void *handle) {
  ((slow_lock)dlsym(RTLD_NEXT, LOCK_SLOW))(thread, handle);
  if (__tsan_acquire) __tsan_acquire(handle);
}

__attribute__((swiftcall)) void dongbo_unlock_slow(
    __attribute__((swift_context)) void *handle) {
  if (__tsan_release) __tsan_release(handle);
  ((slow_unlock)dlsym(RTLD_NEXT, UNLOCK_SLOW))(handle);
}
