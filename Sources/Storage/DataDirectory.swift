import Glibc
import Replication

/// The directory of a site's data, locked for this process as long as the value lives.
///
/// The database files in it are touched by SQLite alone: closing any other descriptor of them would
/// drop SQLite's locks.
package final class DataDirectory: Sendable {
  /// Absolute, without symbolic links.
  package let path: String
  /// SQLite's file layer that has the database files, by name; nil: the operating system's.
  let fileLayer: String?
  private let lock: Int32

  /// Makes the directory if need be, for this user alone, and locks it.
  package init(_ path: String) throws(StoreOpenError) {
    func failure(_ operation: String) -> StoreOpenError {
      .directory(path: path, operation: operation, errno: errno)
    }
    if mkdir(path, 0o700) != 0, errno != EEXIST { throw failure("create") }
    guard chmod(path, 0o700) == 0 else { throw failure("restrict") }
    guard let resolved = realpath(path, nil) else { throw failure("resolve") }
    defer { free(resolved) }
    self.path = String(cString: resolved)
    fileLayer = nil
    lock = open("\(self.path)/lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard lock >= 0 else { throw failure("lock") }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      let error = failure("lock")
      let isInUse = errno == EWOULDBLOCK
      let processID = Self.readProcessID(lock)
      throw isInUse ? .inUse(path: path, processID: processID) : error
    }
    let text = Array("\(getpid())\n".utf8)
    guard ftruncate(lock, 0) == 0, pwrite(lock, text, text.count, 0) == text.count else {
      throw failure("write the lock of")
    }
  }

  /// A directory that only SQLite's file layer of this name knows, in this process: neither made
  /// nor locked. For tests and the simulation.
  package init(_ path: String, fileLayer: String) {
    self.path = path
    self.fileLayer = fileLayer
    lock = -1
  }

  // Also when `init` throws: every property is set by then. A program that this process just starts
  // has the descriptor for a moment too: only unlocking ends the lock for both.
  deinit {
    guard lock >= 0 else { return }
    flock(lock, LOCK_UN)
    close(lock)
  }

  package var databasePath: String { "\(path)/\(Self.databaseName)" }

  static let databaseName = "store.db"
  /// The files of one database, by what their names end in; the log files belong to the database. A
  /// journal is there for the moments in which a new store becomes one with a WAL: left by a kill,
  /// it would empty whatever store is put in its place.
  static let databaseSuffixes = ["-journal", "-wal", "-shm", ""]

  /// Bytes that this user may still write to the file system.
  package func freeByteCount() throws(StoreOpenError) -> UInt64 {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else {
      throw .directory(path: path, operation: "measure", errno: errno)
    }
    let (count, overflow) = UInt64(status.f_bavail)
      .multipliedReportingOverflow(by: UInt64(status.f_frsize))
    return overflow ? .max : count
  }

  /// Makes durable which files there are. SQLite does so for a WAL that it makes.
  func syncNames() throws(StoreError) {
    guard fileLayer == nil else { return }
    let place = OpenFile(path, O_RDONLY | O_DIRECTORY)
    guard place.isOpen, fsync(place.descriptor) == 0 else {
      throw .failed(
        operation: "sync \(path)", code: errno, message: String(cString: strerror(errno)))
    }
  }

  private static func readProcessID(_ file: Int32) -> Int32 {
    var text = [UInt8](repeating: 0, count: 16)
    let count = pread(file, &text, text.count, 0)
    return Int32(String(decoding: text.prefix(max(count, 0)).prefix { $0 != 10 }, as: UTF8.self))
      ?? 0
  }
}

extension DataDirectory {
  /// Bytes of the store's WAL.
  var walByteCount: UInt64 {
    var status = stat()
    return lstat("\(databasePath)-wal", &status) == 0 ? UInt64(max(status.st_size, 0)) : 0
  }

  /// Bytes of the database and its log files, as the file system counts them.
  package var storeByteCount: UInt64 {
    var total: UInt64 = 0
    for suffix in Self.databaseSuffixes {
      var status = stat()
      if lstat(databasePath + suffix, &status) == 0 { total += UInt64(max(status.st_size, 0)) }
    }
    return total
  }
}
