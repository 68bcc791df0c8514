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
/// | ef57f94 | all of the next table up to 3612af0 | 26.6 | 5.2 | 1.4 | 40.1 |
/// | b0b6eeb | all of it up to this, the machine nearly free | 21.7 | 5.0 | 1.5 | 34.6 |
/// | 2d4c26a | all of it up to this, a slower spell | 18.7 | 5.1 | 1.5 | 31.2 |
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
/// | 5bca83b | the same, and its answers' 0.6 | 400 |
/// | 122ec5c | what is written is read without writing out what waits | 396 |
/// | 5d5bac5 | key index: no counted references, a page is read once | 381 |
/// | 424b123 | entry, reading and registry are shared by who holds them | 373 |
/// | b0b6eeb | keys, leaves and words are made in one piece each | 349 |
/// | 5e36cc8 | members found on the tape, facts left in their reading | 344 |
/// | 2d4c26a | events without their record, one object for a summary | 287 |
/// | cadb304 | bodies read against tables, keys by their first eight bytes | 257 |
/// | 97e70ce | the writer's cache is not copied, rows are moved | 253 |
/// | b990ed0 | key index: merges of four segments (7 more), filters of 12 bits (4 fewer) | 259 |
/// | 560d972 | SQLite takes no lock for its memory | 258 |
///
/// Of each, some 79 are the reading of bodies (50 of the last row's), which the daemon does on a
/// thread before the writer (`BodyReader`). At 200,000 changes the b-trees had cost a tenth more
/// than at 20,000, and four times the bytes to the disk; the segments cost the same.
/// `replicate --changes 100000` on a free machine: 12,000 changes/s at dc73ae0, 22,100 at ef57f94;
/// CPU of receiver and sender 77 + 33 microseconds, then 50 + 22. A fifth of what went is the
/// verifier, which looked into every record that had grown. From 5bca83b to d226240, medians of
/// four in turn at 60,000: 71 to 59 microseconds at both ends, 22,300 to 26,500 changes/s, ingest
/// 17,400 to 21,300. Of that, outside the stages: the scrub took a tenth of a core (it rests now
/// for 49 times what a step took), links looked at each row of the log twice to pass over it,
/// and a note of each entry was written to a file. SQLite went on locking for every allocation: it
/// was asked for a WAL before it was told not to. Told first, at 560d972, medians of three in turn
/// at 100,000: 53.7 to 48.1 microseconds, 27,900 to 31,400 changes/s.
///
/// From 1b48530 to 2d4c26a, medians of three in turn at 60,000 in one of the machine's fast spells:
/// 54.8 to 43.8 microseconds at both ends, 27,300 to 34,100 changes/s, ingest 22,600 to 27,800 (of
/// which the loader's own CPU is a part, see ``Loader``). Receipts are placed without the document
/// they answer (`answer.take` 13.6 to 7.6), and sent by the receiver from the log's tail; rows that
/// wait in a transaction answer reads; what the writer is done with is freed by another thread;
/// rows for the centre are read with their entries (`change.read` 3.4 to 2.7).
///
/// Instructions tell only part of it: a counted reference is two or three of them and takes five
/// nanoseconds. Of the receiver's writer, 39 microseconds a change by `perf` in a catch-up of
/// 100,000: 11 are our code, 9 the runtime's (references counted up and down, about 1,200 times), 7
/// SQLite, 5 the kernel, 5 memory given out and taken back (some 80 times). In a catch-up it costs
/// more than here: 64 clients wrote at once, so an update comes far behind its record and reads it
/// again, and 18 % of the changes are judged together with other records.
///
/// Given up: `-cross-module-optimization`: nothing. Statically linked runtime: 2 of 100, and
/// `Deploy/install` links so anyway. jemalloc: 8 of 100 and 10 MiB more, for a dependency.
/// `-enable-cmo-everything`: the compiler still specializes nothing across modules. glibc's
/// tcache_count and arena_max: nothing. OpenSSL's low-level SHA-256: 20 ns of 150. Pages of 8 and
/// 16 KiB: nothing. Checkpoints that gather neighbouring pages would save some 1 of 1.5, but SQLite
/// does not ask how the last of them went when readers let it move only a part. Writers at nice
/// -10: 28,300 to 31,900 changes/s, medians of four, for both ends share two cores here; it needs a
/// right that the unit takes away, and does nothing for latency, files and signatures. All other
/// threads at nice 5 or 10, or as SCHED_BATCH, which need no right: between nothing and 8 of 100,
/// within the noise. All of the daemon's modules as one, so that the compiler may specialize the
/// reconciler for its store: nothing (22,700 and 22,900 changes/s, three in turn).
///
/// What is left, and what would remove it:
/// - Reading bodies 5: facts taken on the one walk over table and body, not looked up after it.
/// - Receipts 5 at the receiver and, half a time a change, `answer` 15 at the sender (29 at
///   ef57f94): prepared where bodies are read, and placed without a submission.
/// - The key index 5, for some seven lookups (of large stores see ``LargeRun``): entries and
///   summary of a record under one key.
/// - Counted references and allocations 12: facts and headers without arrays.
/// - `commit` and `checkpoint` 7: every byte is written twice, by SQLite's log and by the
///   checkpoint; a frame kept compressed as it came would be an eighth of it.
///
/// Why no sum of these is 1.2 times PostgreSQL's: its 104,000/s leave 9.6 microseconds a change on
/// both cores for both ends together. A change is 1.5 entries here, for the receipt is one; C and
/// SQLite alone, with nothing read or judged, take 5.5 for each (`limits`), and digests and JSON of
/// both ends 4 more. By `perf` both ends take 38 now. Blocks of changes, stored as they came and
/// found by position, would take some 8 of them: reading and compressing at the sender 4, rows, WAL
/// and checkpoint at the receiver 4. What is left is each change's own: decrypting, digests and the
/// body against its schema 8, the record's state and rules 10, its keys 3, the receipt at both ends
/// 7. Were each of these halved as well, two cores that never wait would do
/// 130,000/s, with 1.3 times PostgreSQL's CPU: the one row just reached, the other not.
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
