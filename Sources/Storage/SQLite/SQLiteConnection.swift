import CSQLite
import Replication

/// One connection with its prepared statements. It belongs to the one thread of its writer or
/// reader; SQLite's own locks are off.
package final class SQLiteConnection {
  enum Role {
    /// The one connection that writes and checkpoints: SQLite 3.40 can corrupt a database whose WAL
    /// two connections reset (reliability.md section 1, finding 3).
    case writer
    case reader
    /// Of a copy that is being made: no daemon works on it.
    case copy
  }

  /// The writer's page cache, of the daemon's memory budget.
  static let writerCacheByteCount = 4 << 20
  static let readerCacheByteCount = 2 << 20
  static let pageByteCount = 4096
  /// A page in the WAL, with its header.
  static let frameByteCount = pageByteCount + 24
  /// Only opening contends with others, and only for moments.
  static let busyMilliseconds: Int32 = 250
  /// Virtual-machine instructions between two looks at the clock: well under a millisecond.
  static let instructionsPerLook: Int32 = 2_000
  /// After a checkpoint the WAL file is cut to this.
  static let walFileByteCount = 16 << 20

  private var isClosed = false
  let handle: OpaquePointer
  private let timeBox: TimeBox?
  /// By the address of the literal.
  private var statements: [UInt: SQLiteStatement] = [:]

  /// - Parameter fileLayer: SQLite's, by name; nil: the operating system's.
  /// - Throws: `.failed` when the file cannot be opened, `.corrupt` when it is no database.
  init(
    path: String, fileLayer: String? = nil, role: Role, timeBox: TimeBox? = nil
  ) throws(StoreError) {
    self.timeBox = timeBox
    SQLiteLibrary.configure()
    let access = role == .reader ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
    let flags = access | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
    var opened: OpaquePointer?
    let layer = role == .writer ? GatheredWAL.layer(over: fileLayer) ?? fileLayer : fileLayer
    let code = sqlite3_open_v2(path, &opened, flags, layer)
    guard code == SQLITE_OK, let opened else {
      let message = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
      sqlite3_close(opened)
      throw StoreError(sqlite: code, operation: "open \(path)", message: message)
    }
    handle = opened
    try configure(role)
  }

  deinit { close() }

  /// Closes before the last reference goes. The last connection of a database empties its WAL, so
  /// that the next start finds a clean end.
  /// - Precondition: nothing is asked of it afterwards.
  func close() {
    guard !isClosed else { return }
    isClosed = true
    statements.removeAll()
    sqlite3_close(handle)
  }

  private func configure(_ role: Role) throws(StoreError) {
    sqlite3_busy_timeout(handle, Self.busyMilliseconds)
    for (option, isOn): (Int32, Int32) in [
      (SQLITE_DBCONFIG_DEFENSIVE, 1), (SQLITE_DBCONFIG_DQS_DML, 0), (SQLITE_DBCONFIG_DQS_DDL, 0),
      (SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, role == .reader ? 1 : 0),
    ] {
      try check(dongbo_sqlite_set_option(handle, option, isOn), "configure")
    }
    let cacheByteCount =
      role == .writer ? Self.writerCacheByteCount : Self.readerCacheByteCount
    try execute(
      """
      PRAGMA page_size=\(Self.pageByteCount); PRAGMA mmap_size=0; PRAGMA foreign_keys=ON;
      PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;
      PRAGMA cache_size=-\(cacheByteCount >> 10); PRAGMA synchronous=FULL;
      PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=\(Self.walFileByteCount);
      """)
    if role == .reader { try execute("PRAGMA query_only=ON") }
    if let timeBox { timeBox.guardSteps(of: handle, every: Self.instructionsPerLook) }
  }

  /// Runs statements without values or results: pragmas and the schema.
  func execute(_ sql: String) throws(StoreError) {
    try check(sqlite3_exec(handle, sql, nil, nil, nil), sql)
  }

  /// Runs a statement and hands its rows to `row` until that returns false. Statements are prepared
  /// once; a literal cannot carry data, so no data ever becomes SQL.
  func forEach(
    _ sql: StaticString, _ values: [SQLValue], row: (SQLiteRow) throws(StoreError) -> Bool
  ) throws(StoreError) {
    if let timeBox, timeBox.isOver { throw .tookTooLong }
    let code = try prepared(sql).run(values, row: row)
    guard code == SQLITE_ROW || code == SQLITE_DONE else { throw error(code, "\(sql)") }
  }

  func run(_ sql: StaticString, _ values: [SQLValue] = []) throws(StoreError) {
    try forEach(sql, values) { _ throws(StoreError) in true }
  }

  func all<Value>(
    _ sql: StaticString, _ values: [SQLValue] = [],
    _ read: (SQLiteRow) throws(StoreError) -> Value
  ) throws(StoreError) -> [Value] {
    var found: [Value] = []
    try forEach(sql, values) { row throws(StoreError) in
      found.append(try read(row))
      return true
    }
    return found
  }

  func first<Value>(
    _ sql: StaticString, _ values: [SQLValue] = [],
    _ read: (SQLiteRow) throws(StoreError) -> Value
  ) throws(StoreError) -> Value? {
    var found: Value?
    try forEach(sql, values) { row throws(StoreError) in
      found = try read(row)
      return false
    }
    return found
  }

  /// Runs an insert of `rows` of the buffer.
  func insert(
    _ buffer: RowBuffer, rows: Range<Int>, _ sql: StaticString
  ) throws(StoreError) {
    let code = try prepared(sql).run(buffer, rows: rows)
    guard code == SQLITE_DONE else { throw error(code, "\(sql)") }
  }

  /// Moves all of the WAL into the database, synced.
  /// - Returns: false when a foreign reader keeps a part of it in use.
  func emptyWAL() throws(StoreError) -> Bool {
    let code = sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_TRUNCATE, nil, nil)
    if code & 0xff == SQLITE_BUSY { return false }
    try check(code, "checkpoint")
    return true
  }

  var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

  func check(_ code: Int32, _ operation: String) throws(StoreError) {
    guard code == SQLITE_OK else { throw error(code, operation) }
  }

  private func error(_ code: Int32, _ operation: String) -> StoreError {
    StoreError(
      sqlite: code, operation: operation, message: String(cString: sqlite3_errmsg(handle)))
  }

  private func prepared(_ sql: StaticString) throws(StoreError) -> SQLiteStatement {
    let key = UInt(bitPattern: sql.utf8Start)
    if let statement = statements[key] { return statement }
    var raw: OpaquePointer?
    let code = sqlite3_prepare_v3(
      handle, UnsafeRawPointer(sql.utf8Start).assumingMemoryBound(to: CChar.self),
      Int32(sql.utf8CodeUnitCount), UInt32(SQLITE_PREPARE_PERSISTENT), &raw, nil)
    guard code == SQLITE_OK, let raw else { throw error(code, "prepare \(sql)") }
    let statement = SQLiteStatement(adopting: raw)
    statements[key] = statement
    return statement
  }
}

