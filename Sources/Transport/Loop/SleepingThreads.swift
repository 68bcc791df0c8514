internal import CZstd
internal import Glibc
internal import Replication

/// Threads that sleep until something is there for one of them. Whoever owns this counts them under
/// a lock of its own, and wakes no more than it has counted.
///
/// A wake-up wakes one of them. So a thread that finds its work without sleeping costs no system
/// call, and several that wait for one element are not all woken for it.
final class SleepingThreads: @unchecked Sendable {
  // Unchecked: `wakeUps` is used with `lock` held, and neither address ever changes.
  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  /// Given and not yet taken.
  private var wakeUps = 0

  init() {
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    // Whoever sets the wall clock must not lengthen a wait.
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    let codes = [
      pthread_mutex_init(lock, nil), pthread_cond_init(condition, &attributes),
      pthread_condattr_destroy(&attributes),
    ]
    precondition(codes == [0, 0, 0], "a condition cannot be made: \(codes)")
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(lock)
    condition.deallocate()
    lock.deallocate()
  }

  /// Wakes one of those that are counted.
  func wake() {
    pthread_mutex_lock(lock)
    wakeUps += 1
    pthread_mutex_unlock(lock)
    // After the lock: the other thread may be awake on its core before this call returns.
    pthread_cond_signal(condition)
  }

  /// Sleeps until a wake-up.
  func sleep() {
    pthread_mutex_lock(lock)
    while wakeUps == 0 { pthread_cond_wait(condition, lock) }
    wakeUps -= 1
    pthread_mutex_unlock(lock)
  }

  /// Sleeps until a wake-up, at most for a time.
  /// - Returns: false when it has passed. When the caller then finds that it is counted no more, a
  ///   wake-up is on its way and must be taken with ``sleep()``.
  func sleep(atMost limit: Duration) -> Bool {
    var deadline = timespec()
    clock_gettime(CLOCK_MONOTONIC, &deadline)
    let end = Int(limit.pollMilliseconds) * 1_000_000 + deadline.tv_nsec
    deadline.tv_sec += end / 1_000_000_000
    deadline.tv_nsec = end % 1_000_000_000
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    while wakeUps == 0 {
      if pthread_cond_timedwait(condition, lock, &deadline) == ETIMEDOUT, wakeUps == 0 {
        return false
      }
    }
    wakeUps -= 1
    return true
  }
}
