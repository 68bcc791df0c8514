import COpenSSL

/// Our certificate, key and trust for links, ready for any number of connections. Never changed: a
/// new certificate or revocation list needs a new context, and live sessions are judged against it
/// by ``TLSConnection/reverify(at:against:)``.
///
/// `@unchecked Sendable`: the SSL_CTX is only read after `init`, and its count of owners is atomic.
package final class TLSContext: @unchecked Sendable {
  let raw: OpaquePointer
  let profile: LinkProfile

  /// - Parameters:
  ///   - chainPEM: our certificate, then those between it and the authority, if any.
  ///   - key: the private key of our certificate.
  ///   - authorityPEM: the link authority, with its successor while one replaces the other.
  ///   - revocationListPEM: when given, every certificate needs a list in force that omits it.
  /// - Throws: `.unreadable`, `.tooManyCertificates`, `.keyMismatch`, `.library`.
  package convenience init(
    chainPEM: [UInt8], key: SigningKey, authorityPEM: [UInt8], revocationListPEM: [UInt8]? = nil
  ) throws(CryptographyError) {
    try self.init(
      chainPEM: chainPEM, key: key, authorityPEM: authorityPEM,
      revocationListPEM: revocationListPEM, profile: LinkProfile())
  }

  /// As above with another profile: tests act peers that must be refused.
  init(
    chainPEM: [UInt8], key: SigningKey, authorityPEM: [UInt8], revocationListPEM: [UInt8]?,
    profile: LinkProfile
  ) throws(CryptographyError) {
    ERR_clear_error()
    guard let raw = SSL_CTX_new(TLS_method()) else { throw .library(drainErrors()) }
    self.raw = raw
    self.profile = profile
    // All properties are set: `deinit` frees the handle when one of these throws.
    try profile.apply(to: raw)
    try trust(authorityPEM, revocationListPEM, in: raw)
    if profile.presentsCertificate { try present(chainPEM, key, in: raw) }
  }

  deinit { SSL_CTX_free(raw) }

  /// Verifies a chain that a peer presented earlier.
  /// - Parameter purpose: OpenSSL's name for the peer's role.
  func verify(
    _ leaf: OpaquePointer, chain: OpaquePointer?, purpose: String, at unixSeconds: Int64
  ) -> TLSFailure? {
    ERR_clear_error()
    defer { ERR_clear_error() }
    guard let verification = X509_STORE_CTX_new() else {
      return .other(code: ERR_peek_error(), text: "no memory to verify a chain")
    }
    defer { X509_STORE_CTX_free(verification) }
    guard X509_STORE_CTX_init(verification, SSL_CTX_get_cert_store(raw), leaf, chain) == 1,
      X509_STORE_CTX_set_default(verification, purpose) == 1
    else { return .other(code: ERR_peek_error(), text: "cannot start to verify a chain") }
    let parameters = X509_STORE_CTX_get0_param(verification)
    X509_VERIFY_PARAM_set_auth_level(parameters, profile.securityLevel)
    X509_VERIFY_PARAM_set_time(parameters, time_t(unixSeconds))
    guard X509_verify_cert(verification) != 1 else { return nil }
    let result = Int(X509_STORE_CTX_get_error(verification))
    return TLSFailure(verifyResult: result)
      ?? .other(code: ERR_peek_error(), text: "a chain could not be verified")
  }
}

/// The rules of a link, as data. Only tests change a field, to act a peer that must be refused.
struct LinkProfile {
  /// Certificates between a peer's and the authority's, at most.
  static let maximumChainDepth: CInt = 3
  /// Largest Certificate message that we read.
  static let maximumChainByteCount = 16 * 1024

  var version = TLS1_3_VERSION
  var cipherSuites = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
  var groups = "X25519:P-256:P-384"
  /// 3 demands 128 bits of security of every key and signature.
  var securityLevel: CInt = 3
  var presentsCertificate = true
  /// nil: neither offered nor required.
  var applicationProtocol: [UInt8]? = linkProtocol
  /// AES-GCM is safe for about 2^24.5 records under one key (RFC 8446 section 5.5).
  var maximumRecordsPerKey = 1 << 20

  func apply(to context: OpaquePointer) throws(CryptographyError) {
    SSL_CTX_set_security_level(context, securityLevel)
    try check(dongbo_set_versions(context, version, version))
    try check(SSL_CTX_set_ciphersuites(context, cipherSuites))
    try check(dongbo_set_groups(context, groups))
    dongbo_set_link_options(context)
    try check(SSL_CTX_set_num_tickets(context, 0))
    try check(SSL_CTX_set_max_early_data(context, 0))
    try check(SSL_CTX_set_recv_max_early_data(context, 0))
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, judgeLeaf)
    SSL_CTX_set_verify_depth(context, Self.maximumChainDepth)
    dongbo_limit_peer_chain(context, Self.maximumChainByteCount)
    if let applicationProtocol {
      let offered = [UInt8(applicationProtocol.count)] + applicationProtocol
      guard SSL_CTX_set_alpn_protos(context, offered, CUnsignedInt(offered.count)) == 0 else {
        throw .library(drainErrors())
      }
      SSL_CTX_set_alpn_select_cb(context, selectLinkProtocol, nil)
    }
  }
}

