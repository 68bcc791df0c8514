import Cryptography
import Glibc
import Replication
import Storage
import Transport

/// Nanoseconds of CPU by stage, in the order of the way. Confined to one thread.
final class StageTimes {
  private(set) var spent: [(stage: String, nanoseconds: UInt64)] = []

  func time<Result>(_ stage: String, _ work: () throws -> Result) rethrows -> Result {
    let start = ThreadTime.now()
    defer {
      let nanoseconds = ThreadTime.now() - start
      if let index = spent.firstIndex(where: { $0.stage == stage }) {
        spent[index].nanoseconds += nanoseconds
      } else {
        spent.append((stage, nanoseconds))
      }
    }
    return try work()
  }

  /// One transaction as the daemon's writer runs it: its work is the stage `name`, then the commit
  /// and a step of the checkpoint.
  func transact(
    _ name: String, at site: SiteID, in writer: SQLiteWriter,
    _ work: (inout Reconciler, inout SQLiteWriter) throws -> Void
  ) throws {
    var store = writer
    try time(name) {
      try store.begin()
      var reconciler = Reconciler(
        site: site, centre: Workload.centre, configuredPins: [],
        log: SiteLog(
          state: try store.siteState(), unopened: nil, hashing: OpenSSLHash(),
          now: WallClock.now()),
        hashing: OpenSSLHash(), signatures: ECDSAChecker())
      try work(&reconciler, &store)
      try reconciler.finish(in: &store)
    }
    try time("commit") { try store.commit() }
    try time("checkpoint") { _ = try store.checkpointStep() }
  }

  /// Of one of `count`, and of all stages together.
  func figures(named name: String, count: Int) -> Figures {
    var figures = Figures()
    figures.add("\(name)s", count: count)
    let divisor = 1_000 * Double(max(count, 1))
    for (stage, nanoseconds) in spent {
      figures.add("\(name).\(stage)Microseconds", Double(nanoseconds) / divisor, decimals: 2)
    }
    let total = spent.reduce(0) { $0 + $1.nanoseconds }
    figures.add("\(name).allMicroseconds", Double(total) / divisor, decimals: 2)
    return figures
  }
}

/// CPU time of this thread: what waits for the disk costs nothing.
private enum ThreadTime {
  static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
