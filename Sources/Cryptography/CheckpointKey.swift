import COpenSSL
package import Replication

/// The key under which a site tags its own checkpoints (law 6). Derived from the link key, so that
/// there is no second secret to keep. A site that changes its link key names the former one
/// until no peer quotes a tag under it.
package struct CheckpointKey: CheckpointSealing {
  private static let label = Array("dongbo checkpoint 1".utf8)
  private let bytes: [UInt8]
  private var former: [CheckpointKey] = []

  /// HMAC-SHA-256 of a fixed label under the private number of `key`.
  /// - Throws: `.library` only.
  package init(derivingFrom key: SigningKey) throws(CryptographyError) {
    var number = try key.privateNumber()
    defer { number.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) } }
    bytes = authenticationCode(of: Self.label, under: number)
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
    guard let tag = Bytes16(authenticationCode(of: checkpoint, under: bytes).prefix(16)) else {
      preconditionFailure("HMAC-SHA-256 of fewer than 16 bytes")
    }
    return tag
  }
}

/// HMAC-SHA-256: 32 bytes.
private func authenticationCode(of message: [UInt8], under key: [UInt8]) -> [UInt8] {
  [UInt8](unsafeUninitializedCapacity: 32) { buffer, initialized in
    var count: CUnsignedInt = 0
    let code = HMAC(
      EVP_sha256(), key, CInt(key.count), message, message.count, buffer.baseAddress, &count)
    precondition(code != nil && count == 32, "HMAC: \(drainErrors())")
    initialized = 32
  }
}
