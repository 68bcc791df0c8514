import Replication

/// What a site's wall clock shows. Its monotonic clock is the world's.
struct SimulatedClock {
  /// Ahead of the true time.
  var offsetMicroseconds: Int64 = 0
  /// Gains so much, in millionths.
  var driftPartsPerMillion: Int64 = 0
  /// Shows this for ever; nil: it goes.
  var frozenAt: WallTime?

  /// What a monotonic clock can be compared with: both run alike, and only setting shows.
  func set(at now: Instant) -> WallTime {
    SimulatedClock(offsetMicroseconds: offsetMicroseconds).shown(at: now)
  }

  func shown(at now: Instant) -> WallTime {
    if let frozenAt { return frozenAt }
    let elapsed = Int64(now.nanoseconds / 1_000)
    let drift = elapsed / 1_000_000 * driftPartsPerMillion
    let shown = SimulatedWorld.epochMicroseconds + elapsed + drift + offsetMicroseconds
    return WallTime(microseconds: UInt64(max(0, shown)))
  }
}
