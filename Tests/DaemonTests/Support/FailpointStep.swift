import Glibc
import Replication
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
  /// Claims and references do not come back, for the key index has hashes of their names: what
  /// these tests write asks for none of an earlier round.
  func putBackSchema(of site: String) throws {
    let connection = try SQLiteConnection(
      path: "\(path)/\(site)/data/store.db", role: .writer)
    defer { connection.close() }
    try connection.execute(
      """
      BEGIN IMMEDIATE;
      CREATE TABLE record (
        kind INTEGER NOT NULL, id BLOB NOT NULL, owner BLOB, lane INTEGER,
        revision INTEGER NOT NULL, held INTEGER NOT NULL, conflicts BLOB, audience BLOB NOT NULL,
        PRIMARY KEY (kind, id)) STRICT, WITHOUT ROWID;
      CREATE TABLE claim (
        key BLOB NOT NULL, kind INTEGER NOT NULL, record BLOB NOT NULL,
        PRIMARY KEY (key, kind, record)) STRICT, WITHOUT ROWID;
      CREATE TABLE reference (
        key BLOB NOT NULL, run INTEGER NOT NULL REFERENCES run (id), sequence INTEGER NOT NULL,
        PRIMARY KEY (key, run, sequence)) STRICT, WITHOUT ROWID;
      CREATE INDEX record_in_conflict ON record (kind, id) WHERE conflicts IS NOT NULL;
      CREATE INDEX entry_by_record ON entry (kind, record);
      CREATE INDEX entry_by_digest ON entry (substr(digest, 1, 8));
      """)
    let summaries = SQLiteSummaries(connection, SQLiteKeyIndex(connection, memory: .least))
    try summaries.forEach(after: .beforeSummaries) { record, summary throws(StoreError) in
      var audience = ByteWriter()
      summary.audience.encode(to: &audience)
      let conflicts = summary.conflicts.map(\.rawValue)
      try connection.run(
        """
        INSERT INTO record (kind, id, owner, lane, revision, held, conflicts, audience)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
          .code(record.kind.rawValue), .record(record.id), .site(summary.owner),
          .code(summary.lane?.rawValue), .unsigned(summary.greatestRevision.value),
          .integer(Int64(summary.heldCount)), conflicts.isEmpty ? .null : .blob(conflicts),
          .blob(audience.bytes),
        ])
      return true
    }
    try connection.execute(
      """
      DROP TABLE key_secret; DROP TABLE segment; DROP TABLE segment_page; DROP TABLE segment_guide;
      DROP TABLE key_kind; DROP TABLE summary; DROP TABLE open_record; DROP TABLE key_tail;
      DROP TABLE signed;
      DROP TABLE owed; DROP TABLE verdict; DROP TABLE consumer; DROP TABLE file;
      PRAGMA user_version=1;
      COMMIT;
      """)
  }
}
