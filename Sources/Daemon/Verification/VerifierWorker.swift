import Cryptography
import Operations
import Replication
import Storage
import Transport

/// The verifier's thread: reads a stretch of the log, and judges the signatures of the records that
/// changed in it.
struct VerifierWorker {
  private let reader: SQLiteReader
  private var cursor: LSN
  private var verifier: CMSVerifier?

  init(reader: SQLiteReader, cursor: LSN, trust: RecordTrust?) {
    self.reader = reader
    self.cursor = cursor
    use(trust)
    self.cursor = cursor
  }

  /// Starts again at the beginning of the log: what is decided is not verified a second time.
  mutating func use(_ trust: RecordTrust?) {
    verifier = trust.map { CMSVerifier(trust: $0) }
    cursor = .start
  }

  /// The cursor is saved with verdicts only: what lies between them holds no signature, and is
  /// passed over after a start as quickly as now.
  /// - Returns: what is to be kept; nil when there is nothing new, without anchors, or when the
  ///   store cannot be read now: the next wake tries again.
  mutating func step() -> VerdictBatch? {
    guard let verifier else { return nil }
    while let work = try? reader.inSnapshot({ reader throws(StoreError) in try read(reader) }),
      work.end > cursor
    {
      cursor = work.end
      let now = WallClock.now()
      let verdicts = work.questions.map { question in
        VerdictBatch.Found(
          entry: question.task.entry, verdict: judge(question, by: verifier, at: now))
      }
      if !verdicts.isEmpty { return VerdictBatch(verdicts: verdicts, cursor: cursor) }
    }
    return nil
  }

  private struct Question {
    let task: SignatureInput
    let registry: RegistrySnapshot
    /// When it was verified first.
    let firstTime: WallTime?
  }

  private struct Work {
    var questions: [Question] = []
    var end: LSN
  }

  private func read(_ reader: SQLiteReader) throws(StoreError) -> Work {
    let signed = try reader.signedRecords(after: cursor, limit: Verifier.batchCount)
    var work = Work(end: signed.end)
    for key in signed.records where key.kind != .registry {
      let record = HeldRecord(key, entries: try reader.entries(of: key), readsFacts: false)
      for task in SignatureReport.tasks(of: record) {
        let known = try reader.verdict(of: task.entry)
        if known?.state == .valid { continue }
        guard let registry = try reader.registry(task.registry) else { continue }
        work.questions.append(
          Question(task: task, registry: registry, firstTime: known?.verifiedAt))
      }
    }
    return work
  }

  /// The time of the first verification is kept: a signature that was valid when it came stays so.
  private func judge(
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
        Self.isOpen(fault) ? .undecided : .invalid, Text(fault.reason), task, time, [:])
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

  private func verdict(
    _ state: SignatureVerdict.State, _ reason: Text, _ task: SignatureInput, _ time: WallTime,
    _ details: JSONObject
  ) -> SignatureVerdict {
    SignatureVerdict(
      state: state, reason: reason, verifiedAt: time, registry: task.registry, details: details)
  }

  private func details(of signer: VerifiedSigner) -> JSONObject {
    var details: JSONObject = [
      "certificate": .string(signer.certificate.tagged),
      "subject": .string(Text(signer.subject)), "issuer": .string(Text(signer.issuer)),
      "algorithm": .string(Text("\(signer.scheme)")),
      "digestAlgorithm": .string(Text("\(signer.digest)")),
      "chainLength": .integer(Int64(signer.chain.count)),
    ]
    details["judgedAtMicroseconds"] = .integer(
      Int64(clamping: signer.time.moment.microseconds))
    details["revocationListsEnd"] = signer.revocationLists.map(\.validity.notAfter).min()
      .map { .integer($0) }
    return details
  }
}
