import Cryptography
import Replication
import Synchronization

/// Judges the signatures of one batch, all at one moment. Any thread may ask.
final class SignatureJudge: Sendable {
  private let verifier: CMSVerifier
  private let now: WallTime
  /// Most signatures of a batch are of few signers. At most one for each question of the batch.
  private let details = Mutex<[SignerFacts: VerdictDetails]>([:])

  init(_ verifier: CMSVerifier, at now: WallTime) {
    self.verifier = verifier
    self.now = now
  }

  /// The time of the first verification is kept: a signature that was valid when it came stays so.
  func verdict(on question: VerifierWorker.Question) -> SignatureVerdict {
    let task = question.task
    let time = question.firstTime ?? now
    let result = verifier.verify(
      signature: task.signature, content: task.content, at: time, revocationAt: now,
      timestamp: task.timestamp)
    switch result {
    case .failure(let fault):
      return Self.verdict(
        Self.isOpen(fault) ? .undecided : .invalid, Text(fault.reason), task, time, .none)
    case .success(let signer):
      let day = CalendarDate(localDayOf: time)
      let details = details(of: signer)
      let objection = task.objection(
        toSigner: signer.certificate, under: question.registry, on: day)
      if let objection { return Self.verdict(.invalid, objection, task, time, details) }
      return Self.verdict(.valid, "valid", task, time, details)
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

  private func details(of signer: VerifiedSigner) -> VerdictDetails {
    let facts = SignerFacts(signer)
    if let known = details.withLock({ $0[facts] }) { return known }
    let made = facts.details(of: signer)
    details.withLock { $0[facts] = made }
    return made
  }
}

/// What details say of a signer, subject and issuer aside: those stand in his certificate.
private struct SignerFacts: Hashable {
  private let certificate: Digest
  private let scheme: SignatureScheme
  private let digest: SignatureDigest
  private let chainLength: Int
  private let judgedAt: WallTime
  private let listsEnd: Int64?

  init(_ signer: VerifiedSigner) {
    certificate = signer.certificate
    scheme = signer.scheme
    digest = signer.digest
    chainLength = signer.chain.count
    judgedAt = signer.time.moment
    listsEnd = signer.revocationLists.map(\.validity.notAfter).min()
  }

  /// For people. In the order of the keys, so that each is added at the end.
  func details(of signer: VerifiedSigner) -> VerdictDetails {
    var details = JSONObject()
    details["algorithm"] = .string(scheme.name)
    details["certificate"] = .string(certificate.tagged)
    details["chainLength"] = .integer(Int64(chainLength))
    details["digestAlgorithm"] = .string(digest.name)
    details["issuer"] = .string(Text(signer.issuer))
    details["judgedAtMicroseconds"] = .integer(Int64(clamping: judgedAt.microseconds))
    details["revocationListsEnd"] = listsEnd.map { .integer($0) }
    details["subject"] = .string(Text(signer.subject))
    return VerdictDetails(details)
  }
}

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
