package import Replication

/// A store without a disk, for simulation and tests. It is a value: a copy of it is an older
/// backup.
///
/// A group of writes is atomic by copying: keep the copy to commit, drop it to roll back.
package struct MemoryStore: Sendable {
  /// One entry that has a row, with what its rows add up to.
  struct Held: Sendable {
    var entry: Entry
    var firstRow: LSN
    var recipients: Recipients
  }

  struct Arrival: Sendable {
    var number: UInt64
    var waiting: WaitingEntry
  }

  struct Fork: Sendable {
    let entry: Entry
    let via: SiteID?
  }

  struct Registry: Sendable {
    let body: [UInt8]
    let snapshot: RegistrySnapshot
  }

  struct OwedKey: Hashable {
    let record: RecordKey
    let event: EventID
  }

  var state: SiteState
  /// The row at LSN n is at index n - 1.
  var log: [LogRow] = []
  var lastRows: [Incarnation: LSN] = [:]
  var held: [EntryIdentity: Held] = [:]
  var identities: [Digest: EntryIdentity] = [:]
  var summaries: [RecordKey: RecordSummary] = [:]
  /// In log order.
  var entriesOfRecord: [RecordKey: [EntryIdentity]] = [:]
  var claims: [UniqueKey: Set<RecordKey>] = [:]
  var references: [UniqueKey: Set<EntryIdentity>] = [:]
  var registries: [RegistryRevision: Registry] = [:]
  var arrivals: [EntryIdentity: Arrival] = [:]
  var arrivalCount: UInt64 = 0
  var peerStates: [SiteID: PeerState] = [:]
  /// Outcome number n is at index n - 1.
  var outcomeLists: [SiteID: [Outcome]] = [:]
  var remote: [EntryIdentity: [SiteID: Outcome]] = [:]
  var owedEvents: [OwedKey: OwedEvent] = [:]
  var verdicts: [EntryIdentity: SignatureVerdict] = [:]
  var files: [Digest: (size: UInt64, state: FileState)] = [:]
  var cursors: [LogConsumer: LSN] = [:]
  var signed: Set<LSN> = []
  var forked: [EntryIdentity: [Fork]] = [:]
  /// Entries with a row whose bytes were spoiled by ``rot(_:)``: never served.
  var rotten: Set<Digest> = []

  /// An empty store of `site`.
  package init(storeID: Bytes16, site: SiteID) {
    state = SiteState(storeID: storeID, site: site)
  }

  /// Spoils the bytes of an entry that has a row, as a bad disk does: every read of it throws until
  /// it is repaired.
  package mutating func rot(_ digest: Digest) {
    if identities[digest] != nil { rotten.insert(digest) }
  }

  /// Ascending.
  package var rottenEntries: [Digest] { rotten.isEmpty ? [] : rotten.sorted() }

  /// The entry, unless its bytes were spoiled.
  func sound(_ entry: Entry?) throws(StoreError) -> Entry? {
    if !rotten.isEmpty, let entry, rotten.contains(entry.digest) { throw .rotten(entry.digest) }
    return entry
  }

  /// Second and further entries kept under this identity.
  package func forks(of identity: EntryIdentity) throws(StoreError) -> [Entry] {
    (forked[identity] ?? []).map(\.entry).sorted { $0.digest < $1.digest }
  }
}

extension MemoryStore: RecordView {
  package func siteState() throws(StoreError) -> SiteState {
    var state = state
    state.end = try logEnd()
    return state
  }

  package func summary(of record: RecordKey) throws(StoreError) -> RecordSummary? {
    summaries[record]
  }

  package func entries(of record: RecordKey) throws(StoreError) -> [Entry] {
    let identities = entriesOfRecord[record] ?? []
    if rotten.isEmpty { return identities.compactMap { held[$0]?.entry } }
    var entries: [Entry] = []
    for identity in identities {
      if let entry = try sound(held[identity]?.entry) { entries.append(entry) }
    }
    return entries
  }

  package func entries(
    of record: RecordKey, about subject: Subject
  ) throws(StoreError) -> [Entry] {
    var entries: [Entry] = []
    for identity in entriesOfRecord[record] ?? [] {
      guard let entry = held[identity]?.entry, entry.subject == subject else { continue }
      if let entry = try sound(entry) { entries.append(entry) }
    }
    return entries
  }

  package func isEntry(_ digest: Digest, of record: RecordKey) throws(StoreError) -> Bool {
    identities[digest].flatMap { held[$0]?.entry.record } == record
  }

  package func record(of identity: EntryIdentity) throws(StoreError) -> RecordKey? {
    held[identity]?.entry.record ?? arrivals[identity]?.waiting.entry.record
  }

  package func entry(_ identity: EntryIdentity) throws(StoreError) -> Entry? {
    try sound(held[identity]?.entry) ?? arrivals[identity]?.waiting.entry
  }

  package func digest(of identity: EntryIdentity) throws(StoreError) -> Digest? {
    held[identity]?.entry.digest ?? arrivals[identity]?.waiting.entry.digest
  }

  package func entry(digest: Digest) throws(StoreError) -> Entry? {
    try sound(identities[digest].flatMap { held[$0]?.entry })
  }

