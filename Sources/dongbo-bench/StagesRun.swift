import Cryptography
import Replication
import Storage
import Transport

/// Where a change's CPU time goes between an application, the sender's log and the receiver's,
/// stage by stage: the daemon's own steps on one thread, in one process, without a socket. `write`
/// is an application's (64 to a transaction), `change` its way to the centre, `answer` that of the
/// receipts, one for every second change, back to the sender.
///
/// What was tried, and what it gave, by `stages --changes 20000` on 2 cores of an EPYC at 3 GHz, in
/// microseconds a change. The receipts that the receiver writes are part of `take`.
///
/// | commit | what | take | commit | checkpoint | all |
/// |---|---|---|---|---|---|
/// | 366a000 | before | 105.1 | 5.3 | | 122.1 |
/// | b1f0eb7 | a body is read once on its way in | 64.2 | 5.6 | | 80.6 |
/// | e306e3e | the writer remembers what it has just read | 46.2 | 5.0 | | 60.5 |
/// | dc73ae0 | the same, on a free machine | 40.9 | 4.9 | 2.1 | 55.0 |
/// | ef57f94 | all of the next table | 26.6 | 5.2 | 1.4 | 40.1 |
///
/// In instructions, which noise does not move: `valgrind --tool=callgrind dongbo-bench stages
/// --changes 4000`, thousands a change, take, commit and checkpoint together. Valgrind has no SHA
/// instructions: some 40 thousand of each row are digests that cost a tenth of it on the machine.
///
/// | commit | what | thousands |
/// |---|---|---|
/// | dc73ae0 | before | 461 |
/// | acda38d | texts stay in the body they came in | 432 |
/// | 8792df9 | a tape for the JSON, loops eight bytes at a time | 369 |
/// | 907f91e | a key index of sorted segments instead of six b-trees | 314 |
/// | 3612af0 | rows of the log and entries eight to a statement | 300 |
///
/// Of the last, 79 are the reading of bodies, which the daemon does on a thread before the writer
/// (`BodyReader`). At 200,000 changes the b-trees had cost a tenth more than at 20,000, and four
/// times the bytes to the disk; the segments cost the same.
/// `replicate --changes 100000` on a free machine: 12,000 changes/s before, 22,100 after; CPU of
/// receiver and sender 77 + 33 microseconds before, 50 + 22 after. A fifth of what went is the
/// verifier, which looked into every record that had grown.
///
/// Given up: an entry behind one reference, so that a copy counts up one instead of five: 4 of 100,
/// within the noise, for a layer more. `-cross-module-optimization`: nothing.
///
/// What is left, and what would remove it:
/// - `take` 27: reading bodies 8 (rules written for the bytes instead of schemas that are walked),
///   receipts 8 (prepared where the bodies are read); the rest is small arrays and counts up and
///   down, hundreds for an entry.
/// - `commit` and `checkpoint` 7: every byte is written twice, by SQLite's log and by the
///   checkpoint; a frame kept compressed as it came would be an eighth of it.
/// - `answer` 29, half a time a change: the sender reads its document again, to join a receipt to
///   it.
enum StagesRun {
  /// As LinkLimits at full speed.
  private static let frameByteCount = LinkLimits().largestFrameByteCount

  static func figures(changeCount: Int, seed: UInt64) throws(BenchFailure) -> Figures {
    let lab = try Laboratory.create()
    Terminal.note("lab: \(lab.directory)")
    try lab.introduce()
    let start = try lab.start(lab.province)
    try lab.waitUntilReady(lab.province)
    try lab.province.admin.upload(Workload.file)
    try start.stop()
    let figures = try measure(lab, Loader.streams(changeCount: changeCount, seed: seed))
    try lab.remove()
    return figures
  }

