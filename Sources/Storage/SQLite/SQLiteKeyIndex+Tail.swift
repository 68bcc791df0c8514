import Replication

/// The one row beside the segments (``KeyTail``).
extension SQLiteKeyIndex {
  /// Of all kinds that there is anything of.
  func counts() throws(StoreError) -> [RecordKind: KindTally] {
    try refresh()
    return tail.counts
  }

  /// Greater than those of all former transactions.
  func nextNumber() throws(StoreError) -> UInt64 {
    try refresh()
    return hasTail ? tail.number + 1 : UInt64(bitPattern: nextID)
  }

  /// A reader finds the same row in most of its snapshots, and decodes it once.
  func readTail() throws(StoreError) {
    let isThere = try connection.first(
      "SELECT number, segments_number, counts, items FROM key_tail"
    ) { row throws(StoreError) in
      if row.unsigned(0) != tail.number { try take(row) }
      return true
    }
    guard isThere != nil else { throw .corrupt("the tail of the key index is missing") }
  }

  /// Reads the items as they are stored, and their check.
  /// - Returns: their bytes.
  func checkTail() throws(StoreError) -> Int {
    try connection.first("SELECT items FROM key_tail") { row throws(StoreError) in
      _ = try row.tailItems(0)
      return try row.withBytes(0) { bytes throws(StoreError) in bytes.count }
    } ?? 0
  }

  private func take(_ row: SQLiteRow) throws(StoreError) {
    let counts = try row.decoded(2, "counts by kind") { reader throws(ByteError) in
      try KeyTail.counts(from: &reader)
    }
    let items = try row.tailItems(3)
    pending.removeAll()
    for item in items { pending.add(item) }
    tailItemCount = items.count
    tail = KeyTail(
      number: row.unsigned(0), segmentsNumber: row.unsigned(1), counts: counts)
  }

  /// What the open transaction added is in it.
  func forgetTail() {
    tail.number = 0
    pending.removeAll()
    tailItemCount = 0
  }

  /// Writes the tail with these items.
  func writeTail(_ items: [IndexItem]) throws(StoreError) {
    try connection.run(
      "UPDATE key_tail SET number = ?, segments_number = ?, counts = ?, items = ?",
      [
        .unsigned(tail.number), .unsigned(tail.segmentsNumber), .blob(tail.encodedCounts),
        .blob(items.isEmpty ? [] : IndexPage(items).encoded(at: KeyTail.place)),
      ])
  }
}

extension SQLiteRow {
  fileprivate func tailItems(_ column: Int32) throws(StoreError) -> [IndexItem] {
    try withBytes(column) { bytes throws(StoreError) in
      bytes.isEmpty ? [] : try IndexPage(bytes, at: KeyTail.place).items
    }
  }
}
