import Glibc
package import Replication
import Synchronization

/// Files of records by their SHA-256, under the data directory. The same content is stored once.
///
/// Any thread may use the store; what it hands out (``NewFile``, ``PartFile``, ``StoredFile``,
/// ``FileScrub``) belongs to one thread at a time. A file that a call has reported as stored is
/// durable, name and content: the transaction that names it comes after.
package final class FileStore: Sendable {
  /// Bytes that may still be written, whatever reserve there is taken off.
  package typealias Room = @Sendable () throws(FileStoreError) -> Int64

  struct State {
    var totals = FileTotals()
    /// Parts that a ``PartFile`` writes.
    var openParts: Set<Digest> = []
    /// Counts files taken away; readers that are open look again when it has grown.
    var withdrawalCount: UInt64 = 0
    /// Files whose bytes this process has hashed, when they came or later.
    var hashed: Set<Digest> = []
    /// Of the last file an application began.
    var lastNumber: UInt64 = 0
  }

  package let limits: FileLimits
  let layout: FileLayout
  let hashing: any SHA256Streaming
  private let room: Room
  /// Also held while a name below `files/ab` changes, so that totals and names agree.
  let state: Mutex<State>
  /// Its lock keeps other processes out.
  private let directory: DataDirectory

  /// Opens the store, removes what a crash left of applications' files, and counts the rest.
  /// - Parameter room: asked before each write for which none is reserved; by default, what the
  ///   file system has free.
  package init(
    directory: DataDirectory, hashing: any SHA256Streaming, limits: FileLimits = FileLimits(),
    room: Room? = nil
  ) throws(FileStoreError) {
    self.directory = directory
    self.hashing = hashing
    self.limits = limits
    self.room = room ?? Self.freeRoom(directory)
    layout = try FileLayout(in: directory.path)
    state = try Mutex(State(totals: Self.recover(layout)))
  }

  package var totals: FileTotals { state.withLock { $0.totals } }

  private static func freeRoom(_ directory: DataDirectory) -> Room {
    { () throws(FileStoreError) in try directory.freeByteCount(beyond: 0) }
  }

  private static func recover(_ layout: borrowing FileLayout) throws(FileStoreError) -> FileTotals {
    var totals = FileTotals()
    try layout.new.forEachName { name throws(FileStoreError) in try layout.new.remove(name) }
    try layout.part.forEachName { name throws(FileStoreError) in
      guard Digest(fileName: name) != nil else { return }
      totals.partCount += 1
      freeReserved(name, in: layout.part)
    }
    try layout.rotten.forEachName { _ throws(FileStoreError) in totals.rottenCount += 1 }
    for byte in UInt8.min...UInt8.max {
      guard let bucket = try layout.bucket(byte) else { continue }
      // A rename whose sync a kill cut off.
      try bucket.sync(hexText([byte]))
      try bucket.forEachName { name throws(FileStoreError) in
        guard let digest = Digest(fileName: name), digest.firstByte == byte,
          let status = try bucket.status(of: name), status.isRegular
        else { return }
        totals.fileCount += 1
        totals.byteCount += status.byteCount
      }
    }
    return totals
  }

  /// What a transfer had reserved when a kill ended it. A part that cannot be opened is the next
  /// transfer's to tell of.
  private static func freeReserved(_ name: String, in parts: borrowing OpenFile) {
    do throws(FileStoreError) {
      guard try parts.status(of: name)?.isRegular == true else { return }
      try OpenFile(in: parts, name, O_RDWR).freeReserved()
    } catch {}
  }

  /// - Throws: `.noRoom` unless `byteCount` more bytes may be written.
  func requireRoom(_ byteCount: Int64) throws(FileStoreError) {
    let free = try room()
    guard byteCount <= free else { throw .noRoom(needed: byteCount, free: free) }
  }
}

// MARK: - Questions

extension FileStore {
  /// Whether the file is here as a whole.
  package func contains(_ digest: Digest) throws(FileStoreError) -> Bool {
    try size(of: digest) != nil
  }

  /// Bytes of the file; nil when it is not here as a whole.
  package func size(of digest: Digest) throws(FileStoreError) -> Int64? {
    try summary(of: digest)?.byteCount
  }

  /// What a listing says of the file; nil when it is not here as a whole.
  package func summary(of digest: Digest) throws(FileStoreError) -> FileSummary? {
    guard let bucket = try layout.bucket(digest.firstByte),
      let status = try bucket.status(of: digest.description), status.isRegular
    else { return nil }
    return FileSummary(
      digest: digest, byteCount: status.byteCount, writtenAt: status.writtenAt)
  }

  /// The complete files whose digest comes after `digest`, ascending, at most `limit` and at most
  /// `FileLimits.maximumPageCount`; empty after the last.
  package func files(
    after digest: Digest?, limit: Int
  ) throws(FileStoreError) -> [FileSummary] {
    var page: [FileSummary] = []
    for digest in try digests(after: digest, limit: limit) {
      // One may have gone meanwhile.
      if let summary = try summary(of: digest) { page.append(summary) }
    }
    return page
  }

  /// The same with what is no file of ours, which the scrub moves aside.
  func digests(after digest: Digest?, limit: Int) throws(FileStoreError) -> [Digest] {
    var page = DigestPage(limit: min(limit, FileLimits.maximumPageCount))
    for byte in (digest?.firstByte ?? 0)...UInt8.max {
      guard let bucket = try layout.bucket(byte) else { continue }
      try bucket.forEachName { name throws(FileStoreError) in
        guard let found = Digest(fileName: name), found.firstByte == byte else { return }
        if digest.map({ found > $0 }) ?? true { page.add(found) }
      }
      if page.isFull { break }
    }
    return page.digests
  }

  /// Parts on disk, ascending, whether a transfer writes them or not; at most
  /// `limits.maximumPartCount` and `FileLimits.maximumPageCount`.
  package func parts() throws(FileStoreError) -> [FileSummary] {
    var page = DigestPage(limit: min(limits.maximumPartCount, FileLimits.maximumPageCount))
    try layout.part.forEachName { name throws(FileStoreError) in
      if let digest = Digest(fileName: name) { page.add(digest) }
    }
    var parts: [FileSummary] = []
    for digest in page.digests {
      guard let status = try layout.part.status(of: digest.description) else { continue }
      parts.append(
        FileSummary(
          digest: digest, byteCount: status.byteCount, writtenAt: status.writtenAt))
    }
    return parts
  }
}

/// The smallest digests of many, in bounded memory.
private struct DigestPage {
  let limit: Int
  private var kept: [Digest] = []

  init(limit: Int) { self.limit = limit }

  /// Whether what is added later can only replace.
  var isFull: Bool { kept.count >= limit }

  var digests: [Digest] { Array(kept.sorted().prefix(limit)) }

  mutating func add(_ digest: Digest) {
    kept.append(digest)
    if kept.count >= 2 * limit + 64 { kept = digests }
  }
}

extension DataDirectory {
  /// What is left for files: free bytes less `reserve`, which acknowledgements need.
  package func freeByteCount(beyond reserve: Int64) throws(FileStoreError) -> Int64 {
    do { return Int64(clamping: try freeByteCount()) - reserve } catch {
      throw FileStoreError("measure", "files", errno: EIO)
    }
  }
}
