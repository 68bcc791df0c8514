/// The longest time without an arrival while the line was up, in nanoseconds.
struct Silence: Equatable, Sendable {
  private(set) var longest: UInt64 = 0
  /// Since when the line is up, or the last arrival on it; nil while it is down.
  private var since: UInt64?

  mutating func up(at time: UInt64) { since = time }

  /// What arrives on a line that is down was read before it went.
  mutating func arrived(at time: UInt64) {
    guard let since else { return }
    longest = max(longest, time > since ? time - since : 0)
    self.since = time
  }

  mutating func down(at time: UInt64) {
    arrived(at: time)
    since = nil
  }
}
