package import Replication

/// What the one writer knows without asking SQLite again: nobody else writes, so it stays true from
/// one transaction to the next. A record is looked at some five times while an entry of it is
/// placed, and most of what is looked for on the way is not there.
///
/// Confined to the writer's thread; forgotten whole when a transaction is rolled back and when
/// stored bytes change under it, a part of it when that outgrows its bound. To free what was
/// forgotten takes as long as to judge a fifteenth of it: whoever has the time may do it
/// (``takeForgotten()``). Not copyable: where the writer looks something up, a copy would count ten
/// references up and down.
struct WriterCache: ~Copyable {
  /// Records kept, and entries of them by their bytes.
  static let maximumRecordCount = 2_048
  static let maximumByteCount = 4 << 20
  static let maximumRunCount = 4_096
  static let maximumFileCount = 1_024
  static let maximumPeerCount = 1_024

  fileprivate struct Record: Sendable {
    var summary: RecordSummary?
    /// nil: not read yet.
    var entries: [Entry]?
  }

  private var records: [RecordKey: Record] = [:]
  private var byteCount = 0
  /// The last that was forgotten for its size and not taken.
  private var forgotten: ForgottenRecords?
  /// Of files that are named: a form goes with thousands of documents.
  private var fileStates: [Digest: FileState] = [:]
  /// Looked at in every transaction that a link asks for.
  private var peers: [SiteID: PeerState] = [:]
  private var outcomesEnds: [SiteID: UInt64] = [:]
  /// Looked at in every transaction. Its end of the log is the writer's ``SQLiteWriter/knownEnd``.
  var siteState: SiteState?
  /// The highest number under which anything of a run is stored; only of runs that were asked for.
  private var lastSequences: [Int64: UInt64] = [:]

  // MARK: Records

  func summary(of record: RecordKey) -> RecordSummary?? { records[record].map(\.summary) }

  func entries(of record: RecordKey) -> [Entry]? { records[record]?.entries }

  /// A record without a summary has no entries either; one that has some gets it right after its
  /// first. Should the cache have begun anew between the two, the entries are read.
  mutating func keep(_ summary: RecordSummary?, of record: RecordKey) {
    if let index = records.index(forKey: record) {
      records.values[index].summary = summary
      if records.values[index].entries?.isEmpty ?? true {
        records.values[index].entries = summary == nil ? [] : nil
      }
      return
    }
    if records.count >= Self.maximumRecordCount { forgetRecords() }
    records[record] = Record(summary: summary, entries: summary == nil ? [] : nil)
  }

  /// Only of a record whose summary is kept.
  mutating func keep(_ entries: [Entry], of record: RecordKey) {
    guard records[record] != nil else { return }
    add(entries.reduce(0) { $0 + $1.memoryByteCount })
    records[record]?.entries = entries
  }

  mutating func append(_ entry: Entry, run: Int64) {
    note(entry.identity.sequence, of: run)
    guard let record = entry.record else { return }
    add(entry.memoryByteCount)
    guard let index = records.index(forKey: record) else { return }
    records.values[index].entries?.append(entry)
  }

  private mutating func add(_ count: Int) {
    if byteCount + count > Self.maximumByteCount { forgetRecords() }
    byteCount += count
  }

  private mutating func forgetRecords() {
    forgotten = ForgottenRecords(records: records)
    records = Dictionary(minimumCapacity: Self.maximumRecordCount)
    byteCount = 0
  }

  /// For another thread to let go of; nil when nothing was forgotten since the last one.
  mutating func takeForgotten() -> ForgottenRecords? {
    defer { forgotten = nil }
    return forgotten
  }

  // MARK: Files

  /// Where a file stands; nil: not known here.
  func fileState(of digest: Digest) -> FileState? { fileStates[digest] }

  /// - Parameter state: nil when no record names the file.
  mutating func keep(_ state: FileState?, ofFile digest: Digest) {
    if fileStates.count >= Self.maximumFileCount { fileStates = [:] }
    fileStates[digest] = state
  }

  // MARK: Peers

  func peer(_ site: SiteID) -> PeerState? { peers[site] }

  mutating func keep(_ state: PeerState, ofPeer site: SiteID) {
    if peers.count >= Self.maximumPeerCount { peers = [:] }
    peers[site] = state
  }

  /// Number of the last outcome for a peer.
  func outcomesEnd(for peer: SiteID) -> UInt64? { outcomesEnds[peer] }

  mutating func keep(outcomesEnd: UInt64, for peer: SiteID) {
    if outcomesEnds.count >= Self.maximumPeerCount { outcomesEnds = [:] }
    outcomesEnds[peer] = outcomesEnd
  }

  // MARK: Numbers

