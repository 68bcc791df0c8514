/// The store a site keeps its log and its views in, as the pure core sees it. `Storage` fulfils it
/// with SQLite and in memory; one contract suite holds every implementation to these comments.
/// No SQL, file or thread shows here, so that PostgreSQL can follow.

/// The environment failed. The writer ends its process on it: a failed commit is an unknown
/// outcome.
package enum StoreError: Error, Hashable, Sendable {
  /// No room left: nothing was written.
  case full
  /// What the store answered, with its own code.
  case failed(operation: String, code: Int32, message: String)
  /// Stored bytes that do not decode or do not match their digest; never served.
  case corrupt(String)
  /// The stored bytes of the entry with this digest are not those it names: never served, repaired
  /// from a peer by ``StoreTransaction/repair(_:)``.
  case rotten(Digest)
  /// A reader used up its time box; the caller may ask for less.
  case tookTooLong

  package var hint: String {
    switch self {
    case .full: "free disk space or enlarge the volume; nothing was lost"
    case .failed: "check the disk and the kernel log, then start the daemon again"
    case .corrupt: "stop the daemon and restore the newest backup; peers return what is missing"
    case .rotten: "nothing: the entry is fetched again from a peer; check the disk"
    case .tookTooLong: "ask for a smaller page"
    }
  }
}

/// What is kept of a record beside its entries: enough to route and to refuse without a fold. One
/// immutable object for all copies: a summary is handed on some forty times while an entry is
/// placed, and three of its fields are counted references.
package struct RecordSummary: Sendable {
  /// What a summary says.
  package struct Fields: Hashable, Sendable {
    /// Origin of the first put held here; nil while only events of it are.
    package var owner: SiteID?
    /// nil until the first put fixes it.
    package var lane: Lane?
    /// Sites entitled to the record as a whole, beside owner and centre (law 4).
    package var audience = Recipients.none
    package var greatestRevision = Revision(0)
    /// Why the owner must decide; empty when there is no conflict.
    package var conflicts: [OutcomeCode] = []
    /// What the record as a whole waits for; empty when it waits for nothing.
    package var holds: [OutcomeCode] = []
    /// Entries of the record that wait for its put.
    package var heldCount: UInt32 = 0
  }

  private final class Content: Sendable {
    let fields: Fields
    init(_ fields: Fields) { self.fields = fields }
    static let empty = Content(Fields())
  }

  private var content: Content

  package init() { content = .empty }
  package init(_ fields: Fields) { content = Content(fields) }

  package var fields: Fields { content.fields }

  /// Changes any number of fields at once.
  package mutating func change(_ body: (inout Fields) -> Void) {
    var fields = content.fields
    body(&fields)
    content = Content(fields)
  }
}

/// The fields, each by itself: `RecordSummary.Fields` says what they are.
extension RecordSummary {
  package var owner: SiteID? {
    get { content.fields.owner }
    set { change { $0.owner = newValue } }
  }
  package var lane: Lane? {
    get { content.fields.lane }
    set { change { $0.lane = newValue } }
  }
  package var audience: Recipients {
    get { content.fields.audience }
    set { change { $0.audience = newValue } }
  }
  package var greatestRevision: Revision {
    get { content.fields.greatestRevision }
    set { change { $0.greatestRevision = newValue } }
  }
  package var conflicts: [OutcomeCode] {
    get { content.fields.conflicts }
    set { change { $0.conflicts = newValue } }
  }
  package var holds: [OutcomeCode] {
    get { content.fields.holds }
    set { change { $0.holds = newValue } }
  }
  package var heldCount: UInt32 {
    get { content.fields.heldCount }
    set { change { $0.heldCount = newValue } }
  }
}

extension RecordSummary: Hashable {
  package static func == (left: Self, right: Self) -> Bool {
    left.content === right.content || left.content.fields == right.content.fields
  }
  package func hash(into hasher: inout Hasher) { hasher.combine(content.fields) }
}

/// A name by which a record claims something or is referred to: bytes, compared bytewise.
package struct UniqueKey: Hashable, Comparable, Sendable {
  package static let maximumByteCount = 512
  package let bytes: [UInt8]
  package init(_ bytes: [UInt8]) { self.bytes = bytes }
  package static func < (left: Self, right: Self) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }
}

