/// Why an application's write is refused; nothing was written.
package enum AuthoringRefusal: Error, Hashable, Sendable {
  case locked(LockReason)
  /// No registry has come yet: this site knows nobody.
  case noRegistry
  case notHere(RecordKey)
  /// The id was used before with another body (409).
  case usedBefore(EntryIdentity)
  case revisionExpected(Revision)
  case inConflict([OutcomeCode])
  case unknownParent(Digest)
  case recordFull(limit: Int)
  case notOwner(SiteID)
  case notAllowed(OutcomeCode)
  case unknownSite(SiteID)
  /// A rule of the kind, or a code list, says no: which field, which value, which rule.
  case rule(FieldFault)
}

/// What a write returned: durable when the transaction is.
package struct Authored: Hashable, Sendable {
  package let identity: EntryIdentity
  package let digest: Digest
  package let lane: Lane
  /// The last row of the log after it: what an acknowledgement must reach.
  package let lsn: LSN
  package let state: OutcomeState
  package let code: OutcomeCode
  /// The same id and body were here before: the same OK again.
  package let isRepeat: Bool
}

extension Reconciler {
  /// Writes what an application asks for as an entry of this site.
  package mutating func author(
    _ submission: Submission, in store: inout some StoreTransaction
  ) throws(StoreError) -> Result<Authored, AuthoringRefusal> {
    try author(submission, isDerived: false, in: &store)
  }

  /// - Parameter isDerived: the rules of its kind have said that it is due: they are not asked
  ///   whether it may be.
  mutating func author(
    _ submission: Submission, isDerived: Bool, in store: inout some StoreTransaction
  ) throws(StoreError) -> Result<Authored, AuthoringRefusal> {
    if let reason = log.state.lock { return .failure(.locked(reason)) }
    let isRegistry = submission.record.kind == .registry
    guard isRegistry || log.state.registry.number > 0 else { return .failure(.noRegistry) }
    if let owner = submission.ownerSite, submission.isOwnersWrite, owner != site {
      return .failure(.notOwner(owner))
    }
    let summary = try store.summary(of: submission.record)
    let entries = summary == nil ? [] : try store.entries(of: submission.record)
    if let repeated = repeated(submission, in: entries) {
      return repeated.map { authored($0, .applied, .none, isRepeat: true) }
    }
    if let refusal = refusal(of: submission, summary, entries) { return .failure(refusal) }
    let parents: [Digest]
    switch try chooseParents(submission, entries, in: store) {
    case .success(let chosen): parents = chosen
    case .failure(let refusal): return .failure(refusal)
    }
    let entry = try log.draft(
      submission.operation, record: submission.record, subject: submission.subject,
      parents: parents,
      lane: summary?.lane ?? submission.facts.lane ?? .normal, secrecy: submission.secrecy,
      audience: submission.facts.audience, body: submission.body, in: &store)
    if let fault = try fault(of: entry, submission.reading, entries, isDerived, in: store) {
      return .failure(.rule(fault))
    }
    return try write(entry, submission.reading, in: &store)
  }

  /// The rules that need the registry or other records.
  private func fault(
    of entry: Entry, _ reading: BodyReading, _ siblings: [Entry], _ isDerived: Bool,
    in view: some RecordView
  ) throws(StoreError) -> FieldFault? {
    if let registry = try view.registry(entry.header.registry),
      let fault = registry.codeLists.fault(of: reading, in: entry)
    {
      return fault
    }
    // A decision between two bodies repeats one of them: it is no new claim.
    let isDecision = entry.header.operation == .put && siblings.contains { $0.isPut }
    guard !isDerived, !(reading.facts.isWriteOnce && isDecision) else { return nil }
    return try objection(to: entry, reading, siblings: siblings, in: view)?.fault
  }