  private static func measure(
    _ lab: Laboratory, _ streams: [[WorkloadChange]]
  ) throws(BenchFailure) -> Figures {
    let sender = try open(lab.province, Workload.owner)
    let receiver = try open(lab.centre, Workload.centre)
    defer {
      sender.writer.close()
      receiver.writer.close()
    }
    var there = try StagePass(
      from: sender.writer, at: Workload.owner, to: receiver.writer, at: Workload.centre)
    var back = try StagePass(
      from: receiver.writer, at: Workload.centre, to: sender.writer, at: Workload.owner)
    var authoring = AuthoringPass(at: Workload.owner, in: sender.writer)
    do {
      Terminal.note("writing \(streams.reduce(0) { $0 + $1.count }) changes")
      try authoring.write(streams)
      Terminal.note("passing them on")
      for lane in [Lane.urgent, .normal] { try there.pass(lane, limits: rowLimits) }
      for lane in [Lane.urgent, .normal] { try back.pass(lane, limits: rowLimits) }
    } catch {
      throw BenchFailure("a stage failed: \(error)")
    }
    var figures = authoring.figures
    figures.add(there.figures(named: "change"))
    figures.add(back.figures(named: "answer"))
    return figures
  }

  private static var rowLimits: RowLimits {
    RowLimits(
      entries: EntriesMessage.maximumEntryCount, bytes: frameByteCount,
      scannedRows: LinkLimits().scannedRows)
  }

  private static func open(
    _ site: Laboratory.Site, _ id: SiteID
  ) throws(BenchFailure) -> OpenedStore {
    let data = String(site.files.dropLast("/files".count))
    do {
      return try OpenedStore.open(data, site: id, hashing: OpenSSLHash()) {
        preconditionFailure("the store of \(id) is new")
      }
    } catch {
      throw BenchFailure("the store of \(id): \(error)")
    }
  }
}

/// The log of one site on its way into another's.
private struct StagePass {
  private let from: SQLiteWriter
  private let to: SQLiteWriter
  private let sender: SiteID
  private let receiver: SiteID
  private let compressor: FrameCompressor
  private let hashing = OpenSSLHash()
  private var changeCount = 0
  private var plainByteCount = 0
  private var wireByteCount = 0
  private let stages = StageTimes()

  init(
    from: SQLiteWriter, at sender: SiteID, to: SQLiteWriter, at receiver: SiteID
  ) throws(BenchFailure) {
    self.from = from
    self.to = to
    self.sender = sender
    self.receiver = receiver
    do throws(CompressionError) {
      compressor = try FrameCompressor()
    } catch {
      throw BenchFailure("zstd: \(error)")
    }
  }

  /// Every row of a lane that the receiver is entitled to, one transaction a frame.
  mutating func pass(_ lane: Lane, limits: RowLimits) throws {
    let selection = RowSelection(
      peer: receiver, peerIsCentre: receiver == Workload.centre, peerIsRecovering: false)
    var after = LSN.start
    while true {
      let batch = try stages.time("read") {
        try from.rows(after: after, lane: lane, selection: selection, limits: limits)
      }
      guard batch.last.lsn > after else { return }
      after = batch.last.lsn
      guard !batch.entries.isEmpty else { continue }
      let message = EntriesMessage(
        lane: lane, previousLSN: batch.after, entries: batch.entries, checkpoint: .start)
      let frame = stages.time("encode") { Message.entries(message).frame }
      let compressed = stages.time("compress") {
        compressor.compress(frame.payload) ?? frame.payload
      }
      let plain = try stages.time("decompress") {
        compressed.count == frame.payload.count
          ? compressed
          : try compressor.decompress(
            compressed, declaredByteCount: frame.payload.count,
            limit: FrameHeader.maximumFrameByteCount)
      }
      let decoded = try stages.time("decode") {
        try Message.decode(frame.header, plain, hashing: hashing)
      }
      guard case .entries(let arrived) = decoded else { preconditionFailure("\(decoded.type)") }
      try take(arrived.entries)
      plainByteCount += plain.count
      wireByteCount += compressed.count
    }
  }

  private mutating func take(_ entries: [Entry]) throws {
    try stages.transact("take", at: receiver, in: to) { reconciler, store in
      for entry in entries {
        let result = try reconciler.receive(
          entry, from: sender, isRecovering: false, in: &store)
        if !result.isDuplicate { changeCount += 1 }
      }
    }
  }

  func figures(named name: String) -> Figures {
    var figures = stages.figures(named: name, count: changeCount)
    let count = Double(max(changeCount, 1))
    figures.add("\(name).plainBytes", Double(plainByteCount) / count, decimals: 1)
    figures.add("\(name).wireBytes", Double(wireByteCount) / count, decimals: 1)
    return figures
  }
}