/// An entry without a row: held for its registry revision, or quarantined.
package struct WaitingEntry: Hashable, Sendable {
  package let entry: Entry
  package let via: SiteID?
  package let state: OutcomeState
  package let code: OutcomeCode
  package var attempts: UInt32

  package init(
    entry: Entry, via: SiteID?, state: OutcomeState, code: OutcomeCode, attempts: UInt32
  ) {
    self.entry = entry
    self.via = via
    self.state = state
    self.code = code
    self.attempts = attempts
  }
}

/// Work that follows this site's own log behind the writer, by a cursor of its own: what is not
/// done when the power goes is done after it comes back. Raw values are on disk.
package enum LogConsumer: UInt8, Hashable, Sendable, CaseIterable {
  /// Verifies signatures.
  case verifier = 1
}

/// Where a file that records name stands at this site. Raw values are on disk.
package enum FileState: UInt8, Hashable, Sendable {
  /// Named, its content not here yet, or rotten: to be fetched from a peer.
  case pending = 1
  case here = 2
}

/// Reads in one consistent state of the store; inside a transaction it sees the earlier writes.
package protocol RecordView {
  func siteState() throws(StoreError) -> SiteState
  func summary(of record: RecordKey) throws(StoreError) -> RecordSummary?
  /// Every entry of the record that has a row here, each once, in log order: all of them, for two
  /// sites received them in different orders, and what is left out of a fold must not depend on it.
  /// Their number is bounded where they are written, see `entriesOfFullRecord`.
  func entries(of record: RecordKey) throws(StoreError) -> [Entry]
  /// Those of them that have this subject, in log order: asked of every event that comes, whatever
  /// the record's size.
  func entries(of record: RecordKey, about subject: Subject) throws(StoreError) -> [Entry]
  /// Whether an entry with this digest has a row in the record.
  func isEntry(_ digest: Digest, of record: RecordKey) throws(StoreError) -> Bool
  /// The record of the entry with this identity, row or waiting; nil when it is of none, or unknown
  /// here.
  func record(of identity: EntryIdentity) throws(StoreError) -> RecordKey?
  /// The entry with this identity, row or waiting; nil when unknown here.
  func entry(_ identity: EntryIdentity) throws(StoreError) -> Entry?
  /// The digest under this identity, row or waiting; cheap, for duplicates and forks.
  func digest(of identity: EntryIdentity) throws(StoreError) -> Digest?
  /// The entry with this digest that has a row; for parents in other records.
  func entry(digest: Digest) throws(StoreError) -> Entry?
  /// Whom the rows of this entry are for, together; nil when it has no row.
  func recipients(of identity: EntryIdentity) throws(StoreError) -> Recipients?
  /// Records that claim the key, ascending.
  func claimants(of key: UniqueKey) throws(StoreError) -> [RecordKey]
  /// Entries that refer to the name, ascending by identity.
  func referrers(of key: UniqueKey) throws(StoreError) -> [EntryIdentity]
  /// The signed registry of this revision; nil when it is not here.
  func registry(_ revision: RegistryRevision) throws(StoreError) -> RegistrySnapshot?
  func waiting(_ identity: EntryIdentity) throws(StoreError) -> WaitingEntry?
  /// Entries that wait for this registry revision, in order of arrival, at most `limit`.
  func waiting(forRegistry revision: RegistryRevision, limit: Int) throws(StoreError)
    -> [EntryIdentity]
  /// Events this site owes since it was locked, ascending by record and event id, at most `limit`.
  func owed(limit: Int) throws(StoreError) -> [OwedEvent]
  /// What this site found about a signature; nil: not verified yet.
  func verdict(of signature: EntryIdentity) throws(StoreError) -> SignatureVerdict?
  /// Whether the content of a file is here; nil when no record names it.
  func fileState(of digest: Digest) throws(StoreError) -> FileState?
  /// Files whose content is not here, ascending by digest, after `after`, at most `limit`.
  func pendingFiles(after: Digest?, limit: Int) throws(StoreError) -> [FileReference]
  /// Files whose content is here, in the same way.
  func storedFiles(after: Digest?, limit: Int) throws(StoreError) -> [FileReference]
  /// How far a reader of this site's own log has come; the start when it has not begun.
  func cursor(of consumer: LogConsumer) throws(StoreError) -> LSN
  /// Records of the entries noted by ``StoreTransaction/noteSigned(at:)`` after `lsn`, of at most
  /// `limit` of them, in order, each record once.
  func signedRecords(after lsn: LSN, limit: Int) throws(StoreError) -> SignedRecords
  func peer(_ site: SiteID) throws(StoreError) -> PeerState
  func peers() throws(StoreError) -> [SiteID]
}

