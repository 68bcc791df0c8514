/// Where a record stands: in conflict, waiting for what it refers to, or neither. Several current
/// puts, two bodies under one id, keys that only one record may hold, and the rules between records
/// of its kind. A pure function of the entries in `view`.
package struct Standing<View: RecordView> {
  private let view: View
  private let site: SiteID
  private let centre: SiteID

  package init(site: SiteID, centre: SiteID, in view: View) {
    self.view = view
    self.site = site
    self.centre = centre
  }

  var lookup: RuleLookup<View> { RuleLookup(view: view, site: site, centre: centre) }

  /// Everything the entries held say about a record.
  package func findings(of record: HeldRecord) throws(StoreError) -> [Finding] {
    try findings(of: record, [record.key: record])
  }

  /// - Parameter held: records that are read already; `record` among them.
  func findings(
    of record: HeldRecord, _ held: [RecordKey: HeldRecord]
  ) throws(StoreError) -> [Finding] {
    var found = record.resolution.conflicts.map { Finding($0) }
    if try sharesUndecidedKey(record, held) { found.append(Finding(.duplicateKey)) }
    if try isHeld(record) { found.append(Finding(.referenceMissing)) }
    if record.resolution.current.contains(where: { $0.body == nil }) {
      found.append(Finding(.bodyMissing))
    }
    return found + (try record.key.kind.rules.findings(of: record, in: lookup))
  }

  /// Records of one key that are compared with each other; the work grows with their square.
  private static var maximumRelatedCount: Int { 16 }

  /// Records whose standing the newest entry may change: rivals for a key, also for one that is
  /// claimed no more; whoever refers to this record; what it refers to, and others that do.
  func judgedWith(_ record: HeldRecord, newest: Entry) throws(StoreError) -> Set<RecordKey> {
    var related: Set<RecordKey> = []
    // Only puts claim, name and refer; a document has thousands of receipts.
    let facts = record.entries.filter { $0.header.operation == .put }
      .compactMap(record.facts(of:))
    for key in Set(facts.flatMap(\.claims)) {
      // Claims never go. When the first beyond the limit comes, all of them are flagged, whatever
      // was decided, and stay so: whoever comes later changes only its own standing.
      let rivals = try view.claimants(of: key)
      if rivals.count <= Self.maximumRelatedCount + 1 { related.formUnion(rivals) }
    }
    if newest.header.operation == .put || newest.header.operation == .withdraw {
      for name in Set(facts.flatMap(\.names)) {
        related.formUnion(try records(listedUnder: name))
        related.formUnion(try records(listedUnder: .changes(of: name)))
      }
      for reference in facts.flatMap(\.references) where reference.judgesTogether {
        related.formUnion(try records(listedUnder: reference.listedUnder))
      }
    }
    related.formUnion(
      try record.key.kind.rules.judgedWith(record, newest: newest, in: lookup))
    return related
  }

  /// Records that refer by this key.
  private func records(listedUnder key: UniqueKey) throws(StoreError) -> Set<RecordKey> {
    var records: Set<RecordKey> = []
    for identity in try view.referrers(of: key) {
      if let record = try view.record(of: identity) { records.insert(record) }
    }
    return records
  }

  /// Whether a current put refers to something that is not here and must be.
  private func isHeld(_ record: HeldRecord) throws(StoreError) -> Bool {
    for put in record.resolution.current {
      if let facts = record.facts(of: put), try isHeld(facts.references) { return true }
    }
    return false
  }

  /// The same of what one put refers to.
  func isHeld(_ references: [Reference]) throws(StoreError) -> Bool {
    for reference in references {
      guard reference.hold == .everywhere || reference.hold == .atCentre && site == centre
      else { continue }
      let isHere =
        if let target = reference.record {
          try view.summary(of: target)?.owner != nil
        } else {
          try !view.claimants(of: reference.key).isEmpty
        }
      if !isHere { return true }
    }
    return false
  }

  private func sharesUndecidedKey(
    _ record: HeldRecord, _ held: [RecordKey: HeldRecord]
  ) throws(StoreError) -> Bool {
    for key in claims(of: record) {
      let keys = try view.claimants(of: key)
      guard keys.count > 1 else { continue }
      // So many are no slip of a clerk: flagged without looking, for a person to sort out.
      guard keys.count <= Self.maximumRelatedCount else { return true }
      var claimants: [HeldRecord] = []
      for other in keys {
        let its: HeldRecord
        if let known = held[other] {
          its = known
        } else {
          its = HeldRecord(other, entries: try view.entries(of: other))
        }
        if claims(of: its).contains(key) { claimants.append(its) }
      }
      if claimants.count > 1, !isDecided(among: claimants.map(\.entries)) { return true }
    }
    return false
  }

  /// Only current puts claim any.
  private func claims(of record: HeldRecord) -> [UniqueKey] {
    record.resolution.current.flatMap { record.facts(of: $0)?.claims ?? [] }
  }

  /// Whether an owner's decision names a put of every record that claims the key as its parent: a
  /// further claimant opens the conflict again.
  private func isDecided(among records: [[Entry]]) -> Bool {
    let puts = records.map { entries in
      Set(entries.filter { $0.header.operation == .put }.map(\.digest))
    }
    return records.joined().contains { entry in
      entry.facts??.eventType == EntryFacts.conflictDecided
        && puts.allSatisfy { !$0.isDisjoint(with: entry.header.parents) }
    }
  }
}