/// The ALPN name of the link protocol.
let linkProtocol = Array("dongbo/1".utf8)

/// The server's choice: the client's copy of `dongbo/1`, or the alert no_application_protocol.
private func selectLinkProtocol(
  _: OpaquePointer?, _ selected: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
  _ selectedCount: UnsafeMutablePointer<UInt8>?, _ offered: UnsafePointer<UInt8>?,
  _ offeredCount: CUnsignedInt, _: UnsafeMutableRawPointer?
) -> CInt {
  let names = UnsafeBufferPointer(start: offered, count: Int(offeredCount))
  var start = names.startIndex
  while start < names.endIndex {
    let count = Int(names[start])
    let end = start + 1 + count
    guard end <= names.endIndex else { break }
    if names[(start + 1)..<end].elementsEqual(linkProtocol) {
      selected?.pointee = offered.map { $0 + start + 1 }
      selectedCount?.pointee = UInt8(count)
      return SSL_TLSEXT_ERR_OK
    }
    start = end
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL
}

/// After OpenSSL's own checks: the leaf must list its key usages and name exactly one site.
/// Refusing here, and not after the handshake, tells the peer by an alert.
private func judgeLeaf(_ isGood: CInt, _ verification: OpaquePointer?) -> CInt {
  guard isGood == 1, X509_STORE_CTX_get_error_depth(verification) == 0 else { return isGood }
  guard let leaf = X509_STORE_CTX_get_current_cert(verification) else { return 0 }
  if X509_get_extended_key_usage(leaf) == CUnsignedInt.max {
    X509_STORE_CTX_set_error(verification, X509_V_ERR_INVALID_PURPOSE)
    return 0
  }
  if (try? CertificateInfo(leaf))?.site == nil {
    X509_STORE_CTX_set_error(verification, X509_V_ERR_APPLICATION_VERIFICATION)
    return 0
  }
  return 1
}

/// Trusts the link authority and nothing else: no system store is loaded.
private func trust(
  _ authorityPEM: [UInt8], _ revocationListPEM: [UInt8]?, in context: OpaquePointer
) throws(CryptographyError) {
  let store = SSL_CTX_get_cert_store(context)
  try forEachBlock(
    of: authorityPEM, named: "link authority certificate",
    read: { PEM_read_bio_X509($0, nil, nil, nil) }, free: X509_free
  ) { (certificate) throws(CryptographyError) in
    try check(X509_STORE_add_cert(store, certificate))
  }
  var flags = UInt(X509_V_FLAG_X509_STRICT)
  if let revocationListPEM {
    flags |= UInt(X509_V_FLAG_CRL_CHECK) | UInt(X509_V_FLAG_CRL_CHECK_ALL)
    try forEachBlock(
      of: revocationListPEM, named: "revocation list",
      read: { PEM_read_bio_X509_CRL($0, nil, nil, nil) }, free: X509_CRL_free
    ) { (list) throws(CryptographyError) in try check(X509_STORE_add_crl(store, list)) }
  }
  try check(X509_STORE_set_flags(store, flags))
  try check(X509_STORE_set_depth(store, LinkProfile.maximumChainDepth))
}

private func present(
  _ chainPEM: [UInt8], _ key: SigningKey, in context: OpaquePointer
) throws(CryptographyError) {
  var isLeaf = true
  try forEachBlock(
    of: chainPEM, named: "link certificate",
    read: { PEM_read_bio_X509($0, nil, nil, nil) }, free: X509_free
  ) { (certificate) throws(CryptographyError) in
    if isLeaf {
      guard X509_check_private_key(certificate, key.raw) == 1 else { throw .keyMismatch }
      try check(SSL_CTX_use_certificate(context, certificate))
      isLeaf = false
    } else {
      try check(dongbo_add_chain_certificate(context, certificate))
    }
  }
  try check(SSL_CTX_use_PrivateKey(context, key.raw))
}

/// Calls `body` with each block of a PEM file, one to `limit`.
func forEachBlock(
  of pem: [UInt8], named name: String, limit: Int = maximumPEMBlockCount,
  read: (OpaquePointer) -> OpaquePointer?, free: @escaping (OpaquePointer?) -> Void,
  _ body: (OpaquePointer) throws(CryptographyError) -> Void
) throws(CryptographyError) {
  defer { ERR_clear_error() }
  try withMemoryBIO(over: pem) { (bio) throws(CryptographyError) in
    var count = 0
    while let raw = read(bio) {
      let block = try Owned(raw, free)
      count += 1
      guard count <= limit else { throw .tooManyCertificates(limit: limit) }
      try body(block.raw)
    }
    guard count > 0, endsWithoutDamage() else { throw .unreadable(name) }
  }
}

/// Whether the last PEM read found no further block, rather than a damaged one.
private func endsWithoutDamage() -> Bool {
  let code = ERR_peek_last_error()
  return dongbo_error_library(code) == ERR_LIB_PEM
    && dongbo_error_reason(code) == PEM_R_NO_START_LINE
}
