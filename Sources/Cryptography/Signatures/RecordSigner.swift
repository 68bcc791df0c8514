import COpenSSL
package import Replication

/// Makes record signatures with a key in a file: for tests, labs and small offices. Where the key
/// is on a token, the office's own program signs, and the result is attached.
///
/// `@unchecked Sendable`: nothing is changed after `init`, and OpenSSL allows a key and
/// certificates to be used by several threads at once.
package final class RecordSigner: @unchecked Sendable {
  private let key: SigningKey
  private let certificate: OpaquePointer
  private let stack: OpaquePointer?

  /// - Parameters:
  ///   - keyPEM: PKCS #8 without passphrase: RSA of 2048 to 8192 bits, P-256 or P-384.
  ///   - certificatePEM: the signer's certificate.
  ///   - chainPEM: those between it and the record authority's, embedded with it.
  /// - Throws: `.unreadable`, `.unsupportedKey`, `.keyMismatch`, `.tooManyCertificates`,
  ///   `.library`.
  package init(
    keyPEM: [UInt8], certificatePEM: [UInt8], chainPEM: [UInt8]? = nil
  ) throws(CryptographyError) {
    let key = try SigningKey(
      adopting: readPrivateKey(pem: keyPEM), requiringAllowedCurve: false)
    guard SignerKey.fault(key.raw) == nil else { throw .unsupportedKey }
    let own = try readCertificate(pem: certificatePEM)
    guard X509_check_private_key(own.raw, key.raw) == 1 else {
      ERR_clear_error()
      throw .keyMismatch
    }
    var chain: [[UInt8]] = []
    if let chainPEM {
      try forEachBlock(
        of: chainPEM, named: "certificate chain",
        read: { PEM_read_bio_X509($0, nil, nil, nil) }, free: X509_free
      ) { (other) throws(CryptographyError) in chain.append(try derBytes { i2d_X509(other, $0) }) }
    }
    try check(X509_up_ref(own.raw))
    certificate = own.raw
    self.key = key
    stack = certificateStack(chain)
  }

  deinit {
    X509_free(certificate)
    freeCertificates(stack)
  }

  /// Signs the canonical bytes of a manifest: CAdES-BES, detached, SHA-256, DER.
  /// - Parameters:
  ///   - time: written as signingTime; a claim.
  ///   - usingPSS: RSASSA-PSS with an RSA key, as TT 15/2025 asks of new software; else PKCS #1
  ///     v1.5. An EC key takes no notice.
  package func sign(
    _ content: [UInt8], at time: WallTime, usingPSS: Bool = true
  ) throws(CryptographyError) -> [UInt8] {
    ERR_clear_error()
    defer { ERR_clear_error() }
    let flags = CUnsignedInt(CMS_BINARY | CMS_DETACHED | CMS_PARTIAL)
    let message = try Owned(CMS_sign(nil, nil, stack, nil, flags)) { CMS_ContentInfo_free($0) }
    let kind = OBJ_txt2obj(SignatureObject.manifestText, 1)
    defer { ASN1_OBJECT_free(kind) }
    try check(CMS_set1_eContentType(message.raw, kind))
    try addSigner(to: message.raw, at: time, usingPSS: usingPSS)
    try withMemoryBIO(over: content) { (bio) throws(CryptographyError) in
      try check(CMS_final(message.raw, bio, nil, CUnsignedInt(CMS_BINARY | CMS_DETACHED)))
    }
    let raw = message.raw
    return try derBytes { i2d_CMS_ContentInfo(raw, $0) }
  }

  private func addSigner(
    to message: OpaquePointer, at time: WallTime, usingPSS: Bool
  ) throws(CryptographyError) {
    let flags = CUnsignedInt(CMS_BINARY | CMS_PARTIAL | CMS_CADES | CMS_NOSMIMECAP | CMS_KEY_PARAM)
    guard let info = CMS_add1_signer(message, certificate, key.raw, EVP_sha256(), flags) else {
      throw .library(drainErrors())
    }
    if usingPSS, EVP_PKEY_is_a(key.raw, "RSA") == 1 {
      let context = CMS_SignerInfo_get0_pkey_ctx(info)
      try check(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING))
      try check(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST))
    }
    let seconds = time_t(time.microseconds / 1_000_000)
    guard let claimed = ASN1_TIME_set(nil, seconds) else {
      throw .invalidRequest("a signing time after the year 9999")
    }
    defer { ASN1_STRING_free(claimed) }
    try check(
      CMS_signed_add1_attr_by_NID(
        info, NID_pkcs9_signingTime, ASN1_STRING_type(claimed), claimed, -1))
  }
}
