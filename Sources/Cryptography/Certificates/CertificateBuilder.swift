import COpenSSL

/// One certificate in the making: X.509 version 3 with a random serial.
struct CertificateBuilder: ~Copyable {
  /// Bytes of a random serial; 8 are the least that auditors ask for, RFC 5280 allows 20.
  private static let serialByteCount = 16
  /// Longest common name, RFC 5280 appendix A (ub-common-name).
  private static let maximumNameByteCount = 64

  let certificate: Owned

  init(
    subject: String, publicKey: OpaquePointer, validity: Validity
  ) throws(CryptographyError) {
    certificate = try Self.unsigned(subject: subject, publicKey: publicKey, validity: validity)
  }

  private static func unsigned(
    subject: String, publicKey: OpaquePointer, validity: Validity
  ) throws(CryptographyError) -> Owned {
    let certificate = try Owned(X509_new(), X509_free)
    let raw = certificate.raw
    try check(X509_set_version(raw, CLong(X509_VERSION_3)))
    try addName(NID_commonName, subject, to: raw)
    try check(X509_set_pubkey(raw, publicKey))
    try setRandomSerial(raw)
    try withTimes(validity) { (start, end) throws(CryptographyError) in
      try check(X509_set1_notBefore(raw, start))
      try check(X509_set1_notAfter(raw, end))
    }
    return certificate
  }

  /// Adds one more part to the subject's name: an organ, a title.
  borrowing func addName(_ kind: CInt, _ text: String) throws(CryptographyError) {
    try Self.addName(kind, text, to: certificate.raw)
  }

  private static func addName(
    _ kind: CInt, _ text: String, to certificate: OpaquePointer
  ) throws(CryptographyError) {
    let name = Array(text.utf8)
    guard (1...maximumNameByteCount).contains(name.count) else {
      throw .invalidRequest("a name of \(name.count) bytes")
    }
    try check(
      X509_NAME_add_entry_by_NID(
        X509_get_subject_name(certificate), kind, MBSTRING_UTF8, name, CInt(name.count), -1, 0))
  }

  /// Adds an extension given in OpenSSL's configuration words.
  /// - Parameter issuer: nil when the certificate issues itself.
  borrowing func add(
    _ kind: CInt, _ value: String, issuer: OpaquePointer?
  ) throws(CryptographyError) {
    let raw = certificate.raw
    try withExtensionContext(issuer: issuer ?? raw, subject: raw, list: nil) {
      (context) throws(CryptographyError) in
      let added = try makeExtension(kind, value, context)
      try check(X509_add_ext(raw, added.raw, -1))
    }
  }

  /// Adds the URIs as raw bytes; the configuration words would stop at a NUL or a comma.
  borrowing func addSubjectAlternativeNames(uris: [[UInt8]]) throws(CryptographyError) {
    let names = try Owned(GENERAL_NAMES_new(), GENERAL_NAMES_free)
    for uri in uris {
      guard let name = GENERAL_NAME_new() else { throw .library(drainErrors()) }
      guard let text = ASN1_STRING_type_new(V_ASN1_IA5STRING),
        ASN1_STRING_set(text, uri, CInt(uri.count)) == 1
      else {
        GENERAL_NAME_free(name)
        throw .library(drainErrors())
      }
      GENERAL_NAME_set0_value(name, GEN_URI, text)
      guard OPENSSL_sk_push(names.raw, name) > 0 else {
        GENERAL_NAME_free(name)
        throw .library(drainErrors())
      }
    }
    try check(
      X509_add1_ext_i2d(
        certificate.raw, NID_subject_alt_name, UnsafeMutableRawPointer(names.raw), 0, 0))
  }

  /// Signs with ECDSA or RSA over SHA-256.
  /// - Returns: the certificate, PEM.
  consuming func signed(by key: SigningKey) throws(CryptographyError) -> [UInt8] {
    guard X509_sign(certificate.raw, key.raw, EVP_sha256()) > 0 else {
      throw .library(drainErrors())
    }
    let raw = certificate.raw
    return try writtenBytes { PEM_write_bio_X509($0, raw) }
  }

  private static func setRandomSerial(_ certificate: OpaquePointer) throws(CryptographyError) {
    var bytes = [UInt8](repeating: 0, count: serialByteCount)
    try check(RAND_bytes(&bytes, CInt(bytes.count)))
    bytes[0] = bytes[0] & 0x7F | 0x40  // positive, and as long as it looks
    guard let number = BN_bin2bn(bytes, CInt(bytes.count), nil) else {
      throw .library(drainErrors())
    }
    defer { BN_free(number) }
    guard BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nil else {
      throw .library(drainErrors())
    }
  }
}

/// Runs `body` with both ends of `validity` in ASN.1 form.
func withTimes(
  _ validity: Validity,
  _ body: (
    _ start: UnsafeMutablePointer<ASN1_TIME>, _ end: UnsafeMutablePointer<ASN1_TIME>
  ) throws(CryptographyError) -> Void
) throws(CryptographyError) {
  guard validity.notBefore <= validity.notAfter else {
    throw .invalidRequest("validity ends before it starts: \(validity)")
  }
  let start = ASN1_TIME_set(nil, time_t(validity.notBefore))
  defer { ASN1_STRING_free(start) }
  let end = ASN1_TIME_set(nil, time_t(validity.notAfter))
  defer { ASN1_STRING_free(end) }
  guard let start, let end else {
    ERR_clear_error()
    throw .invalidRequest("validity outside the years 0 to 9999: \(validity)")
  }
  try body(start, end)
}

func withExtensionContext(
  issuer: OpaquePointer?, subject: OpaquePointer?, list: OpaquePointer?,
  _ body: (UnsafeMutablePointer<X509V3_CTX>) throws(CryptographyError) -> Void
) throws(CryptographyError) {
  var context = X509V3_CTX()
  X509V3_set_ctx(&context, issuer, subject, nil, list, 0)
  let outcome = withUnsafeMutablePointer(to: &context) { pointer in
    Result { () throws(CryptographyError) in try body(pointer) }
  }
  try outcome.get()
}

func makeExtension(
  _ kind: CInt, _ value: String, _ context: UnsafeMutablePointer<X509V3_CTX>
) throws(CryptographyError) -> Owned {
  try Owned(X509V3_EXT_nconf_nid(nil, context, kind, value), X509_EXTENSION_free)
}
