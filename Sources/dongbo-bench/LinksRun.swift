import Glibc
import Replication

/// Idle links at the centre: what is resident there once all are up, and whether it stays so.
enum LinksRun {
  struct Plan: Equatable, Sendable {
    var linkCount = 100
    /// How long it is looked at.
    var seconds = 60
  }

  /// What may be more at the end and memory still be called flat: a page here and there
  /// is the allocator's.
  static let flatGrowthMiB = 1.0
  /// After the last link is up, for what their beginning needed to be given back.
  private static let settleSeconds: UInt32 = 5

  static func figures(_ plan: Plan) throws(BenchFailure) -> Figures {
    let fleet = try Fleet(provinceCount: plan.linkCount)
    let alone = try resident(fleet.centre)
    Terminal.note("starting \(plan.linkCount) provinces")
    try fleet.startProvinces()
    sleep(settleSeconds)
    let first = try resident(fleet.centre)
    Terminal.note("looking for \(plan.seconds) s")
    var most = first
    for _ in 0..<plan.seconds {
      sleep(1)
      most = max(most, try resident(fleet.centre))
    }
    let last = try resident(fleet.centre)
    try fleet.waitUntilAllHaveAll()
    try fleet.end()

    var figures = Figures()
    figures.add("links", count: plan.linkCount)
    figures.add("aloneMiB", alone, decimals: 1)
    figures.add("linkedMiB", first, decimals: 1)
    figures.add("lastMiB", last, decimals: 1)
    figures.add("mostMiB", most, decimals: 1)
    figures.add("growthMiB", max(0, last - first), decimals: 2)
    figures.add("kibibytesPerLink", (first - alone) * 1024 / Double(plan.linkCount), decimals: 1)
    return figures
  }

  private static func resident(_ site: RunningSite) throws(BenchFailure) -> Double {
    guard let status = TextFile.read("/proc/\(site.id)/status"),
      let resident = ProcessUsage.residentMiB(status: status)
    else { throw BenchFailure("the centre, process \(site.id), is gone; look at its log") }
    return resident
  }
}
