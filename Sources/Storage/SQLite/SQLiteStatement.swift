import CSQLite
import Replication

/// A value bound to a statement. There is no text: keys and names are bytes.
enum SQLValue {
  case null
  case integer(Int64)
  case blob([UInt8])
  /// The first so many of 32 bytes: identities and digests, bound from the stack.
  case fixed(Bytes32, byteCount: Int)

  /// Unsigned numbers keep their bit pattern, so that no number a peer names can trap.
  static func unsigned(_ value: UInt64) -> SQLValue { .integer(Int64(bitPattern: value)) }
  static func code(_ value: UInt8?) -> SQLValue { value.map { .integer(Int64($0)) } ?? .null }
  static func site(_ site: SiteID?) -> SQLValue {
    site.map { .fixed($0.padded, byteCount: $0.byteCount) } ?? .null
  }
  static func record(_ id: RecordID?) -> SQLValue { id.map { .bytes16($0.raw.raw) } ?? .null }
  static func bytes16(_ value: Bytes16) -> SQLValue {
    .fixed(Bytes32(value.high, value.low, 0, 0), byteCount: 16)
  }
  static func digest(_ value: Digest) -> SQLValue { .fixed(value.raw, byteCount: 32) }
}

/// One prepared statement, finalised with its owner, the connection's cache.
final class SQLiteStatement {
  let raw: OpaquePointer
  /// A statement stands in one result at a time.
  private var isInUse = false

  init(adopting raw: OpaquePointer) { self.raw = raw }
  deinit { sqlite3_finalize(raw) }

  /// Binds `values` in order, without copying their bytes, and hands each row of the result to
  /// `row` until that returns false. Resets in any case.
  /// - Returns: the last result code of SQLite: `SQLITE_ROW` when stopped, `SQLITE_DONE` at the
  ///   end.
  func run(
    _ values: [SQLValue], row: (SQLiteRow) throws(StoreError) -> Bool
  ) throws(StoreError) -> Int32 {
    precondition(!isInUse, "nested use of \(String(cString: sqlite3_sql(raw)))")
    precondition(
      Int(sqlite3_bind_parameter_count(raw)) == values.count,
      "\(values.count) values for \(String(cString: sqlite3_sql(raw)))")
    isInUse = true
    defer {
      sqlite3_reset(raw)
      sqlite3_clear_bindings(raw)
      isInUse = false
    }
    return try bind(values[...], row: row)
  }

  /// Binds rows of a buffer, without copying their bytes, and runs to the end. Resets in any case.
  /// - Returns: the last result code of SQLite.
  func run(_ buffer: RowBuffer, rows: Range<Int>) -> Int32 {
    let cells = rows.lowerBound * buffer.columnCount..<rows.upperBound * buffer.columnCount
    precondition(!isInUse, "nested use of \(String(cString: sqlite3_sql(raw)))")
    precondition(
      Int(sqlite3_bind_parameter_count(raw)) == cells.count,
      "\(cells.count) values for \(String(cString: sqlite3_sql(raw)))")
    defer {
      sqlite3_reset(raw)
      sqlite3_clear_bindings(raw)
    }
    return buffer.bytes.withUnsafeBytes { bytes in
      var index: Int32 = 0
      for cell in buffer.cells[cells] {
        index += 1
        let code =
          switch cell {
          case .null: SQLITE_OK
          case .integer(let value): sqlite3_bind_int64(raw, index, value)
          case .blob(_, 0): sqlite3_bind_zeroblob(raw, index, 0)
          case .blob(let offset, let byteCount):
            sqlite3_bind_blob64(
              raw, index, bytes.baseAddress?.advanced(by: offset), sqlite3_uint64(byteCount),
              dongbo_sqlite_static())
          }
        guard code == SQLITE_OK else { return code }
      }
      return sqlite3_step(raw)
    }
  }

  /// Each blob's bytes stay in place while the ones after it are bound and the rows are stepped.
  private func bind(
    _ values: ArraySlice<SQLValue>, row: (SQLiteRow) throws(StoreError) -> Bool
  ) throws(StoreError) -> Int32 {
    guard let value = values.first else { return try step(row) }
    let index = Int32(values.startIndex + 1)
    let rest = values.dropFirst()
    switch value {
    case .null: return try bound(sqlite3_bind_null(raw, index), rest, row)
    case .integer(let value): return try bound(sqlite3_bind_int64(raw, index, value), rest, row)
    case .blob(let bytes) where bytes.isEmpty:
      // A null pointer would bind NULL.
      return try bound(sqlite3_bind_zeroblob(raw, index, 0), rest, row)
    case .fixed(let bytes, let byteCount):
      let words = (
        bytes.first.bigEndian, bytes.second.bigEndian, bytes.third.bigEndian,
        bytes.fourth.bigEndian
      )
      return try withUnsafeBytes(of: words) { buffer throws(StoreError) in
        let code = sqlite3_bind_blob64(
          raw, index, buffer.baseAddress, sqlite3_uint64(byteCount), dongbo_sqlite_static())
        return try bound(code, rest, row)
      }
    case .blob(let bytes):
      return try bytes.withUnsafeBufferPointer { buffer throws(StoreError) in
        let code = sqlite3_bind_blob64(
          raw, index, buffer.baseAddress, sqlite3_uint64(buffer.count), dongbo_sqlite_static())
        return try bound(code, rest, row)
      }
    }
  }

