package import Replication

/// The registry's signatures, checked with OpenSSL.
package struct ECDSAChecker: SignatureChecking {
  package init() {}

  package func isSignature(
    _ signature: [UInt8], over bytes: [UInt8], by publicKeyInfo: [UInt8]
  ) -> Bool {
    verifySignature(signature, over: bytes, publicKeyInfo: publicKeyInfo)
  }

  package func pin(of publicKeyInfo: [UInt8]) -> Digest {
    Cryptography.pin(ofPublicKeyInfo: publicKeyInfo)
  }
}
