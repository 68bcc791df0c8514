/// How long work rests that nobody waits for, so that those who wait have the machine: a step of it
/// may cost a hundred times as much in a large store as in a small one.
enum BackgroundPace {
  /// A step takes at most one part in so many of its thread's time.
  static let share = 50
  /// A disk that answers once a minute does not end the rounds.
  static let longestRest = Duration.seconds(10)

  /// - Parameters:
  ///   - work: what the last step took.
  ///   - shortest: the rest after a step that took no time.
  static func rest(after work: Duration, atLeast shortest: Duration) -> Duration {
    min(max(work * (share - 1), shortest), longestRest)
  }
}
