import COpenSSL
package import Replication

/// Verifies the signature of a record: CMS SignedData, CAdES-BES, detached, over the canonical
/// bytes of a manifest. A value over one ``RecordTrust``; any thread may use any copy at any time.
///
/// The ten acceptance rules, the lines that enforce them, and the forms in
/// `Tests/CryptographyTests/Signatures` that fail without: each form there bears its rule's number.
///
/// | Rule | Enforced by | Forms |
/// |---|---|---|
/// | 1 whole input, 256 KiB, DER | first line of `verified`, ``DERWalk``, `openMessage` | encoding
/// |
/// | 2 SignedData, one signer and digest | ``SignedDataShape`` | structure |
/// | 3 signed attributes, our type, ESS | `checkAttributes`, `checkSignature` | attributes |
/// | 4 flags, no embedded list, roster | `flags`, ``SignerCandidates``, `checkNaming` | structure |
/// | 5 algorithms and keys on the list | ``SignatureScheme``, ``SignerKey`` | algorithms |
/// | 6 usage, chain, revocation | ``SignerUsage``, ``SignerChain`` | usages, chains, lists |
/// | 7 authority of the signer | the caller, from ``VerifiedSigner`` | SignerTests |
/// | 8 time is given, a token gives another | ``JudgedMoment``, ``TimestampToken`` | stamps |
/// | 9 a manifest, detached | `hasAttachedContent`, `manifest` | structure |
/// | 10 bounded work on any thread | the limits; nothing shared changes | encoding, mutations |
///
/// The bytes of a signature are no identity: who holds one can write it in other right bytes (RSA
/// under its other object identifier, an ECDSA value negated), over the same content by the same
/// signer.
package struct CMSVerifier: Sendable {
  /// Largest signature that is looked at.
  package static let maximumByteCount = 256 * 1024

  /// Never NO_SIGNER_CERT_VERIFY, NO_ATTR_VERIFY, NO_CONTENT_VERIFY or TEXT. NOCRL: a list that the
  /// signer brings along proves nothing. CADES: the ESS attribute names the certificate.
  private static let flags = CUnsignedInt(CMS_BINARY | CMS_NOCRL | CMS_CADES | CMS_DETACHED)

  private let trust: RecordTrust

  package init(trust: RecordTrust) { self.trust = trust }

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
      try verified(
        Claim(signature: signature, content: content, token: token, roster: roster),
        at: time, revocationTime ?? time)
    }
  }

  private func verified(
    _ claim: Claim, at time: WallTime, _ revocationTime: WallTime
  ) throws(SignatureFault) -> VerifiedSigner {
    guard claim.signature.count <= Self.maximumByteCount else { throw .tooLarge }
    let shape = try SignedDataShape(claim.signature)
    guard shape.contentType == SignatureObject.manifest else { throw .wrongContentType }
    guard shape.isVersion3 else { throw .wrongVersion }
    guard !shape.hasAttachedContent else { throw .attachedContent }
    try shape.signer.checkAttributes(contentType: shape.contentType, content: claim.content)
    let message = try openMessage(claim.signature)
    let candidates = try SignerCandidates(of: message.raw, roster: claim.roster)
    let leaf = try candidates.signer()
    try checkNaming(of: leaf, shape.signer)
    try checkSignature(of: message.raw, by: leaf, shape.signer, claim.content)
    try SignerUsage.check(leaf, policies: trust.acceptedPolicies)

    let judged = try judgedTime(
      claim.token ?? (trust.timestamps == nil ? nil : shape.signer.embeddedToken),
      over: shape.signer.value, at: time, revocationTime)
    let moment = JudgedMoment(judged.moment, revocation: max(time, revocationTime))
    let store = try unverifiable { () throws(CryptographyError) in
      try trust.records.store(at: moment)
    }
    let chain = try SignerChain(
      of: leaf, others: candidates.embedded, store: store.raw, domain: trust.records,
      moment: moment)
    guard shape.certificates.allSatisfy({ chain.certificates.contains(Array($0)) }) else {
      throw .strayCertificate
    }
    try verifyWhole(claim, candidates, in: store.raw)
    return try VerifiedSigner(leaf, shape.signer, chain, judged)
  }

  /// OpenSSL takes names as equal that differ in capitals and spaces; nothing signs this name, so a
  /// changed signature would pass for the same one.
  private func checkNaming(of leaf: OpaquePointer, _ signer: SignerShape) throws(SignatureFault) {
    guard let named = signer.issuerAndSerial else { return }
    let own = try unverifiable { () throws(CryptographyError) in
      try derBytes { i2d_X509_NAME(X509_get_issuer_name(leaf), $0) }
        + derBytes { i2d_ASN1_INTEGER(X509_get0_serialNumber(leaf), $0) }
    }
    guard own == named else { throw .signerCertificateAbsent }
  }

  /// The signer's key and signature, then what he signed, each fault under its own name.
  private func checkSignature(
    of message: OpaquePointer, by leaf: OpaquePointer, _ signer: SignerShape, _ content: [UInt8]
  ) throws(SignatureFault) {
    guard let key = X509_get0_pubkey(leaf) else { throw .keyNotAllowed }
    if let fault = SignerKey.fault(key) { throw fault }
    guard SignerKey.fits(signer.scheme, key) else { throw .algorithmsDisagree }
    let info = OpaquePointer(OPENSSL_sk_value(CMS_get0_SignerInfos(message), 0))
    CMS_SignerInfo_set1_signer_cert(info, leaf)
    guard CMS_SignerInfo_verify(info) == 1 else { throw .signatureMismatch }
    let named = try signer.namedCertificate()
    let encoded = try unverifiable { () throws(CryptographyError) in
      try derBytes { i2d_X509(leaf, $0) }
    }
    guard named.0.digest(encoded).elementsEqual(named.1) else { throw .otherCertificateSigned }
    let digest = try signer.value(
      of: SignatureObject.messageDigestAttribute, ifMissing: .noMessageDigest)
    guard signer.digest.digest(content).elementsEqual(digest.contents) else {
      throw .contentMismatch
    }
  }

  /// By which time the certificate is judged: the earlier of reception and a valid token's.
  private func judgedTime(
    _ token: [UInt8]?, over value: [UInt8], at time: WallTime, _ revocationTime: WallTime
  ) throws(SignatureFault) -> VerifiedSigner.Time {
    guard let token else { return .reception(time) }
    guard let domain = trust.timestamps else { throw .timestampNoAnchor }
    let stamped = try TimestampToken(token).verifiedTime(
      over: value, in: domain, revocationAt: max(time, revocationTime))
    return stamped <= time ? .timestamp(stamped) : .reception(time)
  }

  /// OpenSSL's own judgement of the whole, on a fresh copy: what our rules have passed must pass
  /// here too.
  private func verifyWhole(
    _ claim: Claim, _ candidates: borrowing SignerCandidates, in store: OpaquePointer
  ) throws(SignatureFault) {
    ERR_clear_error()
    let message = try openMessage(claim.signature)
    let flags = Self.flags | (candidates.roster == nil ? 0 : CUnsignedInt(CMS_NOINTERN))
    let roster = candidates.roster
    let status = try unverifiable { () throws(CryptographyError) in
      try withMemoryBIO(over: claim.content) { bio in
        CMS_verify(message.raw, roster, store, bio, nil, flags)
      }
    }
    guard status == 1 else { throw .unverifiable }
  }
}

