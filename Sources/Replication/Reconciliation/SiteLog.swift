/// The site's own log while a transaction is open: gives identities and positions, keeps the
/// running head, and opens the incarnation (laws 1, 5, 6). A value: the shell keeps the copy from
/// before the transaction and takes it back when the transaction does not commit.
package struct SiteLog: Sendable {
  package private(set) var state: SiteState
  /// Rows of a transaction that are kept for whoever sends them on, and header and body bytes of
  /// their entries: those of a site that catches up are within both, so that its receipts go out
  /// without being read back. Who reads behind a larger one reads from the store.
  package static let keptRowCount = 4_096
  package static let keptByteCount = 2 << 20

  /// What this transaction has appended, in order; empty when it was more than is kept.
  package private(set) var appended = AppendedRows()
  private var isTooMuch = false
  /// The incarnation this start drew, until its genesis is written before the first row.
  private var unopened: Incarnation?
  private let hashing: any SHA256Hashing
  private let now: WallTime

  /// - Parameter unopened: this start's incarnation while it has written nothing, else nil.
  package init(
    state: SiteState, unopened: Incarnation?, hashing: any SHA256Hashing, now: WallTime
  ) {
    self.state = state
    self.unopened = unopened
    self.hashing = hashing
    self.now = now
  }

  package var isOpened: Bool { unopened == nil }

  /// The incarnation under which the next entry is written.
  var life: Incarnation { unopened ?? state.end.incarnation }

  /// Saves what changed; the last write of a transaction.
  package func finish(in store: inout some StoreTransaction) throws(StoreError) {
    try store.setSiteState(state)
  }

  /// Notes what an entry says of causality and time, and of numbers when it is this life's own.
  private mutating func take(_ header: EntryHeader) {
    state.greatestDepth = max(state.greatestDepth, header.depth)
    // Incarnations are public: only the origin makes an entry ours.
    let isOwn =
      header.identity.origin == state.site
      && header.identity.incarnation == state.end.incarnation
    guard isOwn else {
      state.clock = state.clock.seeing(header.time, now: now)
      return
    }
    state.clock = header.time
    state.lastSequence = header.identity.sequence
  }

  mutating func lock(_ reason: LockReason, unconfirmed: [SiteID]) {
    state.lock = state.lock ?? reason
    state.unconfirmed = Array(Set(state.unconfirmed + unconfirmed)).sorted()
  }

  /// Recovers from `peer` without a lock: there is no proof, or it was answered for.
  mutating func recover(from peer: SiteID) {
    guard !state.unconfirmed.contains(peer) else { return }
    state.unconfirmed = (state.unconfirmed + [peer]).sorted()
  }

  mutating func confirm(_ peer: SiteID) {
    state.unconfirmed.removeAll { $0 == peer }
    if state.unconfirmed.isEmpty { unlock() }
  }

  mutating func unlock() { state.lock = nil }

  mutating func use(_ registry: RegistryRevision) { state.registry = registry }

  /// The next entry of this site, not yet in its log: only ``append(_:recipients:via:isNew:in:)``
  /// takes its sequence number, time and depth, so a draft that is refused leaves no gap.
  mutating func draft(
    _ operation: Operation, record: RecordKey?, subject: Subject, parents: [Digest], lane: Lane,
    secrecy: SecrecyLevel, audience: [SiteID], body: [UInt8],
    in store: inout some StoreTransaction
  ) throws(StoreError) -> Entry {
    try open(in: &store)
    let header = EntryHeader(
      identity: EntryIdentity(
        origin: state.site, incarnation: state.end.incarnation, sequence: state.lastSequence.next),
      time: state.clock.next(now: now), operation: operation, record: record, subject: subject,
      parents: parents, depth: state.greatestDepth.next, registry: state.registry, lane: lane,
      secrecy: secrecy, audience: audience)
    return Entry(authoring: header, body: body, hashing: hashing)
  }

  /// The next row. `isNew` is false for a relog: the entry has a row already.
  mutating func append(
    _ entry: Entry, recipients: Recipients, via: SiteID?, isNew: Bool,
    in store: inout some StoreTransaction
  ) throws(StoreError) {
    try open(in: &store)
    try appendRow(entry, recipients: recipients, via: via, isNew: isNew, in: &store)
  }

  private mutating func appendRow(
    _ entry: Entry, recipients: Recipients, via: SiteID?, isNew: Bool,
    in store: inout some StoreTransaction
  ) throws(StoreError) {
    var link = ByteWriter(reserving: 64)
    link.write(state.end.head.raw)
    link.write(entry.digest.raw)
    let row = LogRow(
      lsn: state.end.lsn.next, incarnation: state.end.incarnation,
      head: hashing.digest(link.bytes), entry: entry.identity,
      digest: entry.digest, lane: entry.header.lane, recipients: recipients, via: via)
    try store.append(row, entry: isNew ? entry : nil)
    keep(AppendedRow(row: row, entry: entry))
    if isNew { take(entry.header) }
    state.end = LogEnd(lsn: row.lsn, incarnation: row.incarnation, head: row.head)
  }

  private mutating func keep(_ row: consuming AppendedRow) {
    guard !isTooMuch else { return }
    appended.append(row)
    isTooMuch =
      appended.rows.count > Self.keptRowCount || appended.byteCount > Self.keptByteCount
    if isTooMuch { appended = AppendedRows() }
  }

  /// Writes the genesis before the first row after a start, in the same transaction. It names its
  /// parent, so a rolled-back or cloned log shows itself to whoever sees two children (law 5).
  private mutating func open(in store: inout some StoreTransaction) throws(StoreError) {
    guard let incarnation = unopened else { return }
    unopened = nil
    let parent = Genesis(parent: state.end, sequence: state.lastSequence)
    state.end = LogEnd(lsn: state.end.lsn, incarnation: incarnation, head: state.end.head)
    let genesis = try draft(
      .genesis, record: nil, subject: .none, parents: [], lane: .urgent, secrecy: .none,
      audience: [], body: parent.body, in: &store)
    try appendRow(genesis, recipients: .everyone, via: nil, isNew: true, in: &store)
    if parent.incarnation != Checkpoint.start.incarnation {
      try store.refer(
        genesis.identity, to: Genesis.childrenKey(of: parent.incarnation, at: state.site))
    }
  }
}

