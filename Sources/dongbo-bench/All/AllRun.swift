/// Every row of the table of budgets (design.md section 6), from runs that are commands of their
/// own. The parts run in turn, round by round, so that what the machine does meanwhile meets all
/// of them.
enum AllRun {
  struct Plan: Equatable, Sendable {
    var changeCount = 200_000
    var roundCount = 5
    var seed: UInt64 = 1
    /// What `Deploy/bench-peers --json` wrote.
    var peersPath: String?
    var storeEntryCount = LargeRun.Plan().entryCount

    /// The store of the table.
    static let largeEntryCount = 10_000_000

    var latencyRate: Int { 200 }
    var latencyCount: Int { 2_000 }
    /// As many as ``SignaturesRun/documentCount`` beside the usual changes: a document that is
    /// verified costs what some seven changes cost that are not.
    var documentCount: Int { max(1, changeCount / 25 * 2) }
    var fanout: FanoutRun.Plan { FanoutRun.Plan(seed: seed) }
    var links: LinksRun.Plan { LinksRun.Plan() }
    var large: LargeRun.Plan {
      LargeRun.Plan(
        entryCount: storeEntryCount, changeCount: max(1, changeCount / 2), seed: seed)
    }
    var fileByteCount: Int { FilesRun.Plan().byteCount }
  }

  static func rows(_ plan: Plan) throws(BenchFailure) -> [BudgetRow] {
    let peers = try plan.peersPath.map { path throws(BenchFailure) in
      try PeerFigures.read(path)
    }
    if let peers, peers.changeCount != plan.changeCount {
      throw BenchFailure(
        "the peers were given \(peers.changeCount) changes, this run \(plan.changeCount)")
    }
    if peers == nil {
      Terminal.note(
        "PostgreSQL is null without --peers FILE: where it is the limit, a rate is held against "
          + "SQLite's limit of this run, and no goal is judged")
    }
    var measurements = Measurements()
    for round in 1...plan.roundCount {
      for part in Part.allCases where measurements.failures[part] == nil {
        Terminal.note("round \(round) of \(plan.roundCount): \(part.rawValue)")
        do throws(BenchFailure) {
          measurements.add(try figures(part, plan), of: part)
        } catch {
          Terminal.note("dongbo-bench: \(part.rawValue): \(error)")
          measurements.fail(error, of: part)
        }
      }
    }
    return BudgetTable.budgets(plan).map { $0.row(measurements, peers) }
  }

  private static func figures(_ part: Part, _ plan: Plan) throws(BenchFailure) -> Figures {
    let (count, seed) = (plan.changeCount, plan.seed)
    switch part {
    case .replicate:
      return try ReplicateRun.figures(ReplicateRun.Plan(changeCount: count, seed: seed))
    case .oneByOne:
      return try ReplicateRun.figures(
        ReplicateRun.Plan(changeCount: count, seed: seed, isOneByOne: true))
    case .limits: return try LimitsRun.figures(changeCount: count, seed: seed)
    case .latency:
      return try LatencyRun.figures(
        rate: plan.latencyRate, count: plan.latencyCount, seed: seed)
    case .signatures:
      return try SignaturesRun.figures(documentCount: plan.documentCount, seed: seed)
    case .fanout: return try FanoutRun.figures(plan.fanout)
    case .links: return try LinksRun.figures(plan.links)
    case .large: return try LargeRun.figures(plan.large)
    case .files: return try files(plan)
    case .copy: return try CopyRun.figures(byteCount: plan.fileByteCount, seed: seed)
    }
  }

  /// Without faults, and with hardly any traffic beside.
  private static func files(_ plan: Plan) throws(BenchFailure) -> Figures {
    let (figures, failures) = try FilesRun.run(
      FilesRun.Plan(
        byteCount: plan.fileByteCount, cutCount: 0, killCount: 0, rate: 1, seed: plan.seed,
        isGrowthJudged: false))
    guard failures.isEmpty else { throw BenchFailure(failures.joined(separator: "; ")) }
    return figures
  }
}
