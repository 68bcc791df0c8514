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
    let firstTime: WallTime?
  }

  private let reader: SQLiteReader
  private let pool: Pool
  private let handed: HandedRecords
  private let batchCount: Int
  /// Up to where the log was read, for the batches under way and ahead too.
  private var cursor: LSN
  private var verifier: CMSVerifier?
  /// Where the batch began that the writer has not answered for.
  private var underWay: LSN?
  /// What that batch found.
  private var givenAway: [VerdictBatch.Found] = []
  /// Judged while the writer keeps the one under way, and delivered after it.
  private var ahead: Batch?
  /// The writer could not keep the last batch. When it can, something wakes this.
  private var isHeldBack = false

  private struct Batch {
    let start: LSN
    let content: VerdictBatch
  }

  /// - Parameters:
  ///   - handed: what need not be read from the store.
  ///   - batchCount: changes read at once.
  init(
    reader: SQLiteReader, pool: Pool, cursor: LSN, trust: RecordTrust?,
    handed: HandedRecords = HandedRecords(), batchCount: Int = Verifier.batchCount
  ) {
    self.reader = reader
    self.pool = pool
    self.handed = handed
    self.batchCount = batchCount
    self.cursor = cursor
    verifier = trust.map { CMSVerifier(trust: $0) }
  }

  /// Starts again at the beginning of the log: what is decided is not verified a second time. With
  /// the trust goes what was found under it.
  mutating func use(_ trust: RecordTrust?) {
    verifier = trust.map { CMSVerifier(trust: $0) }
    cursor = .start
    ahead = nil
    isHeldBack = false
  }

  /// The writer has answered for the batch that is under way. One that it could not keep is read
  /// again with the next step: the cursor in the store never passes a verdict that is not there.
  mutating func answered(isKept: Bool) {
    if let underWay, !isKept { cursor = min(cursor, underWay) }
    underWay = nil
    isHeldBack = !isKept
    givenAway = []
    if !isKept { ahead = nil }
  }

  mutating func wake() { isHeldBack = false }

  /// The cursor is saved with verdicts only: what lies between them holds no signature, and is
  /// passed over after a start as quickly as now.
  /// - Returns: what is to be kept; nil when there is nothing new, while a batch is under way,
  ///   without anchors, after a stop, or when the store cannot be read now: the next wake tries
  ///   again.
  mutating func step() -> VerdictBatch? {
    guard underWay == nil, !isHeldBack, let batch = ahead ?? nextBatch() else { return nil }
    ahead = nil
    underWay = batch.start
    givenAway = batch.content.verdicts
    return batch.content
  }

  /// While the writer keeps the batch under way: judges the next one, when there is enough for a
  /// whole one. With less, the log is left to grow.
  mutating func lookAhead() {
    guard underWay != nil, ahead == nil, !isHeldBack else { return }
    ahead = nextBatch()
  }

  private mutating func nextBatch() -> Batch? {
    guard let verifier else { return nil }
    while let work = nextWork(), work.end > cursor {
      let start = cursor
      handed.pass(work.end)
      guard !work.questions.isEmpty else {
        cursor = work.end
        continue
      }
      let now = WallClock.now()
      guard
        let verdicts = pool.answers(
          to: work.questions, by: { Self.judge($0, by: verifier, at: now) })
      else { return nil }
      cursor = work.end
      let found = zip(work.questions, verdicts).map { question, verdict in
        VerdictBatch.Found(entry: question.task.entry, verdict: verdict)
      }
      return Batch(start: start, content: VerdictBatch(verdicts: found, cursor: cursor))
    }
    return nil
  }

  private struct Work {
    var questions: [Question] = []
    var end: LSN
    var byteCount = 0
  }

  /// The next stretch: shorter than usual when its signatures would take too much memory, or too
  /// long to read.
  private func nextWork() -> Work? {
    let given = Dictionary(
      givenAway.map { ($0.entry, $0.verdict) }, uniquingKeysWith: { _, last in last })
    var limit = batchCount
    while limit > 0 {
      do throws(StoreError) {
        let work = try reader.inSnapshot { reader throws(StoreError) in
          try read(reader, limit: limit, given)
        }
        if let work { return work }
      } catch {
        guard case .tookTooLong = error else { return nil }
      }
      limit /= 4
    }
    return nil
  }

  /// - Parameter given: verdicts that the store will hold, if any does, before those of this work.
  /// - Returns: nil when it is too much; never for one change.
  private func read(
    _ reader: SQLiteReader, limit: Int, _ given: [EntryIdentity: SignatureVerdict]
  ) throws(StoreError) -> Work? {
    let signed = try reader.signedRecords(after: cursor, limit: limit)
    guard underWay == nil || signed.isWhole else { return Work(end: cursor) }
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
      guard work.byteCount <= Verifier.batchByteCount || limit == 1 else { return nil }
    }
    return work
  }

  /// The time of the first verification is kept: a signature that was valid when it came stays so.
  private static func judge(
    _ question: Question, by verifier: CMSVerifier, at now: WallTime
  ) -> SignatureVerdict {
    let task = question.task
    let time = question.firstTime ?? now
    let result = verifier.verify(
      signature: task.signature, content: task.content, at: time, revocationAt: now,
      timestamp: task.timestamp)
    switch result {
    case .failure(let fault):
      return verdict(
        isOpen(fault) ? .undecided : .invalid, Text(fault.reason), task, time, .none)
    case .success(let signer):
      let day = CalendarDate(localDayOf: time)
      let details = details(of: signer)
      let objection = task.objection(
        toSigner: signer.certificate, under: question.registry, on: day)
      if let objection { return verdict(.invalid, objection, task, time, details) }
      return verdict(.valid, "valid", task, time, details)
    }
  }

  /// Faults that say nothing against the signature: a person, another list or a time-stamp token
  /// may settle them.
  private static func isOpen(_ fault: SignatureFault) -> Bool {
    switch fault {
    case .certificateExpired, .revocationListMissing, .revocationListExpired: true
    default: false
    }
  }

  private static func verdict(
    _ state: SignatureVerdict.State, _ reason: Text, _ task: SignatureInput, _ time: WallTime,
    _ details: VerdictDetails
  ) -> SignatureVerdict {
    SignatureVerdict(
      state: state, reason: reason, verifiedAt: time, registry: task.registry, details: details)
  }

  /// For people. In the order of the keys, so that each is added at the end.
  private static func details(of signer: VerifiedSigner) -> VerdictDetails {
    var details = JSONObject()
    details[Self.algorithm] = .string(signer.scheme.name)
    details[Self.certificate] = .string(signer.certificate.tagged)
    details[Self.chainLength] = .integer(Int64(signer.chain.count))
    details[Self.digestAlgorithm] = .string(signer.digest.name)
    details[Self.issuer] = .string(Text(signer.issuer))
    details[Self.judgedAt] = .integer(Int64(clamping: signer.time.moment.microseconds))
    details[Self.listsEnd] = signer.revocationLists.map(\.validity.notAfter).min()
      .map { .integer($0) }
    details[Self.subject] = .string(Text(signer.subject))
    return VerdictDetails(details)
  }

  // Made once: they are the same for every signature.
  private static let algorithm: Text = "algorithm"
  private static let certificate: Text = "certificate"
  private static let chainLength: Text = "chainLength"
  private static let digestAlgorithm: Text = "digestAlgorithm"
  private static let issuer: Text = "issuer"
  private static let judgedAt: Text = "judgedAtMicroseconds"
  private static let listsEnd: Text = "revocationListsEnd"
  private static let subject: Text = "subject"
}

// Written out: to print a case's name, Swift looks it up by reflection for each record.
extension SignatureScheme {
  fileprivate var name: Text {
    switch self {
    case .rsaPKCS1: "rsaPKCS1"
    case .rsaPSS: "rsaPSS"
    case .ecdsa: "ecdsa"
    }
  }
}

extension SignatureDigest {
  fileprivate var name: Text {
    switch self {
    case .sha256: "sha256"
    case .sha384: "sha384"
    case .sha512: "sha512"
    }
  }
}
