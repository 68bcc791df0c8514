import Glibc
import Replication
import Transport

/// A province comes back that is far behind, to a centre that has compacted meanwhile: any old
/// checkpoint is a resume point (law 2), what has gone comes as stubs, and nothing that was
/// withdrawn comes back.
enum BehindRun {
  /// Revisions of a directive that the province misses; the last of every fifth is a withdrawal.
  static let revisionCount = 50
  static let withdrawnPart = 5
  /// Longer than what the centre is told to keep, so that everything superseded may go.
  private static let agingMicroseconds: UInt32 = 1_500_000
  private static let keep = "KeepSuperseded=1s"

  /// The directives of a run: known at the province at their first revision.
  struct Plan: Equatable, Sendable {
    /// By connection, in the order they are sent.
    let first: [[WorkloadChange]]
    let later: [[WorkloadChange]]
    let withdrawn: [RecordKey]
    let live: [RecordKey]

    /// - Parameter source: the document that the directives refer to.
    init(changeCount: Int, source: String, random: inout SplitMix64) {
      let recordCount = max(1, changeCount / BehindRun.revisionCount)
      let shares = Loader.split(recordCount)
      var (first, later): ([[WorkloadChange]], [[WorkloadChange]]) = ([], [])
      var (withdrawn, live): ([RecordKey], [RecordKey]) = ([], [])
      var number = 0
      for share in shares {
        let records = (0..<share).map { _ in
          number += 1
          let id = Workload.uniqueID(
            milliseconds: Workload.firstMilliseconds + UInt64(number), random: &random)
          return (key: RecordKey(kind: .directive, id: RecordID(id)), number: number)
        }
        func put(_ revision: Int, _ record: (key: RecordKey, number: Int)) -> WorkloadChange {
          let body = Bodies.directive(
            number: "\(record.number)", source: source, from: .centre, to: .province,
            random: &random)
          return .put(
            record.key, revision: Int64(revision), owner: Workload.centre, body)
        }
        first.append(records.map { put(1, $0) })
        var changes: [WorkloadChange] = []
        for revision in 2...BehindRun.revisionCount {
          changes += records.map { put(revision, $0) }
        }
        for record in records {
          guard record.number % BehindRun.withdrawnPart == 0 else {
            changes.append(put(BehindRun.revisionCount + 1, record))
            live.append(record.key)
            continue
          }
          withdrawn.append(record.key)
          changes.append(.withdrawal(of: record.key, revision: BehindRun.revisionCount + 1))
        }
        later.append(changes)
      }
      (self.first, self.later) = (first, later)
      (self.withdrawn, self.live) = (withdrawn, live)
    }

    var laterCount: Int { later.reduce(0) { $0 + $1.count } }
    /// Of each record all but the first, which fixes its dates, and the last.
    var supersededCount: Int { laterCount - withdrawn.count - live.count }
  }

  static func figures(changeCount: Int, seed: UInt64) throws(BenchFailure) -> Figures {
    let lab = try Laboratory.create()
    Terminal.note("lab: \(lab.directory)")
    try lab.introduce()
    var random = SplitMix64(seed: seed)
    let (plan, ingestTime) = try prepare(lab, changeCount, &random)
    let store = lab.centre.files.dropLast("files".count) + "store.db"
    let before = try StoreFile.read(String(store))

    Terminal.note("compacting")
    let compaction = try compact(lab, plan)
    let after = try StoreFile.read(String(store))

    Terminal.note("catching up from a checkpoint \(plan.laterCount) changes back")
    var figures = Figures()
    figures.add("changes", count: plan.laterCount)
    figures.add("records", count: plan.live.count + plan.withdrawn.count)
    figures.add("withdrawn", count: plan.withdrawn.count)
    figures.add(
      "ingestPerSecond", Statistics.rate(plan.laterCount, nanoseconds: ingestTime), decimals: 1)
    figures.add("stubs", count: compaction.bodyCount)
    figures.add("bodyBytesGone", count: compaction.byteCount)
    figures.add("compactionSeconds", Double(compaction.time) / 1e9, decimals: 2)
    figures.add("storeBytesBefore", count: before.byteCount)
    figures.add("storeBytesAfter", count: after.byteCount)
    figures.add("storeUsedBytesBefore", count: before.usedByteCount)
    figures.add("storeUsedBytesAfter", count: after.usedByteCount)
    try catchUp(lab, plan, &figures)
    try lab.remove()
    return figures
  }