/// What is to be judged.
private struct Claim {
  let signature: [UInt8]
  let content: [UInt8]
  let token: [UInt8]?
  let roster: [[UInt8]]
}

/// Decodes all of `bytes`, which must be what encoding gives back.
private func openMessage(_ bytes: [UInt8]) throws(SignatureFault) -> Owned {
  let (message, isAll) = bytes.withUnsafeBufferPointer { buffer in
    var position = buffer.baseAddress
    let raw = d2i_CMS_ContentInfo(nil, &position, buffer.count)
    return (raw, position == buffer.baseAddress.map { $0 + buffer.count })
  }
  let owned: Owned
  do { owned = try Owned(message) { CMS_ContentInfo_free($0) } } catch { throw .malformed }
  guard isAll else { throw .trailingBytes }
  let raw = owned.raw
  guard let again = try? derBytes({ i2d_CMS_ContentInfo(raw, $0) }), again == bytes else {
    throw .notDER
  }
  return owned
}

/// Runs what can only fail for want of memory or a broken library.
private func unverifiable<Value: ~Copyable>(
  _ body: () throws(CryptographyError) -> Value
) throws(SignatureFault) -> Value {
  do { return try body() } catch { throw .unverifiable }
}

/// The certificates among which the signer's is looked for.
struct SignerCandidates: ~Copyable {
  /// A stack with its certificates; nil when the signature embeds none.
  let embedded: OpaquePointer?
  /// nil: any embedded certificate may be the signer's.
  let roster: OpaquePointer?
  private let info: OpaquePointer?

