/// Checks plain signatures, for the registry; record signatures (CMS) have their own stage.
/// `Cryptography` fulfils it with OpenSSL.
package protocol SignatureChecking: Sendable {
  /// Whether `signature` (ECDSA with SHA-256, DER) over `bytes` is by the key in `publicKeyInfo`
  /// (SPKI, DER). False for every malformed input and every other kind of key.
  func isSignature(_ signature: [UInt8], over bytes: [UInt8], by publicKeyInfo: [UInt8]) -> Bool
  /// SHA-256 of the SPKI: the pin of a key.
  func pin(of publicKeyInfo: [UInt8]) -> Digest
}
