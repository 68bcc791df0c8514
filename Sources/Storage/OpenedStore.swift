package import Replication

/// A site's store on disk: its one writer, and readers as they are needed.
package struct OpenedStore: Sendable {
  package let directory: DataDirectory
  package let writer: SQLiteWriter
  /// The last process did not close the store: it was killed, or the machine went down.
  package let wasLeftUnclean: Bool
  private let hashing: any SHA256Hashing

  /// Locks the directory, opens or makes the store, and brings its schema up to date. After an
  /// unclean end the whole file is checked, which takes about a second per GiB.
  /// - Parameter makeStoreID: 16 random bytes, asked for only when the store is new.
  package static func open(
    _ path: String, site: SiteID, hashing: any SHA256Hashing, makeStoreID: () -> Bytes16
  ) throws(StoreOpenError) -> OpenedStore {
    try open(DataDirectory(path), site: site, hashing: hashing, makeStoreID: makeStoreID)
  }

  /// The same in a directory that is there.
  package static func open(
    _ directory: DataDirectory, site: SiteID, hashing: any SHA256Hashing,
    makeStoreID: () -> Bytes16
  ) throws(StoreOpenError) -> OpenedStore {
    let wasLeftUnclean = directory.hasLeftWAL
    let connection = try StoreOpenError.wrapping { () throws(StoreError) in
      let connection = try SQLiteConnection(
        path: directory.databasePath, fileLayer: directory.fileLayer, role: .writer)
      if wasLeftUnclean { try connection.quickCheck() }
      return connection
    }
    try connection.migrate()
    let writer = SQLiteWriter(SQLiteTables(connection, hashing: hashing), directory: directory)
    try writer.claim(for: site, makeStoreID: makeStoreID)
    return OpenedStore(
      directory: directory, writer: writer, wasLeftUnclean: wasLeftUnclean, hashing: hashing)
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
