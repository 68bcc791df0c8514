import Glibc

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
