import Glibc
import Replication
import Transport

/// A large file goes from the province to the centre while directives flow both ways, the line is
/// cut and daemons are killed. What must hold is checked; the figures are shown either way.
struct FilesRun {
  struct Plan: Equatable, Sendable {
    var byteCount = 1 << 30
    var cutCount = 20
    var killCount = 5
    /// Directives a second, in each direction.
    var rate = 20
    var seed: UInt64 = 1
    /// Whether memory that grows too much is a failure, or a figure that the caller judges.
    var isGrowthJudged = true
  }

  /// What may be sent again for each fault: what the protocol allows on its way.
  static let maximumResentByteCount = LinkLimits().fileWindowByteCount
  /// What memory may grow by over what is resident when nothing is under way.
  static let maximumGrowthMiB = 16.0
  /// Longest time without a directive on a line that is up: a reconnect and the start of a daemon
  /// are inside.
  static let maximumSilenceSeconds = 5.0
  /// Directives each way before memory is looked at.
  static let warmUpCount = 200
  private static let warmUpRate = 100
  /// A line stays cut for up to so long.
  private static let longestCutMicroseconds = 300_000

  private let plan: Plan
  private let sites: LivingLab
  private var random: SplitMix64
  private var times = FilesReport.Times()

  /// - Returns: the figures, and a sentence for each check that failed.
  static func run(_ plan: Plan) throws(BenchFailure) -> (figures: Figures, failures: [String]) {
    let lab = try Laboratory.create(Laboratory.Plan(isRelayed: plan.cutCount > 0))
    Terminal.note("lab: \(lab.directory)")
    var run = FilesRun(
      plan: plan, sites: try LivingLab(lab), random: SplitMix64(seed: plan.seed))
    let result = try run.measure()
    try run.sites.stop()
    if result.failures.isEmpty { try lab.remove() }
    return result
  }

  private mutating func measure() throws(BenchFailure) -> (figures: Figures, failures: [String]) {
    Terminal.note("warming up")
    let source = try putDocument("1", naming: Workload.file)
    try Laboratory.wait("the first document does not arrive") { () throws(BenchFailure) in
      try sites.lab.centre.admin.hasFile(Workload.file.digest)
    }
    try warmUp(source)
    try sites.beginWatching()
    let watcher = try sites.memory.start()
    let file = SeededFile(byteCount: plan.byteCount, seed: plan.seed &+ 1)
    Terminal.note("uploading \(file.byteCount) bytes")
    let begun = MonotonicClock.now().nanoseconds
    try sites.lab.province.admin.upload(file)
    times.upload = MonotonicClock.now().nanoseconds - begun

    let flows = LabEnd.allCases.map {
      DirectiveFlow(from: $0, source: source, rate: plan.rate, stream: UInt64($0.rawValue) + 3)
    }
    var threads: [WorkerThread] = []
    for flow in flows { threads.append(try flow.start(in: sites.lab)) }
    let transfer = try transfer(file, flows)
    let meanwhile = flows.map(\.arrivedCount)
    for flow in flows { flow.end() }
    for thread in threads { thread.join() }
    for flow in flows { if let failure = flow.failure.first { throw failure } }
    sites.memory.end()
    watcher.join()

    Terminal.note("reading the file back")
    let received = try sites.lab.centre.admin.readBack(file.digest, byteCount: file.byteCount)
    try sites.lab.waitUntilAcknowledged()
    try sites.lab.compareDigests()
    return FilesReport(
      plan: plan, file: file, received: received, sentByteCount: try transfer.sentByteCount(),
      resentByteCounts: transfer.resentByteCounts,
      residents: LabEnd.allCases.map { sites.memory.resident($0) },
      flows: zip(flows, meanwhile).map { flow, arrivedCount in
        FilesReport.Flow(
          writer: flow.writer, writtenCount: flow.writtenCount,
          arrivedMeanwhileCount: arrivedCount, arrivedCount: flow.arrivedCount,
          silence: flow.longestSilence)
      }, times: times
    ).result
  }

  private func warmUp(_ source: String) throws(BenchFailure) {
    let flows = LabEnd.allCases.map {
      DirectiveFlow(
        from: $0, source: source, rate: Self.warmUpRate, stream: UInt64($0.rawValue) + 1)
    }
    var threads: [WorkerThread] = []
    for flow in flows { threads.append(try flow.start(in: sites.lab)) }
    try Laboratory.wait("the first directives do not arrive") { () throws(BenchFailure) in
      for flow in flows { if let failure = flow.failure.first { throw failure } }
      return flows.allSatisfy { $0.arrivedCount >= Self.warmUpCount }
    }
    for flow in flows { flow.end() }
    for thread in threads { thread.join() }
    try sites.lab.waitUntilAcknowledged()
  }

  /// The whole transfer with its faults; the file is whole at the centre when this returns.
  private mutating func transfer(
    _ file: SeededFile, _ flows: [DirectiveFlow]
  ) throws(BenchFailure) -> FileTransfer {
    let faults = FaultPlan(
      fileByteCount: file.byteCount, cutCount: plan.cutCount, killCount: plan.killCount,
      random: &random)
    var transfer = try FileTransfer(file, in: sites)
    for flow in flows { flow.lineIsUp() }
    let begun = MonotonicClock.now().nanoseconds
    let cpuBefore = try sites.cpuSeconds()
    _ = try putDocument("2", naming: file)
    for step in faults.steps {
      try transfer.wait(for: step.byteCount)
      for flow in flows { flow.lineIsDown() }
      let resent: Int
      switch step.fault {
      case .cut:
        resent = try transfer.cut()
        usleep(UInt32(random.below(Self.longestCutMicroseconds)))
        try sites.heal()
      case .kill(let end):
        resent = try transfer.kill(end)
        try sites.start(end)
      }
      for flow in flows { flow.lineIsUp() }
      let atLeast = step.fault == .kill(.province) ? "at least " : ""
      Terminal.note("\(step.fault) at \(step.byteCount) bytes: \(atLeast)\(resent) bytes again")
    }
    try transfer.wait(for: file.byteCount)
    let centre = sites.lab.centre.admin
    try Laboratory.wait("the file is not stored") { () throws(BenchFailure) in
      try centre.hasFile(file.digest)
    }
    times.transfer = MonotonicClock.now().nanoseconds - begun
    if plan.killCount == 0 { times.cpu = try sites.cpuSeconds() - cpuBefore }
    for flow in flows { flow.lineIsDown() }
    return transfer
  }

  /// Brings a small file first; a large one is there already.
  /// - Returns: the document's id, for directives to refer to.
  private mutating func putDocument(
    _ number: String, naming file: SeededFile
  ) throws(BenchFailure) -> String {
    let admin = sites.lab.province.admin
    if file == Workload.file { try admin.upload(file) }
    let ids = (0..<2).map { _ in
      Workload.uniqueID(milliseconds: Workload.firstMilliseconds, random: &random)
    }
    let body = Bodies.document(number: number, id: ids[0], naming: file, random: &random)
    let record = RecordKey(kind: .document, id: RecordID(ids[1]))
    try admin.write(.put(record, revision: 1, owner: Workload.owner, body))
    return Office.province.documentID(number)
  }
}
