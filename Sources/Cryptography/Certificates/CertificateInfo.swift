import COpenSSL
import Glibc
package import Replication

/// What a certificate says, for the roster, for `dongbo status` and for warnings before it expires.
/// Reading it is no judgement: only a handshake verifies.
package struct CertificateInfo: Hashable, Sendable {
  package let validity: Validity
  /// The value of the serial number, most significant byte first, no leading zero.
  package let serial: [UInt8]
  /// SHA-256 of the certificate in DER: by this the registry names a signer.
  package let digest: Digest
  /// SHA-256 of the SubjectPublicKeyInfo in DER.
  package let pin: Digest
  /// The URIs of the subject alternative name, raw: they may hold any byte.
  package let uris: [[UInt8]]

  /// Reads the first certificate of `pem`.
  /// - Throws: `.unreadable`.
  package init(pem: [UInt8]) throws(CryptographyError) {
    let certificate = try readCertificate(pem: pem)
    try self.init(certificate.raw)
  }

  init(_ certificate: OpaquePointer) throws(CryptographyError) {
    guard let notBefore = unixSeconds(X509_get0_notBefore(certificate)),
      let notAfter = unixSeconds(X509_get0_notAfter(certificate)),
      let serial = X509_get0_serialNumber(certificate)
    else { throw .unreadable("certificate") }
    validity = Validity(notBefore: notBefore, notAfter: notAfter)
    self.serial = bytes(of: serial)
    digest = OpenSSLHash().digest(try derBytes { i2d_X509(certificate, $0) })
    pin = Cryptography.pin(
      ofPublicKeyInfo: try derBytes { i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), $0) })
    uris = alternativeNameURIs(certificate)
  }

  /// The site that a link certificate names: its alternative names hold exactly one URI, which is
  /// `urn:dongbo:site:` and a site id, byte for byte; nil otherwise. The common name is ignored.
  package var site: SiteID? {
    guard uris.count == 1, let uri = uris.first, uri.starts(with: siteURIPrefix) else { return nil }
    return SiteID(uri.dropFirst(siteURIPrefix.count))
  }
}

private let siteURIPrefix = Array("urn:dongbo:site:".utf8)

func siteURI(_ site: SiteID) -> [UInt8] { siteURIPrefix + site.bytes }

/// The first certificate of `pem`.
func readCertificate(pem: [UInt8]) throws(CryptographyError) -> Owned {
  let certificate = try withMemoryBIO(over: pem) { bio in PEM_read_bio_X509(bio, nil, nil, nil) }
  ERR_clear_error()
  guard let certificate else { throw .unreadable("certificate") }
  return try Owned(certificate, X509_free)
}

private func alternativeNameURIs(_ certificate: OpaquePointer) -> [[UInt8]] {
  defer { ERR_clear_error() }
  guard let names = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else { return [] }
  let stack = OpaquePointer(names)
  defer { GENERAL_NAMES_free(stack) }
  var uris: [[UInt8]] = []
  for index in 0..<OPENSSL_sk_num(stack) {
    var kind: CInt = 0
    guard let name = OPENSSL_sk_value(stack, index),
      let value = GENERAL_NAME_get0_value(
        name.assumingMemoryBound(to: GENERAL_NAME.self), &kind), kind == GEN_URI
    else { continue }
    uris.append(bytes(of: value.assumingMemoryBound(to: ASN1_STRING.self)))
  }
  return uris
}

func bytes(of string: UnsafePointer<ASN1_STRING>) -> [UInt8] {
  Array(
    UnsafeBufferPointer(
      start: ASN1_STRING_get0_data(string), count: Int(ASN1_STRING_length(string))))
}

func unixSeconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
  var parts = tm()
  guard let time, ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
  return Int64(timegm(&parts))
}
