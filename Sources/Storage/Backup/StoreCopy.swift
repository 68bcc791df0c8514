import CSQLite
import Glibc
package import Replication

/// Bounds of a copy that is made while the daemon works.
package enum StoreCopyLimits {
  /// Pages a step copies, 1 MiB: a stop waits for one step.
  static let stepPageCount: Int32 = 256
  /// Bytes hashed between two looks whether to stop.
  static let hashByteCount = 1 << 20
  /// How long the copying may take; its snapshot is as old at the end.
  package static let time = Duration.seconds(3_600)
  /// What the WAL may grow to meanwhile. The snapshot pins it: nothing committed after it can be
  /// moved into the database before the copy ends, so every commit lengthens the WAL, and a longer
  /// WAL slows every reader.
  package static let walByteCount: UInt64 = 1 << 30
}

/// Why no copy was made. What was written of it is gone.
package enum StoreCopyError: Error, Hashable, Sendable {
  case stopped
  /// More was written meanwhile than ``StoreCopyLimits/walByteCount``.
  case walTooLong
  case noRoom(needed: UInt64, free: UInt64)
  case file(operation: String, path: String, errno: Int32)
  case store(StoreError)

  /// A word for programs and the log; never changes.
  package var code: String {
    switch self {
    case .stopped: "backup-stopped"
    case .walTooLong, .store(.tookTooLong): "backup-outgrown"
    case .noRoom, .store(.full): "storage-full"
    case .file, .store: "backup-failed"
    }
  }

  package var hint: String {
    switch self {
    case .stopped: "the daemon stops: begin anew when it runs again"
    case .walTooLong, .store(.tookTooLong): "too much was written meanwhile: choose a quieter hour"
    case .noRoom(let needed, let free):
      "the copy needs \(needed) bytes, \(free) are free beside the reserve: free disk space"
    case .file(let operation, let path, let errno):
      "\(operation) \(path): \(String(cString: strerror(errno))); check owner, mode and mount"
    case .store(let error): error.hint
    }
  }
}

/// What a copy holds.
package struct StoreCopyFacts: Hashable, Sendable {
  /// Of the store when the copy was begun: its site, its id and the end of its log.
  package let state: SiteState
  package let schema: Int64
  package let byteCount: Int64
  package let digest: Digest
}