/// Reads of the log as a stream.
package protocol LogReader {
  func logEnd() throws(StoreError) -> LogEnd
  /// The row at `lsn`; nil when the log does not reach so far.
  func row(at lsn: LSN) throws(StoreError) -> LogRow?
  /// The last row that this incarnation of this site wrote; nil when it wrote none here.
  func lastRow(of incarnation: Incarnation) throws(StoreError) -> LSN?
  /// Rows of `lane` after `lsn` that `selection` wants, scanning at most `limits.scannedRows` rows.
  func rows(
    after lsn: LSN, lane: Lane, selection: RowSelection, limits: RowLimits
  ) throws(StoreError) -> RowBatch
  /// The outcomes this site has for `peer`, numbered after `number`, at most `limit`, in order.
  func outcomes(for peer: SiteID, after number: UInt64, limit: Int) throws(StoreError)
    -> [NumberedOutcome]
  /// Number of this site's last outcome for `peer`; 0 without any.
  func outcomesEnd(for peer: SiteID) throws(StoreError) -> UInt64
}

/// Which rows a link carries (design.md section 4): rows for the peer, never back to where an entry
/// came from nor to its origin, unless the peer is recovering on this link. What a third site gave
/// back goes to its origin too: who kept it knows more than the origin may.
package struct RowSelection: Hashable, Sendable {
  package let peer: SiteID
  /// The centre is entitled to every row.
  package let peerIsCentre: Bool
  package let peerIsRecovering: Bool
  package init(peer: SiteID, peerIsCentre: Bool, peerIsRecovering: Bool) {
    self.peer = peer
    self.peerIsCentre = peerIsCentre
    self.peerIsRecovering = peerIsRecovering
  }

  /// Whether a row goes over the link. `recipients` are the row's, `origin` is its entry's, and
  /// `via` is the peer the row came from; nil when it was written here.
  package func wants(recipients: Recipients, origin: SiteID, via: SiteID?) -> Bool {
    let isKnownThere = via == peer || (origin == peer && via == nil)
    if !peerIsRecovering && isKnownThere { return false }
    return peerIsCentre || origin == peer || recipients.contains(peer)
  }
}

/// Records whose signatures are to be looked at.
package struct SignedRecords: Hashable, Sendable {
  package let records: [RecordKey]
  /// Of each, where it was noted last.
  package let noted: [LSN]
  /// Everything up to here was looked for: the end of the log when the limit was not reached.
  package let end: LSN
  /// Whether the limit was reached.
  package let isWhole: Bool

  /// - Parameters:
  ///   - found: as they were noted, ascending.
  ///   - end: of the log.
  package init(_ found: [(record: RecordKey, lsn: LSN)], after lsn: LSN, limit: Int, end: LSN) {
    var places: [RecordKey: Int] = [:]
    var records: [RecordKey] = []
    var noted: [LSN] = []
    for (record, lsn) in found {
      if let place = places[record] {
        noted[place] = lsn
      } else {
        places[record] = records.count
        records.append(record)
        noted.append(lsn)
      }
    }
    self.records = records
    self.noted = noted
    isWhole = found.count == limit
    let last = if isWhole, let last = found.last { last.lsn } else { end }
    self.end = max(last, lsn)
  }
}

/// Bounds of one read of the log.
package struct RowLimits: Hashable, Sendable {
  package let entries: Int
  /// Header and body bytes together; at least one entry is returned whatever its size.
  package let bytes: Int
  package let scannedRows: Int
  package init(entries: Int, bytes: Int, scannedRows: Int) {
    self.entries = entries
    self.bytes = bytes
    self.scannedRows = scannedRows
  }
}

