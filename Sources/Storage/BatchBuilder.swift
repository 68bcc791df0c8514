import Replication

/// Fills a batch within its bounds; every store reads its log with it, so all stop at the same row.
struct BatchBuilder {
  private let after: LSN
  private let limits: RowLimits
  private var last: LogEnd
  private var entries: [Entry] = []
  private var byteCount = 0
  private var scannedCount = 0

  /// `start` is the end of the log as of `after`.
  /// - Precondition: the log reaches to `after`; whoever quotes a position has it judged first.
  init(after: LSN, start: LogEnd, limits: RowLimits) {
    precondition(start.lsn == after, "the log does not reach \(after)")
    self.after = after
    self.limits = limits
    last = start
  }

  var mayScan: Bool { scannedCount < limits.scannedRows }

  /// - Returns: whether `entry` fits; the first always does. The row of one that does not is not
  ///   scanned.
  mutating func take(_ entry: Entry) -> Bool {
    let count = entry.headerBytes.count + (entry.body?.count ?? 0)
    guard entries.isEmpty || entries.count < limits.entries && byteCount + count <= limits.bytes
    else { return false }
    entries.append(entry)
    byteCount += count
    return true
  }

  mutating func scanned(_ end: LogEnd) {
    last = end
    scannedCount += 1
  }

  var finished: RowBatch { RowBatch(after: after, last: last, entries: entries) }
}

extension LogRow {
  /// The end of a log whose last row this is.
  var end: LogEnd { LogEnd(lsn: lsn, incarnation: incarnation, head: head) }
}
