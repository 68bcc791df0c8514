import COpenSSL
package import Replication

/// A private EC key: a link's, a signer's or an authority's.
///
/// `@unchecked Sendable`: the EVP_PKEY is never changed after `init`, and OpenSSL allows its use by
/// several threads at once (each operation has its own context).
package final class SigningKey: @unchecked Sendable {
  /// The curves that links and signers may use.
  package enum Curve: String, CaseIterable, Sendable {
    case p256 = "prime256v1"
    case p384 = "secp384r1"
  }

  let raw: OpaquePointer
  /// SubjectPublicKeyInfo in DER: what certificates carry and pins digest.
  package let publicKeyInfo: [UInt8]

  /// Reads a private key file, PKCS #8 or SEC 1, without passphrase. Whether others could read the
  /// file is the caller's check.
  /// - Throws: `.unreadable`; `.unsupportedKey` for anything but P-256 and P-384.
  package convenience init(pem: [UInt8]) throws(CryptographyError) {
    try self.init(adopting: readPrivateKey(pem: pem), requiringAllowedCurve: true)
  }

  /// A new random key.
  package static func generate(_ curve: Curve = .p256) throws(CryptographyError) -> SigningKey {
    try SigningKey(
      adopting: generateRaw(algorithm: "EC", group: curve.rawValue), requiringAllowedCurve: true)
  }

  /// Takes ownership of `raw`. Tests pass `requiringAllowedCurve: false` to act a foreign peer.
  init(adopting raw: OpaquePointer, requiringAllowedCurve: Bool) throws(CryptographyError) {
    self.raw = raw
    var isAccepted = false
    // Until `publicKeyInfo` is set, a throw does not run `deinit`.
    defer { if !isAccepted { EVP_PKEY_free(raw) } }
    if requiringAllowedCurve {
      guard isAllowed(raw) else { throw .unsupportedKey }
      // A key file in compressed form would give another pin for the same key.
      try check(
        EVP_PKEY_set_utf8_string_param(
          raw, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed"))
    }
    publicKeyInfo = try derBytes { i2d_PUBKEY(raw, $0) }
    isAccepted = true
  }

  deinit { EVP_PKEY_free(raw) }

  /// The key in PKCS #8 PEM form, unencrypted: for a file that only its owner can read.
  package func pem() throws(CryptographyError) -> [UInt8] {
    try writtenBytes { PEM_write_bio_PKCS8PrivateKey($0, raw, nil, nil, 0, nil, nil) }
  }

  /// ECDSA over SHA-256 of `bytes`, in DER.
  package func sign(_ bytes: [UInt8]) throws(CryptographyError) -> [UInt8] {
    let context = try Owned(EVP_MD_CTX_new(), EVP_MD_CTX_free)
    try check(EVP_DigestSignInit_ex(context.raw, nil, "SHA256", nil, nil, raw, nil))
    var count = 0
    try check(EVP_DigestSign(context.raw, nil, &count, bytes, bytes.count))
    var status: CInt = 0
    let signature = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      status = EVP_DigestSign(context.raw, buffer.baseAddress, &count, bytes, bytes.count)
      initialized = status == 1 ? count : 0
    }
    try check(status)
    return signature
  }

  /// The private number, most significant byte first, as wide as the curve: the same however the
  /// key file spells the key.
  func privateNumber() throws(CryptographyError) -> [UInt8] {
    var number: OpaquePointer?
    try check(EVP_PKEY_get_bn_param(raw, OSSL_PKEY_PARAM_PRIV_KEY, &number))
    defer { BN_clear_free(number) }
    let width = (EVP_PKEY_get_bits(raw) + 7) / 8
    var written: CInt = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: Int(width)) { buffer, initialized in
      written = BN_bn2binpad(number, buffer.baseAddress, width)
      initialized = written == width ? Int(width) : 0
    }
    guard written == width else { throw .library(drainErrors()) }
    return bytes
  }
}

/// The private key of `pem`, of any algorithm. The caller frees it.
func readPrivateKey(pem: [UInt8]) throws(CryptographyError) -> OpaquePointer {
  let read = try withMemoryBIO(over: pem) { bio -> OpaquePointer? in
    // Without this callback OpenSSL would ask for a passphrase at the terminal.
    PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in -1 }, nil)
  }
  ERR_clear_error()
  guard let read else { throw .unreadable("private key") }
  return read
}

/// Whether `signature` (ECDSA, DER) over SHA-256 of `bytes` was made by the key of `publicKeyInfo`.
/// False for every key but EC on P-256 or P-384, for malformed input and for trailing bytes.
package func verifySignature(
  _ signature: [UInt8], over bytes: [UInt8], publicKeyInfo: [UInt8]
) -> Bool {
  defer { ERR_clear_error() }
  guard let key = publicKey(publicKeyInfo) else { return false }
  defer { EVP_PKEY_free(key) }
  guard isAllowed(key), let context = EVP_MD_CTX_new() else { return false }
  defer { EVP_MD_CTX_free(context) }
  return EVP_DigestVerifyInit_ex(context, nil, "SHA256", nil, nil, key, nil) == 1
    && EVP_DigestVerify(context, signature, signature.count, bytes, bytes.count) == 1
}

/// The pin of a public key: SHA-256 of its SubjectPublicKeyInfo in DER.
package func pin(ofPublicKeyInfo publicKeyInfo: [UInt8]) -> Digest {
  OpenSSLHash().digest(publicKeyInfo)
}

/// Decodes a SubjectPublicKeyInfo that fills `bytes` exactly. The caller frees the key.
func publicKey(_ bytes: [UInt8]) -> OpaquePointer? {
  bytes.withUnsafeBufferPointer { buffer in
    var position = buffer.baseAddress
    guard let key = d2i_PUBKEY(nil, &position, buffer.count) else { return nil }
    guard let start = buffer.baseAddress, position == start + buffer.count else {
      EVP_PKEY_free(key)
      return nil
    }
    return key
  }
}

/// EC, on a curve given by name: explicit parameters could describe a curve of the sender's making.
func isAllowed(_ key: OpaquePointer) -> Bool {
  defer { ERR_clear_error() }
  var isExplicit: CInt = 0
  var name = [CChar](repeating: 0, count: 32)
  guard EVP_PKEY_is_a(key, "EC") == 1,
    EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &isExplicit) == 1,
    isExplicit == 0, EVP_PKEY_get_group_name(key, &name, name.count, nil) == 1
  else { return false }
  let bytes = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
  return SigningKey.Curve(rawValue: String(decoding: bytes, as: UTF8.self)) != nil
}

/// A new key pair of any algorithm the library knows. The caller owns it.
func generateRaw(algorithm: String, group: String?) throws(CryptographyError) -> OpaquePointer {
  let context = try Owned(EVP_PKEY_CTX_new_from_name(nil, algorithm, nil), EVP_PKEY_CTX_free)
  try check(EVP_PKEY_keygen_init(context.raw))
  if let group { try check(EVP_PKEY_CTX_set_group_name(context.raw, group)) }
  var key: OpaquePointer?
  try check(EVP_PKEY_generate(context.raw, &key))
  guard let key else { throw .library(drainErrors()) }
  return key
}
