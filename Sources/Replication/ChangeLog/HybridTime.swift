/// Hybrid logical clock reading: microseconds UTC and a counter, unique at its site. A claim.
package struct HybridTime: Hashable, Comparable, Sendable {
  package let microseconds: UInt64
  package let counter: UInt16

  package init(microseconds: UInt64, counter: UInt16) {
    self.microseconds = microseconds
    self.counter = counter
  }

  package static let zero = HybridTime(microseconds: 0, counter: 0)

  package static func < (left: Self, right: Self) -> Bool {
    (left.microseconds, left.counter) < (right.microseconds, right.counter)
  }

  /// A remote clock never drags ours by more than this.
  package static let maximumDragMicroseconds: UInt64 = 60_000_000

  /// The next reading of this clock: later than every reading before it, at `now` if possible.
  package func next(now: WallTime) -> HybridTime {
    if now.microseconds > microseconds {
      return HybridTime(microseconds: now.microseconds, counter: 0)
    }
    if counter < .max { return HybridTime(microseconds: microseconds, counter: counter + 1) }
    return HybridTime(microseconds: microseconds + 1, counter: 0)
  }

  /// This clock after it has seen `remote`: never behind it, unless it lies too far ahead of `now`.
  package func seeing(_ remote: HybridTime, now: WallTime) -> HybridTime {
    let (limit, overflow) = now.microseconds.addingReportingOverflow(Self.maximumDragMicroseconds)
    guard overflow || remote.microseconds <= limit else { return self }
    return max(self, remote)
  }
}