  package func recipients(of identity: EntryIdentity) throws(StoreError) -> Recipients? {
    held[identity]?.recipients
  }

  package func claimants(of key: UniqueKey) throws(StoreError) -> [RecordKey] {
    (claims[key] ?? []).sorted()
  }

  package func referrers(of key: UniqueKey) throws(StoreError) -> [EntryIdentity] {
    (references[key] ?? []).sorted()
  }

  package func registry(_ revision: RegistryRevision) throws(StoreError) -> RegistrySnapshot? {
    registries[revision]?.snapshot
  }

  package func waiting(_ identity: EntryIdentity) throws(StoreError) -> WaitingEntry? {
    arrivals[identity]?.waiting
  }

  package func waiting(
    forRegistry revision: RegistryRevision, limit: Int
  ) throws(StoreError) -> [EntryIdentity] {
    arrivals.values
      .filter { $0.waiting.state == .held && $0.waiting.entry.header.registry == revision }
      .sorted { $0.number < $1.number }
      .prefix(limit).map(\.waiting.entry.identity)
  }

  package func peer(_ site: SiteID) throws(StoreError) -> PeerState {
    peerStates[site] ?? PeerState()
  }

  package func owed(limit: Int) throws(StoreError) -> [OwedEvent] {
    let sorted = owedEvents.values.sorted { ($0.record, $0.event) < ($1.record, $1.event) }
    return Array(sorted.prefix(limit))
  }

  package func verdict(
    of signature: EntryIdentity
  ) throws(StoreError) -> SignatureVerdict? { verdicts[signature] }

  package func fileState(of digest: Digest) throws(StoreError) -> FileState? {
    files[digest]?.state
  }

  package func pendingFiles(
    after: Digest?, limit: Int
  ) throws(StoreError) -> [FileReference] {
    files(in: .pending, after: after, limit: limit)
  }

  package func storedFiles(
    after: Digest?, limit: Int
  ) throws(StoreError) -> [FileReference] {
    files(in: .here, after: after, limit: limit)
  }

  private func files(in state: FileState, after: Digest?, limit: Int) -> [FileReference] {
    let found = files.filter { digest, file in
      file.state == state && (after.map { $0 < digest } ?? true)
    }
    return found.sorted { $0.key < $1.key }.prefix(limit).map {
      FileReference(digest: $0.key, size: $0.value.size)
    }
  }

  package func cursor(of consumer: LogConsumer) throws(StoreError) -> LSN {
    cursors[consumer] ?? .start
  }

  package func peers() throws(StoreError) -> [SiteID] { peerStates.keys.sorted() }
}

extension MemoryStore: LogReader {
  package func logEnd() throws(StoreError) -> LogEnd { log.last?.end ?? .start }

  package func row(at lsn: LSN) throws(StoreError) -> LogRow? {
    guard lsn > .start, lsn.value <= UInt64(log.count) else { return nil }
    return log[Int(lsn.value) - 1]
  }

  package func lastRow(of incarnation: Incarnation) throws(StoreError) -> LSN? {
    lastRows[incarnation]
  }

  package func rows(
    after lsn: LSN, lane: Lane, selection: RowSelection, limits: RowLimits
  ) throws(StoreError) -> RowBatch {
    var batch = BatchBuilder(after: lsn, limits: limits)
    for row in rows(after: lsn).prefix(limits.scannedRows) {
      if row.lane == lane, selection.wants(row), let entry = held[row.entry]?.entry {
        // What comes before it is sent first.
        if rotten.contains(entry.digest), batch.last > lsn { break }
        _ = try sound(entry)
        guard batch.take(entry) else { break }
      }
      batch.passed(upTo: row.lsn)
    }
    return RowBatch(after: lsn, last: try logEnd(at: batch.last), entries: batch.entries)
  }

  package func signedRecords(after lsn: LSN, limit: Int) throws(StoreError) -> SignedRecords {
    let found = signed.filter { $0 > lsn }.sorted().prefix(limit)
    let records = found.compactMap { lsn in
      held[log[Int(lsn.value) - 1].entry]?.entry.header.record.map { (record: $0, lsn: lsn) }
    }
    return SignedRecords(records, after: lsn, limit: limit, end: try logEnd().lsn)
  }

  package func outcomesEnd(for peer: SiteID) throws(StoreError) -> UInt64 {
    UInt64(outcomeLists[peer]?.count ?? 0)
  }

  package func outcomes(
    for peer: SiteID, after number: UInt64, limit: Int
  ) throws(StoreError) -> [NumberedOutcome] {
    let list = outcomeLists[peer] ?? []
    guard number < UInt64(list.count) else { return [] }
    return list.indices.dropFirst(Int(number)).prefix(limit).map {
      NumberedOutcome(number: UInt64($0) + 1, outcome: list[$0])
    }
  }

  /// - Precondition: the log reaches to `lsn`.
  func rows(after lsn: LSN) -> ArraySlice<LogRow> {
    precondition(lsn.value <= UInt64(log.count), "rows after \(lsn) of \(log.count)")
    return log[Int(lsn.value)...]
  }
}
