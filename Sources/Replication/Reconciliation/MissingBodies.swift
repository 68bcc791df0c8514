/// Nothing current ever loses its body (law 2), so a stub that nothing held here supersedes is an
/// exception that stands in the open: its record waits (`bodyMissing`), shows no content of it, and
/// the body is asked for by its digest. On the way that is common for a moment, for a stub comes
/// before its successor in every log; for longer it is a peer's fault. What only the body can tell,
/// who may say it and whether it is write-once, is judged when the body comes.
extension Reconciler {
  /// Takes the body of what came here as a stub, from the stream or for a WANT. Whoever got the
  /// stub from here gets the body as well (law 3).
  /// - Returns: nil when nothing here lacks it, or it may not be content; nothing is changed then,
  ///   but that a waiting stub is judged with its body the next time.
  mutating func fill(
    _ entry: Entry, _ arrival: Arrival, in store: inout some StoreTransaction
  ) throws(StoreError) -> Reconciled? {
    guard entry.body != nil, let here = try readable(entry.identity, in: store),
      here.body == nil, here.digest == entry.digest
    else { return nil }
    if let waiting = try store.waiting(entry.identity) {
      let whole = WaitingEntry(
        entry: entry, via: waiting.via, state: waiting.state, code: waiting.code,
        attempts: waiting.attempts)
      try store.setWaiting(whole)
      return waiting.code == .bodyMissing ? try retry(whole, in: &store) : nil
    }
    guard let record = entry.header.record,
      try store.summary(of: record)?.holds.contains(.bodyMissing) == true
    else { return nil }
    let siblings = try store.entries(of: record)
    guard Resolution(of: siblings).current.contains(where: { $0.digest == entry.digest }),
      case .accept(let reading) = try assess(entry, arrival, in: store),
      attempts.begin(Attempt(entry)), try store.repair(entry)
    else { return nil }
    try takeBody(of: entry, reading, record, siblings, arrival, in: &store)
    return Reconciled(state: .applied, code: .none, isDuplicate: true)
  }

  private mutating func takeBody(
    of entry: Entry, _ reading: BodyReading?, _ record: RecordKey, _ siblings: [Entry],
    _ arrival: Arrival, in store: inout some StoreTransaction
  ) throws(StoreError) {
    let before = try store.summary(of: record) ?? RecordSummary()
    let after = try summary(before, with: entry, reading, in: store)
    let foreign = try foreignParents(of: entry, siblings, in: store)
    try index(entry, reading, record, foreignParents: foreign, in: &store)
    try store.setSummary(after, of: record)
    let recipients = try route(entry, reading, after, foreignParents: foreign, in: store)
    try log.append(entry, recipients: recipients, via: arrival.via, isNew: false, in: &store)
    // What refers to the record by a name that only this body says may now be for more sites.
    let grown = try widen(record, newest: entry, in: &store)
    _ = try refreshStanding(
      record, try store.entries(of: record), newest: entry, reading, in: &store)
    for record in grown { try retryWaiting(for: record, in: &store) }
    try answer(to: entry, reading, among: try store.entries(of: record), in: &store)
  }

  /// What came for a WANT: gives a stub the body it lacks, or puts spoiled bytes right.
  /// - Returns: whether anything was changed.
  package mutating func mend(
    _ entry: Entry, in store: inout some StoreTransaction
  ) throws(StoreError) -> Bool {
    if let here = try readable(entry.identity, in: store), here.body == nil {
      let link = site == centre ? entry.origin : centre
      let arrival = Arrival.received(from: link, isRecovering: true)
      return try fill(entry, arrival, in: &store) != nil
    }
    return try store.repair(entry)
  }
}
