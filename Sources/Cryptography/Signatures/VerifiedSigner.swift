package import Replication

/// What a verified signature proves: who signed, with what, and by which time it is judged. Whether
/// this person may sign this record for this organ is for the registry to say (rule 7).
package struct VerifiedSigner: Hashable, Sendable {
  /// By which time the certificate was judged.
  package enum Time: Hashable, Sendable {
    /// When the first verifier received the signature.
    case reception(WallTime)
    /// A verified RFC 3161 token proves that the signature existed then, before we received it.
    case timestamp(WallTime)

    package var moment: WallTime {
      switch self {
      case .reception(let time), .timestamp(let time): time
      }
    }
  }

  /// SHA-256 of the signer's certificate in DER.
  package let certificate: Digest
  /// SHA-256 of its SubjectPublicKeyInfo: the same after a renewal with the same key.
  package let publicKey: Digest
  /// Most significant byte first, no leading zero.
  package let serial: [UInt8]
  /// RFC 2253, for people.
  package let subject: String
  package let issuer: String
  package let validity: Validity
  package let digest: SignatureDigest
  package let scheme: SignatureScheme
  /// What the signer's clock said: a claim, no evidence. nil when he says nothing.
  package internal(set) var signingTime: WallTime?
  package internal(set) var time: Time
  /// SHA-256 of each certificate from the signer's to the anchor.
  package let chain: [Digest]
  /// The lists that the chain was held against, signer's issuer first.
  package let revocationLists: [RevocationListState]

  /// The same signer of another signature.
  func signed(_ claimed: WallTime?, judgedBy time: Time) -> VerifiedSigner {
    var signer = self
    signer.signingTime = claimed
    signer.time = time
    return signer
  }
}
