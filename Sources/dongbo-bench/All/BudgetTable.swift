/// The table of design.md section 6, row by row, with its own numbers.
enum BudgetTable {
  static func budgets(_ plan: AllRun.Plan) -> [Budget] {
    catchUp(plan) + [ingest] + latency(plan) + cost + [signatures(plan), fanout(plan)]
      + links(plan) + store(plan) + file(plan)
  }

  private static let rate = Measurements.Source(.replicate, "changesPerSecond")
  private static let sqliteOnce = Budget.NamedSource(
    name: "C and SQLite, body once", source: .init(.limits, "sqliteOncePerSecond"))
  private static let sqliteLog = Budget.NamedSource(
    name: "C and SQLite, log alone", source: .init(.limits, "sqliteLogPerSecond"))

  private static func catchUp(_ plan: AllRun.Plan) -> [Budget] {
    let what = "catch-up of \(plan.changeCount) changes"
    return [
      // 101,000/s: a NATS JetStream mirror, which neither syncs nor looks inside.
      Budget(
        what: what, unit: "changes/s", source: rate,
        limit: .postgreSQL(.catchUpPerSecond, instead: sqliteOnce), direction: .atLeast,
        must: [.times(1.2)], want: [.times(2), .figure(101_000)]),
      Budget(
        what: "\(what) committed one by one", unit: "changes/s",
        source: .init(.oneByOne, "changesPerSecond"),
        limit: .postgreSQL(.oneByOnePerSecond, instead: sqliteOnce), direction: .atLeast,
        must: [.times(2.5)], want: [.times(4)]),
      Budget(
        what: what, unit: "changes/s", source: rate, limit: .measured(sqliteOnce),
        direction: .atLeast, must: [.times(0.9)], want: [.times(1.5)]),
      Budget(
        what: what, unit: "changes/s", source: rate, limit: .measured(sqliteLog),
        direction: .atLeast, must: [], want: []),
    ]
  }

  private static let ingest = Budget(
    what: "ingest through the admin API, \(Loader.maximumConnectionCount) in flight",
    unit: "changes/s", source: .init(.replicate, "ingestPerSecond"), limit: .fixed(20_000),
    direction: .atLeast, must: [.figure(20_000)], want: [.figure(50_000)])

  private static func latency(_ plan: AllRun.Plan) -> [Budget] {
    let what = "latency at \(plan.latencyRate)/s until durable and visible"
    return [
      Budget(
        what: "\(what), p50", unit: "ms", source: .init(.latency, "p50Milliseconds"),
        limit: .postgreSQL(.latencyP50Microseconds), direction: .atMost, must: [.times(1.5)],
        want: [.times(1)]),
      Budget(
        what: "\(what), p99", unit: "ms", source: .init(.latency, "p99Milliseconds"),
        limit: .postgreSQL(.latencyP99Microseconds), direction: .atMost, must: [],
        want: [.times(1)]),
    ]
  }

  /// Of the catch-up.
  private static let cost = [
    Budget(
      what: "wire bytes a change", unit: "B", source: .init(.replicate, "wireBytesPerChange"),
      limit: .postgreSQL(.wireBytesPerChange), direction: .atMost, must: [.times(0.3)],
      want: [.times(0.2)]),
    Budget(
      what: "CPU seconds of both ends", unit: "s",
      source: .init(.replicate, "senderCpuSeconds", "receiverCpuSeconds"),
      limit: .postgreSQL(.cpuMilliseconds), direction: .atMost, must: [.times(1)],
      want: [.times(0.6)]),
    Budget(
      what: "peak memory of the receiver", unit: "MiB",
      source: .init(.replicate, "receiverPeakMiB"), limit: .fixed(96), direction: .atMost,
      must: [.figure(96)], want: [.figure(48)], beside: .receiverKiB),
  ]

  private static func signatures(_ plan: AllRun.Plan) -> Budget {
    Budget(
      what: "catch-up of \(plan.documentCount) documents, "
        + "\(SignedDocuments.roles.count) signatures required", unit: "documents/s",
      source: .init(.signatures, "documentsPerSecond"),
      limit: .measured(
        .init(
          name: "openssl speed, one thread",
          source: .init(.signatures, "allowedDocumentsPerSecond"))),
      direction: .atLeast, must: [.times(0.7)], want: [.times(0.9)])
  }

  private static func fanout(_ plan: AllRun.Plan) -> Budget {
    Budget(
      what: "1 change to \(plan.fanout.linkCount) provinces until the last has it, p99",
      unit: "ms", source: .init(.fanout, "p99Milliseconds"), limit: .fixed(250),
      direction: .atMost, must: [.figure(250)], want: [.figure(60)])
  }

  private static func links(_ plan: AllRun.Plan) -> [Budget] {
    let allowed = 64 + Double(plan.links.linkCount)
    let what = "\(plan.links.linkCount) links idle at the centre"
    return [
      Budget(
        what: what, unit: "MiB", source: .init(.links, "mostMiB"), limit: .fixed(allowed),
        direction: .atMost, must: [.figure(allowed)], want: [.figure(allowed / 2)]),
      Budget(
        what: "\(what), growth in \(plan.links.seconds) s", unit: "MiB",
        source: .init(.links, "growthMiB"), limit: .fixed(LinksRun.flatGrowthMiB),
        direction: .atMost, must: [.figure(LinksRun.flatGrowthMiB)],
        want: [.figure(LinksRun.flatGrowthMiB / 2)]),
    ]
  }

  private static func store(_ plan: AllRun.Plan) -> [Budget] {
    let what = "store of \(plan.large.entryCount) entries"
    return [
      Budget(
        what: "\(what): start", unit: "s", source: .init(.large, "startSeconds"),
        limit: .fixed(5), direction: .atMost, must: [.figure(5)], want: [.figure(1)]),
      Budget(
        what: "\(what): catch-up", unit: "changes/s",
        source: .init(.large, "intoFilledPerSecond"),
        limit: .measured(
          .init(name: "into an empty store", source: .init(.large, "intoEmptyPerSecond"))),
        direction: .atLeast, must: [.times(0.7)], want: [.times(0.9)]),
    ]
  }

  private static func file(_ plan: AllRun.Plan) -> [Budget] {
    let what = "file of \(plan.fileByteCount >> 20) MiB"
    return [
      Budget(
        what: "\(what): memory above idle", unit: "MiB", source: .init(.files, "mostGrowthMiB"),
        limit: .fixed(FilesRun.maximumGrowthMiB), direction: .atMost,
        must: [.figure(FilesRun.maximumGrowthMiB)], want: []),
      Budget(
        what: "\(what): rate", unit: "MB/s", source: .init(.files, "transferMBPerSecond"),
        limit: .measured(
          .init(name: "plain TLS copy", source: .init(.copy, "copyMBPerSecond"))),
        direction: .atLeast, must: [.times(0.8)], want: [.times(0.95)]),
    ]
  }
}
