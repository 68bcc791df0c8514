import COpenSSL
package import Replication

/// Verifies the signature of a record: CMS SignedData, CAdES-BES, detached, over the canonical
/// bytes of a manifest. A value over one ``RecordTrust``; any thread may use any copy at any time.
/// Copies remember together what they found about signers: ``SignatureMemory``.
///
/// The ten acceptance rules, the lines that enforce them, and the forms in
/// `Tests/CryptographyTests/Signatures` that fail without: each form there bears its rule's number.
///
/// | Rule | Enforced by | Forms |
/// |---|---|---|
/// | 1 whole input, 256 KiB, DER | first line of `judge`, ``DERWalk``, `openMessage` | encoding
/// |
/// | 2 SignedData, one signer and digest | ``SignedDataShape`` | structure |
/// | 3 signed attributes, our type, ESS | `checkAttributes`, `checkSignature` | attributes |
/// | 4 flags, no embedded list, roster | `flags`, ``SignerCandidates``, `checkNaming` | structure |
/// | 5 algorithms and keys on the list | ``SignatureScheme``, ``SignerKey`` | algorithms |
/// | 6 usage, chain, revocation | ``SignerUsage``, ``SignerChain`` | usages, chains, lists |
/// | 7 authority of the signer | the caller, from ``VerifiedSigner`` | SignerTests |
/// | 8 time is given, a token gives another | ``JudgedMoment``, ``TimestampToken`` | stamps |
/// | 9 a manifest, detached | `hasAttachedContent`, `manifest` | structure |
/// | 10 bounded work on any thread | the limits; what is shared is locked | encoding, mutations |
///
/// The bytes of a signature are no identity: who holds one can write it in other right bytes (RSA
/// under its other object identifier, an ECDSA value negated), over the same content by the same
/// signer.
package struct CMSVerifier: Sendable {
  /// Largest signature that is looked at.
  package static let maximumByteCount = 256 * 1024

  let trust: RecordTrust
  let memory: SignatureMemory

  package init(trust: RecordTrust) {
    self.init(trust: trust, memory: SignatureMemory(limit: SignatureMemory.maximumFormCount))
  }

  init(trust: RecordTrust, memory: SignatureMemory) {
    self.trust = trust
    self.memory = memory
  }

  /// Judges one signature over `content`.
  /// - Parameters:
  ///   - time: when the first verifier received the signature; the same at every later look.
  ///   - revocationTime: as of when revocation is asked; later than `time` when a stored signature
  ///     is looked at again under newer lists. A revocation dated after the judged time does not
  ///     count then.
  ///   - token: an RFC 3161 token over the signature value, DER. One inside the signature is used
  ///     when this is nil and there is a time-stamp anchor.
  ///   - roster: the certificates, DER, that the registry lists for signers; when there are any,
  ///     only these may have signed.
  package func verify(
    signature: [UInt8], content: [UInt8], at time: WallTime,
    revocationAt revocationTime: WallTime? = nil, timestamp token: [UInt8]? = nil,
    roster: [[UInt8]] = []
  ) -> Result<VerifiedSigner, SignatureFault> {
    ERR_clear_error()
    defer { ERR_clear_error() }
    return Result { () throws(SignatureFault) in
      try judge(
        Claim(
          signature: signature, content: content, token: token, roster: roster, time: time,
          revocationTime: max(time, revocationTime ?? time)))
    }
  }

  /// What the bytes say, then the leaves under a verdict that is remembered, or else the whole.
  private func judge(_ claim: Claim) throws(SignatureFault) -> VerifiedSigner {
    guard claim.signature.count <= Self.maximumByteCount else { throw .tooLarge }
    let shape = try SignedDataShape(claim.signature)
    guard shape.contentType == SignatureObject.manifest else { throw .wrongContentType }
    guard shape.isVersion3 else { throw .wrongVersion }
    guard !shape.hasAttachedContent else { throw .attachedContent }
    try shape.signer.checkAttributes(contentType: shape.contentType, content: claim.content)
    // A roster names other certificates than the form; no record comes with one.
    let form = claim.roster.isEmpty ? shape.form : nil
    if let form, let known = memory[form], known.isSignature(shape.signer, over: claim.content) {
      let time = try judgedTime(of: claim, shape.signer)
      if let verdict = known.verdict(at: claim.moment(judged: time)) {
        return try verdict.get().signed(shape.signer.signingTime(), judgedBy: time)
      }
    }
    return try judgeWhole(claim, shape, form)
  }

  /// By which time the certificate is judged: the earlier of reception and a valid token's.
  func judgedTime(
    of claim: Claim, _ signer: SignerShape
  ) throws(SignatureFault) -> VerifiedSigner.Time {
    let token = claim.token ?? (trust.timestamps == nil ? nil : signer.embeddedToken)
    guard let token else { return .reception(claim.time) }
    guard let domain = trust.timestamps else { throw .timestampNoAnchor }
    let stamped = try TimestampToken(token).verifiedTime(
      over: signer.value, in: domain, revocationAt: claim.revocationTime)
    return stamped <= claim.time ? .timestamp(stamped) : .reception(claim.time)
  }
}

/// What is to be judged.
struct Claim {
  let signature: [UInt8]
  let content: [UInt8]
  let token: [UInt8]?
  let roster: [[UInt8]]
  let time: WallTime
  /// Not before `time`.
  let revocationTime: WallTime

  func moment(judged: VerifiedSigner.Time) -> JudgedMoment {
    JudgedMoment(judged.moment, revocation: revocationTime)
  }
}

extension SignerShape {
  /// The claimed time, when there is one.
  func signingTime() throws(SignatureFault) -> WallTime? {
    let kind = SignatureObject.signingTimeAttribute
    guard attributes?.contains(where: { $0.kind == kind }) == true else { return nil }
    let element = try value(of: kind, ifMissing: .malformed)
    guard element.tag == DERElement.utcTime || element.tag == DERElement.generalizedTime else {
      throw .malformed
    }
    let seconds = Array(element.whole).withUnsafeBufferPointer { buffer -> Int64? in
      var position = buffer.baseAddress
      let time = d2i_ASN1_TIME(nil, &position, buffer.count)
      defer { ASN1_STRING_free(time) }
      return unixSeconds(time)
    }
    guard let seconds, seconds >= 0 else { throw .malformed }
    return WallTime(microseconds: UInt64(seconds) * 1_000_000)
  }
}
