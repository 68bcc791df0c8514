import COpenSSL
import Synchronization

/// What was found about signers under one trust: certificates, chains and lists are judged once for
/// a form and a class of moments, not once for each signature. Goes with its trust, so other
/// anchors and lists start with nothing remembered.
///
/// Why a remembered verdict is the one that would be found again. The judgement of a chain reads
/// the certificates, which the ``SignatureForm`` holds; the anchors, lists and policies, which are
/// the trust's; and two moments, of which the ``MomentClass`` has all that can matter. A form comes
/// in here only when everything about it up to the chain has been passed by the whole way, OpenSSL
/// included, and what is left, the leaves, is judged for each signature: the value by the
/// ``VerifyingKey``, the digest against the content, a token by itself. What fails at a leaf takes
/// the whole way again, and so does the fault `.unverifiable`, which may be a want of memory.
final class SignatureMemory: Sendable {
  /// A form is held with about 4 KiB. A person's program makes one or two, a national register has
  /// some ten thousand persons, of whom a batch shows few.
  static let maximumFormCount = 1_024

  private let limit: Int
  private let forms = Mutex<[SignatureForm: KnownForm]>([:])

  init(limit: Int) { self.limit = limit }

  /// Forms that are remembered now.
  var formCount: Int { forms.withLock { $0.count } }

  subscript(_ form: SignatureForm) -> KnownForm? { forms.withLock { $0[form] } }

  /// Forgets all when it is full: the forms in use are back after one judgement each.
  func keep(_ known: KnownForm, as form: SignatureForm) {
    forms.withLock { forms in
      if forms.count >= limit { forms.removeAll(keepingCapacity: true) }
      forms[form] = known
    }
  }
}

/// A form that the whole way has passed up to its chain.
final class KnownForm: Sendable {
  /// Verdicts about one form. Between two times of a reload moments are of two or three classes.
  static let maximumClassCount = 16

  private let key: VerifyingKey
  private let points: TurningPoints
  private let verdicts = Mutex<[MomentClass: Result<VerifiedSigner, SignatureFault>]>([:])

  init(key: VerifyingKey, points: TurningPoints) {
    self.key = key
    self.points = points
  }

  /// Verdicts that are remembered now.
  var classCount: Int { verdicts.withLock { $0.count } }

  /// Whether a signature of this form is right in its leaves: the signer's over his attributes, and
  /// by them over `content`. A no is no verdict.
  func isSignature(_ signer: SignerShape, over content: [UInt8]) -> Bool {
    guard let signed = signer.signedBytes, let digest = signer.messageDigest,
      signer.digest.digest(content).elementsEqual(digest)
    else { return false }
    return key.isSignature(signer.value, over: signed)
  }

  func verdict(at moment: JudgedMoment) -> Result<VerifiedSigner, SignatureFault>? {
    let momentClass = points.momentClass(of: moment)
    return verdicts.withLock { $0[momentClass] }
  }

  func keep(_ verdict: Result<VerifiedSigner, SignatureFault>, at moment: JudgedMoment) {
    let momentClass = points.momentClass(of: moment)
    verdicts.withLock { verdicts in
      if verdicts.count >= Self.maximumClassCount { verdicts.removeAll(keepingCapacity: true) }
      verdicts[momentClass] = verdict
    }
  }
}
