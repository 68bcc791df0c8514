/// Waits between dials, with full jitter, so that a restart of the centre does not wake all
/// provinces in the same instant: a random time below 1 s, 2 s, 4 s ... at most 60 s.
package struct Backoff: Hashable, Sendable {
  package static let base: Duration = .seconds(1)
  package static let maximum: Duration = .seconds(60)
  /// A session that was up for so long ends the series.
  package static let steadyAfter: Duration = .seconds(10)

  /// Dials that failed in a row.
  package private(set) var failureCount = 0

  package init() {}

  /// The wait before the next dial.
  package mutating func next(using random: inout some RandomNumberGenerator) -> Duration {
    // 2^6 s is above the maximum already.
    let ceiling = min(Self.base * (1 << min(failureCount, 6)), Self.maximum)
    failureCount += 1
    let seconds = ceiling.components.seconds
    return .microseconds(Int64.random(in: 0...seconds * 1_000_000, using: &random))
  }

  /// A session ended that was up for `duration`.
  package mutating func sessionEnded(upFor duration: Duration) {
    if duration >= Self.steadyAfter { failureCount = 0 }
  }
}
