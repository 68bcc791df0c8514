import Glibc
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
    let loaded = try load(streams, into: lab)
    Terminal.note("replicating")
    var figures = try catchUp(lab, loaded)
    loaded.addIngest(to: &figures)
    try lab.remove()
    return figures
  }

  /// What the centre lacks once the province is loaded.
  struct Loaded {
    let changeCount: Int
    /// From the first request to the last OK.
    let nanoseconds: UInt64
    /// One document more, behind all others in their lane: the centre has everything once it has
    /// this. What the sender says of its lag is up to a second old, and older in a large store.
    let marker: RecordKey
    /// What the load took of the cores: of the daemon with its start, and of the clients.
    let daemonCPUSeconds: Double
    let clientCPUSeconds: Double

    func addIngest(to figures: inout Figures) {
      let rate = Statistics.rate(changeCount, nanoseconds: nanoseconds)
      figures.add("ingestPerSecond", rate, decimals: 1)
      for (key, seconds) in [
        ("ingestDaemonCpuMicroseconds", daemonCPUSeconds),
        ("ingestClientCpuMicroseconds", clientCPUSeconds),
      ] {
        figures.add(key, seconds * 1e6 / Double(changeCount), decimals: 1)
      }
    }
  }

  /// Numbers of markers begin here, above those of any workload.
  private static let firstMarkerNumber = 900_000_000

  /// Writes the streams at the province while the centre is down; both are down afterwards. The
  /// sender of the measurement is a new process: its memory and its CPU time are those of the
  /// catch-up alone, and it connects at once instead of at the end of a pause.
  /// - Parameters:
  ///   - part: unlike that of every other load of the lab.
  ///   - finish: waits for what else the province has to do before it ends.
  static func load(
    _ streams: [[WorkloadChange]], into lab: Laboratory, part: Int = 0,
    finish: () throws(BenchFailure) -> Void = {}
  ) throws(BenchFailure) -> Loaded {
    let loading = try lab.start(lab.province)
    try lab.waitUntilReady(lab.province)
    try lab.province.admin.upload(Workload.file)
    let clientBefore = try ProcessUsage.read(getpid()).cpuSeconds
    let time = try Loader.load(streams, socket: lab.province.socket)
    let clientAfter = try ProcessUsage.read(getpid()).cpuSeconds
    let daemonAfter = try ProcessUsage.read(loading.id).cpuSeconds
    let marker = marker(part)
    try lab.province.admin.write(marker)
    try finish()
    try loading.stop()
    return Loaded(
      changeCount: streams.reduce(0) { $0 + $1.count }, nanoseconds: time, marker: marker.record,
      daemonCPUSeconds: daemonAfter, clientCPUSeconds: clientAfter - clientBefore)
  }

  private static func marker(_ part: Int) -> WorkloadChange {
    let number = firstMarkerNumber + part
    var random = SplitMix64(seed: UInt64(number))
    let ids = (0..<2).map { _ in
      Workload.uniqueID(milliseconds: Workload.firstMilliseconds, random: &random)
    }
    let body = Bodies.document(
      number: "\(number)", id: ids[0], naming: Workload.file, random: &random)
    return .put(
      RecordKey(kind: .document, id: RecordID(ids[1])), revision: 1, owner: Workload.owner, body)
  }

  /// Start, connection and handshake of both daemons are inside the time, as in the baselines.
  /// - Parameter finish: waits for what else belongs to it once all is there, inside the time.
  static func catchUp(
    _ lab: Laboratory, _ loaded: Loaded, finish: () throws(BenchFailure) -> Void = {}
  ) throws(BenchFailure) -> Figures {
    let start = MonotonicClock.now()
    let receiver = try lab.start(lab.centre)
    try lab.waitUntilReady(lab.centre)
    let ready = MonotonicClock.now()
    let sender = try lab.start(lab.province)
    let admin = lab.centre.admin
    try Laboratory.wait(
      "the centre does not catch up; see \(lab.centre.log)", changes: loaded.changeCount
    ) { () throws(BenchFailure) in try admin.has(loaded.marker) }
    try finish()
    let end = MonotonicClock.now()

    let sent = try ProcessUsage.read(sender.id)
    let received = try ProcessUsage.read(receiver.id)
    try lab.waitUntilAcknowledged(changes: loaded.changeCount)
    let page = try MetricsPage.read(port: lab.province.monitoringPort)
    let entryCount = try lab.compareDigests()
    try sender.stop()
    try receiver.stop()

    var figures = Figures()
    let time = end.nanoseconds - start.nanoseconds
    let changeCount = loaded.changeCount
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
    figures.add("entries", count: entryCount)
    return figures
  }
}