  /// Whether nothing is stored under this number; nil: the run was not asked for yet.
  func isBeyond(_ sequence: SequenceNumber, of run: Int64) -> Bool? {
    lastSequences[run].map { sequence.value > $0 }
  }

  mutating func keepLast(_ sequence: UInt64, of run: Int64) {
    if lastSequences.count >= Self.maximumRunCount { lastSequences = [:] }
    lastSequences[run] = sequence
  }

  mutating func note(_ sequence: SequenceNumber, of run: Int64) {
    guard let last = lastSequences[run], sequence.value > last else { return }
    lastSequences[run] = sequence.value
  }
}

/// What the writer remembered and needs no more: nothing but memory to be freed.
package struct ForgottenRecords: Sendable {
  fileprivate let records: [RecordKey: WriterCache.Record]
}

/// Reads of the port that the cache answers.
extension SQLiteWriter {
  var stored: StoredQueries { StoredQueries(tables: tables) }

  /// Memory that another thread may free, so that the writer need not; nil when there is none.
  package func takeForgotten() -> ForgottenRecords? { cache.takeForgotten() }

  /// A record's entries when they are in memory.
  package func knownEntries(of record: RecordKey) -> [Entry]? { cache.entries(of: record) }

  package func summary(of record: RecordKey) throws(StoreError) -> RecordSummary? {
    if let known = cache.summary(of: record) { return known }
    let summary = try stored.summary(of: record)
    cache.keep(summary, of: record)
    return summary
  }

  package func entries(of record: RecordKey) throws(StoreError) -> [Entry] {
    if let known = cache.entries(of: record) { return known }
    let entries = try stored.entries(of: record)
    cache.keep(entries, of: record)
    return entries
  }

  package func entries(
    of record: RecordKey, about subject: Subject
  ) throws(StoreError) -> [Entry] {
    if let known = cache.entries(of: record) { return known.filter { $0.subject == subject } }
    guard try tables.index.entryIDs(of: record, about: subject).count <= comparedCount else {
      // Items of older stores have no tags: all of the record is read once, and then known.
      return try entries(of: record).filter { $0.subject == subject }
    }
    return try stored.entries(of: record, about: subject)
  }

  package func isEntry(_ digest: Digest, of record: RecordKey) throws(StoreError) -> Bool {
    if let known = cache.entries(of: record) { return known.contains { $0.digest == digest } }
    return try stored.isEntry(digest, of: record)
  }

  package func fileState(of digest: Digest) throws(StoreError) -> FileState? {
    if let known = cache.fileState(of: digest) { return known }
    let state = try stored.fileState(of: digest)
    cache.keep(state, ofFile: digest)
    return state
  }

  package func siteState() throws(StoreError) -> SiteState {
    guard var state = cache.siteState else {
      let state = try stored.siteState()
      cache.siteState = state
      return state
    }
    state.end = try logEnd()
    return state
  }

  package func logEnd() throws(StoreError) -> LogEnd {
    if let knownEnd { return knownEnd }
    let end = try stored.logEnd()
    knownEnd = end
    return end
  }

  package func peer(_ site: SiteID) throws(StoreError) -> PeerState {
    if let known = cache.peer(site) { return known }
    let state = try stored.peer(site)
    cache.keep(state, ofPeer: site)
    return state
  }

  package func outcomesEnd(for peer: SiteID) throws(StoreError) -> UInt64 {
    if let known = cache.outcomesEnd(for: peer) { return known }
    let end = try stored.outcomesEnd(for: peer)
    cache.keep(outcomesEnd: end, for: peer)
    return end
  }

  package func digest(of identity: EntryIdentity) throws(StoreError) -> Digest? {
    guard let run = try tables.runID(of: identity) else { return nil }
    if cache.isBeyond(identity.sequence, of: run) == nil {
      cache.keepLast(try lastSequence(of: run), of: run)
    }
    if cache.isBeyond(identity.sequence, of: run) == true { return nil }
    return try stored.digest(of: identity)
  }

  package func referrers(of key: UniqueKey) throws(StoreError) -> [EntryIdentity] {
    try tables.index.hasAny(.reference, like: key) ? stored.referrers(of: key) : []
  }

  package func claimants(of key: UniqueKey) throws(StoreError) -> [RecordKey] {
    try tables.index.hasAny(.claim, like: key) ? stored.claimants(of: key) : []
  }

  private func lastSequence(of run: Int64) throws(StoreError) -> UInt64 {
    let last = try tables.connection.first(
      """
      SELECT max(coalesce((SELECT max(sequence) FROM entry WHERE run = ?1), 0),
        coalesce((SELECT max(sequence) FROM waiting WHERE run = ?1), 0))
      """, [.integer(run)]
    ) { row throws(StoreError) in row.integer(0) }
    return UInt64(max(last ?? 0, 0))
  }
}