/// Entries of (after, last] in one lane; possibly none, which is progress all the same.
package struct RowBatch: Hashable, Sendable {
  package let after: LSN
  /// The last row scanned, of any lane; equal to `after` when the log holds nothing more.
  package let last: LogEnd
  package let entries: [Entry]
  package init(after: LSN, last: LogEnd, entries: [Entry]) {
    self.after = after
    self.last = last
    self.entries = entries
  }
}

/// An outcome at its place in the list for one peer. Numbers start at 1 and have no gaps; HELLO and
/// ACK quote the last one taken.
package struct NumberedOutcome: Hashable, Sendable {
  package let number: UInt64
  package let outcome: Outcome
  package init(number: UInt64, outcome: Outcome) {
    self.number = number
    self.outcome = outcome
  }
}

/// Writes of one transaction, all or nothing, synced when the shell's commit returns. Reads see
/// them.
package protocol StoreTransaction: RecordView, LogReader {
  mutating func setSiteState(_ state: SiteState) throws(StoreError)
  /// A row at `row.lsn`, one above the last. `entry` is nil when the entry has a row already.
  mutating func append(_ row: LogRow, entry: Entry?) throws(StoreError)
  /// The entry whose first row is at `lsn` may change what is found about the signatures of its
  /// record.
  mutating func noteSigned(at lsn: LSN) throws(StoreError)
  mutating func setSummary(_ summary: RecordSummary, of record: RecordKey) throws(StoreError)
  mutating func claim(_ key: UniqueKey, by record: RecordKey) throws(StoreError)
  mutating func refer(_ entry: EntryIdentity, to key: UniqueKey) throws(StoreError)
  mutating func setRegistry(_ revision: RegistryRevision, body: [UInt8]) throws(StoreError)
  /// Replaces what waits under the same identity.
  mutating func setWaiting(_ entry: WaitingEntry) throws(StoreError)
  mutating func removeWaiting(_ identity: EntryIdentity) throws(StoreError)
  /// Keeps an event to be written when the site is unlocked; once, however often it is owed.
  mutating func owe(_ event: OwedEvent) throws(StoreError)
  /// The owed event has been written.
  mutating func settle(_ event: OwedEvent) throws(StoreError)
  /// Replaces an older verdict.
  mutating func setVerdict(
    _ verdict: SignatureVerdict, of signature: EntryIdentity) throws(StoreError)
  /// A record names the file: pending, unless it is known already. The first size stands; a file
  /// that has another is refused when it comes.
  mutating func name(_ file: FileReference) throws(StoreError)
  /// The content came, or went.
  mutating func setFileState(_ state: FileState, of digest: Digest) throws(StoreError)
  /// No living record names the file and its content is gone; naming it again begins anew.
  mutating func forgetFile(_ digest: Digest) throws(StoreError)
  mutating func setCursor(_ consumer: LogConsumer, to lsn: LSN) throws(StoreError)
  mutating func setPeer(_ state: PeerState, of site: SiteID) throws(StoreError)
  /// Adds to the numbered list for `peer`; returns its number, one above the last.
  mutating func addOutcome(_ outcome: Outcome, for peer: SiteID) throws(StoreError) -> UInt64
  /// Keeps what another site did with an entry; replaces an older word of the same site.
  mutating func setRemoteOutcome(_ outcome: Outcome) throws(StoreError)
  /// Turns superseded bodies of the record into stubs (law 2); their rows stay.
  mutating func dropBody(of identity: EntryIdentity) throws(StoreError)
  /// Puts the bytes of an entry back whose copy here has changed. An entry that a peer keeps as a
  /// stub gets the body that is here, when that is intact; one that is a stub here gets its body.
  /// - Returns: false when no entry with a row has this digest and identity; nothing is changed.
  mutating func repair(_ entry: Entry) throws(StoreError) -> Bool
  /// Two entries under one identity: the second, kept in the open.
  mutating func keepFork(_ entry: Entry, via: SiteID?) throws(StoreError)
}

/// A site adds nothing to a record in which it sees this many entries. Sites that do not hear of
/// each other can so bring at most this many each, and a fold takes all of them.
package let entriesOfFullRecord = 10_000
