import COpenSSL
package import Replication

/// From when to when a certificate or a revocation list counts, UNIX seconds, both ends included.
package struct Validity: Hashable, Sendable {
  package let notBefore: Int64
  package let notAfter: Int64

  package init(notBefore: Int64, notAfter: Int64) {
    self.notBefore = notBefore
    self.notAfter = notAfter
  }
}

/// The link authority: a self-signed certificate with its key, which issues the certificates of
/// sites and the list of those revoked. It signs nothing but links.
package struct CertificateAuthority: Sendable {
  /// The certificate that every site trusts, PEM.
  package let certificatePEM: [UInt8]
  let key: SigningKey

  /// Makes a new authority.
  /// - Parameter name: its common name, 1 to 64 bytes.
  /// - Throws: `.invalidRequest` for a validity that ends before it starts or a bad name.
  package init(
    name: String, key: SigningKey, validity: Validity
  ) throws(CryptographyError) {
    let builder = try CertificateBuilder(
      subject: name, publicKey: key.raw, validity: validity)
    try check(
      X509_set_issuer_name(builder.certificate.raw, X509_get_subject_name(builder.certificate.raw)))
    try builder.add(NID_basic_constraints, "critical,CA:TRUE,pathlen:0", issuer: nil)
    try builder.add(NID_key_usage, "critical,keyCertSign,cRLSign", issuer: nil)
    try builder.add(NID_subject_key_identifier, "hash", issuer: nil)
    try builder.add(NID_authority_key_identifier, "keyid:always", issuer: nil)
    certificatePEM = try builder.signed(by: key)
    self.key = key
  }

  /// An authority kept in files.
  /// - Throws: `.unreadable`; `.keyMismatch` when the two do not belong together.
  package init(certificatePEM: [UInt8], key: SigningKey) throws(CryptographyError) {
    let certificate = try readCertificate(pem: certificatePEM)
    guard X509_check_private_key(certificate.raw, key.raw) == 1 else {
      ERR_clear_error()
      throw .keyMismatch
    }
    self.certificatePEM = certificatePEM
    self.key = key
  }

  /// A link certificate for `site` and the public key that the site sent, PEM. The private key
  /// never leaves the site.
  /// - Throws: `.unsupportedKey` unless the key is EC on P-256 or P-384; `.invalidRequest`.
  package func issue(
    for site: SiteID, publicKeyInfo: [UInt8], validity: Validity
  ) throws(CryptographyError) -> [UInt8] {
    defer { ERR_clear_error() }
    guard let key = publicKey(publicKeyInfo) else { throw .unsupportedKey }
    defer { EVP_PKEY_free(key) }
    guard isAllowed(key) else { throw .unsupportedKey }
    return try issue(
      LinkCertificate(subject: site.description, uris: [siteURI(site)]), publicKey: key,
      validity: validity)
  }

  /// As above for any contents: tests issue what must be refused.
  func issue(
    _ contents: LinkCertificate, publicKey: OpaquePointer, validity: Validity
  ) throws(CryptographyError) -> [UInt8] {
    let issuer = try readCertificate(pem: certificatePEM)
    let builder = try CertificateBuilder(
      subject: contents.subject, publicKey: publicKey, validity: validity)
    try check(
      X509_set_issuer_name(builder.certificate.raw, X509_get_subject_name(issuer.raw)))
    try builder.add(NID_basic_constraints, "critical,CA:FALSE", issuer: issuer.raw)
    try builder.add(NID_key_usage, "critical,digitalSignature", issuer: issuer.raw)
    if let usage = contents.extendedKeyUsage {
      try builder.add(NID_ext_key_usage, usage, issuer: issuer.raw)
    }
    try builder.add(NID_subject_key_identifier, "hash", issuer: issuer.raw)
    if contents.namesAuthorityKey {
      try builder.add(NID_authority_key_identifier, "keyid:always", issuer: issuer.raw)
    }
    try builder.addSubjectAlternativeNames(uris: contents.uris)
    return try builder.signed(by: key)
  }

  /// The list of revoked certificates, PEM: a site that is given one accepts no certificate without
  /// a list still in force.
  /// - Parameters:
  ///   - serials: as ``CertificateInfo/serial`` shows them.
  ///   - number: grows by one with each list.
  ///   - validity: `notAfter` is the list's nextUpdate.
  package func revocationList(
    serials: [[UInt8]], number: UInt32, validity: Validity
  ) throws(CryptographyError) -> [UInt8] {
    let issuer = try readCertificate(pem: certificatePEM)
    let list = try Owned(X509_CRL_new(), X509_CRL_free)
    try check(X509_CRL_set_version(list.raw, CLong(X509_CRL_VERSION_2)))
    try check(X509_CRL_set_issuer_name(list.raw, X509_get_subject_name(issuer.raw)))
    try withTimes(validity) { (start, end) throws(CryptographyError) in
      try check(X509_CRL_set1_lastUpdate(list.raw, start))
      try check(X509_CRL_set1_nextUpdate(list.raw, end))
      for serial in serials { try addRevoked(serial, since: start, to: list.raw) }
    }
    try check(X509_CRL_sort(list.raw))
    try withExtensionContext(issuer: issuer.raw, subject: nil, list: list.raw) {
      (context) throws(CryptographyError) in
      let identifier = try makeExtension(
        NID_authority_key_identifier, "keyid:always", context)
      try check(X509_CRL_add_ext(list.raw, identifier.raw, -1))
    }
    guard let integer = ASN1_INTEGER_new() else { throw .library(drainErrors()) }
    defer { ASN1_INTEGER_free(integer) }
    try check(ASN1_INTEGER_set_uint64(integer, UInt64(number)))
    try check(X509_CRL_add1_ext_i2d(list.raw, NID_crl_number, integer, 0, 0))
    guard X509_CRL_sign(list.raw, key.raw, EVP_sha256()) > 0 else {
      throw .library(drainErrors())
    }
    return try writtenBytes { PEM_write_bio_X509_CRL($0, list.raw) }
  }
}

/// What differs between link certificates; tests make the wrong ones with it.
struct LinkCertificate {
  var subject: String
  var uris: [[UInt8]]
  var extendedKeyUsage: String? = "serverAuth,clientAuth"
  var namesAuthorityKey = true
}

private func addRevoked(
  _ serial: [UInt8], since time: UnsafeMutablePointer<ASN1_TIME>, to list: OpaquePointer
) throws(CryptographyError) {
  guard let entry = X509_REVOKED_new() else { throw .library(drainErrors()) }
  var isGivenAway = false
  defer { if !isGivenAway { X509_REVOKED_free(entry) } }
  guard let count = CInt(exactly: serial.count), count > 0,
    let number = BN_bin2bn(serial, count, nil)
  else { throw .invalidRequest("a serial number of \(serial.count) bytes") }
  defer { BN_free(number) }
  guard let integer = BN_to_ASN1_INTEGER(number, nil) else { throw .library(drainErrors()) }
  defer { ASN1_INTEGER_free(integer) }
  try check(X509_REVOKED_set_serialNumber(entry, integer))
  try check(X509_REVOKED_set_revocationDate(entry, time))
  try check(X509_CRL_add0_revoked(list, entry))
  isGivenAway = true
}
