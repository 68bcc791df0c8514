/// Counts for status and metrics, per kind.
package struct KindCounts: Hashable, Sendable {
  package var records: Int = 0
  package var entries: Int = 0
  package var conflicts: Int = 0
  package var held: Int = 0
  package var quarantined: Int = 0
  package init() {}
}

/// What is here of one life of a site.
package struct LifeSpan: Hashable, Sendable {
  package let incarnation: Incarnation
  /// Least and greatest sequence number that is here.
  package let first: SequenceNumber
  package let last: SequenceNumber
  /// Fewer than from `first` to `last` when some are missing.
  package let count: Int
  package init(
    incarnation: Incarnation, first: SequenceNumber, last: SequenceNumber, count: Int
  ) {
    self.incarnation = incarnation
    self.first = first
    self.last = last
    self.count = count
  }
}

/// One row as applications see it in the change feed.
package struct Change: Hashable, Sendable {
  package let row: LogRow
  package let header: EntryHeader
  package init(row: LogRow, header: EntryHeader) {
    self.row = row
    self.header = header
  }
}

/// One entry as the digest of a pair of sites counts it.
package struct DigestLeaf: Hashable, Sendable {
  package let identity: EntryIdentity
  package let digest: Digest
  /// nil for a genesis.
  package let kind: RecordKind?
  package let recipients: Recipients
  package init(
    identity: EntryIdentity, digest: Digest, kind: RecordKind?, recipients: Recipients
  ) {
    self.identity = identity
    self.digest = digest
    self.kind = kind
    self.recipients = recipients
  }
}

/// Reads for people and applications, in bounded pages; each is time-boxed by the shell.
package protocol StoreQueries: RecordView, LogReader {
  /// Records of a kind that have a put here, ascending by id, after `after`.
  func records(kind: RecordKind, after: RecordID?, limit: Int) throws(StoreError) -> [RecordKey]
  /// Looks at the records after `after`, ascending by key, at most `limit`, for those that may have
  /// superseded puts: their greatest revision is above 1.
  func revisedRecords(after: RecordKey?, limit: Int) throws(StoreError) -> RevisedPage
  /// Records in conflict, ascending by key, after `after`.
  func conflicts(after: RecordKey?, limit: Int) throws(StoreError) -> [RecordKey]
  /// Entries without a row, by order of arrival, after the first `skip`.
  func waitingEntries(skip: Int, limit: Int) throws(StoreError) -> [WaitingEntry]
  func remoteOutcomes(of entry: EntryIdentity) throws(StoreError) -> [Outcome]
  /// Every row of the entry, ascending: its first and those that delivered it late.
  func rows(of entry: EntryIdentity) throws(StoreError) -> [LogRow]
  /// Rows after `lsn` that brought an entry of a record (not genesis, not relog), at most `limit`.
  func changes(after lsn: LSN, limit: Int) throws(StoreError) -> [Change]
  /// All entries with a row, ascending by identity, after `after`: page through to the end.
  func leaves(after: EntryIdentity?, limit: Int) throws(StoreError) -> [DigestLeaf]
  func counts() throws(StoreError) -> [RecordKind: KindCounts]
  /// The entries of `origin` that are here, row or waiting, by its lives: ascending by the first
  /// number, then the life.
  func spans(of origin: SiteID) throws(StoreError) -> [LifeSpan]
  /// Author's time of the oldest entry of what waits: records for what they refer to, events for
  /// their put, entries for their registry revision. nil when nothing waits. Looks at no more than
  /// `limit` of each; beyond it something older may wait.
  func oldestHeld(limit: Int) throws(StoreError) -> WallTime?
  /// LSN and time of the oldest row after `lsn` in `lane` that `selection` wants, and how many
  /// there are, counting no further than `limit`: the lag towards a peer.
  func backlog(
    after lsn: LSN, lane: Lane, selection: RowSelection, limit: Int
  ) throws(StoreError) -> Backlog
}

/// A stretch of the records, looked through for what compaction may concern.
package struct RevisedPage: Hashable, Sendable {
  /// Ascending.
  package let records: [RecordKey]
  /// The last record looked at; nil at the end of the records.
  package let last: RecordKey?
  package init(records: [RecordKey], last: RecordKey?) {
    self.records = records
    self.last = last
  }
}

/// What a peer has not acknowledged.
package struct Backlog: Hashable, Sendable {
  package let count: Int
  /// Author's time of the oldest entry; nil when there is none.
  package let oldest: HybridTime?
  package init(count: Int, oldest: HybridTime?) {
    self.count = count
    self.oldest = oldest
  }
}
