import Replication
import Transport

/// Catch-up of one link: everything is in the sender's log before the receiver starts.
enum ReplicateRun {
  struct Plan: Equatable, Sendable {
    var changeCount = 200_000
    var seed: UInt64 = 1
    /// Each change is committed alone at its origin, when the one before has been answered.
    var isOneByOne = false
  }

  static func figures(_ plan: Plan) throws(BenchFailure) -> Figures {
    let lab = try Laboratory.create()
    Terminal.note("lab: \(lab.directory)")
    try lab.introduce()

    Terminal.note("loading \(plan.changeCount) changes")
    let streams = Loader.streams(
      changeCount: plan.changeCount, seed: plan.seed,
      connectionCount: plan.isOneByOne ? 1 : Loader.maximumConnectionCount)
    let loadTime = try load(streams, into: lab)
    Terminal.note("replicating")
    var figures = try catchUp(lab, plan.changeCount)
    figures.add(
      "ingestPerSecond", Statistics.rate(plan.changeCount, nanoseconds: loadTime), decimals: 1)
    try lab.remove()
    return figures
  }

  /// Writes the streams at the province while the centre is down; both are down afterwards. The
  /// sender of the measurement is a new process: its memory and its CPU time are those of the
  /// catch-up alone, and it connects at once instead of at the end of a pause.
  /// - Parameter finish: waits for what else the province has to do before it ends.
  /// - Returns: nanoseconds from the first request to the last OK.
  static func load(
    _ streams: [[WorkloadChange]], into lab: Laboratory,
    finish: () throws(BenchFailure) -> Void = {}
  ) throws(BenchFailure) -> UInt64 {
    let loading = try lab.start(lab.province)
    try lab.waitUntilReady(lab.province)
    try lab.province.admin.upload(Workload.file)
    let time = try Loader.load(streams, socket: lab.province.socket)
    try finish()
    try loading.stop()
    return time
  }

  /// Start, connection and handshake of both daemons are inside the time, as in the baselines.
  /// - Parameters:
  ///   - changeCount: what the centre lacks.
  ///   - finish: waits for what else belongs to it once all is there, inside the time.
  static func catchUp(
    _ lab: Laboratory, _ changeCount: Int, finish: () throws(BenchFailure) -> Void = {}
  ) throws(BenchFailure) -> Figures {
    let start = MonotonicClock.now()
    let receiver = try lab.start(lab.centre)
    try lab.waitUntilReady(lab.centre)
    let ready = MonotonicClock.now()
    let sender = try lab.start(lab.province)
    try lab.waitUntilAcknowledged(changes: changeCount)
    try finish()
    let end = MonotonicClock.now()

    let sent = try ProcessUsage.read(sender.id)
    let received = try ProcessUsage.read(receiver.id)
    let page = try MetricsPage.read(port: lab.province.monitoringPort)
    try lab.compareDigests()
    try sender.stop()
    try receiver.stop()

    var figures = Figures()
    let time = end.nanoseconds - start.nanoseconds
    figures.add("changesPerSecond", Statistics.rate(changeCount, nanoseconds: time), decimals: 1)
    // Both directions: acknowledgements are part of the price.
    let wireByteCount = page.sum("dongbo_replication_bytes_total")
    figures.add("wireBytesPerChange", wireByteCount / Double(changeCount), decimals: 1)
    figures.add("senderCpuSeconds", sent.cpuSeconds, decimals: 2)
    figures.add("receiverCpuSeconds", received.cpuSeconds, decimals: 2)
    figures.add("senderPeakMiB", sent.peakMiB, decimals: 1)
    figures.add("receiverPeakMiB", received.peakMiB, decimals: 1)
    let startTime = ready.nanoseconds - start.nanoseconds
    figures.add("receiverStartSeconds", Double(startTime) / 1e9, decimals: 3)
    return figures
  }
}
