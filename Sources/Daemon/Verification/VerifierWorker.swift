import Cryptography
import Operations
import Replication
import Storage
import Transport

/// The verifier's thread: reads a stretch of the log, and has the signatures of the records that
/// changed in it judged.
struct VerifierWorker {
  typealias Pool = OrderedPool<Question, SignatureVerdict>

  struct Question: Sendable {
    let task: SignatureInput
    let registry: RegistrySnapshot
    /// When it was verified first.
    var firstTime: WallTime?
  }

  private let reader: SQLiteReader
  private let pool: Pool
  private let handed: HandedRecords
  private let batchCount: Int
  private let unreadable: (Digest) -> Void
  /// Up to where the log was read, for the batches under way and ahead too.
  private var cursor: LSN
  private var verifier: CMSVerifier?
  private var delivery = Delivery.due
  /// Read while others were judged, from ``cursor`` on, to be judged next.
  private var read: Work?

  private enum Delivery {
    /// The next batch may go to the writer. -> underWay
    case due
    /// It is judged already. -> underWay; due, under another trust
    case ready(Batch)
    /// The writer has not answered for the batch. The one `ahead` is judged meanwhile.
    /// -> due or ready, when it is kept; heldBack, when it could not be
    case underWay(Batch, ahead: Batch?)
    /// When the writer can keep verdicts again, something wakes this. -> due
    case heldBack
  }

  private struct Batch {
    /// Where in the log it begins.
    let start: LSN
    let content: VerdictBatch
  }

  /// - Parameters:
  ///   - handed: what need not be read from the store.
  ///   - batchCount: changes read at once.
  ///   - unreadable: told of an entry whose bytes have changed. Nothing behind it is verified until
  ///     it is repaired and something wakes this; asked again, it tells again.
  init(
    reader: SQLiteReader, pool: Pool, cursor: LSN, trust: RecordTrust?,
    handed: HandedRecords = HandedRecords(), batchCount: Int = Verifier.batchCount,
    unreadable: @escaping (Digest) -> Void = { _ in }
  ) {
    self.reader = reader
    self.pool = pool
    self.handed = handed
    self.batchCount = batchCount
    self.unreadable = unreadable
    self.cursor = cursor
    verifier = trust.map { CMSVerifier(trust: $0) }
  }

  /// Starts again at the beginning of the log: what is decided is not verified a second time. With
  /// the trust goes what was found under it.
  mutating func use(_ trust: RecordTrust?) {
    verifier = trust.map { CMSVerifier(trust: $0) }
    cursor = .start
    read = nil
    switch delivery {
    case .due, .ready, .heldBack: delivery = .due
    case .underWay(let batch, _): delivery = .underWay(batch, ahead: nil)
    }
  }

  /// The writer has answered for the batch that is under way. One that it could not keep is read
  /// again with the next step: the cursor in the store never passes a verdict that is not there.
  mutating func answered(isKept: Bool) {
    guard case .underWay(let batch, let ahead) = delivery else { return }
    if isKept {
      delivery = if let ahead { .ready(ahead) } else { .due }
    } else {
      delivery = .heldBack
      cursor = min(cursor, batch.start)
      read = nil
    }
  }

  mutating func wake() {
    if case .heldBack = delivery { delivery = .due }
  }

  /// The cursor is saved with verdicts only: what lies between them holds no signature, and is
  /// passed over after a start as quickly as now.
  /// - Returns: what is to be kept; nil when there is nothing new, while a batch is under way,
  ///   without anchors, after a stop, or when the store cannot be read now: the next wake tries
  ///   again.
  mutating func step() -> VerdictBatch? {
    let next: Batch?
    switch delivery {
    case .due: next = nextBatch(behind: nil)
    case .ready(let batch): next = batch
    case .underWay, .heldBack: return nil
    }
    guard let next else { return nil }
    delivery = .underWay(next, ahead: nil)
    return next.content
  }

  /// While the writer keeps the batch under way: judges the next one, when there is enough for a
  /// whole one. With less, the log is left to grow.
  mutating func lookAhead() {
    guard case .underWay(let batch, ahead: nil) = delivery else { return }
    delivery = .underWay(batch, ahead: nextBatch(behind: batch))
  }

