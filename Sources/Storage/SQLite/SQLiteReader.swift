package import Replication

/// A read-only connection for one reader's thread. Every read happens in a snapshot, which is
/// time-boxed.
///
/// `@unchecked Sendable`: handed to one thread, which alone uses it from then on.
package final class SQLiteReader: SQLiteQueries, @unchecked Sendable {
  /// How long a snapshot may pin the WAL.
  package static let defaultTimeBox: Duration = .seconds(2)

  private let ownTables: SQLiteTables
  private let timeBox: TimeBox
  /// Keeps the directory locked while a connection is open.
  private let directory: DataDirectory

  init(
    _ directory: DataDirectory, hashing: any SHA256Hashing, timeBox: Duration,
    now: @escaping @Sendable () -> Instant
  ) throws(StoreError) {
    self.directory = directory
    self.timeBox = TimeBox(timeBox, now: now)
    ownTables = SQLiteTables(
      try SQLiteConnection(
        path: directory.databasePath, fileLayer: directory.fileLayer, role: .reader,
        timeBox: self.timeBox),
      hashing: hashing, indexMemory: .reader)
  }

  /// - Precondition: inside ``inSnapshot(_:)``.
  package var tables: SQLiteTables {
    precondition(ownTables.raw.isInTransaction, "read outside a snapshot")
    return ownTables
  }

  /// Runs `body` on one state of the store, the last committed when it first reads.
  /// - Throws: `.tookTooLong` when the time box runs out between or within its reads.
  package func inSnapshot<Value>(
    _ body: (SQLiteReader) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    try ownTables.raw.run("BEGIN")
    ownTables.beginReading()
    timeBox.begin()
    let result: Result<Value, StoreError>
    do { result = .success(try body(self)) } catch { result = .failure(error) }
    timeBox.end()
    // A snapshot has nothing to lose; an error may have ended it already.
    if ownTables.raw.isInTransaction { try ownTables.raw.run("ROLLBACK") }
    return try result.get()
  }
}
