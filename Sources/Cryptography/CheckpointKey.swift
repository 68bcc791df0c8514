import COpenSSL
package import Replication

/// The key under which a site tags its own checkpoints (law 6). Derived from the link key, so that
/// there is no second secret to keep. A site that changes its link key names the former one
/// until no peer quotes a tag under it.
package struct CheckpointKey: CheckpointSealing {
  private static let label = Array("dongbo checkpoint 1".utf8)
  private let code: PreparedCode
  private var former: [CheckpointKey] = []

  /// HMAC-SHA-256 of a fixed label under the private number of `key`.
  /// - Throws: `.library` only.
  package init(derivingFrom key: SigningKey) throws(CryptographyError) {
    var number = try key.privateNumber()
    defer { number.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) } }
    code = PreparedCode(under: PreparedCode(under: number).code(of: Self.label))
  }

  /// The same key, which also takes tags under link keys the site had before: a replaced key must
  /// not make every checkpoint that peers hold worthless.
  package func accepting(former keys: [SigningKey]) throws(CryptographyError) -> CheckpointKey {
    var key = self
    for former in keys { key.former.append(try CheckpointKey(derivingFrom: former)) }
    return key
  }

  package func isTag(_ tag: Bytes16, of checkpoint: [UInt8]) -> Bool {
    self.tag(checkpoint) == tag || former.contains { $0.tag(checkpoint) == tag }
  }

  package func tag(_ checkpoint: [UInt8]) -> Bytes16 {
    guard let tag = Bytes16(code.code(of: checkpoint).prefix(16)) else {
      preconditionFailure("HMAC-SHA-256 of fewer than 16 bytes")
    }
    return tag
  }
}

/// HMAC-SHA-256 under one key. Looking for the algorithms takes OpenSSL ten times as long as the
/// code: they are found once, and each message goes through a copy of the context that has them.
///
/// `@unchecked Sendable`: the context is only copied after it was made, and OpenSSL counts its uses
/// of what the copies share atomically.
private final class PreparedCode: @unchecked Sendable {
  private static let byteCount = 32
  private let context: OpaquePointer

  init(under key: [UInt8]) {
    guard let algorithm = EVP_MAC_fetch(nil, "HMAC", nil),
      let context = EVP_MAC_CTX_new(algorithm),
      dongbo_start_sha256_code(context, key, key.count) == 1
    else { preconditionFailure("HMAC-SHA-256: \(drainErrors())") }
    // The context holds its own reference.
    EVP_MAC_free(algorithm)
    self.context = context
  }

  deinit { EVP_MAC_CTX_free(context) }

  func code(of message: [UInt8]) -> [UInt8] {
    guard let copy = EVP_MAC_CTX_dup(context) else {
      preconditionFailure("HMAC-SHA-256: \(drainErrors())")
    }
    defer { EVP_MAC_CTX_free(copy) }
    return [UInt8](unsafeUninitializedCapacity: Self.byteCount) { buffer, count in
      let isDone =
        EVP_MAC_update(copy, message, message.count) == 1
        && EVP_MAC_final(copy, buffer.baseAddress, &count, Self.byteCount) == 1
      precondition(isDone && count == Self.byteCount, "HMAC-SHA-256: \(drainErrors())")
    }
  }
}
