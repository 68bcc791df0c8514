import Replication

/// Fills a batch within its bounds; every store reads its log with it, so all stop at the same row.
struct BatchBuilder {
  private let limits: RowLimits
  private(set) var last: LSN
  private(set) var entries: [Entry] = []
  private var byteCount = 0

  init(after: LSN, limits: RowLimits) {
    self.limits = limits
    last = after
  }

  /// - Returns: whether `entry` fits; the first always does. The row of one that does not is not
  ///   passed.
  mutating func take(_ entry: Entry) -> Bool {
    let count = entry.byteCount
    guard entries.isEmpty || entries.count < limits.entries && byteCount + count <= limits.bytes
    else { return false }
    entries.append(entry)
    byteCount += count
    return true
  }

  /// All rows up to here are taken, or not wanted.
  mutating func passed(upTo lsn: LSN) { last = lsn }
}

extension LogReader {
  /// The end of the log as of `lsn`, which the log reaches: whoever quotes a position has it judged
  /// first.
  /// - Throws: `.corrupt` when the row's entry is missing, or the row itself.
  func logEnd(at lsn: LSN) throws(StoreError) -> LogEnd {
    guard lsn > .start else { return .start }
    guard let row = try row(at: lsn) else { throw .corrupt("row \(lsn) cannot be read") }
    return row.end
  }
}

extension LogRow {
  /// The end of a log whose last row this is.
  var end: LogEnd { LogEnd(lsn: lsn, incarnation: incarnation, head: head) }
}

extension RowSelection {
  func wants(_ row: LogRow) -> Bool {
    wants(recipients: row.recipients, origin: row.entry.origin, via: row.via)
  }
}
