import CSQLite
package import Replication

/// The one connection that writes and checkpoints. Every failure but `.full` ends the process: a
/// failed commit is an unknown outcome, and only the next start can tell.
///
/// `@unchecked Sendable`: made at start, then confined to the writer's thread.
package final class SQLiteWriter: SQLiteQueries, @unchecked Sendable {
  /// Below this the WAL is left alone: a page written ten times is then copied once.
  package static let passiveWALByteCount = 8 << 20
  /// From here on the WAL is made to start again as soon as no reader stands in its way.
  package static let restartWALByteCount = 16 << 20

  package let tables: SQLiteTables
  private let wal = WALWatch()
  /// Last row of the log, while known: what each append builds on.
  var knownEnd: LogEnd?
  var cache = WriterCache()
  /// Size of the WAL at which the next checkpoint is worth its sync, in bytes.
  package var nextCheckpoint = SQLiteWriter.passiveWALByteCount

  /// Keeps the directory locked while the connection is open.
  private let directory: DataDirectory

  init(_ tables: SQLiteTables, directory: DataDirectory) {
    self.tables = tables
    self.directory = directory
    wal.watch(tables.raw.handle)
  }

  private var connection: SQLiteConnection { tables.raw }

  /// Makes a new store this site's.
  /// - Throws: `.ofAnotherSite` when it is another's.
  func claim(for site: SiteID, makeStoreID: () -> Bytes16) throws(StoreOpenError) {
    let owner = try StoreOpenError.wrapping { () throws(StoreError) in
      try connection.first("SELECT site FROM site_state") { row throws(StoreError) in
        guard let site = try row.site(0) else { throw row.corrupt("site", 0) }
        return site
      }
    }
    guard let owner else {
      return try StoreOpenError.wrapping { () throws(StoreError) in
        try setSiteState(SiteState(storeID: makeStoreID(), site: site))
      }
    }
    guard owner == site else {
      throw .ofAnotherSite(found: owner.description, configured: site.description)
    }
  }

  /// The clean end of the store; the readers are closed before.
  package func close() { connection.close() }

  /// Opens the one transaction; the group's writes follow, then `commit` or `rollback`. Takes
  /// SQLite's write lock at once, so that no write of the group can fail for want of it.
  package func begin() throws(StoreError) {
    try connection.run("BEGIN IMMEDIATE")
    try tables.begin()
  }

  /// Synced when it returns.
  package func commit() throws(StoreError) {
    try tables.settle()
    try tables.index.flush()
    try connection.run("COMMIT")
  }

  /// Leaves nothing of the open transaction; does nothing when there is none, as after `.full`,
  /// when SQLite may have rolled back itself.
  package func rollback() throws(StoreError) {
    knownEnd = nil
    cache = WriterCache()
    tables.forgetCaches()
    if connection.isInTransaction { try connection.run("ROLLBACK") }
  }

  /// Moves committed pages into the database: one bounded step, between groups. Readers never block
  /// it; what they still need is left for a later step.
  /// - Returns: bytes in the WAL.
  package func checkpointStep() throws(StoreError) -> Int {
    precondition(!connection.isInTransaction, "checkpoint inside a transaction")
    let before = wal.pageCount * SQLiteConnection.frameByteCount
    guard before >= nextCheckpoint || before > 0 && Failpoint.wantsCheckpoints else {
      return before
    }
    let mode =
      before < Self.restartWALByteCount ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_RESTART
    try Failpoint.checkpointBeginning.reach(failing: StoreError.ioFailure)
    var pageCount: Int32 = 0
    var movedCount: Int32 = 0
    sqlite3_busy_timeout(connection.handle, 0)
    let code = sqlite3_wal_checkpoint_v2(connection.handle, nil, mode, &pageCount, &movedCount)
    sqlite3_busy_timeout(connection.handle, SQLiteConnection.busyMilliseconds)
    if code & 0xff != SQLITE_BUSY { try connection.check(code, "checkpoint") }
    Failpoint.checkpointEnded.reach()
    let isDone = movedCount == pageCount
    wal.pageCount = isDone ? 0 : Int(max(pageCount, 0))
    let after = wal.pageCount * SQLiteConnection.frameByteCount
    nextCheckpoint = after + Self.passiveWALByteCount
    return after
  }
}

/// Learns from SQLite how long the WAL is after each commit. The writer holds it beside its
/// connection.
private final class WALWatch {
  var pageCount = 0

  func watch(_ handle: OpaquePointer) {
    sqlite3_wal_hook(
      handle,
      { context, _, _, pageCount in
        if let context {
          Unmanaged<WALWatch>.fromOpaque(context).takeUnretainedValue().pageCount = Int(pageCount)
        }
        return SQLITE_OK
      }, Unmanaged.passUnretained(self).toOpaque())
  }
}
