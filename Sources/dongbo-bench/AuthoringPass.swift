import Cryptography
import Replication
import Storage
import Transport

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
    var store = writer
    try stages.time("author") {
      try store.begin()
      var reconciler = Reconciler(
        site: site, centre: Workload.centre, configuredPins: [],
        log: SiteLog(
          state: try store.siteState(), unopened: nil, hashing: OpenSSLHash(),
          now: WallClock.now()),
        hashing: OpenSSLHash(), signatures: ECDSAChecker())
      for submission in submissions {
        switch try reconciler.author(submission, in: &store) {
        case .success: changeCount += 1
        case .failure(let refusal):
          throw BenchFailure("\(submission.record) was refused: \(refusal)")
        }
      }
      try reconciler.finish(in: &store)
    }
    try stages.time("commit") { try store.commit() }
    try stages.time("checkpoint") { _ = try store.checkpointStep() }
  }
}
