import Cryptography
import Replication
import Storage

/// Names a request of the admin API while it is under way.
struct RequestID: Hashable, Sendable {
  let value: UInt64
}

/// What the writer is asked to do, in the order asked.
enum WriterJob: SessionJob, Sendable {
  case submit(RequestID, Submission)
  case decide(RequestID, ConflictDecision)
  case editRegistry(RequestID?, RegistryEdit)
  case rejoin(RequestID, without: [SiteID])
  /// `isRelease`: by a person's word, whatever barred it.
  case retry(RequestID, EntryIdentity, isRelease: Bool)
  case keepVerdicts(VerdictBatch)
  case setFiles([FileChange])
  /// The bytes of an entry that are damaged here, from a peer, under its digest.
  case repair(Entry)
  /// An application brought this file; it is durable.
  case fileCame(RequestID, StoredUpload)
  /// Remove those that no living record names.
  case collectFiles([Digest], FileAge)
  /// Drop superseded bodies of these records, at most `Compactor.bodyCount`.
  case compact([RecordKey], supersededBefore: WallTime)
  /// Read after every write of an earlier session of the same peer.
  case openLink(SessionNumber, peer: SiteID)
  /// `read`: of the entries it brings, by ``BodyReader``.
  case change(SessionNumber, peer: SiteID, LinkWrite, read: [EntryReading] = [])

  /// The session it is of, if any.
  var session: SessionNumber? {
    switch self {
    case .openLink(let session, _), .change(let session, _, _, _): session
    case .submit, .decide, .editRegistry, .rejoin, .retry, .keepVerdicts, .fileCame,
      .collectFiles, .setFiles, .repair, .compact:
      nil
    }
  }

  /// The peer of that session.
  var peer: SiteID? {
    switch self {
    case .openLink(_, let peer), .change(_, let peer, _, _): peer
    default: nil
    }
  }

  var opensLink: Bool { if case .openLink = self { true } else { false } }

  /// Whether it may change which files are here, or what is noted of them.
  var movesFiles: Bool {
    switch self {
    case .setFiles, .fileCame, .collectFiles: true
    default: false
    }
  }

  var isRepair: Bool { if case .repair = self { true } else { false } }

  /// Entries it brings, for the bound of a group; at least 1.
  var entryCount: Int {
    if case .compact = self { return Compactor.bodyCount }
    return max(entries.count, 1)
  }

  /// Bytes of what it brings, for the bound of a group.
  var byteCount: Int {
    switch self {
    case .submit(_, let submission): submission.body.count
    case .repair(let entry): entry.byteCount
    default: entries.reduce(0) { $0 + $1.byteCount }
    }
  }

  /// Jobs that fit into one transaction: at least one, entries and their bytes within the bounds.
  static func groupLength(
    _ jobs: some Collection<WriterJob>, entryCount: Int, byteCount: Int
  ) -> Int {
    var (entryRoom, byteRoom) = (entryCount, byteCount)
    for (index, job) in jobs.enumerated() {
      entryRoom -= job.entryCount
      byteRoom -= job.byteCount
      if index > 0, entryRoom < 0 || byteRoom < 0 { return index }
    }
    return jobs.count
  }

  /// What it brings from a peer.
  var entries: [Entry] {
    guard case .change(_, _, let write, _) = self,
      case .take(_, _, let entries, _, _) = write.change
    else { return [] }
    return entries
  }
}

/// What the owner asks for to end a conflict.
struct ConflictDecision: Sendable {
  let record: RecordKey
  let keep: Keep
  let reason: Text?
}

/// The next revision of the registry.
enum RegistryEdit: Sendable {
  /// Revision 1, written once: the centre itself and what its seed file lists.
  case bootstrap(seed: JSONObject)
  /// Added, or replaced where it stands.
  case addSite(RegistrySnapshot.Site)
  /// A part of the registry's body, replaced whole.
  case replace(RegistryPart, JSONValue)
}

/// What a session starts from, as committed.
struct LinkOpening: Sendable {
  let peerState: PeerState
  let site: SiteState
  let outcomesEnd: UInt64
}

/// Answer to a job, sent after its group is committed.
enum WriterReply: Sendable {
  /// `pendingFileCount`: of the files that the entry names, those whose content is not here.
  case submitted(RequestID, Result<Authored, EditRefusal>, pendingFileCount: Int)
  case registryEdited(RequestID?, Result<RegistryRevision, EditRefusal>)
  case rejoined(RequestID, unconfirmed: [SiteID])
  case retried(RequestID, Reconciled?)
  case verdictsKept
  case filesSet([FileChange])
  /// false: the entry has no row here.
  case repaired(Digest, Bool)
  case fileCame(RequestID, StoredUpload, isNamed: Bool)
  case filesCollected([Digest], FileStoreError?)
  case compacted(CompactionTally)
  case linkOpened(SessionNumber, LinkOpening)
  case committed(SessionNumber, Ticket, CommitReport)
}

/// Why a write, a decision or a new registry revision was not made.
enum EditRefusal: Error, Sendable {
  case authoring(AuthoringRefusal)
  case decision(DecisionRefusal)
  case malformed(RecordError)
  case notCentre(SiteID)
  case signing(CryptographyError)
  case fileSize(FileSizeMismatch)
  case file(FileStoreError)
}

/// What everyone may want to know of a commit.
struct CommitNews: Sendable {
  /// The end of the log, sealed: what sessions quote.
  let logEnd: Checkpoint
  let state: SiteState
  /// Number of the last outcome for each peer that got one in this group.
  let outcomesEnd: [SiteID: UInt64]
  let alarms: [Alarm]
  var tally: GroupTally
  /// Entries of the group name files: their content is to be looked for.
  let namesFiles: Bool
  /// Signatures of its entries are to be verified, whether or not they are among `signed`.
  var hasSigned = false
  /// Superseded bodies have gone: what was read before has more than the store.
  var hasDroppedBodies = false
  /// The registry in use, when this group changed it.
  let registry: RegistrySnapshot?
  /// What the group appended, unless it was much (`SiteLog.keptRowCount`, `keptByteCount`).
  var rows = AppendedRows()
  /// Records whose signatures are to be looked at, in the order they were noted.
  var signed: [SignedRecord] = []
}

/// Counts of one group, for metrics.
struct GroupTally: Sendable {
  var entryCount = 0
  var jobCount = 0
  var commitSeconds = 0.0
  var refused: [OutcomeCode: Int] = [:]
  /// Peers that sent what is above the ceiling: their check at send let it through.
  var secretsFrom: Set<SiteID> = []
  /// Files that the entries written here name.
  var namedFiles: Set<Digest> = []

  mutating func note(_ result: Reconciled, from peer: SiteID) {
    entryCount += 1
    if result.code == .secrecy { secretsFrom.insert(peer) }
    if result.state == .refused { refused[result.code, default: 0] += 1 }
  }
}
