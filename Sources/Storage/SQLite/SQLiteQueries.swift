package import Replication

/// Every read of the port, written once for the writer, which sees its own transaction, and for
/// readers, which see a snapshot.
package protocol SQLiteQueries: StoreQueries {
  /// The connection to read from.
  var tables: SQLiteTables { get }
}

/// The same reads with nothing remembered: what the writer asks when its memory does not know.
struct StoredQueries: SQLiteQueries {
  let tables: SQLiteTables
}

/// RecordView.
extension SQLiteQueries {
  package func siteState() throws(StoreError) -> SiteState {
    let end = try logEnd()
    let state = try tables.raw.first(
      """
      SELECT store_id, site, last_sequence, clock_microseconds, clock_counter, greatest_depth,
        registry_number, registry_digest, lock_reason, unconfirmed FROM site_state
      """
    ) { row throws(StoreError) in try SiteState(row, end: end) }
    guard let state else { throw .corrupt("the site's state is missing") }
    return state
  }

  package func summary(of record: RecordKey) throws(StoreError) -> RecordSummary? {
    try tables.summaries.summary(of: record)
  }

  package func entries(of record: RecordKey) throws(StoreError) -> [Entry] {
    var entries: [Entry] = []
    for id in try tables.index.entryIDs(of: record) {
      entries.append(try entry(at: id, of: record))
    }
    return entries
  }

  package func entries(
    of record: RecordKey, about subject: Subject
  ) throws(StoreError) -> [Entry] {
    let ids = try tables.index.entryIDs(of: record, about: subject)
    // Items of older stores, which have no tags.
    guard ids.count <= comparedCount else {
      return try entries(of: record).filter { $0.subject == subject }
    }
    var entries: [Entry] = []
    for id in ids {
      let entry = try entry(at: id, of: record)
      if entry.subject == subject { entries.append(entry) }
    }
    return entries
  }

  package func isEntry(_ digest: Digest, of record: RecordKey) throws(StoreError) -> Bool {
    let ids = try tables.index.entryIDs(of: record)
    // Rows of one record stand near each other and are read from memory, digests stand anywhere.
    guard ids.count <= comparedCount else {
      return try tables.index.entryIDs(of: digest).contains(where: ids.contains)
    }
    for id in ids where try storedDigest(at: id) == digest { return true }
    return false
  }

  /// Entries of a record that are looked at one by one.
  var comparedCount: Int { 4 }

  private func storedDigest(at id: UInt64) throws(StoreError) -> Digest? {
    if let entry = tables.waitingEntry(at: id) { return entry.digest }
    return try tables.raw.first("SELECT digest FROM entry WHERE id = ?", [.unsigned(id)]) {
      row throws(StoreError) in try row.digest(0)
    }
  }

  package func record(of identity: EntryIdentity) throws(StoreError) -> RecordKey? {
    guard let run = try tables.runID(of: identity) else { return nil }
    if let entry = tables.waitingEntry(run, identity.sequence) { return entry.record }
    let found = try tables.raw.first(
      "SELECT kind, record FROM entry WHERE run = ? AND sequence = ?",
      [.integer(run), .unsigned(identity.sequence.value)]
    ) { row throws(StoreError) in row.isNull(0) ? nil : try row.key(0) }
    return if let found { found } else { try waiting(identity)?.entry.record }
  }

  private func entry(at id: UInt64, of record: RecordKey) throws(StoreError) -> Entry {
    guard let entry = try entry(at: id), entry.record == record else {
      throw .corrupt("entry \(id) of \(record) is not where the key index says")
    }
    return entry
  }

  private func entry(at id: UInt64) throws(StoreError) -> Entry? {
    if let entry = tables.waitingEntry(at: id) { return entry }
    return try tables.raw.first(
      "SELECT header, body, body_digest, digest FROM entry WHERE id = ?", [.unsigned(id)]
    ) { row throws(StoreError) in try tables.entry(row, 0) }
  }

  package func entry(_ identity: EntryIdentity) throws(StoreError) -> Entry? {
    guard let run = try tables.runID(of: identity) else { return nil }
    if let entry = tables.waitingEntry(run, identity.sequence) { return entry }
    let entry = try tables.raw.first(
      """
      SELECT header, body, body_digest, digest FROM entry WHERE run = ?1 AND sequence = ?2
      UNION ALL SELECT header, body, body_digest, digest FROM waiting
      WHERE run = ?1 AND sequence = ?2
      """, [.integer(run), .unsigned(identity.sequence.value)]
    ) { row throws(StoreError) in try tables.entry(row, 0) }
    if let entry, entry.identity != identity { throw .corrupt("\(entry.identity) at \(identity)") }
    return entry
  }

  package func digest(of identity: EntryIdentity) throws(StoreError) -> Digest? {
    guard let run = try tables.runID(of: identity) else { return nil }
    if let entry = tables.waitingEntry(run, identity.sequence) { return entry.digest }
    return try tables.raw.first(
      """
      SELECT digest FROM entry WHERE run = ?1 AND sequence = ?2
      UNION ALL SELECT digest FROM waiting WHERE run = ?1 AND sequence = ?2
      """, [.integer(run), .unsigned(identity.sequence.value)]
    ) { row throws(StoreError) in try row.digest(0) }
  }

  package func entry(digest: Digest) throws(StoreError) -> Entry? {
    for id in try tables.index.entryIDs(of: digest) {
      if let entry = try entry(at: id), entry.digest == digest { return entry }
    }
    return nil
  }

