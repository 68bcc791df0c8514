package import Replication

/// A site's store on disk: its one writer, and readers as they are needed.
package struct OpenedStore: Sendable {
  package let directory: DataDirectory
  package let writer: SQLiteWriter
  /// The last process did not close the store: it was killed, or the machine went down.
  package let wasLeftUnclean: Bool
  private let hashing: any SHA256Hashing

  /// Locks the directory, ends a restore that was cut off once it was decided, opens or makes the
  /// store, and brings its schema up to date. After an unclean end the whole file is checked, which
  /// takes about a second per GiB, and the WAL that was left is moved into the database.
  /// - Parameter makeStoreID: 16 random bytes, asked for only when the store is new.
  package static func open(
    _ path: String, site: SiteID, hashing: any SHA256Hashing, makeStoreID: () -> Bytes16
  ) throws(StoreOpenError) -> OpenedStore {
    let directory = try DataDirectory(path)
    try StoreRestore.finishCommitted(in: directory)
    return try open(directory, site: site, hashing: hashing, makeStoreID: makeStoreID)
  }

  /// The same in a directory that is there.
  package static func open(
    _ directory: DataDirectory, site: SiteID, hashing: any SHA256Hashing,
    makeStoreID: () -> Bytes16
  ) throws(StoreOpenError) -> OpenedStore {
    let wasLeftUnclean = directory.hasLeftWAL
    let hadWALFile = directory.hasWALFile
    var connection = try connect(directory, checks: wasLeftUnclean)
    try connection.migrate()
    if hadWALFile {
      try StoreOpenError.wrapping { () throws(StoreError) in
        try removeWAL(of: directory, by: connection)
      }
      connection = try connect(directory, checks: false)
    }
    let tables = SQLiteTables(connection, hashing: hashing)
    if wasLeftUnclean {
      try StoreOpenError.wrapping { () throws(StoreError) in try tables.index.check() }
    }
    let writer = SQLiteWriter(tables, directory: directory)
    try writer.claim(for: site, makeStoreID: makeStoreID)
    return OpenedStore(
      directory: directory, writer: writer, wasLeftUnclean: wasLeftUnclean, hashing: hashing)
  }

  private static func connect(
    _ directory: DataDirectory, checks: Bool
  ) throws(StoreOpenError) -> SQLiteConnection {
    try StoreOpenError.wrapping { () throws(StoreError) in
      let connection = try SQLiteConnection(
        path: directory.databasePath, fileLayer: directory.fileLayer, role: .writer)
      if checks { try connection.quickCheck() }
      return connection
    }
  }

  /// Nothing is built on a WAL that another process left. It may hold what a failed sync did not
  /// keep, and what no later one will: Linux calls those pages clean. And SQLite syncs the
  /// directory for a WAL that it makes, not for one that it finds.
  private static func removeWAL(
    of directory: DataDirectory, by connection: SQLiteConnection
  ) throws(StoreError) {
    // A foreign reader has it open: it stays.
    guard try connection.emptyWAL() else { return }
    connection.close()
    // Somebody has the database open and reads nothing: what stays is empty.
    if directory.hasWALFile { try directory.syncNames() }
  }

  /// Another read-only connection, for one thread. Close the readers before the writer, whose close
  /// then empties the WAL.
  package func makeReader(
    timeBox: Duration = SQLiteReader.defaultTimeBox,
    now: @escaping @Sendable () -> Instant = monotonicNow
  ) throws(StoreError) -> SQLiteReader {
    try SQLiteReader(directory, hashing: hashing, timeBox: timeBox, now: now)
  }
}
