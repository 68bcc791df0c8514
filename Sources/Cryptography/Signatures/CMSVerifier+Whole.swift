import COpenSSL
import Replication

/// The whole way: OpenSSL reads the message, and certificates, chain and lists are judged. For the
/// first signature of a form, at the first moment of a class.
extension CMSVerifier {
  /// Never NO_SIGNER_CERT_VERIFY, NO_ATTR_VERIFY, NO_CONTENT_VERIFY or TEXT. NOCRL: a list that the
  /// signer brings along proves nothing. CADES: the ESS attribute names the certificate.
  private static let flags = CUnsignedInt(CMS_BINARY | CMS_NOCRL | CMS_CADES | CMS_DETACHED)

  /// - Parameter form: nil: nothing is remembered.
  func judgeWhole(
    _ claim: Claim, _ shape: SignedDataShape, _ form: SignatureForm?
  ) throws(SignatureFault) -> VerifiedSigner {
    let message = try openMessage(claim.signature)
    let candidates = try SignerCandidates(of: message.raw, roster: claim.roster)
    let leaf = try candidates.signer()
    try checkNaming(of: leaf, shape.signer)
    try checkSignature(of: message.raw, by: leaf, shape.signer, claim.content)
    try SignerUsage.check(leaf, policies: trust.acceptedPolicies)

    let time = try judgedTime(of: claim, shape.signer)
    let moment = claim.moment(judged: time)
    let verdict: Result<VerifiedSigner, SignatureFault>
    do throws(SignatureFault) {
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
      verdict = .success(try VerifiedSigner(leaf, shape.signer, chain, time))
    } catch { verdict = .failure(error) }
    if let form { remember(verdict, at: moment, of: form, shape.signer, leaf, candidates.embedded) }
    return try verdict.get().signed(shape.signer.signingTime(), judgedBy: time)
  }

  /// Keeps what was found beyond the leaves; `.unverifiable` may be a want of memory.
  private func remember(
    _ verdict: Result<VerifiedSigner, SignatureFault>, at moment: JudgedMoment,
    of form: SignatureForm, _ signer: SignerShape, _ leaf: OpaquePointer, _ others: OpaquePointer?
  ) {
    if case .failure(.unverifiable) = verdict { return }
    if let known = memory[form] { return known.keep(verdict, at: moment) }
    guard let points = TurningPoints(of: trust.records, with: others),
      let publicKey = X509_get0_pubkey(leaf), let key = try? VerifyingKey(publicKey, signer)
    else { return }
    let known = KnownForm(key: key, points: points)
    known.keep(verdict, at: moment)
    memory.keep(known, as: form)
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

extension VerifiedSigner {
  /// What is true of every signature of the form; ``signed(_:judgedBy:)`` adds the rest.
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
    signingTime = nil
    self.time = time
    self.chain = digests
    revocationLists = chain.revocationLists
  }
}