  package func recipients(of identity: EntryIdentity) throws(StoreError) -> Recipients? {
    guard let run = try tables.runID(of: identity) else { return nil }
    let first = try tables.connection.first(
      """
      SELECT id, recipients FROM entry JOIN log ON lsn = id
      WHERE run = ? AND sequence = ?
      """, [.integer(run), .unsigned(identity.sequence.value)]
    ) { row throws(StoreError) in (id: row.integer(0), recipients: try row.recipients(1)) }
    guard let first else { return nil }
    return try recipients(ofEntry: first.id, first: first.recipients)
  }

  /// The union over the entry's rows, the first of which is for `first`.
  func recipients(ofEntry id: Int64, first: Recipients) throws(StoreError) -> Recipients {
    var union = first
    try tables.connection.forEach("SELECT recipients FROM log WHERE relog_of = ?", [.integer(id)]) {
      row throws(StoreError) in
      union = union.union(try row.recipients(0))
      return true
    }
    return union
  }

  package func claimants(of key: UniqueKey) throws(StoreError) -> [RecordKey] {
    try tables.index.claimants(of: key)
  }

  package func referrers(of key: UniqueKey) throws(StoreError) -> [EntryIdentity] {
    var identities: [EntryIdentity] = []
    for (run, sequence) in try tables.index.referrers(of: key) {
      identities.append(try tables.identity(run, sequence))
    }
    return identities.sorted()
  }

  package func registry(_ revision: RegistryRevision) throws(StoreError) -> RegistrySnapshot? {
    try tables.registry(revision)
  }

  package func waiting(_ identity: EntryIdentity) throws(StoreError) -> WaitingEntry? {
    guard let run = try tables.runID(of: identity) else { return nil }
    return try tables.raw.first(
      """
      SELECT header, body, body_digest, digest, via, state, code, attempts FROM waiting
      WHERE run = ? AND sequence = ?
      """, [.integer(run), .unsigned(identity.sequence.value)]
    ) { row throws(StoreError) in try tables.waiting(row) }
  }

  package func waiting(
    forRegistry revision: RegistryRevision, limit: Int
  ) throws(StoreError) -> [EntryIdentity] {
    try tables.raw.all(
      """
      SELECT run, sequence FROM waiting
      WHERE registry_number = ? AND registry_digest = ? AND state = ? ORDER BY arrival LIMIT ?
      """,
      [
        .unsigned(revision.number), .digest(revision.digest),
        .code(OutcomeState.held.rawValue), .integer(Int64(limit)),
      ]
    ) { row throws(StoreError) in try tables.identity(row.integer(0), row.unsigned(1)) }
  }

  package func peer(_ site: SiteID) throws(StoreError) -> PeerState {
    let state = try tables.raw.first("SELECT state FROM peer WHERE site = ?", [.site(site)]) {
      row throws(StoreError) in
      try row.decoded(0, "peer state") { reader throws(ByteError) in try PeerState(from: &reader) }
    }
    return state ?? PeerState()
  }

  package func owed(limit: Int) throws(StoreError) -> [OwedEvent] {
    try tables.raw.all(
      "SELECT kind, record, event, body FROM owed ORDER BY kind, record, event LIMIT ?",
      [.integer(Int64(limit))]
    ) { row throws(StoreError) in
      OwedEvent(
        record: try row.key(0), event: EventID(UniqueID(try row.bytes16(2))), body: row.bytes(3))
    }
  }

  package func verdict(
    of signature: EntryIdentity
  ) throws(StoreError) -> SignatureVerdict? {
    guard let run = try tables.runID(of: signature) else { return nil }
    return try tables.verdict(run, signature.sequence)
  }

  package func fileState(of digest: Digest) throws(StoreError) -> FileState? {
    let state = try tables.raw.first(
      "SELECT state FROM file WHERE digest = ?", [.digest(digest)]
    ) { row throws(StoreError) in try row.code(0) }
    return state.flatMap { FileState(rawValue: $0) }
  }

  package func pendingFiles(
    after: Digest?, limit: Int
  ) throws(StoreError) -> [FileReference] {
    try tables.raw.all(
      "SELECT digest, size FROM file WHERE state = 1 AND digest > ? ORDER BY digest LIMIT ?",
      [after.map { .digest($0) } ?? .blob([]), .integer(Int64(limit))]
    ) { row throws(StoreError) in
      FileReference(digest: try row.digest(0), size: row.unsigned(1))
    }
  }

  package func storedFiles(
    after: Digest?, limit: Int
  ) throws(StoreError) -> [FileReference] {
    try tables.raw.all(
      "SELECT digest, size FROM file WHERE state = 2 AND digest > ? ORDER BY digest LIMIT ?",
      [after.map { .digest($0) } ?? .blob([]), .integer(Int64(limit))]
    ) { row throws(StoreError) in
      FileReference(digest: try row.digest(0), size: row.unsigned(1))
    }
  }

  package func cursor(of consumer: LogConsumer) throws(StoreError) -> LSN {
    try tables.raw.first(
      "SELECT lsn FROM consumer WHERE id = ?", [.code(consumer.rawValue)]
    ) { row throws(StoreError) in LSN(row.unsigned(0)) } ?? .start
  }

  package func peers() throws(StoreError) -> [SiteID] {
    try tables.raw.all("SELECT site FROM peer ORDER BY site") { row throws(StoreError) in
      guard let site = try row.site(0) else { throw row.corrupt("site", 0) }
      return site
    }
  }

  /// Second and further entries kept under this identity.
  package func forks(of identity: EntryIdentity) throws(StoreError) -> [Entry] {
    guard let run = try tables.runID(of: identity) else { return [] }
    return try tables.connection.all(
      """
      SELECT header, body, body_digest, digest FROM fork
      WHERE run = ? AND sequence = ? ORDER BY digest
      """, [.integer(run), .unsigned(identity.sequence.value)]
    ) { row throws(StoreError) in try tables.entry(row, 0) }
  }
}
