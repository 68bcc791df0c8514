import Cryptography
import Glibc
import Replication

/// A file of this machine, read in pieces.
struct FileSource: ~Copyable {
  /// What is read, hashed and sent at a time; the daemon takes no more in one request.
  static let pieceByteCount = 1 << 20

  private let path: String
  private let descriptor: CInt

  /// - Throws: also for what is no regular file: it is read twice, first to know its digest.
  init(_ path: String) throws(CommandFailure) {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw unreadable(path, errno) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw unreadable(path, EINVAL)
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// The bytes from `offset` on, at most ``pieceByteCount``; empty at the end.
  func piece(at offset: Int64) throws(CommandFailure) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Self.pieceByteCount)
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeMutableBytes { buffer in
        pread(
          descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done,
          off_t(offset) + off_t(done))
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw unreadable(path, errno) }
      if count == 0 { break }
      done += count
    }
    bytes.removeLast(bytes.count - done)
    return bytes
  }

  /// Digest and size of all of it.
  func measured() throws(CommandFailure) -> (digest: Digest, byteCount: Int64) {
    let stream = OpenSSLHash().makeStream()
    var offset: Int64 = 0
    while true {
      let bytes = try piece(at: offset)
      guard !bytes.isEmpty else { return (stream.finish(), offset) }
      stream.update(bytes.span)
      offset += Int64(bytes.count)
    }
  }
}
