import Replication

/// From version 6 to 7: the counts by kind go into the key index's tail. Its numbers begin above
/// those of all segments, which versions of summaries were made of before.
extension SQLiteConnection {
  func startKeyTail() throws(StoreError) {
    let last = try first("SELECT max(id) FROM segment") { row throws(StoreError) in
      row.unsigned(0)
    }
    var tail = KeyTail(number: (last ?? 0) + 1, segmentsNumber: 0, counts: [:])
    try forEach("SELECT kind, entries, records FROM kind_count", []) { row throws(StoreError) in
      guard let kind = try row.kind(0) else { return true }
      tail.counts[kind] = KindTally(entries: Int(row.integer(1)), records: Int(row.integer(2)))
      return true
    }
    try run("INSERT INTO key_tail (only, tail) VALUES (1, ?)", [.blob(tail.encoded(with: []))])
    try execute("DROP TABLE kind_count")
  }
}

/// From version 7 to 8: guides are of fewer pages and have other filters. What they say is all in
/// the pages, which are read once: 0.12 s for 850,000 entries.
extension SQLiteKeyIndex {
  func writeGuides() throws(StoreError) {
    for segment in try listedSegments() where segment.state != .retired {
      var block: [IndexPage] = []
      for number in 0..<segment.pageCount {
        block.append(try page(number, of: segment))
        let isLast = number + 1 == segment.pageCount
        // The last block of a growing segment has no guide yet.
        guard block.count == IndexGuide.maximumPageCount || isLast && segment.state == .whole
        else { continue }
        try write(IndexGuide(block), number / IndexGuide.maximumPageCount, of: segment)
        block.removeAll(keepingCapacity: true)
      }
    }
  }
}

/// From version 3 to 4: the keys of what is stored go into the key index.
extension SQLiteConnection {
  /// Items sorted at once: 8 MiB, and as much again to find them by.
  private static let migratedItemCount = 1 << 18
  /// Of segments so long: as if their items had come by commits of a thousand.
  private static let migratedLevel: Int64 = 4
  /// Summaries settled at once.
  private static let settledCount = 4_096

  func fillKeyIndex() throws(StoreError) {
    let index = SQLiteKeyIndex(self, memory: .writer, hasTail: false)
    let summaries = SQLiteSummaries(self, index)
    func flushWhenFull(atLeast count: Int = Self.migratedItemCount) throws(StoreError) {
      guard index.pending.items.count >= count else { return }
      let items = index.pending.takeSorted()
      let pageCount = try index.write(items, level: Self.migratedLevel)
      try index.work(besideItems: items.count, pages: pageCount)
    }
    try forEach("SELECT id, digest, kind, record FROM entry ORDER BY id", []) {
      row throws(StoreError) in
      index.pending.add(IndexItem(digest: try row.digest(1), entryID: row.unsigned(0)))
      if !row.isNull(2) {
        let record = try row.key(2)
        index.pending.add(IndexItem(record: record, entryID: row.unsigned(0)))
        index.tail.counts[record.kind, default: KindTally()].entries += 1
      }
      try flushWhenFull()
      return true
    }
    try forEach("SELECT key, kind, record FROM claim", []) { row throws(StoreError) in
      try index.claim(UniqueKey(row.bytes(0)), by: try row.key(1))
      try flushWhenFull()
      return true
    }
    try forEach("SELECT key, run, sequence FROM reference", []) { row throws(StoreError) in
      try index.refer(
        run: row.integer(1), sequence: row.unsigned(2), to: UniqueKey(row.bytes(0)))
      try flushWhenFull()
      return true
    }
    try forEach(
      "SELECT owner, lane, revision, held, conflicts, audience, holds, kind, id FROM record", []
    ) { row throws(StoreError) in
      summaries.set(try RecordSummary(row), of: try row.key(7), before: nil)
      guard summaries.changeCount >= Self.settledCount else { return true }
      try summaries.settle()
      try flushWhenFull()
      return true
    }
    try summaries.settle()
    try flushWhenFull(atLeast: 1)
    for (kind, tally) in index.tail.counts {
      try run(
        "INSERT INTO kind_count (kind, entries, records) VALUES (?, ?, ?)",
        [
          .code(kind.rawValue), .integer(Int64(tally.entries)), .integer(Int64(tally.records)),
        ])
    }
    try execute(
      """
      DROP TABLE record; DROP TABLE claim; DROP TABLE reference;
      DROP INDEX entry_by_record; DROP INDEX entry_by_digest;
      """)
  }
}
