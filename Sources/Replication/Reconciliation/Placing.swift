/// Gives an accepted entry its row and brings the views up to date, all in the same transaction:
/// summary, claims, names, references, deliveries that became due, conflicts that began or ended.
extension Reconciler {
  mutating func place(
    _ entry: Entry, _ reading: BodyReading?, _ arrival: Arrival,
    in store: inout some StoreTransaction
  ) throws(StoreError) -> Reconciled {
    guard let record = entry.header.record else {
      return try placeGenesis(entry, arrival, in: &store)
    }
    let known = try store.summary(of: record)
    let before = known ?? RecordSummary()
    let after = try summary(before, with: entry, reading, in: store)
    let isPlain = try isPlainEvent(entry, reading, before, after, in: store)
    let siblings = known == nil || isPlain ? [] : try store.entries(of: record)
    let foreign = try foreignParents(of: entry, isPlain ? nil : siblings, in: store)
    let recipients = try route(entry, reading, after, foreignParents: foreign, in: store)
    try log.append(entry, recipients: recipients, via: arrival.via, isNew: true, in: &store)
    if SignatureReport.isChanged(by: entry, reading, siblings) {
      try store.noteSigned(at: log.state.end.lsn)
      signed[record] = log.state.end.lsn
    }
    try index(entry, reading, record, foreignParents: foreign, in: &store)
    if after != known { try store.setSummary(after, of: record) }
    if record.kind == .registry { try use(registry: entry, in: &store) }
    try noteBranch(of: entry, in: &store)

    let isWider = after.audience != before.audience || (before.owner == nil && after.owner != nil)
    let grown = try grow(record, isWider, siblings, newest: entry, reading, in: &store)
    try deliverToChildren(of: entry, in: &store)
    if isPlain { return Reconciled(state: .applied, code: .none, isDuplicate: false) }
    try releaseHeld(siblings, before, after, in: &store)
    let code = try conflict(record, after, siblings, newest: entry, reading, in: &store)
    var hasRetried = false
    for record in grown where try retryWaiting(for: record, in: &store) { hasRetried = true }
    let entries = hasRetried ? try store.entries(of: record) : siblings + [entry]
    try answer(to: entry, reading, among: entries, in: &store)
    return try conclude(entry, owner: after.owner, code, in: &store)
  }

  /// Whether the entry is an event or annotation that changes nothing but its record's history: not
  /// whom the record is for, nor how it stands, since it has an owner, nothing open, and nothing
  /// else under this id (findings are of puts). Then what else is in the record need not be read,
  /// and a document to all provinces has thousands of receipts.
  private func isPlainEvent(
    _ entry: Entry, _ reading: BodyReading?, _ before: RecordSummary, _ after: RecordSummary,
    in view: some RecordView
  ) throws(StoreError) -> Bool {
    guard let reading, entry.isEvent, before.owner != nil, after.audience == before.audience,
      after.conflicts.isEmpty, after.holds.isEmpty, !reading.facts.widensRecordAudience,
      reading.facts.eventType != EntryFacts.conflictDecided, let record = entry.record
    else { return false }
    return try view.entries(of: record, about: entry.header.subject).isEmpty
  }

  /// Most records come alone: with no sibling and nobody that refers to it nothing widens.
  private mutating func grow(
    _ record: RecordKey, _ isWider: Bool, _ siblings: [Entry], newest: Entry,
    _ reading: BodyReading?, in store: inout some StoreTransaction
  ) throws(StoreError) -> [RecordKey] {
    guard isWider else { return [] }
    if siblings.isEmpty, let reading {
      var referrerCount = 0
      for name in reading.facts.names {
        referrerCount += try store.referrers(of: .changes(of: name)).count
      }
      if referrerCount == 0 { return [record] }
    }
    return try widen(record, newest: newest, in: &store)
  }

  /// ... and with no rival for its keys, and what it refers to here, it stands on its own. Where a
  /// record stands with nobody, an event of its own id changes nothing: findings are of puts.
  private mutating func conflict(
    _ record: RecordKey, _ summary: RecordSummary, _ siblings: [Entry], newest: Entry,
    _ reading: BodyReading?, in store: inout some StoreTransaction
  ) throws(StoreError) -> OutcomeCode? {
    if newest.isEvent, summary.conflicts.isEmpty, summary.holds.isEmpty,
      let reading, reading.facts.eventType != EntryFacts.conflictDecided,
      !siblings.contains(where: { $0.subject == newest.subject })
    {
      return nil
    }
    if siblings.isEmpty, let reading {
      var rivalCount = 0
      for key in reading.facts.claims { rivalCount += try store.claimants(of: key).count - 1 }
      for name in reading.facts.names {
        rivalCount += try store.referrers(of: name).count
        rivalCount += try store.referrers(of: .changes(of: name)).count
      }
      let standsAlone = reading.facts.references.allSatisfy {
        !$0.judgesTogether && !$0.spreadsAudience
      }
      let standing = standing(in: store)
      if rivalCount == 0, standsAlone, try !standing.isHeld(reading.facts.references),
        try record.kind.rules.standsAlone(reading.object, in: standing.lookup)
      {
        return nil
      }
    }
    return try refreshStanding(record, siblings + [newest], newest: newest, reading, in: &store)
  }

