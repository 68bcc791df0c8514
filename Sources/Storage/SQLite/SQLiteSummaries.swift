import Replication

/// What is kept of each record (``RecordSummary``): as facts of the key index, in the order of the
/// records, so that pages of them can be read.
///
/// Most summaries say the same as many others: same owner, lane and audience, revision 1, nothing
/// open. Each is stored once, under a number, and a fact is a record and a number; of two facts
/// about a record the later one stands. Records that wait or are in conflict are few, and have a
/// table of their own.
final class SQLiteSummaries {
  /// Summaries kept decoded; a cache that outgrows its bound starts afresh.
  static let maximumCachedCount = 4_096
  /// Bits of a version that tell the settlings of one transaction apart.
  private static let settlingBits: UInt64 = 16

  private struct Change {
    let record: RecordKey
    let before: RecordSummary?
    var after: RecordSummary
  }

  private let connection: SQLiteConnection
  private let index: SQLiteKeyIndex
  private var numbers: [RecordSummary: UInt64] = [:]
  private var summaries: [UInt64: RecordSummary] = [:]

  // The writer's alone: what has been set since the last settling.
  private var changes: [Change] = []
  private var places: [RecordKey: Int] = [:]
  private var settlingCount: UInt64 = 0

  init(_ connection: SQLiteConnection, _ index: SQLiteKeyIndex) {
    self.connection = connection
    self.index = index
  }

  /// The transaction is over, or was rolled back.
  func begin() {
    changes.removeAll(keepingCapacity: true)
    places.removeAll(keepingCapacity: true)
    settlingCount = 0
  }

  /// Forgets what a rolled-back transaction may have taught.
  func forget() {
    begin()
    numbers = [:]
    summaries = [:]
  }

  func summary(of record: RecordKey) throws(StoreError) -> RecordSummary? {
    if let place = places[record] { return changes[place].after }
    for item in try index.items(of: IndexKey(summaryOf: record)).reversed() {
      if let fact = item.summary, fact.record == record { return try summary(fact.number) }
    }
    return nil
  }

  /// Records after `start`, ascending, until `body` returns false.
  /// - Precondition: everything is settled.
  func forEach(
    after start: IndexItem,
    _ body: (RecordKey, RecordSummary) throws(StoreError) -> Bool
  ) throws(StoreError) {
    var runs = try index.runs(after: start)
    while let fact = try runs.next(index.load)?.summary {
      guard try body(fact.record, try summary(fact.number)) else { return }
    }
  }

  private func summary(_ number: UInt64) throws(StoreError) -> RecordSummary {
    if let known = summaries[number] { return known }
    let found = try connection.first(
      "SELECT summary FROM summary WHERE id = ?", [.unsigned(number)]
    ) { row throws(StoreError) in
      try row.decoded(0, "summary") { reader throws(ByteError) in
        try RecordSummary(from: &reader)
      }
    }
    guard let found else { throw .corrupt("summary \(number) is missing") }
    remember(found, number)
    return found
  }

  private func remember(_ summary: RecordSummary, _ number: UInt64) {
    if summaries.count >= Self.maximumCachedCount {
      summaries = [:]
      numbers = [:]
    }
    summaries[number] = summary
    numbers[summary] = number
  }

  // MARK: Writing

  var changeCount: Int { changes.count }

  /// - Parameter before: what the summary is now.
  func set(_ summary: RecordSummary, of record: RecordKey, before: RecordSummary?) {
    if let place = places[record] {
      changes[place].after = summary
    } else {
      places[record] = changes.count
      changes.append(Change(record: record, before: before, after: summary))
    }
  }

  /// Writes what has been set, each record once.
  func settle() throws(StoreError) {
    guard !changes.isEmpty else { return }
    precondition(settlingCount < 1 << Self.settlingBits, "\(settlingCount) settlings")
    let version = try index.nextNumber() << Self.settlingBits | settlingCount
    settlingCount += 1
    for change in changes where change.before != change.after {
      let number = try number(of: change.after)
      index.pending.add(IndexItem(summaryOf: change.record, version: version, number: number))
      if change.before?.owner == nil, change.after.owner != nil {
        index.tail.counts[change.record.kind, default: KindTally()].records += 1
      } else if change.before?.owner != nil, change.after.owner == nil {
        index.tail.counts[change.record.kind, default: KindTally()].records -= 1
      }
      if change.after.isOpen || change.before?.isOpen == true { try writeOpen(change) }
    }
    changes.removeAll(keepingCapacity: true)
    places.removeAll(keepingCapacity: true)
  }

  private func number(of summary: RecordSummary) throws(StoreError) -> UInt64 {
    if let known = numbers[summary] { return known }
    var writer = ByteWriter()
    summary.encode(to: &writer)
    let values = [SQLValue.blob(writer.bytes)]
    try connection.run(
      "INSERT INTO summary (summary) VALUES (?) ON CONFLICT DO NOTHING", values)
    let number = try connection.first("SELECT id FROM summary WHERE summary = ?", values) {
      row throws(StoreError) in row.unsigned(0)
    }
    guard let number else { throw .corrupt("a summary vanished") }
    remember(summary, number)
    return number
  }

  private func writeOpen(_ change: Change) throws(StoreError) {
    let key = [SQLValue.code(change.record.kind.rawValue), .record(change.record.id)]
    guard change.after.isOpen else {
      return try connection.run("DELETE FROM open_record WHERE kind = ? AND id = ?", key)
    }
    try connection.run(
      """
      INSERT OR REPLACE INTO open_record (kind, id, in_conflict, waits, ownerless, held)
      VALUES (?, ?, ?, ?, ?, ?)
      """,
      key + [
        .integer(change.after.conflicts.isEmpty ? 0 : 1),
        .integer(change.after.holds.isEmpty ? 0 : 1),
        .integer(change.after.owner == nil ? 1 : 0), .integer(Int64(change.after.heldCount)),
      ])
  }
}

extension RecordSummary {
  /// Whether anybody waits for something about the record.
  fileprivate var isOpen: Bool {
    owner == nil || heldCount > 0 || !conflicts.isEmpty || !holds.isEmpty
  }
}