  private func bound(
    _ code: Int32, _ rest: ArraySlice<SQLValue>, _ row: (SQLiteRow) throws(StoreError) -> Bool
  ) throws(StoreError) -> Int32 {
    code == SQLITE_OK ? try bind(rest, row: row) : code
  }

  private func step(_ row: (SQLiteRow) throws(StoreError) -> Bool) throws(StoreError) -> Int32 {
    while true {
      let code = sqlite3_step(raw)
      guard code == SQLITE_ROW, try row(SQLiteRow(raw: raw)) else { return code }
    }
  }
}

/// The row a statement stands on; valid within the closure that receives it.
struct SQLiteRow {
  fileprivate let raw: OpaquePointer

  func isNull(_ column: Int32) -> Bool { sqlite3_column_type(raw, column) == SQLITE_NULL }
  func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(raw, column) }
  func unsigned(_ column: Int32) -> UInt64 { UInt64(bitPattern: integer(column)) }

  func bytes(_ column: Int32) -> [UInt8] {
    guard let start = sqlite3_column_blob(raw, column) else { return [] }
    return Array(
      UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(raw, column))))
  }

  /// The bytes where SQLite has them; valid in `body`.
  func withBytes<Value>(
    _ column: Int32, _ body: (UnsafeRawBufferPointer) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    let start = sqlite3_column_blob(raw, column)
    return try body(
      UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(raw, column))))
  }

  func code(_ column: Int32) throws(StoreError) -> UInt8 {
    guard let code = UInt8(exactly: integer(column)) else { throw corrupt("code", column) }
    return code
  }

  func bytes16(_ column: Int32) throws(StoreError) -> Bytes16 {
    let words = try words(column, count: 2)
    return Bytes16(high: words[0], low: words[1])
  }

  func digest(_ column: Int32) throws(StoreError) -> Digest {
    let words = try words(column, count: 4)
    return Digest(Bytes32(words[0], words[1], words[2], words[3]))
  }

  /// A column of exactly `count` big-endian words.
  private func words(_ column: Int32, count: Int) throws(StoreError) -> [UInt64] {
    guard let start = sqlite3_column_blob(raw, column),
      Int(sqlite3_column_bytes(raw, column)) == 8 * count
    else { throw corrupt("\(8 * count) bytes", column) }
    return (0..<count).map {
      UInt64(bigEndian: start.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self))
    }
  }

  func site(_ column: Int32) throws(StoreError) -> SiteID? {
    guard !isNull(column) else { return nil }
    guard let site = SiteID(bytes(column)) else { throw corrupt("site", column) }
    return site
  }

  func kind(_ column: Int32) throws(StoreError) -> RecordKind? {
    guard !isNull(column) else { return nil }
    guard let kind = RecordKind(rawValue: try code(column)) else { throw corrupt("kind", column) }
    return kind
  }

  func lane(_ column: Int32) throws(StoreError) -> Lane? {
    guard !isNull(column) else { return nil }
    guard let lane = Lane(rawValue: try code(column)) else { throw corrupt("lane", column) }
    return lane
  }

  /// A record's key in two columns: kind, id.
  func key(_ column: Int32) throws(StoreError) -> RecordKey {
    guard let kind = try kind(column) else { throw corrupt("kind", column) }
    return RecordKey(kind: kind, id: RecordID(UniqueID(try bytes16(column + 1))))
  }

  func recipients(_ column: Int32) throws(StoreError) -> Recipients {
    try decoded(column, "recipients") { reader throws(ByteError) in
      try Recipients(from: &reader)
    }
  }

  /// A column that holds exactly what `decode` reads.
  func decoded<Value>(
    _ column: Int32, _ what: String, _ decode: (inout ByteReader) throws(ByteError) -> Value
  ) throws(StoreError) -> Value {
    var reader = ByteReader(bytes(column))
    do {
      let value = try decode(&reader)
      try reader.finish()
      return value
    } catch {
      throw .corrupt("\(what): \(error)")
    }
  }

  func corrupt(_ what: String, _ column: Int32) -> StoreError {
    .corrupt("\(what) in \(String(cString: sqlite3_column_name(raw, column)))")
  }
}
