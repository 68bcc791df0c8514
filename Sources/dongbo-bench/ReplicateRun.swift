import Replication
import Transport

/// Catch-up of one link: everything is in the sender's log before the receiver starts.
enum ReplicateRun {
  static func figures(changeCount: Int, seed: UInt64) throws(BenchFailure) -> Figures {
    let lab = try Laboratory.create()
    Terminal.note("lab: \(lab.directory)")
    try lab.introduce()

    let streams = Loader.streams(changeCount: changeCount, seed: seed)
    Terminal.note("loading \(changeCount) changes")
    let loading = try lab.start(lab.province)
    try lab.waitUntilReady(lab.province)
    try lab.province.admin.upload(Workload.file)
    let loadTime = try Loader.load(streams, socket: lab.province.socket)
    // The sender of the measurement is a new process: its memory and its CPU time are those of
    // the catch-up alone, and it connects at once instead of at the end of a pause.
    try loading.stop()

    Terminal.note("replicating")
    var figures = try catchUp(lab, changeCount)
    figures.add("ingestPerSecond", Statistics.rate(changeCount, nanoseconds: loadTime), decimals: 1)
    try lab.remove()
    return figures
  }

  /// Start, connection and handshake of both daemons are inside the time, as in the baselines.
  private static func catchUp(
    _ lab: Laboratory, _ changeCount: Int
  ) throws(BenchFailure) -> Figures {
    let start = MonotonicClock.now()
    let receiver = try lab.start(lab.centre)
    try lab.waitUntilReady(lab.centre)
    let sender = try lab.start(lab.province)
    try lab.waitUntilAcknowledged()
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
    return figures
  }
}
