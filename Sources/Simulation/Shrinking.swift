/// Makes a run that fails smaller while it still fails: operations halved, kinds of faults left out
/// one by one, sites halved, round after round until nothing helps.
package struct Shrinking {
  /// Runs at the most, each as long as the one that failed.
  package static let maximumRunCount = 80

  private let fails: (SeedRun) -> Bool
  private var smallest: SeedRun
  private var runCount = 0

  private init(_ run: SeedRun, _ fails: @escaping (SeedRun) -> Bool) {
    smallest = run
    self.fails = fails
  }

  /// - Parameter fails: whether this run fails, in whatever way.
  package static func smallest(
    of run: SeedRun, fails: @escaping (SeedRun) -> Bool
  ) -> SeedRun {
    var shrinking = Shrinking(run, fails)
    var before: SeedRun
    repeat {
      before = shrinking.smallest
      shrinking.halveOperations()
      shrinking.leaveOutFaults()
      shrinking.halveSites()
    } while shrinking.smallest != before && shrinking.runCount < maximumRunCount
    return shrinking.smallest
  }

  private mutating func halveOperations() {
    while smallest.operationCount > 0,
      take(smallest.with(operationCount: smallest.operationCount / 2))
    {}
  }

  private mutating func leaveOutFaults() {
    for fault in smallest.faults { _ = take(smallest.with(faults: smallest.faults, but: fault)) }
  }

  private mutating func halveSites() {
    while smallest.siteCount > SeedRun.siteCounts.lowerBound {
      let half = max(SeedRun.siteCounts.lowerBound, (smallest.siteCount + 1) / 2)
      guard take(smallest.with(siteCount: half)) else { break }
    }
    _ = smallest.siteCount > 2 && take(smallest.with(siteCount: smallest.siteCount - 1))
  }

  private mutating func take(_ run: SeedRun) -> Bool {
    guard runCount < Self.maximumRunCount else { return false }
    runCount += 1
    guard fails(run) else { return false }
    smallest = run
    return true
  }
}

extension SeedRun {
  fileprivate func with(operationCount: Int) -> SeedRun {
    SeedRun(seed: seed, siteCount: siteCount, operationCount: operationCount, faults: faults)
  }

  fileprivate func with(siteCount: Int) -> SeedRun {
    SeedRun(seed: seed, siteCount: siteCount, operationCount: operationCount, faults: faults)
  }

  fileprivate func with(faults: [Fault], but fault: Fault) -> SeedRun {
    SeedRun(
      seed: seed, siteCount: siteCount, operationCount: operationCount,
      faults: faults.filter { $0 != fault })
  }
}
