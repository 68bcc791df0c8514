import Replication

/// One step from a schema version to the next. Steps are never edited once released.
struct SchemaMigration {
  let from: Int64
  let to: Int64
  let statements: String
  /// Beside the statements, after them and in their transaction.
  var finish: (@Sendable (SQLiteConnection) throws(StoreError) -> Void)?

  /// In order; the last one leads to the version this program reads and writes.
  static let all = [
    SchemaMigration(
      from: 0, to: 1, statements: String(decoding: PackageResources.schema_sql, as: UTF8.self)),
    SchemaMigration(
      from: 1, to: 2, statements: String(decoding: PackageResources.schema_2_sql, as: UTF8.self)),
    SchemaMigration(
      from: 2, to: 3, statements: String(decoding: PackageResources.schema_3_sql, as: UTF8.self)),
    SchemaMigration(
      from: 3, to: 4, statements: String(decoding: PackageResources.schema_4_sql, as: UTF8.self),
      finish: { connection throws(StoreError) in try connection.fillKeyIndex() }),
    SchemaMigration(
      from: 4, to: 5, statements: String(decoding: PackageResources.schema_5_sql, as: UTF8.self)),
    SchemaMigration(
      from: 5, to: 6, statements: String(decoding: PackageResources.schema_6_sql, as: UTF8.self)),
    SchemaMigration(
      from: 6, to: 7, statements: String(decoding: PackageResources.schema_7_sql, as: UTF8.self),
      finish: { connection throws(StoreError) in try connection.startKeyTail() }),
    SchemaMigration(
      from: 7, to: 8, statements: String(decoding: PackageResources.schema_8_sql, as: UTF8.self),
      finish: { connection throws(StoreError) in
        try SQLiteKeyIndex(connection, memory: .least).writeGuides()
      }),
  ]

  static let currentVersion: Int64 = 8
  /// "Dngb": tells our file from any other SQLite database.
  static let applicationID: Int64 = 0x446e_6762
}

extension SQLiteConnection {
  /// Brings the schema to the current version, one transaction a step.
  /// - Parameter last: an older version, for tests.
  /// - Throws: `.newerSchema` or `.notAStore`; the file is then unchanged.
  func migrate(to last: Int64 = SchemaMigration.currentVersion) throws(StoreOpenError) {
    var version = try pragma("PRAGMA user_version")
    let application = try pragma("PRAGMA application_id")
    let tableCount = try pragma("SELECT count(*) FROM sqlite_schema")
    guard application == SchemaMigration.applicationID || application == 0 && tableCount == 0
    else { throw .notAStore }
    guard version <= SchemaMigration.currentVersion else {
      throw .newerSchema(found: version, known: SchemaMigration.currentVersion)
    }
    guard version >= 0 else { throw .store(.corrupt("schema version \(version)")) }
    try StoreOpenError.wrapping { () throws(StoreError) in
      try execute("PRAGMA journal_mode=WAL")
    }
    for step in SchemaMigration.all where step.from == version && step.to <= last {
      try StoreOpenError.wrapping { () throws(StoreError) in
        try execute(
          """
          BEGIN IMMEDIATE; \(step.statements)
          PRAGMA application_id=\(SchemaMigration.applicationID);
          PRAGMA user_version=\(step.to);
          """)
        try step.finish?(self)
        try Failpoint.migrating.reach(failing: StoreError.ioFailure)
        try execute("COMMIT")
      }
      Failpoint.migrated.reach()
      version = step.to
    }
    precondition(version == last, "no step from schema \(version)")
  }

  /// Reads every page and compares tables with their indexes: about a second per GiB. It does not
  /// see a flipped bit in a value; digests do.
  func quickCheck() throws(StoreError) {
    let answers = try all("PRAGMA quick_check(1)") { row throws(StoreError) in
      String(decoding: row.bytes(0), as: UTF8.self)
    }
    guard answers == ["ok"] else { throw .corrupt("quick_check: \(answers.first ?? "no answer")") }
  }

  private func pragma(_ sql: StaticString) throws(StoreOpenError) -> Int64 {
    try StoreOpenError.wrapping { () throws(StoreError) in
      try first(sql) { row throws(StoreError) in row.integer(0) } ?? 0
    }
  }
}
