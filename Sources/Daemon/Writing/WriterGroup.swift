import Cryptography
import Replication
import Storage

/// One transaction's worth of jobs: performs them in order and keeps the answers until the commit.
struct WriterGroup {
  private let context: WriterContext
  private var reconciler: Reconciler
  private let registryBefore: RegistryRevision
  private let wasLocked: Bool
  private var replies: [PendingReply] = []
  private var peersTouched: Set<SiteID> = []
  private var tally = GroupTally()
  private var hasDroppedBodies = false
  /// Files that are here and that an entry of this group names with their true size: looked for and
  /// noted already. Forgotten with whatever may change that.
  private var filesSeen: [Digest: UInt64] = [:]

  /// A reply whose content may depend on the end of the group.
  private enum PendingReply {
    case ready(WriterReply)
    case committed(SessionNumber, peer: SiteID, Ticket)
  }

  init(context: WriterContext, state: SiteState, unopened: Incarnation?, now: WallTime) {
    self.context = context
    registryBefore = state.registry
    wasLocked = state.lock != nil
    let log = SiteLog(state: state, unopened: unopened, hashing: context.hashing, now: now)
    reconciler = Reconciler(
      site: context.site, centre: context.centre, configuredPins: context.configuredPins, log: log,
      hashing: context.hashing, signatures: ECDSAChecker(), attempts: context.attempts,
      ingestCeiling: SecrecyChecks.ingest)
  }

  /// Whether the genesis of this start is in the transaction or before it.
  var isOpened: Bool { reconciler.log.isOpened }

  mutating func perform(_ job: WriterJob, in writer: SQLiteWriter) throws(StoreError) {
    var store = writer
    tally.jobCount += 1
    if job.movesFiles { filesSeen = [:] }
    switch job {
    case .submit(let request, let submission):
      let result = try author(submission, in: &store)
      let pending = try pendingFileCount(of: submission, in: store)
      replies.append(.ready(.submitted(request, result, pendingFileCount: pending)))
    case .decide(let request, let decision):
      let result = try decide(decision, in: &store)
      replies.append(.ready(.submitted(request, result, pendingFileCount: 0)))
    case .editRegistry(let request, let edit):
      let result = try self.edit(edit, in: &store)
      replies.append(.ready(.registryEdited(request, result)))
    case .rejoin(let request, let absent):
      let open = try reconciler.rejoin(without: absent, in: &store)
      replies.append(.ready(.rejoined(request, unconfirmed: open)))
    case .retry(let request, let identity, let isRelease):
      let waiting = try store.waiting(identity)
      let result = try waiting.map { waiting throws(StoreError) in
        try reconciler.retry(waiting, isRelease: isRelease, in: &store)
      }
      if let waiting, let result {
        try reconciler.releaseWaiting(after: waiting.entry, result, in: &store)
      }
      replies.append(.ready(.retried(request, result)))
    case .keepVerdicts(let batch):
      for found in batch.verdicts {
        try reconciler.keep(found.verdict, of: found.entry, in: &store)
      }
      try store.setCursor(.verifier, to: batch.cursor)
      replies.append(.ready(.verdictsKept))
    case .setFiles(let changes):
      for change in changes { try store.setFileState(change.state, of: change.digest) }
      replies.append(.ready(.filesSet(changes)))
    case .repair(let entry):
      let isDone = try reconciler.mend(entry, in: &store)
      replies.append(.ready(.repaired(entry.digest, isDone)))
    case .fileCame(let request, let file):
      let state = try store.fileState(of: file.digest)
      if state == .pending { try store.setFileState(.here, of: file.digest) }
      replies.append(.ready(.fileCame(request, file, isNamed: state != nil)))
    case .collectFiles(let digests, let age):
      let (collected, fault) = try collect(digests, age, in: &store)
      replies.append(.ready(.filesCollected(collected, fault)))
    case .compact(let records, let cutoff):
      // A locked site does not know yet what supersedes what.
      let isLocked = reconciler.log.state.lock != nil
      let tally = try store.compact(
        isLocked ? [] : records, supersededBefore: cutoff, limit: Compactor.bodyCount)
      if tally.bodyCount > 0 {
        hasDroppedBodies = true
        Failpoint.compacting.reach()
      }
      replies.append(.ready(.compacted(tally)))
    case .openLink(let link, let peer):
      let opening = LinkOpening(
        peerState: try store.peer(peer), site: reconciler.log.state,
        outcomesEnd: try store.outcomesEnd(for: peer))
      replies.append(.ready(.linkOpened(link, opening)))
    case .change(let link, let peer, let write, let read):
      for result in try reconciler.perform(write.change, of: peer, read: read, in: &store) {
        tally.note(result, from: peer)
      }
      peersTouched.insert(peer)
      replies.append(.committed(link, peer: peer, write.ticket))
    }
  }