  private mutating func conclude(
    _ entry: Entry, owner: SiteID?, _ code: OutcomeCode?, in store: inout some StoreTransaction
  ) throws(StoreError) -> Reconciled {
    if owner == nil {
      try report(entry.identity, .held, .recordMissing, in: &store)
      return Reconciled(state: .held, code: .recordMissing, isDuplicate: false)
    }
    if let code {
      let state: OutcomeState = code.isHold ? .held : .conflict
      if !code.isOfTheWay { try report(entry.identity, state, code, in: &store) }
      return Reconciled(state: state, code: code, isDuplicate: false)
    }
    return Reconciled(state: .applied, code: .none, isDuplicate: false)
  }

  private mutating func placeGenesis(
    _ entry: Entry, _ arrival: Arrival, in store: inout some StoreTransaction
  ) throws(StoreError) -> Reconciled {
    try log.append(entry, recipients: .everyone, via: arrival.via, isNew: true, in: &store)
    if let body = entry.body, let genesis = Genesis(body: body),
      genesis.incarnation != Checkpoint.start.incarnation
    {
      let key = Genesis.childrenKey(of: genesis.incarnation, at: entry.origin)
      try store.refer(entry.identity, to: key)
      branchPoints[Life(origin: entry.origin, incarnation: genesis.incarnation)] = nil
      // Two children of one parent, or a parent's entry beyond the branch point, prove a roll-back
      // or a clone to anyone who sees them (law 5).
      let hasSibling = try store.referrers(of: key).count > 1
      let goesOn = try parentGoesOn(beyond: genesis, of: entry.origin, in: store)
      if hasSibling || goesOn { try noteRollback(to: entry.identity, in: &store) }
    }
    return Reconciled(state: .applied, code: .none, isDuplicate: false)
  }

  /// How many numbers beyond a branch point are looked at when the genesis comes after the entries:
  /// the centre holds them all and needs one, a province only some.
  private static let branchScanCount: UInt64 = 256

  private func parentGoesOn(
    beyond genesis: Genesis, of origin: SiteID, in view: some RecordView
  ) throws(StoreError) -> Bool {
    for step in 1...Self.branchScanCount {
      let (number, overflow) = genesis.sequence.value.addingReportingOverflow(step)
      guard !overflow else { return false }
      let beyond = EntryIdentity(
        origin: origin, incarnation: genesis.incarnation, sequence: SequenceNumber(number))
      if try view.digest(of: beyond) != nil { return true }
    }
    return false
  }

  /// The same when the entry comes after the genesis.
  private mutating func noteBranch(
    of entry: Entry, in store: inout some StoreTransaction
  ) throws(StoreError) {
    let incarnation = entry.identity.incarnation
    guard incarnation != log.state.end.incarnation else { return }
    let points: [BranchPoint]
    if let known = branchPoints[entry.identity.life] {
      points = known
    } else {
      let key = Genesis.childrenKey(of: incarnation, at: entry.origin)
      points = try readBranchPoints(key, in: store)
      branchPoints[entry.identity.life] = points
    }
    for point in points where entry.identity.sequence > point.sequence {
      try noteRollback(to: point.child, in: &store)
    }
  }

  /// Alarmed once for each life that began beside another, and kept for whoever asks.
  private mutating func noteRollback(
    to child: EntryIdentity, in store: inout some StoreTransaction
  ) throws(StoreError) {
    let known = try store.referrers(of: Genesis.rollbacksKey)
    guard !known.contains(child), known.count < Genesis.maximumRollbackCount else { return }
    try store.refer(child, to: Genesis.rollbacksKey)
    alarms.append(.rollbackSeen(origin: child.origin, incarnation: child.incarnation))
  }

  private func readBranchPoints(
    _ key: UniqueKey, in view: some RecordView
  ) throws(StoreError) -> [BranchPoint] {
    var points: [BranchPoint] = []
    for child in try view.referrers(of: key) {
      if let body = try view.entry(child)?.body, let genesis = Genesis(body: body) {
        points.append(BranchPoint(child: child, sequence: genesis.sequence))
      }
    }
    return points
  }