  private mutating func write(
    _ entry: Entry, _ reading: BodyReading, in store: inout some StoreTransaction
  ) throws(StoreError) -> Result<Authored, AuthoringRefusal> {
    guard attempts.begin(Attempt(entry)) else { return .failure(.notAllowed(.crashed)) }
    switch try decide(entry, .authored, read: .body(reading), in: store) {
    case .accept(let reading):
      let placed = try place(entry, reading, .authored, in: &store)
      return .success(authored(entry, placed.state, placed.code, isRepeat: false))
    case .wait(_, .unknownSite):
      let registry = try store.registry(log.state.registry)
      let unknown = entry.header.audience.first { registry?.sites[$0] == nil } ?? site
      return .failure(.unknownSite(unknown))
    case .wait(_, .notOwner):
      let owner = try entry.header.record.flatMap { record throws(StoreError) in
        try store.summary(of: record)?.owner
      }
      return .failure(.notOwner(owner ?? centre))
    case .wait(_, let code), .refuse(let code): return .failure(.notAllowed(code))
    case .duplicate, .fork:
      preconditionFailure("identity \(entry.identity) drafted twice")
    }
  }

  private func authored(
    _ entry: Entry, _ state: OutcomeState, _ code: OutcomeCode, isRepeat: Bool
  ) -> Authored {
    Authored(
      identity: entry.identity, digest: entry.digest, lane: entry.header.lane,
      lsn: log.state.end.lsn, state: state, code: code, isRepeat: isRepeat)
  }

  /// The caller's id is the idempotency key: same id and body, the same OK; another body, 409.
  private func repeated(
    _ submission: Submission, in entries: [Entry]
  ) -> Result<Entry, AuthoringRefusal>? {
    let same = entries.filter {
      $0.header.subject == submission.subject && $0.header.operation == submission.operation
    }
    guard let first = same.first else { return nil }
    let digest = hashing.digest(submission.body)
    guard let match = same.first(where: { $0.bodyDigest == digest }) else {
      return .failure(.usedBefore(first.identity))
    }
    return .success(match)
  }

  private func refusal(
    of submission: Submission, _ summary: RecordSummary?, _ entries: [Entry]
  ) -> AuthoringRefusal? {
    if entries.count >= entriesOfFullRecord {
      return .recordFull(limit: entriesOfFullRecord)
    }
    switch submission.subject {
    case .revision(let revision):
      if let owner = summary?.owner, owner != site { return .notOwner(owner) }
      if let summary, summary.owner != nil {
        let expected = Revision(summary.greatestRevision.value + 1)
        if revision != expected { return .revisionExpected(expected) }
        let open = summary.conflicts.filter { $0 != .duplicateKey }
        if !open.isEmpty && submission.parents.isEmpty { return .inConflict(open) }
      }
    case .event:
      guard summary?.owner != nil else { return .notHere(submission.record) }
    case .none: return .notAllowed(.malformed)
    }
    return nil
  }

  /// What the entry builds on. A put names the current puts; an event names what its author had
  /// seen last of the record. A decision names its parents itself.
  private func chooseParents(
    _ submission: Submission, _ entries: [Entry], in view: some RecordView
  ) throws(StoreError) -> Result<[Digest], AuthoringRefusal> {
    guard submission.parents.isEmpty else {
      for parent in submission.parents {
        if entries.contains(where: { $0.digest == parent }) { continue }
        guard try view.entry(digest: parent) != nil else {
          return .failure(.unknownParent(parent))
        }
      }
      return .success(submission.parents)
    }
    if submission.isOwnersWrite { return .success(Resolution(of: entries).current.map(\.digest)) }
    let built = Set(entries.flatMap(\.header.parents))
    let newest = entries.map(\.digest).filter { !built.contains($0) }
    return .success(Array(newest.suffix(EntryHeader.maximumParentCount)))
  }
}

extension Submission {
  /// A put or withdrawal: numbered by revision, written by the owner.
  fileprivate var isOwnersWrite: Bool { operation == .put || operation == .withdraw }
}

extension Entry {
  fileprivate var isPut: Bool { header.operation == .put }
}
