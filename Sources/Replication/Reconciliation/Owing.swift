/// Events that a site writes by itself: arrival receipts, and answers to recalls. They are written
/// in the transaction that makes them due; while the site is locked they are owed, and kept.
extension Reconciler {
  /// Writes, or owes, what this site must answer to `newest`, one of the record's `entries`.
  mutating func answer(
    to newest: Entry, _ reading: BodyReading?, among entries: [Entry],
    in store: inout some StoreTransaction
  ) throws(StoreError) {
    guard let record = newest.header.record, record.kind.owesEvents,
      newest.header.operation == .put || reading?.facts.widensRecordAudience == true
    else { return }
    let lookup = RuleLookup(view: store, site: site, centre: centre)
    let held = HeldRecord(record, entries: entries, read: reading.map { (newest.digest, $0) })
    let due = try record.kind.rules.owed(for: newest, in: held, by: lookup, hashing: hashing)
    // A late addressee makes all of a document's receipts due again.
    for event in due
    where try store.entries(of: event.record, about: .event(event.event)).isEmpty {
      if log.state.lock != nil {
        try store.owe(event)
      } else {
        try write(event, in: &store)
      }
    }
  }

  /// The last writes of a transaction: what was owed while the site was locked, and the site's
  /// state.
  package mutating func finish(in store: inout some StoreTransaction) throws(StoreError) {
    try payOwed(in: &store)
    try log.finish(in: &store)
  }

  private mutating func payOwed(in store: inout some StoreTransaction) throws(StoreError) {
    guard log.state.lock == nil, log.state.registry.number > 0 else { return }
    // What came back while the site was locked may have answered many already. Those do not count:
    // only what is written brings about the next transaction. It ends, for all that is read is
    // settled.
    var writtenCount = 0
    while writtenCount < limits.owedPerTransaction {
      let owed = try store.owed(limit: limits.owedPerTransaction - writtenCount)
      if owed.isEmpty { return }
      for event in owed {
        if try write(event, in: &store) { writtenCount += 1 }
        try store.settle(event)
      }
    }
  }

  /// The id follows from what is answered: one that is here already is the same answer.
  /// - Returns: whether it was not here.
  @discardableResult
  private mutating func write(
    _ event: OwedEvent, in store: inout some StoreTransaction
  ) throws(StoreError) -> Bool {
    guard
      let submission = try? Submission(answering: event.record, event: event.event, event.body)
    else { preconditionFailure("an answer that no schema takes: \(event.event)") }
    // Derived from the rules it would be held against: what is added later takes none of it back.
    guard case .success(let answer) = try author(submission, isDerived: true, in: &store) else {
      return false
    }
    return !answer.isRepeat
  }
}

extension RecordKind {
  /// Kinds whose puts are answered by themselves.
  fileprivate var owesEvents: Bool { self == .document }
}
