import Replication
import Storage

/// What an application writes, by the daemon's own steps on one thread: each transaction holds one
/// change of every stream, as when as many are in flight.
struct AuthoringPass {
  private let site: SiteID
  private let writer: SQLiteWriter
  private let stages = StageTimes()
  private var changeCount = 0

  init(at site: SiteID, in writer: SQLiteWriter) {
    self.site = site
    self.writer = writer
  }

  var figures: Figures { stages.figures(named: "write", count: changeCount) }

  mutating func write(_ streams: [[WorkloadChange]]) throws {
    for round in 0..<(streams.map(\.count).max() ?? 0) {
      let changes = streams.compactMap { round < $0.count ? $0[round] : nil }
      let submissions = try stages.time("read") {
        try changes.map {
          try Submission.read(
            kind: $0.record.kind, operation: $0.operation, id: $0.record.id, json: $0.json)
        }
      }
      try author(submissions)
    }
  }

  private mutating func author(_ submissions: [Submission]) throws {
    try stages.transact("author", at: site, in: writer) { reconciler, store in
      for submission in submissions {
        switch try reconciler.author(submission, in: &store) {
        case .success: changeCount += 1
        case .failure(let refusal):
          throw BenchFailure("\(submission.record) was refused: \(refusal)")
        }
      }
    }
  }
}
