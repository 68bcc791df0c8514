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
  private var cursor: LSN
  private var verifier: CMSVerifier?
  /// Where the batch began that the writer has not answered for.
  private var underWay: LSN?
  /// The writer could not keep the last batch. When it can, something wakes this.
  private var isHeldBack = false

  init(reader: SQLiteReader, pool: Pool, cursor: LSN, trust: RecordTrust?) {
    self.reader = reader
    self.pool = pool
    self.cursor = cursor
    verifier = trust.map { CMSVerifier(trust: $0) }
  }

  /// Starts again at the beginning of the log: what is decided is not verified a second time. With
  /// the trust goes what was found under it.
  mutating func use(_ trust: RecordTrust?) {
    verifier = trust.map { CMSVerifier(trust: $0) }
    cursor = .start
    isHeldBack = false
  }

  /// The writer has answered for the batch that is under way. One that it could not keep is read
  /// again with the next step: the cursor in the store never passes a verdict that is not there.
  mutating func answered(isKept: Bool) {
    if let underWay, !isKept { cursor = min(cursor, underWay) }
    underWay = nil
    isHeldBack = !isKept
  }

  mutating func wake() { isHeldBack = false }

  /// The cursor is saved with verdicts only: what lies between them holds no signature, and is
  /// passed over after a start as quickly as now.
  /// - Returns: what is to be kept; nil when there is nothing new, while a batch is under way,
  ///   without anchors, after a stop, or when the store cannot be read now: the next wake tries
  ///   again.
  mutating func step() -> VerdictBatch? {
    guard let verifier, underWay == nil, !isHeldBack else { return nil }
    while let work = nextWork(), work.end > cursor {
      guard !work.questions.isEmpty else {
        cursor = work.end
        continue
      }
      let now = WallClock.now()
      guard
        let verdicts = pool.answers(
          to: work.questions, by: { Self.judge($0, by: verifier, at: now) })
      else { return nil }
      underWay = cursor
      cursor = work.end
      let found = zip(work.questions, verdicts).map { question, verdict in
        VerdictBatch.Found(entry: question.task.entry, verdict: verdict)
      }
      return VerdictBatch(verdicts: found, cursor: cursor)
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
    var limit = Verifier.batchCount
    while limit > 0 {
      do throws(StoreError) {
        let work = try reader.inSnapshot { reader throws(StoreError) in
          try read(reader, limit: limit)
        }
        if let work { return work }
      } catch {
        guard case .tookTooLong = error else { return nil }
      }
      limit /= 4
    }
    return nil
  }

  /// - Returns: nil when it is too much; never for one change.
  private func read(_ reader: SQLiteReader, limit: Int) throws(StoreError) -> Work? {
    let signed = try reader.signedRecords(after: cursor, limit: limit)
    var work = Work(end: signed.end)
    for key in signed.records where key.kind != .registry {
      let record = HeldRecord(key, entries: try reader.entries(of: key), readsFacts: false)
      for task in SignatureReport.tasks(of: record) {
        let known = try reader.verdict(of: task.entry)
        if known?.state == .valid { continue }
        guard let registry = try reader.registry(task.registry) else { continue }
        work.questions.append(
          Question(task: task, registry: registry, firstTime: known?.verifiedAt))
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
        isOpen(fault) ? .undecided : .invalid, Text(fault.reason), task, time, [:])
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
    _ details: JSONObject
  ) -> SignatureVerdict {
    SignatureVerdict(
      state: state, reason: reason, verifiedAt: time, registry: task.registry, details: details)
  }

  private static func details(of signer: VerifiedSigner) -> JSONObject {
    var details: JSONObject = [
      "certificate": .string(signer.certificate.tagged),
      "subject": .string(Text(signer.subject)), "issuer": .string(Text(signer.issuer)),
      "algorithm": .string(signer.scheme.name),
      "digestAlgorithm": .string(signer.digest.name),
      "chainLength": .integer(Int64(signer.chain.count)),
    ]
    details["judgedAtMicroseconds"] = .integer(
      Int64(clamping: signer.time.moment.microseconds))
    details["revocationListsEnd"] = signer.revocationLists.map(\.validity.notAfter).min()
      .map { .integer($0) }
    return details
  }
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
