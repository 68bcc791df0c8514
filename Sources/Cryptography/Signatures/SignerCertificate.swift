import COpenSSL
import Replication

/// The key of a signer's certificate, by the allow-list of rule 5.
enum SignerKey {
  static let minimumRSABitCount: CInt = 2048
  /// A longer key makes each verification slow, and nobody has one.
  static let maximumRSABitCount: CInt = 8192

  /// - Returns: what is wrong with the key; nil when it may sign.
  static func fault(_ key: OpaquePointer) -> SignatureFault? {
    defer { ERR_clear_error() }
    if isRSA(key) {
      let bitCount = EVP_PKEY_get_bits(key)
      if bitCount < minimumRSABitCount { return .rsaKeyTooShort }
      return bitCount > maximumRSABitCount ? .rsaKeyTooLong : nil
    }
    guard EVP_PKEY_is_a(key, "EC") == 1 else { return .keyNotAllowed }
    return isAllowed(key) ? nil : .curveNotAllowed
  }

  /// Whether the key can have made a signature of this scheme.
  static func fits(_ scheme: SignatureScheme, _ key: OpaquePointer) -> Bool {
    switch scheme {
    case .ecdsa: EVP_PKEY_is_a(key, "EC") == 1
    case .rsaPSS: isRSA(key)
    case .rsaPKCS1: EVP_PKEY_is_a(key, "RSA") == 1
    }
  }

  static func isRSA(_ key: OpaquePointer) -> Bool {
    EVP_PKEY_is_a(key, "RSA") == 1 || EVP_PKEY_is_a(key, "RSA-PSS") == 1
  }
}

/// Rule 6, the part that OpenSSL's purpose `smimesign` leaves open.
enum SignerUsage {
  private static let mail = ObjectIdentifier(1, 3, 6, 1, 5, 5, 7, 3, 4)
  private static let server = ObjectIdentifier(1, 3, 6, 1, 5, 5, 7, 3, 1)
  private static let any = ObjectIdentifier(2, 5, 29, 37, 0)

  /// Extended key usages that mean signing. OpenSSL's purpose demands this one whenever a
  /// certificate has any; the authorities give it beside those for document signing.
  private static let signing: Set<ObjectIdentifier> = [mail]

  static func check(
    _ certificate: OpaquePointer, policies: [ObjectIdentifier]
  ) throws(SignatureFault) {
    guard X509_get_extension_flags(certificate) & CUnsignedInt(EXFLAG_CA) == 0 else {
      throw .authorityCertificate
    }
    let usage = X509_get_key_usage(certificate)
    guard usage != CUnsignedInt.max else { throw .noKeyUsage }
    guard usage & CUnsignedInt(KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION) != 0 else {
      throw .keyUsageNotSigning
    }
    guard let extended = try extendedUsages(certificate) else {
      guard try certificatePolicies(certificate).contains(where: policies.contains) else {
        throw .noExtendedKeyUsage
      }
      return
    }
    if extended.contains(any) { throw .anyExtendedKeyUsage }
    if extended.contains(server) { throw .serverCertificate }
    if signing.isDisjoint(with: extended) { throw .extendedKeyUsageNotSigning }
  }

  private static func extendedUsages(
    _ certificate: OpaquePointer
  ) throws(SignatureFault) -> [ObjectIdentifier]? {
    guard let list = try extensionValue(NID_ext_key_usage, of: certificate) else { return nil }
    return try list.elements().map { ObjectIdentifier($0.contents) }
  }

  private static func certificatePolicies(
    _ certificate: OpaquePointer
  ) throws(SignatureFault) -> [ObjectIdentifier] {
    guard let list = try extensionValue(NID_certificate_policies, of: certificate) else {
      return []
    }
    var found: [ObjectIdentifier] = []
    for policy in try list.elements() {
      var reader = policy.reader
      found.append(ObjectIdentifier(try reader.next(DERElement.objectIdentifier).contents))
    }
    return found
  }

  private static func extensionValue(
    _ kind: CInt, of certificate: OpaquePointer
  ) throws(SignatureFault) -> DERElement? {
    let position = X509_get_ext_by_NID(certificate, kind, -1)
    guard position >= 0 else { return nil }
    guard let data = X509_EXTENSION_get_data(X509_get_ext(certificate, position)) else {
      throw .certificateMalformed
    }
    let value = bytes(of: data)
    do {
      try DERWalk.check(value)
      var reader = DERReader(rest: value[...])
      return try reader.next(DERElement.sequence)
    } catch { throw .certificateMalformed }
  }
}
