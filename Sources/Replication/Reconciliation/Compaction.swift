/// What one step of compaction did.
package struct CompactionTally: Hashable, Sendable {
  package var bodyCount = 0
  package var byteCount = 0
  /// False when the limit was reached first: the same records have more that may go.
  package var isComplete = true

  package init() {}
}

extension StoreTransaction {
  /// Turns superseded puts of `records` into stubs (law 2). Entries, rows, heads and digests stay
  /// as they are, so nobody needs to be told.
  /// - Parameter limit: bodies dropped, all records together; at least 1.
  package mutating func compact(
    _ records: [RecordKey], supersededBefore cutoff: WallTime, limit: Int
  ) throws(StoreError) -> CompactionTally {
    precondition(limit > 0, "at most \(limit) bodies")
    var tally = CompactionTally()
    for record in records {
      let gone = Resolution.compactable(
        try entries(of: record), supersededBefore: cutoff)
      for entry in gone {
        guard tally.bodyCount < limit else {
          tally.isComplete = false
          return tally
        }
        try dropBody(of: entry.identity)
        tally.bodyCount += 1
        tally.byteCount += entry.body?.count ?? 0
      }
    }
    return tally
  }
}
