import COpenSSL
import Glibc
package import Replication

/// SHA-256 by OpenSSL, for the core's port. Holds nothing: any thread may use any copy.
package struct OpenSSLHash: SHA256Hashing {
  package init() {}

  /// The digest of the parts, one after the other, none of them copied.
  package func digest(_ parts: [UInt8]...) -> Digest {
    let context = ThreadContext.started()
    for part in parts {
      part.withUnsafeBytes { absorb($0, into: context) }
    }
    return finished(context)
  }
}

extension OpenSSLHash: SHA256Streaming {
  package func makeStream() -> any SHA256Stream { OpenSSLHashStream() }
}

/// A digest with a context of its own, for as long as its content takes to arrive.
private final class OpenSSLHashStream: SHA256Stream {
  private let context = newContext()

  init() { start(context) }

  deinit { EVP_MD_CTX_free(context) }

  func update(_ bytes: Span<UInt8>) {
    bytes.withUnsafeBytes { absorb($0, into: context) }
  }

  func finish() -> Digest {
    let digest = finished(context)
    start(context)
    return digest
  }
}

/// One digest context per thread, made at its first digest and freed with the thread: for entries
/// of a few hundred bytes, allocating a context would cost as much as hashing.
private enum ThreadContext {
  static let key: pthread_key_t = {
    var key = pthread_key_t()
    let status = pthread_key_create(&key) { EVP_MD_CTX_free(OpaquePointer($0)) }
    precondition(status == 0, "pthread_key_create: \(status)")
    return key
  }()

  /// This thread's context, ready for the first byte.
  static func started() -> OpaquePointer {
    let context: OpaquePointer
    if let kept = pthread_getspecific(key) {
      context = OpaquePointer(kept)
    } else {
      context = newContext()
      let status = pthread_setspecific(key, UnsafeRawPointer(context))
      precondition(status == 0, "pthread_setspecific: \(status)")
    }
    start(context)
    return context
  }
}

/// Fetched once: each implicit fetch would search the providers again. Never freed or changed, and
/// OpenSSL counts its uses atomically, so every thread may read it.
nonisolated(unsafe) let sha256: OpaquePointer? = EVP_MD_fetch(nil, "SHA256", nil)

private func newContext() -> OpaquePointer {
  guard let context = EVP_MD_CTX_new() else { preconditionFailure("EVP_MD_CTX_new: no memory") }
  return context
}

/// SHA-256 cannot fail on memory we own; a failure means a broken library, and we stop.
private func start(_ context: OpaquePointer) {
  let status = EVP_DigestInit_ex2(context, sha256, nil)
  precondition(status == 1, "EVP_DigestInit_ex2: \(drainErrors())")
}

private func absorb(_ bytes: UnsafeRawBufferPointer, into context: OpaquePointer) {
  let status = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
  precondition(status == 1, "EVP_DigestUpdate of \(bytes.count): \(drainErrors())")
}

private func finished(_ context: OpaquePointer) -> Digest {
  var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
  let status = withUnsafeMutableBytes(of: &words) {
    EVP_DigestFinal_ex(context, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), nil)
  }
  precondition(status == 1, "EVP_DigestFinal_ex: \(drainErrors())")
  return Digest(
    Bytes32(
      UInt64(bigEndian: words.0), UInt64(bigEndian: words.1), UInt64(bigEndian: words.2),
      UInt64(bigEndian: words.3)))
}
