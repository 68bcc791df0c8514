internal import CZstd
internal import Glibc
internal import Replication

/// Threads that sleep until something is there for one of them. Whoever owns this counts them under
/// a lock of its own, and wakes no more than it has counted.
///
/// A wake-up wakes one of them. So a thread that finds its work without sleeping costs no system
/// call, and several that wait for one element are not all woken for it. A semaphore and not a
/// condition: no lock that the one just woken would wait for, and no signal that glibc 2.36 may
/// lose where several sleep (its bug 25847).
final class SleepingThreads: @unchecked Sendable {
  // Unchecked: made for threads, and its address never changes.
  private let wakeUps = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

  init() {
    let code = sem_init(wakeUps, 0, 0)
    precondition(code == 0, "a semaphore cannot be made: \(errno)")
  }

  deinit {
    sem_destroy(wakeUps)
    wakeUps.deallocate()
  }

  /// Wakes one of those that are counted.
  func wake() {
    let code = sem_post(wakeUps)
    precondition(code == 0, "more wake-ups than threads: \(errno)")
  }

  /// Sleeps until a wake-up.
  func sleep() {
    // Signals are blocked in most threads; whoever is interrupted sleeps on.
    while sem_wait(wakeUps) != 0 {}
  }

  /// Sleeps until a wake-up, at most for a time.
  /// - Returns: false when it has passed. When the caller then finds that it is counted no more, a
  ///   wake-up is on its way and must be taken with ``sleep()``.
  func sleep(atMost limit: Duration) -> Bool {
    var deadline = timespec()
    // Whoever sets the wall clock must not lengthen a wait.
    clock_gettime(CLOCK_MONOTONIC, &deadline)
    let end = Int(limit.pollMilliseconds) * 1_000_000 + deadline.tv_nsec
    deadline.tv_sec += end / 1_000_000_000
    deadline.tv_nsec = end % 1_000_000_000
    while sem_clockwait(wakeUps, CLOCK_MONOTONIC, &deadline) != 0 {
      if errno == ETIMEDOUT { return false }
    }
    return true
  }
}
