/// Notices that the machine slept, or was put back together with its memory: a wake counts as a
/// start (law 5), so what is written after it belongs to a new incarnation.
///
/// Either shows in the wall clock, which is set right against the monotonic one that knows nothing
/// of it. Slewing moves both alike, so whatever lies between two looks only a step is seen. A clock
/// that an operator sets is taken for a wake too: that costs one genesis. The generation id of a
/// virtual machine would say more, but no kernel before 6.10 tells a process of it; what puts a
/// machine back may as well restart the daemon.
package struct WakeWatch: Sendable {
  /// More than a leap second, and than a clock's usual corrections.
  package static let smallestStep = Duration.seconds(2)

  private var wall: WallTime
  private var monotonic: Instant

  /// The clocks as the process starts.
  package init(wall: WallTime, monotonic: Instant) {
    self.wall = wall
    self.monotonic = monotonic
  }

  /// To be asked before each transaction: once for each step.
  package mutating func hasWoken(wall now: WallTime, monotonic instant: Instant) -> Bool {
    let difference =
      now >= wall
      ? Duration.microseconds(now.microseconds - wall.microseconds)
      : .zero - .microseconds(wall.microseconds - now.microseconds)
    let step = difference - (instant - monotonic)
    wall = now
    monotonic = instant
    return step >= Self.smallestStep || step <= .zero - Self.smallestStep
  }
}