  /// Saves the site's state; the last writes before the commit.
  mutating func finish(
    in writer: SQLiteWriter
  ) throws(StoreError) -> ([WriterReply], CommitNews) {
    var store = writer
    try reconciler.finish(in: &store)
    let state = reconciler.log.state
    if wasLocked, state.lock == nil { Failpoint.unlocking.reach() }
    var outcomesEnd = reconciler.outcomesGiven
    for peer in peersTouched where outcomesEnd[peer] == nil {
      outcomesEnd[peer] = try store.outcomesEnd(for: peer)
    }
    let sealed = Checkpoint(
      of: context.site, incarnation: state.end.incarnation, lsn: state.end.lsn,
      head: state.end.head, sealing: context.sealing)
    let ready = replies.map { reply -> WriterReply in
      switch reply {
      case .ready(let ready): return ready
      case .committed(let link, let peer, let ticket):
        let report = CommitReport(outcomesEnd: outcomesEnd[peer] ?? 0, logEnd: sealed)
        return .committed(link, ticket, report)
      }
    }
    let registry =
      state.registry == registryBefore ? nil : try store.registry(state.registry)
    let news = CommitNews(
      logEnd: sealed, state: state, outcomesEnd: outcomesEnd, alarms: reconciler.alarms,
      tally: tally, namesFiles: reconciler.filesNamed > 0,
      hasSigned: !reconciler.signed.isEmpty, hasDroppedBodies: hasDroppedBodies,
      registry: registry, rows: reconciler.log.appended, signed: signed(in: writer))
    return (ready, news)
  }

  /// Those that are in memory still: the verifier reads the others from the store.
  private func signed(in writer: SQLiteWriter) -> [SignedRecord] {
    reconciler.signed.compactMap { key, lsn in
      writer.knownEntries(of: key).map { SignedRecord(key: key, noted: lsn, entries: $0) }
    }
    .sorted { $0.noted < $1.noted }
  }

  private mutating func author(
    _ submission: Submission, in store: inout SQLiteWriter
  ) throws(StoreError) -> Result<Authored, EditRefusal> {
    let areSeen = areSeen(submission.facts.files)
    var filesHere: Set<Digest> = []
    if !areSeen {
      switch try self.filesHere(for: submission, in: store) {
      case .success(let found): filesHere = found
      case .failure(let refusal): return .failure(refusal)
      }
    }
    let result = try reconciler.author(submission, in: &store)
    if case .success(let authored) = result, !areSeen {
      try note(submission, filesHere, isRepeat: authored.isRepeat, in: &store)
    }
    if case .success(let authored) = result, !authored.isRepeat {
      tally.entryCount += 1
      if submission.record.kind == .registry, case .revision(let number) = submission.subject {
        let revision = RegistryRevision(number: number.value, digest: authored.digest)
        try reconciler.releaseWaiting(for: revision, in: &store)
      }
    }
    return result.mapError { .authoring($0) }
  }

  private mutating func decide(
    _ decision: ConflictDecision, in store: inout SQLiteWriter
  ) throws(StoreError) -> Result<Authored, EditRefusal> {
    let record = decision.record
    switch try reconciler.plan(decision.keep, of: record, reason: decision.reason, in: store) {
    case .failure(let refusal): return .failure(.decision(refusal))
    case .success(let plan):
      return try submit(plan.input, kind: record.kind, operation: plan.operation, in: &store)
    }
  }

  private mutating func submit(
    _ input: JSONObject, kind: RecordKind, operation: Operation, in store: inout SQLiteWriter
  ) throws(StoreError) -> Result<Authored, EditRefusal> {
    let submission: Submission
    do throws(RecordError) {
      submission = try Submission.read(
        kind: kind, operation: operation, json: JSONValue.object(input).canonicalBytes)
    } catch {
      return .failure(.malformed(error))
    }
    return try author(submission, in: &store)
  }

  // MARK: Registry

