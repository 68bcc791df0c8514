import Cryptography
import Glibc
import Operations
import Replication

/// Reads a backup from its start to its end; a pipe will do.
struct BackupReader: ~Copyable {
  static let pieceByteCount = 1 << 20

  private let path: String
  private let descriptor: CInt
  private var offset: Int64 = 0

  init(_ path: String) throws(CommandFailure) {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(path, errno) }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// The manifest, and the start of the store checked against it.
  mutating func manifest() throws(CommandFailure) -> BackupManifest {
    // Short of a block it is no archive at all.
    guard let first = ArchiveMember(header: try read(ArchiveMember.blockByteCount)) else {
      throw failure(.notAnArchive)
    }
    guard first.name == BackupManifest.name else { throw failure(.notABackup) }
    guard (1...Int64(BackupManifest.maximumByteCount)).contains(first.byteCount) else {
      throw failure(.manifestDamaged)
    }
    let text = try take(Int(first.byteCount))
    _ = try take(first.padding.count)
    let manifest: BackupManifest
    do { manifest = try BackupManifest.read(text) } catch { throw failure(error) }
    let header = ArchiveMember(header: try take(ArchiveMember.blockByteCount))
    guard let header, header.name == BackupManifest.storeName,
      header.byteCount == manifest.byteCount
    else { throw failure(.headerDamaged) }
    return manifest
  }

  /// Hands the store's bytes to `write`, in order, and checks them and what follows. What was
  /// written is worth nothing when this throws.
  mutating func store(
    of manifest: BackupManifest, _ write: ([UInt8]) throws(CommandFailure) -> Void
  ) throws(CommandFailure) {
    let stream = OpenSSLHash().makeStream()
    var left = manifest.byteCount
    while left > 0 {
      let piece = try take(Int(min(left, Int64(Self.pieceByteCount))))
      stream.update(piece.span)
      try write(piece)
      left -= Int64(piece.count)
    }
    guard stream.finish() == manifest.digest else { throw failure(.digestMismatch) }
    let end = manifest.archiveEnd
    guard try take(end.count) == end else { throw failure(.endDamaged) }
  }

  func failure(_ fault: BackupFault) -> CommandFailure { fault.failure(path) }

  private mutating func take(_ count: Int) throws(CommandFailure) -> [UInt8] {
    let bytes = try read(count)
    guard bytes.count == count else { throw failure(.truncated(byteCount: offset)) }
    return bytes
  }

  /// - Returns: fewer bytes only at the end of the file.
  private mutating func read(_ count: Int) throws(CommandFailure) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      let read = bytes.withUnsafeMutableBytes { buffer in
        Glibc.read(descriptor, buffer.baseAddress.map { $0 + done }, count - done)
      }
      if read < 0, errno == EINTR { continue }
      guard read >= 0 else { throw unreadable(path, errno) }
      if read == 0 { break }
      done += read
    }
    bytes.removeLast(count - done)
    offset += Int64(done)
    return bytes
  }
}
