import Replication

/// Rows of one table that wait to be written, many to a statement: a statement costs as much as
/// three rows. Their bytes stand one after the other, so that SQLite takes them from here.
struct RowBuffer {
  /// Of a row, a column.
  enum Cell {
    case null
    case integer(Int64)
    case blob(offset: Int, byteCount: Int)
  }

  /// Rows are written when they hold this much, or sooner.
  static let maximumByteCount = 1 << 20
  /// Rows of the long statement.
  static let batchRowCount = 8

  let columnCount: Int
  private(set) var cells: [Cell] = []
  private(set) var bytes: [UInt8] = []

  init(columnCount: Int) { self.columnCount = columnCount }

  var rowCount: Int { cells.count / columnCount }

  mutating func add(_ value: Int64) { cells.append(.integer(value)) }
  mutating func add(_ value: UInt64) { cells.append(.integer(Int64(bitPattern: value))) }
  mutating func addNull() { cells.append(.null) }

  mutating func add(_ value: [UInt8]) {
    cells.append(.blob(offset: bytes.count, byteCount: value.count))
    bytes.append(contentsOf: value)
  }

  /// The first `byteCount` of 32 bytes.
  mutating func add(_ value: Bytes32, byteCount: Int = 32) {
    cells.append(.blob(offset: bytes.count, byteCount: byteCount))
    let words = (
      value.first.bigEndian, value.second.bigEndian, value.third.bigEndian,
      value.fourth.bigEndian
    )
    withUnsafeBytes(of: words) {
      bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: $0[..<byteCount]))
    }
  }

  mutating func add(_ site: SiteID?) {
    if let site { add(site.padded, byteCount: site.byteCount) } else { addNull() }
  }

  mutating func removeAll() {
    cells.removeAll(keepingCapacity: true)
    bytes.removeAll(keepingCapacity: true)
  }
}

/// The rows that the open transaction has added to the log, and entries that came with them. Who
/// asks for one of these entries gets it from here: it need not be written to be read.
struct LogBuffer {
  private(set) var entries = RowBuffer(columnCount: 9)
  private(set) var rows = RowBuffer(columnCount: 7)
  /// Of entries that may change what is found about signatures.
  fileprivate private(set) var signed = RowBuffer(columnCount: 1)
  /// The entries, in the order of their ids, and what each is found by.
  private var waiting: [Entry] = []
  private var ids: [UInt64] = []
  private var numbers: [(run: Int64, sequence: UInt64)] = []
  /// The last row's recipients, and what they encode to: most rows are for the same.
  private var recipients = Recipients.none
  private var recipientBytes: [UInt8] = []

  var isEmpty: Bool { rows.cells.isEmpty && signed.cells.isEmpty }
  var isFull: Bool { entries.bytes.count + rows.bytes.count >= RowBuffer.maximumByteCount }

  mutating func add(_ entry: Entry, run: Int64, at lsn: LSN) {
    waiting.append(entry)
    ids.append(lsn.value)
    numbers.append((run, entry.identity.sequence.value))
    let record = entry.record
    entries.add(lsn.value)
    entries.add(run)
    entries.add(entry.identity.sequence.value)
    if let record {
      entries.add(Int64(record.kind.rawValue))
      let id = record.id.raw.raw
      entries.add(Bytes32(id.high, id.low, 0, 0), byteCount: 16)
    } else {
      entries.addNull()
      entries.addNull()
    }
    entries.add(entry.digest.raw)
    entries.add(entry.headerBytes)
    if let body = entry.body {
      entries.addNull()
      entries.add(body)
    } else {
      entries.add(entry.bodyDigest.raw)
      entries.addNull()
    }
  }

  mutating func add(_ row: LogRow, author: Int64, relogOf relogged: Int64?) {
    rows.add(row.lsn.value)
    if let relogged { rows.add(relogged) } else { rows.addNull() }
    rows.add(author)
    rows.add(Int64(row.lane.rawValue))
    rows.add(row.via)
    if recipientBytes.isEmpty || recipients != row.recipients {
      var writer = ByteWriter()
      row.recipients.encode(to: &writer)
      recipients = row.recipients
      recipientBytes = writer.bytes
    }
    rows.add(recipientBytes)
    rows.add(row.head.raw)
  }

  mutating func addSigned(_ lsn: LSN) { signed.add(lsn.value) }

  mutating func removeAll() {
    entries.removeAll()
    rows.removeAll()
    signed.removeAll()
    waiting.removeAll(keepingCapacity: true)
    ids.removeAll(keepingCapacity: true)
    numbers.removeAll(keepingCapacity: true)
  }

  /// The entry with this id, when it waits here.
  func entry(at id: UInt64) -> Entry? {
    guard let first = ids.first, id >= first else { return nil }
    let place = ids.partitioningIndex { $0 >= id }
    return place < ids.count && ids[place] == id ? waiting[place] : nil
  }

  /// The entry with this number of its run, when it waits here.
  func entry(_ run: Int64, _ sequence: UInt64) -> Entry? {
    // The newest are asked for most; a buffer holds some thousand.
    let place = numbers.lastIndex { $0.sequence == sequence && $0.run == run }
    return place.map { waiting[$0] }
  }
}

extension SQLiteConnection {
  /// Writes the rows, entries first. OR FAIL: no statement is taken back by itself, since whatever
  /// fails takes back the transaction, so SQLite need not prepare for it.
  func write(_ buffer: LogBuffer) throws(StoreError) {
    try insert(
      buffer.entries,
      one: """
        INSERT OR FAIL INTO entry
          (id, run, sequence, kind, record, digest, header, body_digest, body)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      batch: """
        INSERT OR FAIL INTO entry
          (id, run, sequence, kind, record, digest, header, body_digest, body)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, ?, ?, ?, ?, ?, ?),
          (?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, ?, ?, ?, ?, ?, ?),
          (?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, ?, ?, ?, ?, ?, ?),
          (?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """)
    try insert(
      buffer.rows,
      one: """
        INSERT OR FAIL INTO log (lsn, relog_of, author, lane, via, recipients, head)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        """,
      batch: """
        INSERT OR FAIL INTO log (lsn, relog_of, author, lane, via, recipients, head)
        VALUES (?, ?, ?, ?, ?, ?, ?), (?, ?, ?, ?, ?, ?, ?), (?, ?, ?, ?, ?, ?, ?),
          (?, ?, ?, ?, ?, ?, ?), (?, ?, ?, ?, ?, ?, ?), (?, ?, ?, ?, ?, ?, ?),
          (?, ?, ?, ?, ?, ?, ?), (?, ?, ?, ?, ?, ?, ?)
        """)
    try insert(
      buffer.signed, one: "INSERT OR FAIL INTO signed (lsn) VALUES (?)",
      batch: "INSERT OR FAIL INTO signed (lsn) VALUES (?), (?), (?), (?), (?), (?), (?), (?)")
  }

  /// Writes the rows in their order, as many to a statement as it takes.
  func insert(
    _ buffer: RowBuffer, one: StaticString, batch: StaticString
  ) throws(StoreError) {
    var row = 0
    while row < buffer.rowCount {
      let isBatch = buffer.rowCount - row >= RowBuffer.batchRowCount
      let count = isBatch ? RowBuffer.batchRowCount : 1
      try insert(buffer, rows: row..<row + count, isBatch ? batch : one)
      row += count
    }
  }
}
