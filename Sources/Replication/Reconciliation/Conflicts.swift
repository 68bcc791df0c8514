/// Conflicts in the open: several current puts, two bodies under one id, and keys that only one
/// record may hold. Flags are a view, computed anew whenever an entry may have changed them.
extension Reconciler {
  /// Brings the flags of the record, and of those that claim the same keys, up to date.
  /// - Returns: what `newest` itself is in conflict over, if anything.
  mutating func refreshConflicts(
    _ record: RecordKey, _ entries: [Entry], newest: Entry, in store: inout some StoreTransaction
  ) throws(StoreError) -> OutcomeCode? {
    // A key that the record no longer claims may have been in conflict until now.
    var rivals: Set<RecordKey> = []
    for key in entries.flatMap({ facts(of: $0)??.claims ?? [] }) {
      rivals.formUnion(try store.claimants(of: key))
    }
    if rivals.count > Self.maximumClaimants { rivals = [] }
    var held = [record: Claimant(entries, claims: claims)]
    for rival in rivals where rival != record {
      held[rival] = Claimant(try store.entries(of: rival), claims: claims)
    }
    for (rival, its) in held.sorted(by: { $0.key < $1.key }) where rival != record {
      let codes = try conflicts(its, held, in: store)
      try setConflicts(codes, of: rival, its.resolution, newest: newest, in: &store)
    }
    guard let own = held[record] else { return nil }
    let codes = try conflicts(own, held, in: store)
    try setConflicts(codes, of: record, own.resolution, newest: newest, in: &store)
    guard own.resolution.contests(newest) else { return nil }
    if case .event = newest.header.subject { return .fork }
    return codes.first
  }

  /// Records of one key that are compared with each other; the work grows with their square.
  private static let maximumClaimants = 16

  /// A record as far as keys are concerned: only its current puts claim any.
  private struct Claimant {
    let entries: [Entry]
    let resolution: Resolution
    let claims: [UniqueKey]

    init(_ entries: [Entry], claims: (Resolution) -> [UniqueKey]) {
      self.entries = entries
      resolution = Resolution(of: entries)
      self.claims = claims(resolution)
    }
  }

  private func claims(of resolution: Resolution) -> [UniqueKey] {
    resolution.current.flatMap { facts(of: $0)??.claims ?? [] }
  }

  private func conflicts(
    _ record: Claimant, _ held: [RecordKey: Claimant], in view: some RecordView
  ) throws(StoreError) -> [OutcomeCode] {
    var codes = record.resolution.conflicts
    for key in record.claims {
      let keys = try view.claimants(of: key)
      guard keys.count > 1 else { continue }
      // So many are no slip of a clerk: flagged without looking, for a person to sort out.
      guard keys.count <= Self.maximumClaimants else {
        codes.append(.duplicateKey)
        break
      }
      var claimants: [Claimant] = []
      for other in keys {
        let its: Claimant
        if let known = held[other] {
          its = known
        } else {
          its = Claimant(try view.entries(of: other), claims: claims)
        }
        if its.claims.contains(key) { claimants.append(its) }
      }
      if claimants.count > 1, !isDecided(among: claimants.map(\.entries)) {
        codes.append(.duplicateKey)
        break
      }
    }
    return codes
  }

  /// Whether an owner's decision names a put of every record that claims the key as its parent: a
  /// further claimant opens the conflict again.
  private func isDecided(among records: [[Entry]]) -> Bool {
    let puts = records.map { entries in
      Set(entries.filter { $0.header.operation == .put }.map(\.digest))
    }
    return records.joined().contains { entry in
      facts(of: entry)??.eventType == EntryFacts.conflictDecided
        && puts.allSatisfy { !$0.isDisjoint(with: entry.header.parents) }
    }
  }

  /// Stores the flags; when a conflict begins or ends, the authors of the puts in it hear of it.
  private mutating func setConflicts(
    _ codes: [OutcomeCode], of record: RecordKey, _ resolution: Resolution, newest: Entry,
    in store: inout some StoreTransaction
  ) throws(StoreError) {
    guard var summary = try store.summary(of: record), summary.conflicts != codes else { return }
    let changed = summary.conflicts.isEmpty != codes.isEmpty
    summary.conflicts = codes
    try store.setSummary(summary, of: record)
    guard changed else { return }
    // The decision names the puts it decides between: theirs are no longer current.
    let decided = resolution.superseded.filter { newest.header.parents.contains($0.digest) }
    let puts = resolution.current + (codes.isEmpty ? decided : [])
    for put in puts where put.identity != newest.identity {
      try report(
        put.identity, codes.isEmpty ? .applied : .conflict, codes.first ?? .none, in: &store)
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
