/// SHA-256 as the core needs it. `Cryptography` fulfils it with OpenSSL; the core computes no hash
/// of its own.
package protocol SHA256Hashing: Sendable {
  /// The digest of the parts, one after the other.
  func digest(_ parts: [UInt8]...) -> Digest
}

/// A SHA-256 that takes its bytes piece by piece, for content that is never in memory as a whole.
/// It belongs to one thread at a time.
package protocol SHA256Stream: AnyObject {
  /// Takes the next bytes; any number of them.
  func update(_ bytes: Span<UInt8>)
  /// The digest of all bytes taken; the stream is then at its beginning again.
  func finish() -> Digest
}

/// Makes streams, one for each content.
package protocol SHA256Streaming: Sendable {
  /// A stream that has taken nothing.
  func makeStream() -> any SHA256Stream
}

/// Tags and checks this site's own checkpoints under a key derived from the site's link key, so
/// that nobody can quote a checkpoint that this site never wrote (law 6).
package protocol CheckpointSealing: Sendable {
  /// HMAC-SHA-256 of `bytes` cut to 16 bytes.
  func tag(_ bytes: [UInt8]) -> Bytes16
  /// Whether `tag` is this site's over `bytes`, under its present key or one it had before.
  func isTag(_ tag: Bytes16, of bytes: [UInt8]) -> Bool
}

extension CheckpointSealing {
  package func isTag(_ tag: Bytes16, of bytes: [UInt8]) -> Bool { self.tag(bytes) == tag }
}