  func summary(
    _ before: RecordSummary, with entry: Entry, _ reading: BodyReading?, in view: some RecordView
  ) throws(StoreError) -> RecordSummary {
    var summary = before.fields
    let isPut = entry.header.operation == .put || entry.header.operation == .withdraw
    if isPut, summary.owner == nil {
      summary.owner = entry.origin
      summary.lane = entry.header.lane
      summary.heldCount = 0
    }
    if case .revision(let revision) = entry.header.subject {
      summary.greatestRevision = max(summary.greatestRevision, revision)
    }
    if summary.owner == nil { summary.heldCount += 1 }
    // Without the put nobody can say who the owner is; the centre has checked it on the way.
    let byOwner = summary.owner == nil || summary.owner == entry.origin
    if entry.header.record?.kind == .registry { summary.audience = .everyone }
    if isPut || (byOwner && reading?.facts.widensRecordAudience == true) {
      summary.audience = summary.audience.union(Recipients(entry.header.audience))
    }
    for reference in reading?.facts.references ?? [] where reference.spreadsAudience {
      guard let reach = try reach(ofTarget: reference.key, in: view) else { continue }
      summary.audience = summary.audience.union(reach)
    }
    return summary == before.fields ? before : RecordSummary(summary)
  }

  mutating func index(
    _ entry: Entry, _ reading: BodyReading?, _ record: RecordKey, foreignParents: [Digest],
    in store: inout some StoreTransaction
  ) throws(StoreError) {
    if let reading { try index(entry.identity, reading, record, in: &store) }
    for parent in foreignParents {
      try store.refer(entry.identity, to: Self.childrenKey(of: parent))
    }
  }

  private mutating func index(
    _ entry: EntryIdentity, _ reading: BodyReading, _ record: RecordKey,
    in store: inout some StoreTransaction
  ) throws(StoreError) {
    for key in reading.facts.claims { try store.claim(key, by: record) }
    for reference in reading.facts.references {
      try store.refer(entry, to: reference.listedUnder)
    }
    filesNamed += reading.facts.files.count
    for file in reading.facts.files {
      try store.refer(entry, to: .file(file.digest))
      try store.name(file)
    }
  }

  /// Events that waited for this put are no longer held; their authors hear of it.
  private mutating func releaseHeld(
    _ siblings: [Entry], _ before: RecordSummary, _ after: RecordSummary,
    in store: inout some StoreTransaction
  ) throws(StoreError) {
    guard before.owner == nil, after.owner != nil else { return }
    for held in siblings { try report(held.identity, .applied, .none, in: &store) }
  }

  private mutating func use(
    registry entry: Entry, in store: inout some StoreTransaction
  ) throws(StoreError) {
    guard case .revision(let number) = entry.header.subject, let body = entry.body else { return }
    let revision = RegistryRevision(number: number.value, digest: entry.digest)
    try store.setRegistry(revision, body: body)
    if number.value > log.state.registry.number { log.use(revision) }
  }

  /// Tries the entries that waited for `revision`, oldest first. Call after ``receive`` or
  /// ``author`` placed a registry entry. Each is tried once: one may have another reason to wait.
  package mutating func releaseWaiting(
    for revision: RegistryRevision, in store: inout some StoreTransaction
  ) throws(StoreError) {
    var tried: Set<EntryIdentity> = []
    while true {
      let identities = try store.waiting(
        forRegistry: revision, limit: tried.count + limits.releasedAtOnce)
      let untried = identities.filter { tried.insert($0).inserted }
      guard !untried.isEmpty else { return }
      for identity in untried {
        guard let waiting = try store.waiting(identity) else { continue }
        let result = try retry(waiting, in: &store)
        try releaseWaiting(after: waiting.entry, result, in: &store)
      }
    }
  }

  /// The record has come or is for more sites: who may write to it and hold it is asked again, so
  /// that an entry may arrive before the one that gave its author the right.
  /// - Returns: whether anything waited.
  @discardableResult
  mutating func retryWaiting(
    for record: RecordKey, in store: inout some StoreTransaction
  ) throws(StoreError) -> Bool {
    var hasWaited = false
    for identity in try store.referrers(of: Self.waitersKey(of: record)) {
      guard let waiting = try store.waiting(identity) else { continue }
      hasWaited = true
      _ = try retry(waiting, in: &store)
    }
    return hasWaited
  }

  /// Entries that may become lawful when the record grows refer to it under this name.
  static func waitersKey(of record: RecordKey) -> UniqueKey {
    UniqueKey("waiting:") {
      $0.write(record.kind.rawValue)
      $0.write(record.id.raw.raw)
    }
  }
}

extension Entry {
  fileprivate var isEvent: Bool { header.operation == .append || header.operation == .annotate }
}

extension RecordSummary {
  /// Owner and audience together: where the record went, the centre aside.
  var everyone: Recipients { audience.union(Recipients(owner.map { [$0] } ?? [])) }
}