/// What a genesis says: the last row and entry of the log this life goes on from.
package struct Genesis: Hashable, Sendable {
  package let incarnation: Incarnation
  package let sequence: SequenceNumber
  package let lsn: LSN
  package let head: Digest

  package init(parent end: LogEnd, sequence: SequenceNumber) {
    incarnation = end.incarnation
    self.sequence = sequence
    lsn = end.lsn
    head = end.head
  }

  /// - Returns: nil when the body is not a genesis.
  package init?(body: [UInt8]) {
    guard let object = try? JSONValue.parseCanonical(body).object,
      let parent = object["parent"]?.object,
      let incarnation = parent["incarnation"]?.text.flatMap({ hexBytes($0.string) })
        .flatMap({ Bytes16($0) }),
      let sequence = parent["sequence"]?.integer, sequence >= 0,
      let lsn = parent["lsn"]?.integer, lsn >= 0,
      let head = parent["head"]?.text.flatMap({ hexBytes($0.string) }).flatMap({ Bytes32($0) })
    else { return nil }
    self.incarnation = Incarnation(incarnation)
    self.sequence = SequenceNumber(UInt64(sequence))
    self.lsn = LSN(UInt64(lsn))
    self.head = Digest(head)
  }

  package var body: [UInt8] {
    JSONValue.object([
      "parent": .object([
        "head": .string(Text(head.description)),
        "incarnation": .string(Text(incarnation.description)),
        "lsn": .integer(Int64(clamping: lsn.value)),
        "sequence": .integer(Int64(clamping: sequence.value)),
      ])
    ]).canonicalBytes
  }

  /// Genesis entries refer to their parent's incarnation under this name: two are proof of a
  /// roll-back or a clone.
  package static func childrenKey(of incarnation: Incarnation, at site: SiteID) -> UniqueKey {
    UniqueKey("genesis:") {
      $0.write(incarnation.raw)
      $0.write(name: site)
    }
  }

  /// Under this name stand the lives, of any site, whose genesis proves a roll-back or a clone.
  package static let rollbacksKey = UniqueKey("rollbacks") { _ in }
  /// No more are kept: each is a fault of an operator or of a machine.
  package static let maximumRollbackCount = 256
}
