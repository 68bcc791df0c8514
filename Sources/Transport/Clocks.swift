internal import Glibc
package import Replication

/// The machine's monotonic clock: never set back, also not by the operator.
package enum MonotonicClock {
  /// Nanoseconds since boot, not counting sleep.
  package static func now() -> Instant { Instant(nanoseconds: nanoseconds(CLOCK_MONOTONIC)) }
}

/// The machine's wall clock: may be wrong, may jump.
package enum WallClock {
  /// Microseconds since 1970 in UTC; a clock before 1970 reads as 1970.
  package static func now() -> WallTime {
    WallTime(microseconds: nanoseconds(CLOCK_REALTIME) / 1_000)
  }
}

private func nanoseconds(_ clock: clockid_t) -> UInt64 {
  var time = timespec()
  let result = clock_gettime(clock, &time)
  precondition(result == 0, "clock_gettime(\(clock)) failed with errno \(errno)")
  return UInt64(max(time.tv_sec, 0)) * 1_000_000_000 + UInt64(max(time.tv_nsec, 0))
}

extension Duration {
  /// Whole milliseconds, rounded up, within what poll(2) and epoll(7) take; never negative.
  var pollMilliseconds: CInt {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    guard seconds < 1_000_000 else { return 1_000_000_000 }
    let fraction = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    return CInt(seconds * 1_000 + fraction)
  }
}