  /// Both sites know every directive at its first revision; the rest is written at the centre while
  /// the province is down. Both are down when this returns.
  private static func prepare(
    _ lab: Laboratory, _ changeCount: Int, _ random: inout SplitMix64
  ) throws(BenchFailure) -> (Plan, ingestTime: UInt64) {
    let centre = try lab.start(lab.centre)
    let province = try lab.start(lab.province)
    try lab.waitUntilReady(lab.centre)
    try lab.waitUntilReady(lab.province)
    try lab.province.admin.upload(Workload.file)
    let ids = (0..<2).map { _ in
      Workload.uniqueID(milliseconds: Workload.firstMilliseconds, random: &random)
    }
    let document = Bodies.document(
      number: "1", id: ids[0], naming: Workload.file, random: &random)
    try lab.province.admin.write(
      .put(
        RecordKey(kind: .document, id: RecordID(ids[1])), revision: 1, owner: Workload.owner,
        document))
    try lab.waitUntilAcknowledged()
    let plan = Plan(
      changeCount: changeCount, source: Office.province.documentID("1"), random: &random)
    _ = try Loader.load(plan.first, socket: lab.centre.socket)
    try waitUntilEqual(lab, changeCount)
    try province.stop()
    Terminal.note("writing \(plan.laterCount) changes at the centre, the province is away")
    let time = try Loader.load(plan.later, socket: lab.centre.socket)
    try centre.stop()
    return (plan, time)
  }

  /// The centre starts, keeps superseded bodies no longer, and stops when a round is over.
  private static func compact(
    _ lab: Laboratory, _ plan: Plan
  ) throws(BenchFailure) -> (bodyCount: Int, byteCount: Int, time: UInt64) {
    usleep(agingMicroseconds)
    try lab.addLimit(keep, to: lab.centre)
    let begun = MonotonicClock.now().nanoseconds
    let centre = try lab.start(lab.centre)
    try lab.waitUntilReady(lab.centre)
    var page = MetricsPage(text: "")
    try Laboratory.wait("compaction does not end; see \(lab.centre.log)", changes: plan.laterCount)
    {
      () throws(BenchFailure) in
      page = try MetricsPage.read(port: lab.centre.monitoringPort)
      return page.sum("dongbo_compaction_last_round_timestamp_seconds") > 0
    }
    let time = MonotonicClock.now().nanoseconds - begun
    let bodyCount = Int(page.sum("dongbo_compacted_bodies_total"))
    try centre.stop()
    guard bodyCount == plan.supersededCount else {
      throw BenchFailure("\(bodyCount) bodies went, \(plan.supersededCount) were superseded")
    }
    return (bodyCount, Int(page.sum("dongbo_compacted_bytes_total")), time)
  }

  /// Start, connection and handshake are inside the time.
  private static func catchUp(
    _ lab: Laboratory, _ plan: Plan, _ figures: inout Figures
  ) throws(BenchFailure) {
    let centre = try lab.start(lab.centre)
    try lab.waitUntilReady(lab.centre)
    let begun = MonotonicClock.now().nanoseconds
    let province = try lab.start(lab.province)
    try waitUntilEqual(lab, plan.laterCount)
    let time = MonotonicClock.now().nanoseconds - begun
    let page = try MetricsPage.read(port: lab.centre.monitoringPort)
    let usage = try ProcessUsage.read(province.id)
    try lab.compareDigests()
    var comparedCount = 0
    for site in [lab.centre, lab.province] { comparedCount += try check(site, plan) }
    try province.stop()
    try centre.stop()
    figures.add("catchUpSeconds", Double(time) / 1e9, decimals: 2)
    figures.add(
      "changesPerSecond", Statistics.rate(plan.laterCount, nanoseconds: time), decimals: 1)
    let wireByteCount = page.sum("dongbo_replication_bytes_total")
    figures.add("wireBytes", count: Int(wireByteCount))
    figures.add(
      "wireBytesPerChange", wireByteCount / Double(plan.laterCount), decimals: 1)
    figures.add("receiverPeakMiB", usage.peakMiB, decimals: 1)
    figures.add("recordsLookedAt", count: comparedCount)
  }

  /// Fails unless what was withdrawn is withdrawn, and what lives has its last revision.
  /// - Returns: records looked at.
  private static func check(
    _ site: Laboratory.Site, _ plan: Plan
  ) throws(BenchFailure) -> Int {
    let admin = site.admin
    var count = 0
    for (records, isWithdrawn) in [(plan.withdrawn, true), (plan.live, false)] {
      for record in records {
        let path = ["records", record.kind.description, record.id.description]
        let response = try admin.send(.get, path)
        guard response.status.code == 200, let shown = AdminSite.object(response),
          shown["withdrawn"] == (isWithdrawn ? .bool(true) : nil),
          shown["revision"] == .integer(Int64(revisionCount + 1))
        else { throw AdminSite.unexpected(response, path) }
        count += 1
      }
    }
    return count
  }

  private static func waitUntilEqual(
    _ lab: Laboratory, _ changeCount: Int
  ) throws(BenchFailure) {
    let centre = lab.centre.admin
    try Laboratory.wait(
      "the province does not catch up; see \(lab.province.log)", changes: changeCount
    ) { centre.lag(to: Workload.owner) == 0 }
  }
}

extension WorkloadChange {
  /// The owner takes the record back.
  static func withdrawal(of record: RecordKey, revision: Int) -> WorkloadChange {
    let body: JSONObject = [
      "revision": .integer(Int64(revision)), "reason": .text("Dự thảo không còn cần"),
    ]
    return WorkloadChange(
      record: record, operation: .withdraw, json: JSONValue.object(body).canonicalBytes)
  }
}