  init(of message: OpaquePointer, roster: [[UInt8]]) throws(SignatureFault) {
    embedded = CMS_get1_certs(message)
    info = OpaquePointer(OPENSSL_sk_value(CMS_get0_SignerInfos(message), 0))
    self.roster = roster.isEmpty ? nil : certificateStack(roster)
    ERR_clear_error()
  }

  deinit {
    freeCertificates(embedded)
    freeCertificates(roster)
  }

  /// The one certificate that the signer's identifier names, by issuer and serial or by key id.
  func signer() throws(SignatureFault) -> OpaquePointer {
    let fitting = matches(in: embedded)
    guard let roster else {
      guard let first = fitting.first else { throw .signerCertificateAbsent }
      guard fitting.count == 1 else { throw .ambiguousSignerCertificate }
      return first
    }
    guard let known = matches(in: roster).first else { throw .signerNotOnRoster }
    for other in fitting where X509_cmp(other, known) != 0 { throw .signerNotOnRoster }
    return known
  }

  private func matches(in stack: OpaquePointer?) -> [OpaquePointer] {
    guard let stack else { return [] }
    return (0..<OPENSSL_sk_num(stack)).compactMap { index in
      guard let raw = OPENSSL_sk_value(stack, index).map({ OpaquePointer($0) }) else { return nil }
      return CMS_SignerInfo_cert_cmp(info, raw) == 0 ? raw : nil
    }
  }
}

/// A new stack of those of `encoded` that are certificates.
func certificateStack(_ encoded: [[UInt8]]) -> OpaquePointer? {
  let stack = OPENSSL_sk_new_null()
  for bytes in encoded {
    let certificate = bytes.withUnsafeBufferPointer { buffer in
      var position = buffer.baseAddress
      return d2i_X509(nil, &position, buffer.count)
    }
    guard let certificate else { continue }
    if OPENSSL_sk_push(stack, UnsafeRawPointer(certificate)) <= 0 { X509_free(certificate) }
  }
  return stack
}

func freeCertificates(_ stack: OpaquePointer?) {
  guard let stack else { return }
  OPENSSL_sk_pop_free(stack) { X509_free(OpaquePointer($0)) }
}

extension SignatureDigest {
  /// The digest of `bytes`.
  func digest(_ bytes: [UInt8]) -> [UInt8] {
    let kind =
      switch self {
      case .sha256: EVP_sha256()
      case .sha384: EVP_sha384()
      case .sha512: EVP_sha512()
      }
    return [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, initialized in
      let status = EVP_Digest(bytes, bytes.count, buffer.baseAddress, nil, kind, nil)
      precondition(status == 1, "EVP_Digest: \(drainErrors())")
      initialized = byteCount
    }
  }
}

extension VerifiedSigner {
  fileprivate init(
    _ leaf: OpaquePointer, _ signer: SignerShape, _ chain: SignerChain, _ time: Time
  ) throws(SignatureFault) {
    let info: CertificateInfo
    do {
      info = try CertificateInfo(leaf)
      subject = try nameText(X509_get_subject_name(leaf))
      issuer = try nameText(X509_get_issuer_name(leaf))
    } catch { throw .certificateMalformed }
    let digests = chain.certificates.map { OpenSSLHash().digest($0) }
    guard let own = digests.first else { throw .unverifiable }
    certificate = own
    publicKey = info.pin
    serial = info.serial
    validity = info.validity
    digest = signer.digest
    scheme = signer.scheme
    signingTime = try signer.signingTime()
    self.time = time
    self.chain = digests
    revocationLists = chain.revocationLists
  }
}

extension SignerShape {
  /// The claimed time, when there is one.
  fileprivate func signingTime() throws(SignatureFault) -> WallTime? {
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
