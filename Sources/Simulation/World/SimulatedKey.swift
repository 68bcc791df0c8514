import Cryptography
import Replication

/// A site's key. Signatures and tags are plain hashes: in a world of one process nothing has to be
/// secret, it only has to be this site's, and the same in every run (ECDSA draws a random number).
struct SimulatedKey: CheckpointSealing {
  private static let hashing = OpenSSLHash()
  let publicKey: [UInt8]

  init(of site: SiteID) { publicKey = Array("simulated key of \(site)".utf8) }

  var pin: Digest { Self.pin(of: publicKey) }

  func tag(_ bytes: [UInt8]) -> Bytes16 {
    let digest = Self.hashing.digest(Array("tag".utf8), publicKey, bytes).raw
    return Bytes16(high: digest.first, low: digest.second)
  }

  func sign(_ bytes: [UInt8]) -> [UInt8] { Self.signature(over: bytes, by: publicKey) }

  static func pin(of publicKey: [UInt8]) -> Digest { hashing.digest(publicKey) }

  static func signature(over bytes: [UInt8], by publicKey: [UInt8]) -> [UInt8] {
    hashing.digest(Array("signature".utf8), publicKey, bytes).bytes
  }
}

struct SimulatedSignatures: SignatureChecking {
  func isSignature(
    _ signature: [UInt8], over bytes: [UInt8], by publicKeyInfo: [UInt8]
  ) -> Bool {
    signature == SimulatedKey.signature(over: bytes, by: publicKeyInfo)
  }

  func pin(of publicKeyInfo: [UInt8]) -> Digest { SimulatedKey.pin(of: publicKeyInfo) }
}
