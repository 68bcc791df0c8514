import COpenSSL
import Synchronization

/// A signer's public key, ready to verify what a form's signatures sign.
///
/// `@unchecked Sendable`: OpenSSL allows a key to be used by several threads at once, and a
/// context is with one thread at a time: `idle` is locked.
final class VerifyingKey: @unchecked Sendable {
  private let key: OpaquePointer
  private let scheme: SignatureScheme
  private let digest: SignatureDigest
  private let saltByteCount: Int?
  /// Made for this key, scheme and digest, at most one for each thread that ever verified at once:
  /// to make one, OpenSSL looks for the algorithm by its name.
  private let idle = Mutex<[Context]>([])

  /// `@unchecked Sendable`: with one thread at a time.
  private struct Context: @unchecked Sendable { let raw: OpaquePointer }

  /// - Parameter key: becomes shared with its certificate.
  /// - Throws: `.library`.
  init(_ key: OpaquePointer, _ signer: SignerShape) throws(CryptographyError) {
    try check(EVP_PKEY_up_ref(key))
    self.key = key
    scheme = signer.scheme
    digest = signer.digest
    saltByteCount = signer.saltByteCount
  }

  deinit {
    idle.withLock { idle in
      for context in idle { EVP_PKEY_CTX_free(context.raw) }
    }
    EVP_PKEY_free(key)
  }

  /// Whether `value` is this key's signature over `bytes`. An answer of no may leave errors in the
  /// thread's queue.
  func isSignature(_ value: [UInt8], over bytes: [UInt8]) -> Bool {
    guard let context = idle.withLock({ $0.popLast() }) ?? newContext() else { return false }
    defer { idle.withLock { $0.append(context) } }
    let hash = digest.digest(bytes)
    return EVP_PKEY_verify(context.raw, value, value.count, hash, hash.count) == 1
  }

  private func newContext() -> Context? {
    guard let raw = EVP_PKEY_CTX_new(key, nil) else { return nil }
    guard EVP_PKEY_verify_init(raw) == 1,
      EVP_PKEY_CTX_set_signature_md(raw, digest.algorithm) == 1, setPadding(of: raw)
    else {
      EVP_PKEY_CTX_free(raw)
      return nil
    }
    return Context(raw: raw)
  }

  private func setPadding(of context: OpaquePointer) -> Bool {
    switch scheme {
    case .ecdsa: return true
    case .rsaPKCS1: return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1
    case .rsaPSS:
      guard let saltByteCount else { return false }
      return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1
        && EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest.algorithm) == 1
        && EVP_PKEY_CTX_set_rsa_pss_saltlen(context, CInt(saltByteCount)) == 1
    }
  }
}
