/// Monotonic time in nanoseconds since an arbitrary start. The shell's clock; the core is told it.
package struct Instant: Hashable, Comparable, Sendable {
  package let nanoseconds: UInt64
  package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  package static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }
  /// Saturates at the greatest instant; a negative duration saturates at zero.
  package static func + (left: Self, right: Duration) -> Instant {
    let (seconds, attoseconds) = right.components
    guard seconds >= 0 else { return Instant(nanoseconds: 0) }
    let (whole, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, carry) = whole.addingReportingOverflow(UInt64(max(attoseconds, 0)) / 1_000_000_000)
    let (total, carry2) = left.nanoseconds.addingReportingOverflow(sum)
    return Instant(nanoseconds: overflow || carry || carry2 ? .max : total)
  }
  /// Time from `right` to `left`; zero when `right` is later.
  package static func - (left: Self, right: Self) -> Duration {
    left < right ? .zero : .nanoseconds(Int64(clamping: left.nanoseconds - right.nanoseconds))
  }
}

/// Wall-clock time: microseconds since 1970-01-01 UTC. A claim, for people and for the one order.
package struct WallTime: Hashable, Comparable, Sendable {
  package let microseconds: UInt64
  package init(microseconds: UInt64) { self.microseconds = microseconds }
  package static func < (left: Self, right: Self) -> Bool { left.microseconds < right.microseconds }
}
