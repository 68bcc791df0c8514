import Operations
import Replication

/// What became of the lines of one writing command, and the exit code that follows.
struct WriteTally: Hashable, Sendable {
  private(set) var doneCount = 0
  private var failures: [ExitCode] = []
  private var keptCodes: [String] = []
  private var unconfirmedCount = 0

  init() {}

  var itemCount: Int { doneCount + failures.count }

  mutating func failed(_ exitCode: ExitCode) { failures.append(exitCode) }

  /// A write that is durable here. `centre`: what the centre did with it, when that was asked.
  /// - Returns: the code to show when the centre keeps it without applying it.
  mutating func done(centre: JSONObject?) -> String? {
    doneCount += 1
    guard let centre else { return nil }
    switch centre["state"]?.text?.string {
    case "applied"?: return nil
    case "held"?, "conflict"?, "quarantined"?, "refused"?:
      let code = centre.shown("code")
      keptCodes.append(code)
      return "\(centre.shown("state")) (\(code))"
    case _:
      unconfirmedCount += 1
      return nil
    }
  }

  /// All failed: their common code, else 1. Some failed: 2. Otherwise what the centre said: 75 when
  /// something is durable here only, 2 when something is kept there but not applied.
  var exitCode: ExitCode {
    if let first = failures.first {
      guard doneCount == 0 else { return .partlyDone }
      return failures.allSatisfy { $0 == first } ? first : .failed
    }
    if unconfirmedCount > 0 { return .tryAgain }
    return keptCodes.isEmpty ? .done : .partlyDone
  }

  var failedCount: Int { failures.count }
  var isUnconfirmed: Bool { unconfirmedCount > 0 }
}