  /// - Parameter underWay: the batch before it, that the store may not hold yet.
  private mutating func nextBatch(behind underWay: Batch?) -> Batch? {
    guard let verifier else { return nil }
    let given = Dictionary(
      (underWay?.content.verdicts ?? []).map { ($0.entry, $0.verdict) },
      uniquingKeysWith: { _, last in last })
    while let work = read ?? nextWork(after: cursor, isAhead: underWay != nil, given),
      work.end > cursor
    {
      read = nil
      handed.pass(work.end)
      guard !work.questions.isEmpty else {
        cursor = work.end
        continue
      }
      return judge(work, by: SignatureJudge(verifier, at: WallClock.now()), given)
    }
    return nil
  }

  /// Reads the next stretch meanwhile, so that the other threads need not wait for it.
  /// - Returns: nil after a stop.
  private mutating func judge(
    _ work: Work, by judge: SignatureJudge, _ given: [EntryIdentity: SignatureVerdict]
  ) -> Batch? {
    var next: Work?
    let verdicts = pool.answers(
      to: work.questions, by: judge.verdict(on:),
      meanwhile: { next = nextWork(after: work.end, isAhead: true, given) })
    guard let verdicts else { return nil }
    let found = zip(work.questions, verdicts).map { question, verdict in
      VerdictBatch.Found(entry: question.task.entry, verdict: verdict)
    }
    let start = cursor
    cursor = work.end
    next?.leaveOut(found)
    if let next, next.end > cursor { read = next }
    return Batch(start: start, content: VerdictBatch(verdicts: found, cursor: cursor))
  }

  private struct Work {
    var questions: [Question] = []
    var end: LSN
    var byteCount = 0

    /// Takes what was found after this was read as if the store had held it.
    mutating func leaveOut(_ verdicts: [VerdictBatch.Found]) {
      var valid: Set<EntryIdentity> = []
      var firstTimes: [EntryIdentity: WallTime] = [:]
      for found in verdicts {
        if found.verdict.state == .valid {
          valid.insert(found.entry)
        } else {
          firstTimes[found.entry] = found.verdict.verifiedAt
        }
      }
      questions.removeAll { valid.contains($0.task.entry) }
      guard !firstTimes.isEmpty else { return }
      for index in questions.indices {
        guard let time = firstTimes[questions[index].task.entry] else { continue }
        questions[index].firstTime = time
      }
    }
  }

  /// The next stretch: shorter than usual when its signatures would take too much memory, or too
  /// long to read.
  /// - Parameters:
  ///   - isAhead: only when there is enough for a whole one.
  ///   - given: verdicts that the store will hold, if any does, before those of this work.
  private func nextWork(
    after start: LSN, isAhead: Bool, _ given: [EntryIdentity: SignatureVerdict]
  ) -> Work? {
    var limit = batchCount
    while limit > 0 {
      do throws(StoreError) {
        let work = try reader.inSnapshot { reader throws(StoreError) -> Work? in
          let signed = try reader.signedRecords(after: start, limit: limit)
          guard !isAhead || signed.isWhole else { return Work(end: start) }
          return try read(signed, from: reader, mayBeMuch: limit == 1, given)
        }
        if let work { return work }
      } catch {
        if case .rotten(let digest) = error { unreadable(digest) }
        guard case .tookTooLong = error else { return nil }
      }
      limit /= 4
    }
    return nil
  }

  /// - Parameters:
  ///   - mayBeMuch: whether all of it is wanted, however much.
  ///   - given: as ``nextWork(after:isAhead:_:)``.
  /// - Returns: nil when it is too much.
  private func read(
    _ signed: SignedRecords, from reader: SQLiteReader, mayBeMuch: Bool,
    _ given: [EntryIdentity: SignatureVerdict]
  ) throws(StoreError) -> Work? {
    var work = Work(end: signed.end)
    for (key, noted) in zip(signed.records, signed.noted) where key.kind != .registry {
      let known = handed.take(key, noted: noted)
      let entries = if let known { known } else { try reader.entries(of: key) }
      let record = HeldRecord(key, entries: entries, readsFacts: false)
      var verdicts: [EntryIdentity: SignatureVerdict] = [:]
      let tasks = try SignatureReport.tasks(of: record) { entry throws(StoreError) in
        let verdict = if let own = given[entry] { own } else { try reader.verdict(of: entry) }
        verdicts[entry] = verdict
        return verdict?.state == .valid
      }
      for task in tasks {
        guard let registry = try reader.registry(task.registry) else { continue }
        work.questions.append(
          Question(
            task: task, registry: registry, firstTime: verdicts[task.entry]?.verifiedAt))
        work.byteCount += task.signature.count + task.content.count
      }
      guard work.byteCount <= Verifier.batchByteCount || mayBeMuch else { return nil }
    }
    return work
  }
}
