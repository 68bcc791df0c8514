import COpenSSL
import Replication

/// Fetched once: each implicit fetch would search the providers again. Never freed or changed, and
/// OpenSSL counts their uses atomically, so every thread may read them.
nonisolated(unsafe) private let fetchedSHA384: OpaquePointer? = EVP_MD_fetch(nil, "SHA384", nil)
/// As the one above.
nonisolated(unsafe) private let fetchedSHA512: OpaquePointer? = EVP_MD_fetch(nil, "SHA512", nil)

extension SignatureDigest {
  /// OpenSSL's name for it.
  var algorithm: OpaquePointer? {
    switch self {
    case .sha256: Cryptography.sha256
    case .sha384: fetchedSHA384
    case .sha512: fetchedSHA512
    }
  }

  /// The digest of `bytes`.
  func digest(_ bytes: [UInt8]) -> [UInt8] {
    // By the thread's own context: to make one costs more than to hash some hundred bytes.
    if self == .sha256 { return OpenSSLHash().digest(bytes).bytes }
    return [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, initialized in
      let status = EVP_Digest(bytes, bytes.count, buffer.baseAddress, nil, algorithm, nil)
      precondition(status == 1, "EVP_Digest: \(drainErrors())")
      initialized = byteCount
    }
  }
}
