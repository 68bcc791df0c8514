/// Conflicts in the open: several current puts, two bodies under one id, and keys that only one
/// record may hold. Flags are a view, computed anew whenever an entry may have changed them.
extension Reconciler {
  /// Brings the flags of the record, and of those that claim the same keys, up to date.
  /// - Returns: the record's own conflicts.
  mutating func refreshConflicts(
    _ record: RecordKey, _ entries: [Entry], newest: Entry, in store: inout some StoreTransaction
  ) throws(StoreError) -> [OutcomeCode] {
    let resolution = Resolution(of: entries)
    let claims = claims(of: resolution)
    var rivals: Set<RecordKey> = []
    for key in claims { rivals.formUnion(try store.claimants(of: key)) }
    rivals.remove(record)
    var held = [record: entries]
    for rival in rivals { held[rival] = try store.entries(of: rival) }
    for rival in rivals.sorted() {
      let its = Resolution(of: held[rival] ?? [])
      let codes = try conflicts(rival, its, claims: self.claims(of: its), held, in: store)
      try setConflicts(codes, of: rival, its, newest: newest, in: &store)
    }
    let codes = try conflicts(record, resolution, claims: claims, held, in: store)
    try setConflicts(codes, of: record, resolution, newest: newest, in: &store)
    return codes
  }

  private func claims(of resolution: Resolution) -> [UniqueKey] {
    resolution.current.flatMap { facts(of: $0)??.claims ?? [] }
  }

  private func conflicts(
    _ record: RecordKey, _ resolution: Resolution, claims: [UniqueKey],
    _ held: [RecordKey: [Entry]], in view: some RecordView
  ) throws(StoreError) -> [OutcomeCode] {
    var codes = resolution.conflicts
    for key in claims {
      let claimants = try view.claimants(of: key)
      guard claimants.count > 1 else { continue }
      var sets: [[Entry]] = []
      for claimant in claimants {
        if let known = held[claimant] {
          sets.append(known)
        } else {
          sets.append(try view.entries(of: claimant))
        }
      }
      if !isDecided(among: sets) {
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

  /// Stores the flags; when a conflict begins or ends, the authors of the current puts hear of it.
  private mutating func setConflicts(
    _ codes: [OutcomeCode], of record: RecordKey, _ resolution: Resolution, newest: Entry,
    in store: inout some StoreTransaction
  ) throws(StoreError) {
    guard var summary = try store.summary(of: record), summary.conflicts != codes else { return }
    let changed = summary.conflicts.isEmpty != codes.isEmpty
    summary.conflicts = codes
    try store.setSummary(summary, of: record)
    guard changed else { return }
    for put in resolution.current where put.identity != newest.identity {
      try report(
        put.identity, codes.isEmpty ? .applied : .conflict, codes.first ?? .none, in: &store)
    }
  }
}
