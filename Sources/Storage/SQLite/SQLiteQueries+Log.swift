package import Replication

/// LogReader.
extension SQLiteQueries {
  package func logEnd() throws(StoreError) -> LogEnd {
    let last = try tables.connection.first("SELECT lsn, head FROM log ORDER BY lsn DESC LIMIT 1") {
      row throws(StoreError) in (lsn: LSN(row.unsigned(0)), head: try row.digest(1))
    }
    guard let last else { return .start }
    return LogEnd(lsn: last.lsn, incarnation: try writer(of: last.lsn), head: last.head)
  }

  package func row(at lsn: LSN) throws(StoreError) -> LogRow? {
    guard let number = Int64(exactly: lsn.value) else { return nil }
    let incarnation = try writer(of: lsn)
    return try tables.connection.first(
      """
      SELECT head, lane, recipients, via, run, sequence, digest
      FROM log JOIN entry ON id = coalesce(relog_of, lsn) WHERE lsn = ?
      """, [.integer(number)]
    ) { row throws(StoreError) in
      LogRow(
        lsn: lsn, incarnation: incarnation, head: try row.digest(0),
        entry: try tables.identity(row.integer(4), row.unsigned(5)), digest: try row.digest(6),
        lane: try row.lane(1) ?? .normal, recipients: try row.recipients(2), via: try row.site(3))
    }
  }

  package func lastRow(of incarnation: Incarnation) throws(StoreError) -> LSN? {
    let site = try siteState().site
    guard let run = try tables.runID(Run(origin: site, incarnation: incarnation)) else {
      return nil
    }
    let last = try tables.connection.first(
      """
      SELECT coalesce((SELECT min(next.first_row) - 1 FROM life AS next
        WHERE next.first_row > life.first_row), (SELECT max(lsn) FROM log))
      FROM life WHERE run = ?
      """, [.integer(run)]
    ) { row throws(StoreError) in row.unsigned(0) }
    return last.map { LSN($0) }
  }

  /// The incarnation of this site that wrote the row at `lsn`; the start's when none did.
  private func writer(of lsn: LSN) throws(StoreError) -> Incarnation {
    let run = try tables.connection.first(
      "SELECT run FROM life WHERE first_row <= ? ORDER BY first_row DESC LIMIT 1",
      [.unsigned(lsn.value)]
    ) { row throws(StoreError) in row.integer(0) }
    guard let run else { return LogEnd.start.incarnation }
    return try tables.run(run).incarnation
  }

  package func rows(
    after lsn: LSN, lane: Lane, selection: RowSelection, limits: RowLimits
  ) throws(StoreError) -> RowBatch {
    var batch = BatchBuilder(after: lsn, limits: limits)
    do throws(StoreError) {
      try scan(after: lsn) { row throws(StoreError) in
        guard batch.mayScan else { return false }
        if try row.lane(5) == lane, try wants(row, selection) {
          guard batch.take(try entry(row: row)) else { return false }
        }
        batch.scanned(LSN(row.unsigned(0)))
        return true
      }
    } catch {
      // What stands before an entry that has changed goes out; the next load begins at it.
      guard case .rotten = error, batch.last > lsn else { throw error }
    }
    return RowBatch(after: lsn, last: try logEnd(at: batch.last), entries: batch.entries)
  }

  package func backlog(
    after lsn: LSN, lane: Lane, selection: RowSelection, limit: Int
  ) throws(StoreError) -> Backlog {
    var count = 0
    var oldest: HybridTime?
    try scan(after: lsn) { row throws(StoreError) in
      guard count < limit else { return false }
      guard try row.lane(5) == lane, try wants(row, selection) else { return true }
      if count == 0 { oldest = try entry(row: row).header.time }
      count += 1
      return true
    }
    return Backlog(count: count, oldest: oldest)
  }

  /// Rows of every lane in order: lsn, relog_of, author, recipients, via, lane.
  private func scan(
    after lsn: LSN, row: (SQLiteRow) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try tables.connection.forEach(
      """
      SELECT lsn, relog_of, author, recipients, via, lane FROM log WHERE lsn > ? ORDER BY lsn
      """, [.unsigned(lsn.value)], row: row)
  }

  private func wants(_ row: SQLiteRow, _ selection: RowSelection) throws(StoreError) -> Bool {
    selection.wants(
      recipients: try row.recipients(3), origin: try tables.run(row.integer(2)).origin,
      via: try row.site(4))
  }

  /// The entry of a scanned row.
  private func entry(row: SQLiteRow) throws(StoreError) -> Entry {
    let id = row.isNull(1) ? row.integer(0) : row.integer(1)
    let entry = try tables.connection.first(
      "SELECT header, body, body_digest, digest FROM entry WHERE id = ?", [.integer(id)]
    ) { row throws(StoreError) in try tables.entry(row, 0) }
    guard let entry else { throw .corrupt("row \(row.integer(0)) without its entry \(id)") }
    return entry
  }

  package func outcomes(
    for peer: SiteID, after number: UInt64, limit: Int
  ) throws(StoreError) -> [NumberedOutcome] {
    guard let number = Int64(exactly: number) else { return [] }
    return try tables.connection.all(
      """
      SELECT number, outcome FROM outcome WHERE peer = ? AND number > ? ORDER BY number LIMIT ?
      """, [.site(peer), .integer(number), .integer(Int64(limit))]
    ) { row throws(StoreError) in
      NumberedOutcome(number: row.unsigned(0), outcome: try row.outcome(1))
    }
  }

  package func outcomesEnd(for peer: SiteID) throws(StoreError) -> UInt64 {
    try tables.connection.first(
      "SELECT coalesce(max(number), 0) FROM outcome WHERE peer = ?", [.site(peer)]
    ) { row throws(StoreError) in row.unsigned(0) } ?? 0
  }
}