/// Keeps the standing of records: a view, computed anew whenever an entry may have changed it.
extension Reconciler {
  /// Brings the standing of the record, and of those that an entry of it may concern, up to date.
  /// - Returns: what `newest` itself waits for or is in conflict over, if anything.
  mutating func refreshStanding(
    _ record: RecordKey, _ entries: [Entry], newest: Entry, _ reading: BodyReading?,
    in store: inout some StoreTransaction
  ) throws(StoreError) -> OutcomeCode? {
    let own = HeldRecord(record, entries: entries, read: reading.map { (newest.digest, $0) })
    var held = [record: own]
    let related = try standing(in: store).judgedWith(own, newest: newest)
    for other in related where other != record {
      let entries = try store.entries(of: other)
      if !entries.isEmpty { held[other] = HeldRecord(other, entries: entries) }
    }
    for (other, its) in held.sorted(by: { $0.key < $1.key }) where other != record {
      let found = try standing(in: store).findings(of: its, held)
      try setStanding(found, of: its, newest: newest, in: &store)
    }
    let found = try standing(in: store).findings(of: own, held)
    try setStanding(found, of: own, newest: newest, in: &store)
    let hold = found.first { $0.code.isHold }
    guard own.resolution.contests(newest) else { return hold?.code }
    if case .event = newest.header.subject { return .fork }
    return (found.first { !$0.code.isHold } ?? hold)?.code
  }

  /// Why an application's entry would be against the rules of its kind; nil when it is not. The
  /// unique keys are not asked: two clerks may use one number, and a person decides.
  func objection(
    to entry: Entry, _ reading: BodyReading, siblings: [Entry], in view: some RecordView
  ) throws(StoreError) -> Finding? {
    guard let record = entry.header.record else { return nil }
    let lookup = standing(in: view).lookup
    if entry.header.operation == .append {
      guard let event = FoldedEvent(entry: entry, body: reading.object) else { return nil }
      let held = HeldRecord(record, entries: siblings)
      return try record.kind.rules.objection(to: event, on: held, in: lookup)
        .map { Finding(.notAllowed, $0) }
    }
    guard entry.header.operation == .put else { return nil }
    let held = HeldRecord(record, entries: siblings + [entry], read: (entry.digest, reading))
    if let fault = try record.kind.rules.objection(toPut: entry, on: held, in: lookup) {
      return Finding(.notAllowed, fault)
    }
    return try record.kind.rules.findings(of: held, in: lookup).first { !$0.code.isHold }
  }

  func standing<View: RecordView>(in view: View) -> Standing<View> {
    Standing(site: site, centre: centre, in: view)
  }

  /// Stores the standing; when a conflict or a wait begins or ends, the authors of the puts in it
  /// hear of it.
  private mutating func setStanding(
    _ found: [Finding], of record: HeldRecord, newest: Entry,
    in store: inout some StoreTransaction
  ) throws(StoreError) {
    guard var summary = try store.summary(of: record.key) else { return }
    let before = summary
    summary.change {
      $0.conflicts = found.map(\.code).filter { !$0.isHold }
      $0.holds = found.map(\.code).filter(\.isHold)
    }
    guard summary != before else { return }
    try store.setSummary(summary, of: record.key)
    let isSame =
      before.conflicts.isEmpty == summary.conflicts.isEmpty
      && before.holds.allSatisfy(\.isOfTheWay) == summary.holds.allSatisfy(\.isOfTheWay)
    guard !isSame else { return }
    // The decision names the puts it decides between: theirs are no longer current.
    let decided = record.resolution.superseded.filter {
      newest.header.parents.contains($0.digest)
    }
    let puts = record.resolution.current + (summary.conflicts.isEmpty ? decided : [])
    for put in puts where put.identity != newest.identity {
      try report(put.identity, standing: summary, in: &store)
    }
  }

  private mutating func report(
    _ entry: EntryIdentity, standing: RecordSummary, in store: inout some StoreTransaction
  ) throws(StoreError) {
    if let code = standing.conflicts.first {
      try report(entry, .conflict, code, in: &store)
    } else if let code = standing.holds.first(where: { !$0.isOfTheWay }) {
      try report(entry, .held, code, in: &store)
    } else {
      try report(entry, .applied, .none, in: &store)
    }
  }
}

extension Resolution {
  /// Whether the entry is one of the versions between which the owner must choose: a current put,
  /// or one of two bodies under one event id. Other events of a record in conflict are not in
  /// conflict.
  fileprivate func contests(_ entry: Entry) -> Bool {
    let isPut = entry.header.operation == .put || entry.header.operation == .withdraw
    if isPut { return current.contains { $0.isSameWrite(as: entry) } }
    return (events + annotations).contains {
      $0.header.subject == entry.header.subject && $0.header.operation == entry.header.operation
        && !$0.isSameWrite(as: entry)
    }
  }
}

extension Entry {
  fileprivate func isSameWrite(as other: Entry) -> Bool {
    header.subject == other.header.subject && header.operation == other.header.operation
      && bodyDigest == other.bodyDigest
  }
}
