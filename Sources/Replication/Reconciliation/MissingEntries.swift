/// What a site knows to have written and does not hold: the gaps in its own sequence numbers, which
/// are dense along the line of its lives.
package struct MissingEntries: Hashable, Sendable {
  package let incarnation: Incarnation
  /// How many numbers up to `last` are not here; at the least, when the beginning is not known.
  package let count: UInt64
  package let last: SequenceNumber
  /// Whether the life's genesis is here: without it nobody can say how many numbers came before the
  /// least that is.
  package let isBeginningKnown: Bool
}

extension MissingEntries {
  /// By life, in the order of their numbers. What a life wrote after the last entry that anyone
  /// gave back, and after every branch point that a genesis names, leaves no trace here.
  package static func of(
    _ site: SiteID, in view: some StoreQueries
  ) throws(StoreError) -> [MissingEntries] {
    let spans = try view.spans(of: site)
    var named: [Incarnation: SequenceNumber] = [:]
    var opened: Set<Incarnation> = []
    for span in spans {
      let first = EntryIdentity(
        origin: site, incarnation: span.incarnation, sequence: span.first)
      guard let body = try view.entry(first)?.body, let genesis = Genesis(body: body) else {
        continue
      }
      opened.insert(span.incarnation)
      guard genesis.incarnation != Checkpoint.start.incarnation else { continue }
      named[genesis.incarnation] = max(named[genesis.incarnation] ?? .start, genesis.sequence)
    }
    var missing: [MissingEntries] = []
    for span in spans {
      let last = max(span.last, named[span.incarnation] ?? .start)
      let count = last.value - span.first.value + 1 - UInt64(span.count)
      let isOpened = opened.contains(span.incarnation)
      guard count > 0 || !isOpened else { continue }
      missing.append(
        MissingEntries(
          incarnation: span.incarnation, count: isOpened ? count : count + 1, last: last,
          isBeginningKnown: isOpened))
    }
    // Lives of which only their child's genesis is here.
    let known = Set(spans.map(\.incarnation))
    for (incarnation, last) in named where !known.contains(incarnation) {
      missing.append(
        MissingEntries(incarnation: incarnation, count: 1, last: last, isBeginningKnown: false))
    }
    return missing.sorted { ($0.last, $0.incarnation) < ($1.last, $1.incarnation) }
  }
}
