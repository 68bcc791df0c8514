import Replication

/// What many seeds come to.
package struct SeedTotals: Sendable {
  private var seedCount = 0
  private var failed: [UInt64] = []
  private var virtualSeconds: Int64 = 0
  /// Simulated time of each site, added up.
  private var siteSeconds: Int64 = 0
  private var operationCount = 0
  private var okCount = 0
  private var lostCount = 0
  private var eventCount = 0
  private var injected = Tally<Fault>()
  private var symptoms = Tally<Symptom>()
  private var diskMishaps = Tally<DiskMishap>()

  /// Of no seeds yet.
  package init() {}

  /// Counts one more seed.
  package mutating func add(_ report: SeedReport) {
    seedCount += 1
    if !report.isGood { failed.append(report.run.seed) }
    virtualSeconds += report.virtualTime.components.seconds
    siteSeconds += report.virtualTime.components.seconds * Int64(report.run.siteCount)
    operationCount += report.run.operationCount
    okCount += report.okCount
    lostCount += report.lostCount
    eventCount += report.eventCount
    injected.add(report.injected)
    symptoms.add(report.symptoms)
    diskMishaps.add(report.diskMishaps)
  }

  package func summary(seconds: Int) -> String {
    """

    \(seedCount) seeds, \(failed.count) failed\(failed.isEmpty ? "" : ": \(failed)")
    \(Self.days(virtualSeconds)) simulated days, \(Self.days(siteSeconds)) site-days, \
    \(eventCount) events, \(seconds) s
    \(operationCount) operations, \(okCount) of them OK; \(lostCount) lost by restores where \
    nobody else had them
    faults: \(Self.list(injected.listed))
    disks:  \(Self.list(diskMishaps.listed))
    seen:   \(Self.list(symptoms.listed))
    """
  }

  private static func days(_ seconds: Int64) -> String {
    "\(seconds / 86_400).\(seconds % 86_400 * 10 / 86_400)"
  }

  private static func list(_ counts: [(name: String, count: Int)]) -> String {
    counts.isEmpty ? "none" : counts.map { "\($0.name) \($0.count)" }.joined(separator: ", ")
  }

  /// One line, an object.
  package func json(seconds: Int) -> String {
    let object: JSONObject = [
      "seeds": .integer(Int64(seedCount)),
      "failed": .array(failed.map { .string(Text("\($0)")) }),
      "virtualSeconds": .integer(virtualSeconds), "siteSeconds": .integer(siteSeconds),
      "operations": .integer(Int64(operationCount)), "ok": .integer(Int64(okCount)),
      "lost": .integer(Int64(lostCount)), "events": .integer(Int64(eventCount)),
      "seconds": .integer(Int64(seconds)), "injected": injected.json, "symptoms": symptoms.json,
      "disks": diskMishaps.json,
    ]
    return JSONValue.object(object).line
  }
}
