/// What the witness file says at a start (design.md section 4, Recovery).
package enum WitnessFinding: Hashable, Sendable {
  case absent
  case found(storeID: Bytes16, Checkpoint)
}

/// Loss and return. Identities are safe without any lock (law 5); a lock protects the numbers that
/// people give, so it needs proof.
extension Reconciler {
  /// Judges the witness before anything is written after a start. A store without rows has nothing
  /// to lose.
  package mutating func judgeWitness(
    _ finding: WitnessFinding, sealing: some CheckpointSealing,
    in store: inout some StoreTransaction
  ) throws(StoreError) {
    switch finding {
    case .absent:
      if log.state.end.lsn > .start { try lose(.witnessMissing, provedBy: nil, in: &store) }
    case .found(let storeID, let checkpoint):
      if storeID != log.state.storeID {
        if log.state.end.lsn > .start || checkpoint.lsn > .start {
          try lose(.witnessOfAnotherStore, provedBy: nil, in: &store)
        }
        return
      }
      switch try judge(checkpoint, of: site, in: store, sealing: sealing) {
      case .resume: break
      case .lost: try lose(.witnessAhead, provedBy: nil, in: &store)
      // Not written by this site, or by another life of it: no witness of this log.
      case .forked, .badTag: try lose(.witnessMissing, provedBy: nil, in: &store)
      }
    }
  }

  /// Locks the site until its peers have given back what they hold of it. A peer that `rejoin` has
  /// answered for only reopens recovery on its own link.
  mutating func lose(
    _ reason: LockReason, provedBy peer: SiteID?, in store: inout some StoreTransaction
  ) throws(StoreError) {
    if log.state.lock == nil { try beginTallies(in: &store) }
    if let peer {
      var state = try store.peer(peer)
      state.recoverUpTo = state.recoverUpTo ?? LSN(.max)
      try store.setPeer(state, of: peer)
      if state.isAnsweredFor { return log.recover(from: peer) }
      if log.state.lock != nil { return log.lock(reason, unconfirmed: [peer]) }
    }
    log.lock(reason, unconfirmed: try otherSites(in: store))
  }

  /// Locks a store that a command has put back, before its first start: until its peers have given
  /// back what they hold of it, nobody knows which numbers it gave after the copy was taken.
  package mutating func lockRestored(
    in store: inout some StoreTransaction
  ) throws(StoreError) {
    try lose(.restoredByCommand, provedBy: nil, in: &store)
  }

  /// Takes back a lock as far as the operator answers for peers that cannot be reached.
  /// - Returns: the peers that are still to confirm; empty when the site is unlocked.
  package mutating func rejoin(
    without absent: [SiteID], in store: inout some StoreTransaction
  ) throws(StoreError) -> [SiteID] {
    for peer in absent {
      var state = try store.peer(peer)
      state.isAnsweredFor = true
      try store.setPeer(state, of: peer)
      log.confirm(peer)
      try takeRelayed(of: peer, isRelease: true, in: &store)
    }
    if log.state.unconfirmed.isEmpty { log.unlock() }
    return log.state.unconfirmed
  }

  /// What came back after an earlier loss is not this one's.
  private func beginTallies(in store: inout some StoreTransaction) throws(StoreError) {
    for peer in try store.peers() {
      var state = try store.peer(peer)
      state.cameBack = RecoveryTally()
      try store.setPeer(state, of: peer)
    }
  }

  /// Everyone who may hold rows of this log: a province knows the centre, the centre its provinces.
  private func otherSites(in view: some RecordView) throws(StoreError) -> [SiteID] {
    guard site == centre else { return [centre] }
    let registered = try view.registry(log.state.registry).map { Array($0.sites.keys) } ?? []
    return Set(registered + (try view.peers())).filter { $0 != site }.sorted()
  }
}
