import Replication

/// One line of one origin's entries, as the schema's `run` names it by a small number.
struct Run: Hashable {
  let origin: SiteID
  let incarnation: Incarnation
}

/// A connection with what reads and writes share: how rows become values, and small caches.
package final class SQLiteTables {
  /// Runs and registries kept decoded; a cache that outgrows its bound starts afresh.
  static let maximumCachedRuns = 16_384
  static let maximumCachedRegistries = 64

  /// For statements that touch neither entries nor rows of the log.
  let raw: SQLiteConnection
  /// Rows that the open transaction has added and that no statement has written yet.
  private var buffer = LogBuffer()
  private var verdicts = VerdictBuffer()
  let index: SQLiteKeyIndex
  let summaries: SQLiteSummaries
  private let hashing: any SHA256Hashing
  private var runsByID: [Int64: Run] = [:]
  private var idsByRun: [Run: Int64] = [:]
  /// The run that was asked for last: mostly it is asked for again.
  private var lastRun: (run: Run, id: Int64)?
  private var registries: [RegistryRevision: RegistrySnapshot] = [:]
  /// The registry that was asked for last.
  private var lastRegistry: (revision: RegistryRevision, snapshot: RegistrySnapshot)?

  init(
    _ connection: SQLiteConnection, hashing: any SHA256Hashing,
    indexMemory: KeyIndexMemory = .writer
  ) {
    raw = connection
    index = SQLiteKeyIndex(connection, memory: indexMemory)
    summaries = SQLiteSummaries(connection, index)
    self.hashing = hashing
  }

  /// The entry with this id, when no statement has written it yet. Any other is in the table: `raw`
  /// finds it.
  func waitingEntry(at id: UInt64) -> Entry? { buffer.entry(at: id) }

  /// The same by the number of its run.
  func waitingEntry(_ run: Int64, _ sequence: SequenceNumber) -> Entry? {
    buffer.entry(run, sequence.value)
  }

  func verdict(_ run: Int64, _ sequence: SequenceNumber) throws(StoreError) -> SignatureVerdict? {
    let stored = Int64(bitPattern: sequence.value)
    if let verdict = verdicts.verdict(run: run, sequence: stored) { return verdict }
    guard try stored <= lastSequenceWithVerdict(of: run) else { return nil }
    return try raw.first(
      """
      SELECT state, reason, verified_at, registry_number, registry_digest, details FROM verdict
      WHERE run = ? AND sequence = ?
      """, [.integer(run), .integer(stored)]
    ) { row throws(StoreError) in try row.verdict() }
  }

  private func lastSequenceWithVerdict(of run: Int64) throws(StoreError) -> Int64 {
    if let known = verdicts.lastSequence(of: run) { return known }
    let last = try raw.first(
      "SELECT sequence FROM verdict WHERE run = ? ORDER BY sequence DESC LIMIT 1", [.integer(run)]
    ) { row throws(StoreError) in row.integer(0) }
    verdicts.keepLast(last ?? .min, of: run)
    return last ?? .min
  }

  /// For statements that read more than one entry: what waits in memory is written first, so that
  /// all see it.
  var connection: SQLiteConnection {
    get throws(StoreError) {
      try writeRows()
      return raw
    }
  }

  private func writeRows() throws(StoreError) {
    guard !buffer.isEmpty else { return }
    try raw.write(buffer)
    buffer.removeAll()
  }

  private func writeVerdicts() throws(StoreError) {
    guard !verdicts.isEmpty else { return }
    try raw.write(verdicts)
    verdicts.removeWritten()
  }

  /// Adds a row to the log, with the entry when it is its first.
  /// - Parameter relogged: the entry's id when it has a row.
  func append(
    _ row: LogRow, entry: Entry?, author: Int64, relogOf relogged: Int64?
  ) throws(StoreError) {
    if let entry { buffer.add(entry, run: author, at: row.lsn) }
    buffer.add(row, author: author, relogOf: relogged)
    if buffer.isFull { try writeRows() }
  }

  /// The entry of the row at `lsn` may change what is found about signatures.
  func noteSigned(at lsn: LSN) { buffer.addSigned(lsn) }

  func set(
    _ verdict: SignatureVerdict, run: Int64, sequence: SequenceNumber
  ) throws(StoreError) {
    verdicts.add(verdict, run: run, sequence: Int64(bitPattern: sequence.value))
    if verdicts.isFull { try writeVerdicts() }
  }

  /// Forgets what a rolled-back transaction may have taught.
  func forgetCaches() {
    runsByID = [:]
    idsByRun = [:]
    lastRun = nil
    registries = [:]
    lastRegistry = nil
    buffer.removeAll()
    verdicts.forget()
    summaries.forget()
    index.rollback()
  }

  /// A reader's snapshot is open.
  func beginReading() {
    index.begin()
    verdicts.forget()
  }

  /// The transaction is open.
  func begin() throws(StoreError) {
    summaries.begin()
    try index.beginWriting()
  }

  /// Writes what stands in memory about the whole transaction, for whoever reads across records.
  /// A reader has nothing to write.
  func settle() throws(StoreError) {
    try writeRows()
    try writeVerdicts()
    try summaries.settle()
  }

  /// nil when the store has not seen the run.
  func runID(_ run: Run) throws(StoreError) -> Int64? {
    if let lastRun, lastRun.run == run { return lastRun.id }
    if let id = idsByRun[run] {
      lastRun = (run, id)
      return id
    }
    let id = try raw.first(
      "SELECT id FROM run WHERE origin = ? AND incarnation = ?",
      [.site(run.origin), .bytes16(run.incarnation.raw)]
    ) { row throws(StoreError) in row.integer(0) }
    if let id { remember(run, id) }
    return id
  }

  func runID(of identity: EntryIdentity) throws(StoreError) -> Int64? {
    try runID(Run(origin: identity.origin, incarnation: identity.incarnation))
  }

  func run(_ id: Int64) throws(StoreError) -> Run {
    if let run = runsByID[id] { return run }
    let found = try raw.first(
      "SELECT origin, incarnation FROM run WHERE id = ?",
      [
        .integer(id)
      ]
    ) { row throws(StoreError) in try Self.run(row, 0) }
    guard let found else { throw .corrupt("run \(id) is missing") }
    remember(found, id)
    return found
  }

  /// The id of the run, which is made when it is new.
  func makeRunID(of identity: EntryIdentity) throws(StoreError) -> Int64 {
    try makeRunID(Run(origin: identity.origin, incarnation: identity.incarnation))
  }

  func makeRunID(_ run: Run) throws(StoreError) -> Int64 {
    if let id = try runID(run) { return id }
    try raw.run(
      "INSERT INTO run (origin, incarnation) VALUES (?, ?)",
      [.site(run.origin), .bytes16(run.incarnation.raw)])
    guard let id = try runID(run) else { throw .corrupt("run of \(run.origin) vanished") }
    return id
  }

  static func run(_ row: SQLiteRow, _ column: Int32) throws(StoreError) -> Run {
    guard let origin = try row.site(column) else { throw row.corrupt("origin", column) }
    return Run(origin: origin, incarnation: Incarnation(try row.bytes16(column + 1)))
  }

  func identity(_ runID: Int64, _ sequence: UInt64) throws(StoreError) -> EntryIdentity {
    let run = try run(runID)
    return EntryIdentity(
      origin: run.origin, incarnation: run.incarnation, sequence: SequenceNumber(sequence))
  }

  /// The entry in the columns header, body, body_digest, digest from `column` on. Its digest is
  /// computed; what does not match the stored one is never served.
  func entry(_ row: SQLiteRow, _ column: Int32) throws(StoreError) -> Entry {
    let header = row.bytes(column)
    let stored = try row.digest(column + 3)
    let bodyDigest = row.isNull(column + 1) ? try row.digest(column + 2) : nil
    let entry: Entry
    do {
      entry =
        if let bodyDigest {
          try Entry(headerBytes: header, bodyDigest: bodyDigest, hashing: hashing)
        } else {
          try Entry(headerBytes: header, body: row.bytes(column + 1), hashing: hashing)
        }
    } catch {
      throw .rotten(stored)
    }
    guard entry.digest == stored else { throw .rotten(stored) }
    return entry
  }

  /// A stub with the body that is here, when it is the one the stub names; else as it came.
  func withBody(_ body: [UInt8], _ entry: Entry) -> Entry {
    guard entry.body == nil,
      let whole = try? Entry(headerBytes: entry.headerBytes, body: body, hashing: hashing),
      whole.digest == entry.digest
    else { return entry }
    return whole
  }

  func registry(_ revision: RegistryRevision) throws(StoreError) -> RegistrySnapshot? {
    if let lastRegistry, lastRegistry.revision == revision { return lastRegistry.snapshot }
    if let known = registries[revision] {
      lastRegistry = (revision, known)
      return known
    }
    let snapshot = try raw.first(
      "SELECT body FROM registry WHERE number = ? AND digest = ?",
      [.unsigned(revision.number), .digest(revision.digest)]
    ) { row throws(StoreError) in try decodeRegistry(revision: revision, body: row.bytes(0)) }
    if registries.count >= Self.maximumCachedRegistries { registries = [:] }
    if let snapshot { registries[revision] = snapshot }
    return snapshot
  }

  private func remember(_ run: Run, _ id: Int64) {
    if runsByID.count >= Self.maximumCachedRuns {
      runsByID = [:]
      idsByRun = [:]
    }
    runsByID[id] = run
    idsByRun[run] = id
  }
}
