/// Waits between dials, with full jitter, so that a restart of the centre does not wake all
/// provinces in the same instant: as configured by default, a random time below 1 s, 2 s, 4 s ...
/// at most 60 s.
package struct Backoff: Hashable, Sendable {
  package static let base: Duration = .seconds(1)
  package static let maximum: Duration = .seconds(60)
  /// The wait after a site could not take a session for want of room or time, with jitter in its
  /// second half: that lasts, so no sooner, and work goes on within 10 s of when there is room.
  package static let overloaded: Duration = .seconds(8)
  /// A session that was up for so long ends the series.
  package static let steadyAfter: Duration = .seconds(10)

  /// Dials that failed in a row.
  package private(set) var failureCount = 0

  package init() {}

  /// Doublings after which every ceiling is at its maximum: from 10 ms to an hour are 19.
  private static let maximumDoublingCount = 20

  /// The wait before the next dial.
  /// - Parameters: the ceiling of the first wait, doubled for each further one, and that of all.
  package mutating func next(
    first: Duration = base, last: Duration = maximum,
    using random: inout some RandomNumberGenerator
  ) -> Duration {
    let ceiling = min(first * (1 << min(failureCount, Self.maximumDoublingCount)), last)
    failureCount += 1
    return Self.jitter(upTo: ceiling, using: &random)
  }

  /// The wait before the next dial when either side was overloaded.
  /// - Parameter last: the ceiling of all waits.
  package mutating func nextWhenOverloaded(
    last: Duration = maximum, using random: inout some RandomNumberGenerator
  ) -> Duration {
    let half = min(Self.overloaded, last) / 2
    failureCount += 1
    return half + Self.jitter(upTo: half, using: &random)
  }

  private static func jitter(
    upTo ceiling: Duration, using random: inout some RandomNumberGenerator
  ) -> Duration {
    let (seconds, attoseconds) = ceiling.components
    let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    return .microseconds(Int64.random(in: 0...microseconds, using: &random))
  }

  /// A session ended that was up for `duration`.
  package mutating func sessionEnded(upFor duration: Duration) {
    if duration >= Self.steadyAfter { failureCount = 0 }
  }
}