/// A copy of the store beside it in the data directory, made while the daemon works. One thread's.
///
/// SQLite makes the copy; nobody opens the store itself as a file, which would drop its locks.
package struct StoreCopy: Sendable {
  /// Whether to give up; asked between steps, on the copying thread.
  package typealias Stop = @Sendable () -> Bool

  private let directory: DataDirectory
  private let hashing: any SHA256Streaming
  /// Bytes of the disk that stay free for acknowledgements.
  private let reserve: UInt64

  private var path: String { "\(directory.path)/backup.db" }
  private var newPath: String { "\(path).new" }

  /// Takes away what an earlier process left of its copies.
  package init(in directory: DataDirectory, hashing: any SHA256Streaming, reserve: UInt64) {
    self.directory = directory
    self.hashing = hashing
    self.reserve = reserve
    remove()
  }

  /// Takes the copy away; none is as good.
  package func remove() {
    _ = unlink(path)
    for suffix in DataDirectory.databaseSuffixes { _ = unlink(newPath + suffix) }
  }

  /// Copies all pages of one snapshot, the last state committed when this begins.
  /// - Parameter reader: used for nothing else meanwhile; its time box must allow
  ///   ``StoreCopyLimits/time``. Close it before the store.
  /// - Returns: the state of the site in the copy.
  package func copy(
    from reader: SQLiteReader, unless stop: Stop
  ) throws(StoreCopyError) -> SiteState {
    remove()
    do throws(StoreCopyError) {
      try requireRoom(directory.storeByteCount)
      let copied = try wrapping { () throws(StoreError) in
        let target = try SQLiteConnection(path: newPath, role: .copy)
        defer { target.close() }
        return try reader.inSnapshot { reader throws(StoreError) in
          // BEGIN takes no snapshot; this read does, and every step then copies from it.
          let state = try reader.siteState()
          return Result { () throws(StoreCopyError) in
            try copyPages(from: reader.tables.raw, to: target, unless: stop)
            return state
          }
        }
      }
      return try copied.get()
    } catch {
      remove()
      throw error
    }
  }

  /// Checks the copy, gives it its name and makes it durable, and reads all of it for its digest.
  /// Touches the copy alone.
  package func settle(
    _ state: SiteState, unless stop: Stop
  ) throws(StoreCopyError) -> StoreCopyFacts {
    do throws(StoreCopyError) {
      try wrapping { () throws(StoreError) in
        let copy = try SQLiteConnection(path: newPath, role: .copy)
        defer { copy.close() }
        try copy.quickCheck()
        try SQLiteKeyIndex(copy, memory: .least).check()
      }
      try giveName()
      let (digest, byteCount) = try hash(unless: stop)
      return StoreCopyFacts(
        state: state, schema: SchemaMigration.currentVersion, byteCount: byteCount, digest: digest)
    } catch {
      remove()
      throw error
    }
  }

  /// Bytes of the settled copy from `offset`, at most `count`; fewer only at its end.
  package func bytes(at offset: Int64, count: Int) throws(StoreCopyError) -> [UInt8] {
    let file = try opened()
    var bytes = [UInt8](repeating: 0, count: count)
    do throws(FileStoreError) {
      let read = try file.read(into: &bytes, count: count, at: offset, "backup.db")
      bytes.removeLast(count - read)
    } catch {
      throw .file(operation: "read", path: path, errno: EIO)
    }
    return bytes
  }

  // MARK: Steps

  private func copyPages(
    from source: SQLiteConnection, to target: SQLiteConnection, unless stop: Stop
  ) throws(StoreCopyError) {
    func failure(_ code: Int32) -> StoreCopyError {
      .store(
        StoreError(
          sqlite: code, operation: "copy", message: String(cString: sqlite3_errmsg(target.handle))))
    }
    let end = monotonicNow() + StoreCopyLimits.time
    guard let work = sqlite3_backup_init(target.handle, "main", source.handle, "main") else {
      throw failure(sqlite3_extended_errcode(target.handle))
    }
    defer { sqlite3_backup_finish(work) }
    while true {
      let code = sqlite3_backup_step(work, StoreCopyLimits.stepPageCount)
      if code == SQLITE_DONE { return }
      guard code == SQLITE_OK else { throw failure(code) }
      guard !stop() else { throw .stopped }
      guard monotonicNow() < end else { throw .store(.tookTooLong) }
      guard directory.walByteCount <= StoreCopyLimits.walByteCount else { throw .walTooLong }
      try requireRoom(0)
    }
  }

  private func giveName() throws(StoreCopyError) {
    func failure(_ operation: String) -> StoreCopyError {
      .file(operation: operation, path: path, errno: errno)
    }
    let file = OpenFile(newPath, O_RDONLY)
    guard file.isOpen, fsync(file.descriptor) == 0 else { throw failure("sync") }
    guard rename(newPath, path) == 0 else { throw failure("rename") }
    let parent = OpenFile(directory.path, O_RDONLY | O_DIRECTORY)
    guard parent.isOpen, fsync(parent.descriptor) == 0 else { throw failure("sync") }
  }

  private func hash(unless stop: Stop) throws(StoreCopyError) -> (Digest, Int64) {
    let stream = hashing.makeStream()
    var offset: Int64 = 0
    while true {
      guard !stop() else { throw .stopped }
      let piece = try bytes(at: offset, count: StoreCopyLimits.hashByteCount)
      guard !piece.isEmpty else { return (stream.finish(), offset) }
      stream.update(piece.span)
      offset += Int64(piece.count)
    }
  }

  private func opened() throws(StoreCopyError) -> OpenFile {
    let file = OpenFile(path, O_RDONLY)
    guard file.isOpen else { throw .file(operation: "open", path: path, errno: errno) }
    return file
  }

  private func requireRoom(_ byteCount: UInt64) throws(StoreCopyError) {
    let free: UInt64
    do { free = try directory.freeByteCount() } catch {
      throw .file(operation: "measure", path: directory.path, errno: EIO)
    }
    guard free >= reserve, free - reserve >= byteCount else {
      throw .noRoom(needed: byteCount, free: free - min(free, reserve))
    }
  }

  private func wrapping<Value>(
    _ body: () throws(StoreError) -> Value
  ) throws(StoreCopyError) -> Value {
    do { return try body() } catch { throw .store(error) }
  }
}
