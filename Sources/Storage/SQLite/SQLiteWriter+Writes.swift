package import Replication

extension SQLiteWriter: StoreTransaction {
  package func setSiteState(_ state: SiteState) throws(StoreError) {
    try tables.raw.run(
      """
      INSERT INTO site_state VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (only) DO UPDATE SET last_sequence = excluded.last_sequence,
        clock_microseconds = excluded.clock_microseconds, clock_counter = excluded.clock_counter,
        greatest_depth = excluded.greatest_depth, registry_number = excluded.registry_number,
        registry_digest = excluded.registry_digest, lock_reason = excluded.lock_reason,
        unconfirmed = excluded.unconfirmed
      """,
      [
        .bytes16(state.storeID), .site(state.site), .unsigned(state.lastSequence.value),
        .unsigned(state.clock.microseconds), .integer(Int64(state.clock.counter)),
        .integer(Int64(state.greatestDepth.value)), .unsigned(state.registry.number),
        .digest(state.registry.digest), .code(state.lock?.rawValue),
        .blob(.encoding { writer in for site in state.unconfirmed { writer.write(site) } }),
      ])
    cache.siteState = state
  }

  /// What waits in memory until the commit would be lost without one.
  private func requireTransaction() {
    precondition(tables.raw.isInTransaction, "a write outside a transaction")
  }

  package func append(_ row: LogRow, entry: Entry?) throws(StoreError) {
    requireTransaction()
    let last = try logEnd()
    precondition(row.lsn == last.lsn.next, "row \(row.lsn) after \(last.lsn)")
    let author = try tables.makeRunID(of: row.entry)
    var relogged: Int64?
    if let entry {
      precondition(
        entry.identity == row.entry && entry.digest == row.digest,
        "row \(row.lsn) of \(row.entry) brings \(entry.identity)")
      tables.index.note(entry, id: row.lsn.value)
    } else {
      relogged = try tables.connection.first(
        "SELECT id FROM entry WHERE run = ? AND sequence = ?",
        [.integer(author), .unsigned(row.entry.sequence.value)]
      ) { row throws(StoreError) in row.integer(0) }
      precondition(relogged != nil, "row \(row.lsn) of \(row.entry), which is not here")
    }
    if last.lsn == .start || last.incarnation != row.incarnation { try openLife(row) }
    try tables.append(row, entry: entry, author: author, relogOf: relogged)
    knownEnd = row.end
    if let entry { cache.append(entry, run: author) }
  }

  /// The first row of an incarnation. It writes one stretch of the log and never comes back, which
  /// the table's UNIQUE holds.
  private func openLife(_ row: LogRow) throws(StoreError) {
    let site = try siteState().site
    let run = try tables.makeRunID(Run(origin: site, incarnation: row.incarnation))
    try tables.raw.run(
      "INSERT INTO life (first_row, run) VALUES (?, ?)",
      [.unsigned(row.lsn.value), .integer(run)])
  }

  package func setSummary(
    _ summary: RecordSummary, of record: RecordKey
  ) throws(StoreError) {
    requireTransaction()
    tables.summaries.set(summary, of: record, before: try self.summary(of: record))
    cache.keep(summary, of: record)
  }

  package func owe(_ event: OwedEvent) throws(StoreError) {
    try tables.raw.run(
      "INSERT INTO owed (kind, record, event, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
      [
        .code(event.record.kind.rawValue), .record(event.record.id),
        .bytes16(event.event.raw.raw), .blob(event.body),
      ])
  }

  package func setVerdict(
    _ verdict: SignatureVerdict, of signature: EntryIdentity
  ) throws(StoreError) {
    requireTransaction()
    let run = try tables.makeRunID(of: signature)
    try tables.set(verdict, run: run, sequence: signature.sequence)
  }

  package func name(_ file: FileReference) throws(StoreError) {
    guard try fileState(of: file.digest) == nil else { return }
    try tables.raw.run(
      "INSERT INTO file (digest, size, state) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
      [.digest(file.digest), .unsigned(file.size), .code(FileState.pending.rawValue)])
  }

  package func setFileState(_ state: FileState, of digest: Digest) throws(StoreError) {
    guard let known = try fileState(of: digest), known != state else { return }
    try tables.raw.run(
      "UPDATE file SET state = ? WHERE digest = ?",
      [.code(state.rawValue), .digest(digest)])
    cache.keep(state, ofFile: digest)
  }

  package func forgetFile(_ digest: Digest) throws(StoreError) {
    cache.keep(nil, ofFile: digest)
    try tables.raw.run("DELETE FROM file WHERE digest = ?", [.digest(digest)])
  }

  package func noteSigned(at lsn: LSN) throws(StoreError) {
    requireTransaction()
    tables.noteSigned(at: lsn)
  }

  package func setCursor(_ consumer: LogConsumer, to lsn: LSN) throws(StoreError) {
    try tables.raw.run(
      "INSERT OR REPLACE INTO consumer (id, lsn) VALUES (?, ?)",
      [.code(consumer.rawValue), .unsigned(lsn.value)])
  }

  package func settle(_ event: OwedEvent) throws(StoreError) {
    try tables.raw.run(
      "DELETE FROM owed WHERE kind = ? AND record = ? AND event = ?",
      [
        .code(event.record.kind.rawValue), .record(event.record.id),
        .bytes16(event.event.raw.raw),
      ])
  }

  package func claim(_ key: UniqueKey, by record: RecordKey) throws(StoreError) {
    requireTransaction()
    try tables.index.claim(key, by: record)
  }

