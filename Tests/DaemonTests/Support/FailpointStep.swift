import Glibc
import Testing

@testable import Storage

/// One end of a site to come: at which point, at which of its passages, and how.
struct FailpointStep: Sendable {
  let point: Failpoint
  /// One of them in each round, in turn.
  let passages: ClosedRange<Int>
  let action: FailpointPlan.Action

  init(
    _ point: Failpoint, _ passages: ClosedRange<Int> = 1...1, _ action: FailpointPlan.Action = .kill
  ) {
    self.point = point
    self.passages = passages
    self.action = action
  }

  /// As `DONGBO_FP` and the daemon's log say it.
  func text(round: Int) -> String {
    let passage = passages.lowerBound + round % passages.count
    return "\(point.rawValue):\(passage):\(action.rawValue)"
  }

  /// 71: what a daemon ends with when its environment fails.
  var exitCode: CInt { action == .eio ? 71 : 128 + SIGKILL }
}

extension Lab {
  /// Starts a site that does not run and has it end at a point. Fails when it never comes there.
  /// - Parameter until: asked again and again while the site comes there.
  func end(
    _ site: String, at step: FailpointStep, round: Int, until nudge: () throws -> Void = {}
  ) throws {
    let text = step.text(round: round)
    let before = lineCount(site, "event=failpoint \(text)")
    let process = try spawn(site, environment: ["DONGBO_FP=\(text)"])
    if step.action == .hold {
      try eventually("\(site) is held at \(text)") {
        lineCount(site, "event=failpoint \(text)") > before
      }
      // What the reactor was told before, it has taken once it has answered these two.
      try awaitReady(site)
      _ = try api(site).get("version")
      process.killNow()
    }
    try eventually("\(site) ends at \(text)") {
      if process.isRunning { try nudge() }
      return !process.isRunning
    }
    let exitCode = try process.exitCode()
    try #require(exitCode == step.exitCode, "\(site) at \(text): \(log(site).suffix(2_000))")
    try #require(lineCount(site, "event=failpoint \(text)") == before + 1, "\(site) at \(text)")
  }

  /// Lines of a site's log that hold all these pieces.
  func lineCount(_ site: String, _ pieces: String...) -> Int {
    log(site).split(separator: "\n").count { line in pieces.allSatisfy { line.contains($0) } }
  }

  /// Makes the store of a site that does not run one of schema 1, as the program before left it.
  func putBackSchema(of site: String) throws {
    let connection = try SQLiteConnection(
      path: "\(path)/\(site)/data/store.db", role: .writer)
    defer { connection.close() }
    try connection.execute(
      """
      BEGIN IMMEDIATE;
      DROP INDEX record_held; ALTER TABLE record DROP COLUMN holds;
      DROP TABLE owed; DROP TABLE verdict; DROP TABLE consumer; DROP TABLE file;
      PRAGMA user_version=1;
      COMMIT;
      """)
  }
}
