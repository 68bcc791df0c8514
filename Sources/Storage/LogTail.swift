package import Replication

/// The last rows of the log, in memory: what was committed a moment ago goes out over links that
/// stand at the end without being read back.
///
/// It answers as the store would, or not at all: whoever stands before its first row asks the
/// store. A pure value, fed with committed rows only.
package struct LogTail: Sendable {
  /// Rows kept at most: a few groups of a site that catches up, many of what applications write.
  package static let maximumRowCount = 2 * SiteLog.keptRowCount
  /// Header and body bytes kept at most; the newest group stays whatever its size.
  package static let maximumByteCount = 2 * SiteLog.keptByteCount

  /// As they were committed: they are taken as they come, and leave as they came.
  private var groups: [AppendedRows] = []
  /// Groups before this index are given up; they leave the array in bulk.
  private var head = 0
  private var byteCount = 0
  /// Rows that are kept.
  package private(set) var count = 0

  package init() {}

  /// Takes the rows of a commit, after which the log ends at `end`. Where rows are missing before
  /// them or after, what was kept goes: a large group brings none.
  package mutating func append(_ fresh: AppendedRows, end: LSN) {
    let ends = last
    let goesOn = fresh.rows.isEmpty ? ends == end : fresh.rows.first?.row.lsn == ends?.next
    if !goesOn { self = LogTail() }
    guard !fresh.rows.isEmpty else { return }
    groups.append(fresh)
    count += fresh.rows.count
    byteCount += fresh.byteCount
    while head < groups.count - 1,
      count > Self.maximumRowCount || byteCount > Self.maximumByteCount
    {
      giveUpOldest()
    }
  }

  private mutating func giveUpOldest() {
    count -= groups[head].rows.count
    byteCount -= groups[head].byteCount
    groups[head] = AppendedRows()
    head += 1
    guard head > Self.maximumRowCount else { return }
    groups.removeSubrange(..<head)
    head = 0
  }

  private var first: LSN? { head < groups.count ? groups[head].rows.first?.row.lsn : nil }
  private var last: LSN? { groups.last?.rows.last?.row.lsn }

  /// What ``LogReader/rows(after:lane:selection:limits:)`` would say.
  /// - Returns: nil when not all rows after `lsn` are here, or there are none.
  package func rows(
    after lsn: LSN, lane: Lane, selection: RowSelection, limits: RowLimits
  ) -> RowBatch? {
    guard let first, let last, lsn.next >= first, lsn < last else { return nil }
    var batch = BatchBuilder(after: lsn, limits: limits)
    var end: LogEnd?
    var scannedCount = 0
    scan: for group in groups[firstGroup(after: lsn)...] {
      let rows = group.rows
      guard let start = rows.first?.row.lsn else { continue }
      // Numbers are dense. Rows are looked at where they are: most are passed over.
      for index in Int(max(lsn.next, start).value - start.value)..<rows.count {
        guard scannedCount < limits.scannedRows else { break scan }
        scannedCount += 1
        if rows[index].row.lane == lane, selection.wants(rows[index].row) {
          guard batch.take(rows[index].entry) else { break scan }
        }
        batch.passed(upTo: rows[index].row.lsn)
        end = rows[index].row.end
      }
    }
    return end.map { RowBatch(after: lsn, last: $0, entries: batch.entries) }
  }

  /// The group with the row after this one, near the end for most who ask.
  private func firstGroup(after lsn: LSN) -> Int {
    groups[head...].lastIndex { ($0.rows.first?.row.lsn ?? .start) <= lsn.next } ?? head
  }
}