  package func refer(_ entry: EntryIdentity, to key: UniqueKey) throws(StoreError) {
    requireTransaction()
    try tables.index.refer(
      run: try tables.makeRunID(of: entry), sequence: entry.sequence.value, to: key)
  }

  package func setRegistry(_ revision: RegistryRevision, body: [UInt8]) throws(StoreError) {
    try tables.raw.run(
      "INSERT INTO registry (number, digest, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
      [.unsigned(revision.number), .digest(revision.digest), .blob(body)])
  }

  package func setWaiting(_ entry: WaitingEntry) throws(StoreError) {
    let header = entry.entry.header
    let run = try tables.makeRunID(of: header.identity)
    cache.note(header.identity.sequence, of: run)
    try tables.raw.run(
      """
      INSERT INTO waiting (run, sequence, kind, via, state, code, attempts, registry_number,
        registry_digest, digest, header, body_digest, body)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (run, sequence) DO UPDATE SET kind = excluded.kind, via = excluded.via,
        state = excluded.state, code = excluded.code, attempts = excluded.attempts,
        registry_number = excluded.registry_number, registry_digest = excluded.registry_digest,
        digest = excluded.digest, header = excluded.header, body_digest = excluded.body_digest,
        body = excluded.body
      """,
      [
        .integer(run), .unsigned(header.identity.sequence.value),
        .code(header.record?.kind.rawValue), .site(entry.via), .code(entry.state.rawValue),
        .code(entry.code.rawValue),
        .integer(Int64(entry.attempts)), .unsigned(header.registry.number),
        .digest(header.registry.digest), .digest(entry.entry.digest),
        .blob(entry.entry.headerBytes), entry.entry.storedBodyDigest, entry.entry.storedBody,
      ])
  }

  package func removeWaiting(_ identity: EntryIdentity) throws(StoreError) {
    guard let run = try tables.runID(of: identity) else { return }
    try tables.raw.run(
      "DELETE FROM waiting WHERE run = ? AND sequence = ?",
      [.integer(run), .unsigned(identity.sequence.value)])
  }

  package func setPeer(_ state: PeerState, of site: SiteID) throws(StoreError) {
    try tables.raw.run(
      """
      INSERT INTO peer (site, state) VALUES (?, ?)
      ON CONFLICT (site) DO UPDATE SET state = excluded.state
      """, [.site(site), .blob(.encoding { writer in state.encode(to: &writer) })])
    cache.keep(state, ofPeer: site)
  }

  package func addOutcome(_ outcome: Outcome, for peer: SiteID) throws(StoreError) -> UInt64 {
    let number = try tables.raw.first(
      """
      INSERT INTO outcome (peer, number, outcome)
      SELECT ?1, coalesce(max(number), 0) + 1, ?2 FROM outcome WHERE peer = ?1 RETURNING number
      """, [.site(peer), .blob(.encoding { writer in outcome.encode(to: &writer) })]
    ) { row throws(StoreError) in row.unsigned(0) }
    guard let number else { throw .corrupt("outcome for \(peer) vanished") }
    cache.keep(outcomesEnd: number, for: peer)
    return number
  }

  package func setRemoteOutcome(_ outcome: Outcome) throws(StoreError) {
    try tables.raw.run(
      """
      INSERT INTO remote_outcome (run, sequence, site, outcome) VALUES (?, ?, ?, ?)
      ON CONFLICT (run, sequence, site) DO UPDATE SET outcome = excluded.outcome
      """,
      [
        .integer(try tables.makeRunID(of: outcome.entry)), .unsigned(outcome.entry.sequence.value),
        .site(outcome.site), .blob(.encoding { writer in outcome.encode(to: &writer) }),
      ])
  }

  /// The body is read under its digest first: a rotten one is never forgotten in silence.
  ///
  /// `id = id`: so SQLite takes the row out and puts it back. A row that is only overwritten with
  /// a shorter one leaves the hole in its page, which no later row fills, since ids ascend; a row
  /// taken out lets a page that is two thirds empty be merged with its neighbours, and given back.
  package func dropBody(of identity: EntryIdentity) throws(StoreError) {
    guard let run = try tables.runID(of: identity), let entry = try entry(identity),
      entry.body != nil
    else { return }
    cache = WriterCache()
    try tables.connection.run(
      "UPDATE entry SET id = id, body = NULL, body_digest = ? WHERE run = ? AND sequence = ?",
      [
        .digest(entry.bodyDigest), .integer(run), .unsigned(identity.sequence.value),
      ])
  }

  package func keepFork(_ entry: Entry, via: SiteID?) throws(StoreError) {
    try tables.raw.run(
      """
      INSERT INTO fork (run, sequence, via, digest, header, body_digest, body)
      VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
      """,
      [
        .integer(try tables.makeRunID(of: entry.identity)),
        .unsigned(entry.identity.sequence.value), .site(via), .digest(entry.digest),
        .blob(entry.headerBytes), entry.storedBodyDigest, entry.storedBody,
      ])
  }
}

extension Entry {
  /// The digest of a body that has gone; one that is there says its own.
  var storedBodyDigest: SQLValue { body == nil ? .digest(bodyDigest) : .null }
  var storedBody: SQLValue { body.map { .blob($0) } ?? .null }
}

extension [UInt8] {
  /// The bytes that one value writes.
  fileprivate static func encoding(_ write: (inout ByteWriter) -> Void) -> [UInt8] {
    var writer = ByteWriter()
    write(&writer)
    return writer.bytes
  }
}