  /// The next revision, signed with the centre's link key, as a put like any other.
  private mutating func edit(
    _ edit: RegistryEdit, in store: inout SQLiteWriter
  ) throws(StoreError) -> Result<RegistryRevision, EditRefusal> {
    guard context.site == context.centre else { return .failure(.notCentre(context.centre)) }
    let current = Resolution(of: try store.entries(of: RegistryRules.record)).current
    let number = reconciler.log.state.registry.number + 1
    let body: JSONObject
    switch edit {
    case .bootstrap(let seed):
      // Written once: a later start finds a registry and leaves it alone.
      guard number == 1 else { return .success(reconciler.log.state.registry) }
      body = seed
    case .addSite(let site):
      let last = current.last?.body.flatMap { (try? JSONValue.parse($0))?.object }
      body = RegistrySnapshot.adding(site, to: last ?? JSONObject(), number: number)
    case .replace(let part, let value):
      let last = current.last?.body.flatMap { (try? JSONValue.parse($0))?.object }
      body = RegistrySnapshot.replacing(part, with: value, in: last ?? JSONObject(), number: number)
    }
    var input: JSONObject
    do throws(CryptographyError) {
      input = RegistrySnapshot.signing(
        body, publicKey: context.signingKey.publicKeyInfo,
        signature: try context.signingKey.sign(RegistrySnapshot.signedBytes(of: body)))
    } catch {
      return .failure(.signing(error))
    }
    input["recordId"] = .string(Text(RegistryRules.record.id.description))
    input["revision"] = .integer(Int64(clamping: number))
    input["secrecyLevel"] = .string(Text(SecrecyLevel.none.description))
    // A second registry at one number ends with the next, which names both (design.md section 3).
    input["parents"] = .array(current.map { .string(Text($0.digest.description)) })
    return try submit(input, kind: .registry, operation: .put, in: &store)
      .map { RegistryRevision(number: number, digest: $0.digest) }
  }
}

// MARK: - Files

extension WriterGroup {
  /// Which files of a submission are here. Asked in the transaction that names them, by the only
  /// thread that removes files: what is here now is here when the entry is durable.
  ///
  /// Content that is not here is no refusal: a record may come before its files, whose owner brings
  /// them later or moves in from another system; the record shows them as pending. A false size is
  /// one, for it would stand in the record for ever. Not for what was written before the file came:
  /// the same id and body get the same OK.
  private func filesHere(
    for submission: Submission, in store: SQLiteWriter
  ) throws(StoreError) -> Result<Set<Digest>, EditRefusal> {
    guard !submission.facts.files.isEmpty else { return .success([]) }
    let found: (here: Set<Digest>, mismatch: FileSizeMismatch?)
    do throws(FileStoreError) {
      found = try submission.filesHere(in: context.files)
    } catch {
      return .failure(.file(error))
    }
    guard let mismatch = found.mismatch else { return .success(found.here) }
    let isRepeat = try store.entries(of: submission.record).contains {
      $0.header.subject == submission.subject
    }
    return isRepeat ? .success(found.here) : .failure(.fileSize(mismatch))
  }

  private func areSeen(_ files: [FileReference]) -> Bool {
    files.allSatisfy { filesSeen[$0.digest] == $0.size }
  }

  private mutating func note(
    _ submission: Submission, _ filesHere: Set<Digest>, isRepeat: Bool,
    in store: inout SQLiteWriter
  ) throws(StoreError) {
    for digest in submission.fileDigests.sorted() {
      try store.setFileState(filesHere.contains(digest) ? .here : .pending, of: digest)
    }
    tally.namedFiles.formUnion(submission.fileDigests)
    // What was written before the file came may name a false size.
    guard !isRepeat else { return }
    for file in submission.facts.files where filesHere.contains(file.digest) {
      filesSeen[file.digest] = file.size
    }
  }

  private func pendingFileCount(
    of submission: Submission, in store: SQLiteWriter
  ) throws(StoreError) -> Int {
    var count = 0
    for digest in submission.fileDigests where try store.fileState(of: digest) == .pending {
      count += 1
    }
    return count
  }

  /// Removes the files that no living record names, as this transaction sees it. Should it be
  /// rolled back, only what dead records named is gone.
  private func collect(
    _ digests: [Digest], _ age: FileAge, in store: inout SQLiteWriter
  ) throws(StoreError) -> ([Digest], FileStoreError?) {
    // Since it was asked for, the site may have found out that rows are lost.
    guard reconciler.log.state.lock == nil else { return ([], nil) }
    var collected: [Digest] = []
    for digest in digests {
      let isLiving = try NamedFiles.isLiving(
        digest, withdrawnBefore: age.withdrawnBefore, in: store)
      guard !isLiving else { continue }
      do throws(FileStoreError) {
        guard try context.files.remove(digest, writtenBefore: age.writtenBefore) else { continue }
      } catch {
        return (collected, error)
      }
      try store.forgetFile(digest)
      collected.append(digest)
    }
    return (collected, nil)
  }
}
