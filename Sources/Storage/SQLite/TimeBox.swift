import CSQLite
import Glibc
package import Replication

/// Stops a reader whose time is up: an open reader pins the WAL, which then grows with every
/// commit. It outlives its connection, which holds it.
final class TimeBox {
  private let duration: Duration
  private let now: @Sendable () -> Instant
  private var deadline: Instant?

  init(_ duration: Duration, now: @escaping @Sendable () -> Instant) {
    self.duration = duration
    self.now = now
  }

  func begin() { deadline = now() + duration }
  func end() { deadline = nil }

  var isOver: Bool { deadline.map { now() >= $0 } ?? false }

  /// Has SQLite ask after every `count` instructions, and interrupt itself when time is up.
  func guardSteps(of handle: OpaquePointer, every count: Int32) {
    sqlite3_progress_handler(
      handle, count,
      { context in
        guard let context else { return 0 }
        return Unmanaged<TimeBox>.fromOpaque(context).takeUnretainedValue().isOver ? 1 : 0
      }, Unmanaged.passUnretained(self).toOpaque())
  }
}

/// Monotonic time of this machine.
package func monotonicNow() -> Instant {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Instant(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
}
