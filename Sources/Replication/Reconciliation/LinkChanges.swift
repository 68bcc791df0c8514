/// Makes the changes a session asks for, inside the open transaction: entries and decisions,
/// outcomes, cursors and recovery move together or not at all (promise 2).
extension Reconciler {
  /// - Parameter read: readings of the first entries of a take, as far as they were done already.
  /// - Returns: what became of the entries of a take, in order; empty for other changes.
  package mutating func perform(
    _ change: LinkChange, of peer: SiteID, read: [EntryReading] = [],
    in store: inout some StoreTransaction
  ) throws(StoreError) -> [Reconciled] {
    var results: [Reconciled] = []
    var hasSpoken = false
    switch change {
    case .take(_, _, let entries, _, _):
      var link = try store.peer(peer)
      let before = link.cameBack
      let isRecovering = link.recoverUpTo != nil
      for (index, entry) in entries.enumerated() {
        let result = try receive(
          entry, from: peer, isRecovering: isRecovering,
          read: index < read.count ? read[index] : nil, in: &store)
        results.append(result)
        try releaseWaiting(after: entry, result, in: &store)
        if isRecovering || entry.origin == site, !result.isDuplicate, result.state != .refused {
          link.cameBack.note(entry.header, isOwn: entry.origin == site)
        }
      }
      if link.cameBack != before { try store.setPeer(link, of: peer) }
    case .takeOutcomes(_, let outcomes):
      for outcome in outcomes { try take(outcome, from: peer, in: &store) }
    case .rowsLost: try lose(.peerHoldsMore, provedBy: peer, in: &store)
    case .recovered:
      log.confirm(peer)
      hasSpoken = true
    case .resume: hasSpoken = true
    case .acknowledged, .witness: break
    }
    var state = try store.peer(peer)
    state.apply(change)
    // What `rejoin` answered for has come back: the next loss is a new one.
    if change == .recovered { state.isAnsweredFor = false }
    try store.setPeer(state, of: peer)
    if hasSpoken { try takeRelayed(of: peer, in: &store) }
    return results
  }

  /// What waited for a registry is tried in the transaction that brings it.
  package mutating func releaseWaiting(
    after entry: Entry, _ result: Reconciled, in store: inout some StoreTransaction
  ) throws(StoreError) {
    guard entry.header.record?.kind == .registry, !result.isDuplicate,
      result.state == .applied || result.state == .conflict,
      case .revision(let number) = entry.header.subject
    else { return }
    let revision = RegistryRevision(number: number.value, digest: entry.digest)
    try releaseWaiting(for: revision, in: &store)
  }
}
