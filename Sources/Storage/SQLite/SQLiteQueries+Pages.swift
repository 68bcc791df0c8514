package import Replication

/// StoreQueries: pages for people and applications.
extension SQLiteQueries {
  package func records(
    kind: RecordKind, after: RecordID?, limit: Int
  ) throws(StoreError) -> [RecordKey] {
    guard limit > 0 else { return [] }
    try tables.settle()
    var records: [RecordKey] = []
    let start =
      after.map { IndexItem.after(summaryOf: RecordKey(kind: kind, id: $0)) }
      ?? .before(summariesOf: kind)
    try tables.summaries.forEach(after: start) { record, summary throws(StoreError) in
      guard record.kind == kind else { return false }
      if summary.owner != nil { records.append(record) }
      return records.count < limit
    }
    return records
  }

  package func revisedRecords(
    after: RecordKey?, limit: Int
  ) throws(StoreError) -> RevisedPage {
    guard limit > 0 else { return RevisedPage(records: [], last: nil) }
    try tables.settle()
    var looked: [RecordKey] = []
    var revised: [RecordKey] = []
    let start = after.map { .after(summaryOf: $0) } ?? IndexItem.beforeSummaries
    try tables.summaries.forEach(after: start) { record, summary throws(StoreError) in
      looked.append(record)
      if summary.greatestRevision > Revision(1) { revised.append(record) }
      return looked.count < limit
    }
    return RevisedPage(records: revised, last: looked.last)
  }

  package func conflicts(after: RecordKey?, limit: Int) throws(StoreError) -> [RecordKey] {
    try tables.settle()
    return try tables.connection.all(
      """
      SELECT kind, id FROM open_record
      WHERE in_conflict = 1 AND (kind, id) > (?, ?) ORDER BY kind, id LIMIT ?
      """,
      [
        .code(after?.kind.rawValue ?? 0), after.map { .record($0.id) } ?? .blob([]),
        .integer(Int64(limit)),
      ]
    ) { row throws(StoreError) in try row.key(0) }
  }

  package func rows(of entry: EntryIdentity) throws(StoreError) -> [LogRow] {
    guard let run = try tables.runID(of: entry) else { return [] }
    let first = try tables.connection.first(
      "SELECT id FROM entry WHERE run = ? AND sequence = ?",
      [.integer(run), .unsigned(entry.sequence.value)]
    ) { row throws(StoreError) in row.integer(0) }
    guard let first else { return [] }
    let later = try tables.connection.all(
      "SELECT lsn FROM log WHERE relog_of = ? ORDER BY lsn", [.integer(first)]
    ) { row throws(StoreError) in row.unsigned(0) }
    var rows: [LogRow] = []
    for lsn in [UInt64(bitPattern: first)] + later {
      if let row = try row(at: LSN(lsn)) { rows.append(row) }
    }
    return rows
  }

  package func waitingEntries(skip: Int, limit: Int) throws(StoreError) -> [WaitingEntry] {
    try tables.connection.all(
      """
      SELECT header, body, body_digest, digest, via, state, code, attempts FROM waiting
      ORDER BY arrival LIMIT ? OFFSET ?
      """, [.integer(Int64(limit)), .integer(Int64(skip))]
    ) { row throws(StoreError) in try tables.waiting(row) }
  }

  package func remoteOutcomes(of entry: EntryIdentity) throws(StoreError) -> [Outcome] {
    guard let run = try tables.runID(of: entry) else { return [] }
    return try tables.connection.all(
      "SELECT outcome FROM remote_outcome WHERE run = ? AND sequence = ? ORDER BY site",
      [.integer(run), .unsigned(entry.sequence.value)]
    ) { row throws(StoreError) in try row.outcome(0) }
  }

  package func changes(after lsn: LSN, limit: Int) throws(StoreError) -> [Change] {
    let found = try tables.connection.all(
      """
      SELECT lsn, header, body, body_digest, digest FROM log JOIN entry ON id = lsn
      WHERE lsn > ? AND kind IS NOT NULL ORDER BY lsn LIMIT ?
      """, [.unsigned(lsn.value), .integer(Int64(limit))]
    ) { row throws(StoreError) in
      (lsn: LSN(row.unsigned(0)), header: try tables.entry(row, 1).header)
    }
    var changes: [Change] = []
    for (lsn, header) in found {
      guard let row = try row(at: lsn) else { throw .corrupt("row \(lsn) vanished") }
      changes.append(Change(row: row, header: header))
    }
    return changes
  }

  package func signedRecords(after lsn: LSN, limit: Int) throws(StoreError) -> SignedRecords {
    let found = try tables.connection.all(
      """
      SELECT signed.lsn, entry.kind, entry.record FROM signed JOIN entry ON entry.id = signed.lsn
      WHERE signed.lsn > ? ORDER BY signed.lsn LIMIT ?
      """, [.unsigned(lsn.value), .integer(Int64(limit))]
    ) { row throws(StoreError) in (record: try row.key(1), lsn: LSN(row.unsigned(0))) }
    return SignedRecords(found, after: lsn, limit: limit, end: try logEnd().lsn)
  }