extension DataDirectory {
  /// Whether the last process left a WAL behind: a clean close removes it. An empty one counts as
  /// none, one that cannot be looked for as left.
  var hasLeftWAL: Bool { hasWAL(SQLITE_ACCESS_EXISTS) }

  /// Whether there is a WAL, empty or not.
  var hasWALFile: Bool { hasWAL(SQLITE_ACCESS_READWRITE) }

  private func hasWAL(_ access: Int32) -> Bool {
    SQLiteLibrary.configure()
    guard let layer = sqlite3_vfs_find(fileLayer) else { return true }
    var isThere: Int32 = 0
    let code = layer.pointee.xAccess(layer, "\(databasePath)-wal", access, &isThere)
    return code != SQLITE_OK || isThere != 0
  }
}

/// What is set for the whole process.
enum SQLiteLibrary {
  /// To be called before SQLite's first use of any kind, which starts it: then it is refused, and
  /// only costs time.
  static func configure() { _ = isConfigured }

  private static let isConfigured = dongbo_sqlite_count_no_memory() == SQLITE_OK
}

extension StoreError {
  /// What an extended result code means to the core.
  init(sqlite code: Int32, operation: String, message: String) {
    switch code & 0xff {
    case SQLITE_FULL: self = .full
    case SQLITE_CORRUPT, SQLITE_NOTADB: self = .corrupt("\(operation): \(message)")
    case SQLITE_INTERRUPT: self = .tookTooLong
    default: self = .failed(operation: operation, code: code, message: message)
    }
  }
}
