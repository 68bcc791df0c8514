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
    let end = try self.end(ofRows: limits.scannedRows, after: lsn)
    do throws(StoreError) {
      var isFull = false
      // The centre wants nearly every row: its entry comes with it, found in passing.
      let isJoined = selection.peerIsCentre
      try scan(
        after: lsn, upTo: end, lane, selection, isJoined ? Self.joinedRows : Self.plainRows
      ) { row throws(StoreError) in
        let number = row.unsigned(0)
        batch.passed(upTo: LSN(number - 1))
        isFull = !batch.take(try isJoined ? joinedEntry(row) : entry(row: row))
        if !isFull { batch.passed(upTo: LSN(number)) }
        return !isFull
      }
      if !isFull { batch.passed(upTo: end) }
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
    let end = try logEnd().lsn
    try scan(after: lsn, upTo: end, lane, selection, Self.plainRows) { row throws(StoreError) in
      guard count < limit else { return false }
      if count == 0 { oldest = try entry(row: row).header.time }
      count += 1
      return true
    }
    return Backlog(count: count, oldest: oldest)
  }

  /// The last of so many rows, or of the log: its numbers are dense.
  private func end(ofRows count: Int, after lsn: LSN) throws(StoreError) -> LSN {
    let end = try logEnd().lsn
    guard end > lsn else { return lsn }
    return LSN(lsn.value + min(end.value - lsn.value, UInt64(count)))
  }

  /// Columns lsn, relog_of, author, recipients, via. SQLite itself passes over other lanes and over
  /// what came from the peer, which is most of what a link looks at.
  private static var plainRows: StaticString {
    """
    SELECT lsn, relog_of, author, recipients, via FROM log
    WHERE lsn > ?1 AND lsn <= ?2 AND lane = ?3 AND (via IS NULL OR via IS NOT ?4) ORDER BY lsn
    """
  }

  /// The same, then those of the row's entry.
  private static var joinedRows: StaticString {
    """
    SELECT lsn, relog_of, author, recipients, via, header, body, body_digest, digest
    FROM log LEFT JOIN entry ON id = coalesce(relog_of, lsn)
    WHERE lsn > ?1 AND lsn <= ?2 AND lane = ?3 AND (via IS NULL OR via IS NOT ?4) ORDER BY lsn
    """
  }

  /// Rows that are wanted, in order.
  private func scan(
    after lsn: LSN, upTo end: LSN, _ lane: Lane, _ selection: RowSelection, _ rows: StaticString,
    row: (SQLiteRow) throws(StoreError) -> Bool
  ) throws(StoreError) {
    let origin: SiteID? = selection.peerIsRecovering ? nil : selection.peer
    try tables.connection.forEach(
      rows,
      [.unsigned(lsn.value), .unsigned(end.value), .code(lane.rawValue), .site(origin)]
    ) { found throws(StoreError) in
      try wants(found, selection) ? try row(found) : true
    }
  }

  private func wants(_ row: SQLiteRow, _ selection: RowSelection) throws(StoreError) -> Bool {
    // Nobody asks whom a row is for that goes to the centre.
    let recipients = try selection.peerIsCentre ? .none : row.recipients(3)
    return selection.wants(
      recipients: recipients, origin: try tables.run(row.integer(2)).origin, via: try row.site(4))
  }

  private func joinedEntry(_ row: SQLiteRow) throws(StoreError) -> Entry {
    guard !row.isNull(8) else { throw .corrupt("row \(row.integer(0)) without its entry") }
    return try tables.entry(row, 5)
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