  package func leaves(after: EntryIdentity?, limit: Int) throws(StoreError) -> [DigestLeaf] {
    let runs = try tables.connection.all(
      """
      SELECT id, origin, incarnation FROM run
      WHERE (origin, incarnation) >= (?, ?) ORDER BY origin, incarnation
      """,
      [
        after.map { .site($0.origin) } ?? .blob([]),
        after.map { .bytes16($0.incarnation.raw) } ?? .blob([]),
      ]
    ) { row throws(StoreError) in (id: row.integer(0), run: try SQLiteTables.run(row, 1)) }
    var leaves: [DigestLeaf] = []
    for (id, run) in runs where leaves.count < limit {
      let continued = after.flatMap {
        $0.origin == run.origin && $0.incarnation == run.incarnation ? $0.sequence : nil
      }
      leaves += try self.leaves(of: run, id: id, after: continued, limit: limit - leaves.count)
    }
    return leaves
  }

  /// Leaves of one run, ascending by sequence.
  private func leaves(
    of run: Run, id: Int64, after: SequenceNumber?, limit: Int
  ) throws(StoreError) -> [DigestLeaf] {
    try tables.connection.all(
      """
      SELECT sequence, digest, kind, id, recipients FROM entry JOIN log ON lsn = id
      WHERE run = ? AND sequence > ? ORDER BY sequence LIMIT ?
      """,
      [
        .integer(id), after.map { .unsigned($0.value) } ?? .integer(.min), .integer(Int64(limit)),
      ]
    ) { row throws(StoreError) in
      DigestLeaf(
        identity: EntryIdentity(
          origin: run.origin, incarnation: run.incarnation,
          sequence: SequenceNumber(row.unsigned(0))),
        digest: try row.digest(1), kind: try row.kind(2),
        recipients: try recipients(ofEntry: row.integer(3), first: try row.recipients(4)))
    }
  }

  package func spans(of origin: SiteID) throws(StoreError) -> [LifeSpan] {
    let runs = try tables.connection.all(
      "SELECT id, origin, incarnation FROM run WHERE origin = ?", [.site(origin)]
    ) { row throws(StoreError) in (id: row.integer(0), run: try SQLiteTables.run(row, 1)) }
    var spans: [LifeSpan] = []
    for (id, run) in runs {
      let span = try tables.connection.first(
        """
        SELECT min(sequence), max(sequence), count(*) FROM (
          SELECT sequence FROM entry WHERE run = ?1
          UNION ALL SELECT sequence FROM waiting WHERE run = ?1)
        """, [.integer(id)]
      ) { row throws(StoreError) in
        LifeSpan(
          incarnation: run.incarnation, first: SequenceNumber(row.unsigned(0)),
          last: SequenceNumber(row.unsigned(1)), count: Int(row.integer(2)))
      }
      if let span, span.count > 0 { spans.append(span) }
    }
    return spans.sorted { ($0.first, $0.incarnation) < ($1.first, $1.incarnation) }
  }

  /// Files that records name and that are not here.
  package func pendingFileCount() throws(StoreError) -> Int {
    try tables.connection.first("SELECT count(*) FROM file WHERE state = 1") {
      row throws(StoreError) in Int(row.integer(0))
    } ?? 0
  }

  /// The times are read out of the headers, at the place that `EntryCoding.swift` gives them: as
  /// big-endian bytes they sort like the numbers.
  package func oldestHeld(limit: Int) throws(StoreError) -> WallTime? {
    let rows = SQLValue.integer(Int64(limit))
    try tables.settle()
    let records = try tables.connection.all(
      """
      SELECT * FROM (SELECT kind, id FROM open_record WHERE waits = 1 LIMIT ?1)
      UNION
      SELECT * FROM (SELECT kind, id FROM open_record WHERE ownerless = 1 LIMIT ?1)
      """, [rows]
    ) { row throws(StoreError) in try row.key(0) }
    var times = try tables.connection.all(
      """
      SELECT substr(header, 31, 8) FROM waiting WHERE state = ? ORDER BY arrival LIMIT ?
      """, [.integer(Int64(OutcomeState.held.rawValue)), rows]
    ) { row throws(StoreError) in try row.time(0) }
    for record in records {
      for id in try tables.index.entryIDs(of: record) {
        times += try tables.connection.all(
          "SELECT substr(header, 31, 8) FROM entry WHERE id = ?", [.unsigned(id)]
        ) { row throws(StoreError) in try row.time(0) }
      }
    }
    return times.min()
  }

  package func counts() throws(StoreError) -> [RecordKind: KindCounts] {
    try tables.settle()
    var counts: [RecordKind: KindCounts] = [:]
    for (kind, tally) in try tables.index.counts() {
      counts[kind, default: KindCounts()].entries = tally.entries
      counts[kind, default: KindCounts()].records = tally.records
    }
    try tables.connection.forEach(
      "SELECT kind, sum(in_conflict), sum(held) + sum(waits) FROM open_record GROUP BY kind", []
    ) { row throws(StoreError) in
      guard let kind = try row.kind(0) else { return true }
      counts[kind, default: KindCounts()].conflicts = Int(row.integer(1))
      counts[kind, default: KindCounts()].held = Int(row.integer(2))
      return true
    }
    try tables.connection.forEach(
      "SELECT kind, state, count(*) FROM waiting GROUP BY kind, state", []
    ) { row throws(StoreError) in
      guard let kind = try row.kind(0), let state = OutcomeState(rawValue: try row.code(1)) else {
        return true
      }
      counts[kind, default: KindCounts()].add(waiting: state, count: Int(row.integer(2)))
      return true
    }
    return counts
  }
}
