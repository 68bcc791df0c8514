package import Replication

/// The last rows of the log, in memory: what was committed a moment ago goes out over links that
/// stand at the end without being read back.
///
/// It answers as the store would, or not at all: whoever stands before its first row asks the
/// store. A pure value, fed with committed rows only.
package struct LogTail: Sendable {
  /// Rows kept at most: a group of a site that catches up, many of what applications write.
  package static let maximumRowCount = SiteLog.keptRowCount
  /// Header and body bytes kept at most; the newest row stays whatever its size.
  package static let maximumByteCount = SiteLog.keptByteCount

  private var rows: [AppendedRow] = []
  /// Rows before this index are given up; they leave the array in bulk.
  private var head = 0
  private var byteCount = 0

  package init() {}

  /// Rows that are kept.
  package var count: Int { rows.count - head }

  /// Takes the rows of a commit, after which the log ends at `end`. Where rows are missing before
  /// them or after, what was kept goes: a large group brings none.
  package mutating func append(_ fresh: some Collection<AppendedRow>, end: LSN) {
    let ends = rows.last?.row.lsn
    let goesOn = fresh.isEmpty ? ends == end : fresh.first?.row.lsn == ends?.next
    if !goesOn { self = LogTail() }
    for row in fresh {
      rows.append(row)
      byteCount += row.entry.byteCount
    }
    while count > Self.maximumRowCount || (byteCount > Self.maximumByteCount && count > 1) {
      byteCount -= rows[head].entry.byteCount
      head += 1
    }
    if head > Self.maximumRowCount {
      rows.removeSubrange(..<head)
      head = 0
    }
  }

  /// What ``LogReader/rows(after:lane:selection:limits:)`` would say.
  /// - Returns: nil when not all rows after `lsn` are here, or there are none.
  package func rows(
    after lsn: LSN, lane: Lane, selection: RowSelection, limits: RowLimits
  ) -> RowBatch? {
    guard count > 0, lsn.next >= rows[head].row.lsn, lsn < rows[rows.count - 1].row.lsn else {
      return nil
    }
    var batch = BatchBuilder(after: lsn, limits: limits)
    var end: LogEnd?
    let first = head + Int(lsn.next.value - rows[head].row.lsn.value)
    for appended in rows[first...].prefix(limits.scannedRows) {
      let row = appended.row
      if row.lane == lane,
        selection.wants(recipients: row.recipients, origin: row.entry.origin, via: row.via)
      {
        guard batch.take(appended.entry) else { break }
      }
      batch.passed(upTo: row.lsn)
      end = row.end
    }
    return end.map { RowBatch(after: lsn, last: $0, entries: batch.entries) }
  }
}
