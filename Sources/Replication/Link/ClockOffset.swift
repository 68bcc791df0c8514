/// How far a peer's wall clock is from this site's, as far as one message can tell.
///
/// A HELLO carries its sender's wall time (``Hello/wallTime``). It was written at some moment
/// between the beginning of the connection and its arrival, so the offset lies in an interval of
/// that length; what counts is the end nearest to zero. A slow line or a busy writer hides a small
/// offset, and never makes one up.
///
/// The times of entries would come more often and say less: they follow the greatest time their
/// author has seen, and an author that was set back counts on from where it was.
package struct ClockOffset: Hashable, Sendable {
  /// An offset of more than this is worth an operator's time. Clocks kept by NTP differ by
  /// milliseconds; far below the 60 s from which on a clock is not followed any more
  /// (``HybridTime/maximumDragMicroseconds``).
  package static let warningLimit: Duration = .seconds(5)

  /// At least so much; above zero when the peer is ahead.
  package let least: Duration

  package init(least: Duration) { self.least = least }

  /// - Parameters:
  ///   - stamp: what the peer's clock showed when it wrote its HELLO.
  ///   - now: what this site's shows on its arrival.
  ///   - elapsed: since the connection began; the stamp is no older.
  package init(stamp: WallTime, now: WallTime, elapsed: Duration) {
    let limit = Int64.max / 2
    let smallest =
      min(Int64(clamping: stamp.microseconds), limit)
      - min(Int64(clamping: now.microseconds), limit)
    let difference = Duration.microseconds(smallest)
    least = difference > .zero ? difference : min(difference + elapsed, .zero)
  }

  package var isAhead: Bool { least > .zero }
  /// Without its sign.
  package var amount: Duration { isAhead ? least : .zero - least }
  package var isTooLarge: Bool { amount > Self.warningLimit }

  /// With its sign, cut down; for JSON and logs.
  package var milliseconds: Int64 {
    let (seconds, attoseconds) = least.components
    return seconds * 1_000 + attoseconds / 1_000_000_000_000_000
  }
}
