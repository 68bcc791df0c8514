import COpenSSL

/// A record authority for labs and tests: what the state's certification authority is in earnest.
/// It has an anchor of its own, which no link trusts, and issues certificates for signing only.
package struct RecordAuthority: Sendable {
  /// Whom a certificate is for, as the names in its subject.
  package struct Person: Hashable, Sendable {
    /// Common name; 1 to 64 bytes.
    package let name: String
    /// The organ the person signs for (O); 1 to 64 bytes.
    package let organ: String
    /// The office held (title), as `Thủ trưởng` or `Kế toán trưởng`; 1 to 64 bytes.
    package let title: String

    package init(name: String, organ: String, title: String) {
      self.name = name
      self.organ = organ
      self.title = title
    }
  }

  private let authority: CertificateAuthority

  /// Makes a new authority.
  /// - Throws: as ``CertificateAuthority/init(name:key:validity:)``.
  package init(name: String, key: SigningKey, validity: Validity) throws(CryptographyError) {
    authority = try CertificateAuthority(name: name, key: key, validity: validity)
  }

  /// An authority kept in files.
  /// - Throws: `.unreadable`, `.keyMismatch`.
  package init(certificatePEM: [UInt8], key: SigningKey) throws(CryptographyError) {
    authority = try CertificateAuthority(certificatePEM: certificatePEM, key: key)
  }

  /// The record anchor, PEM.
  package var certificatePEM: [UInt8] { authority.certificatePEM }

  /// A certificate with which `person` may sign records, PEM.
  /// - Parameter publicKeyInfo: RSA of 2048 to 8192 bits, P-256 or P-384.
  /// - Throws: `.unsupportedKey`, `.invalidRequest`.
  package func issue(
    for person: Person, publicKeyInfo: [UInt8], validity: Validity
  ) throws(CryptographyError) -> [UInt8] {
    defer { ERR_clear_error() }
    guard let key = publicKey(publicKeyInfo) else { throw .unsupportedKey }
    defer { EVP_PKEY_free(key) }
    guard SignerKey.fault(key) == nil else { throw .unsupportedKey }
    let issuer = try readCertificate(pem: certificatePEM)
    let builder = try CertificateBuilder(
      subject: person.name, publicKey: key, validity: validity)
    try builder.addName(NID_organizationName, person.organ)
    try builder.addName(NID_title, person.title)
    try check(
      X509_set_issuer_name(builder.certificate.raw, X509_get_subject_name(issuer.raw)))
    try builder.add(NID_basic_constraints, "critical,CA:FALSE", issuer: issuer.raw)
    try builder.add(NID_key_usage, "critical,digitalSignature,nonRepudiation", issuer: issuer.raw)
    try builder.add(NID_ext_key_usage, "emailProtection,1.3.6.1.5.5.7.3.36", issuer: issuer.raw)
    try builder.add(NID_subject_key_identifier, "hash", issuer: issuer.raw)
    try builder.add(NID_authority_key_identifier, "keyid:always", issuer: issuer.raw)
    return try builder.signed(by: authority.key)
  }

  /// As ``CertificateAuthority/revocationList(serials:number:validity:)``.
  package func revocationList(
    serials: [[UInt8]], number: UInt32, validity: Validity
  ) throws(CryptographyError) -> [UInt8] {
    try authority.revocationList(serials: serials, number: number, validity: validity)
  }
}
