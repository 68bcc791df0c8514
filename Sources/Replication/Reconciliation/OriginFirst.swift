/// What a third site gives back to a centre that recovers waits until its origin has spoken: the
/// origin's own word stands before anyone's word for it, and a forged entry cannot take an identity
/// that its origin has used or will use.
///
/// The centre asks the origin for its log, up to the end it then names. What it sends itself is
/// placed, and a waiting copy of it gives way; another body under that identity is a fork, kept in
/// the open. What the origin has lost too is then taken from who kept it. Without signatures of
/// origins an invented entry of a former life cannot be told from a lost one.
extension Reconciler {
  /// Entries of `origin` that wait for its word refer to it under this name.
  private static func relayedKey(of origin: SiteID) -> UniqueKey {
    UniqueKey("relayed:") { $0.write(name: origin) }
  }

  /// Whether a recovering centre is given an entry that its origin may yet send, or write, itself.
  func precedesItsOrigin(
    _ entry: Entry, _ arrival: Arrival, in view: some RecordView
  ) throws(StoreError) -> Bool {
    guard site == centre, case .received(let peer, _) = arrival, entry.origin != peer,
      entry.origin != site
    else { return false }
    if try view.peer(entry.origin).isAnsweredFor { return false }
    // Without a lock nobody was asked since this loss was found.
    if log.state.lock == nil { return true }
    return try mayStillSend(entry.identity, in: view)
  }

  /// Not after it has sent its log to the end; under the incarnation it lives in it may yet write.
  private func mayStillSend(
    _ identity: EntryIdentity, in view: some RecordView
  ) throws(StoreError) -> Bool {
    if log.state.unconfirmed.contains(identity.origin) { return true }
    return try view.peer(identity.origin).life == identity.incarnation
  }

  func mayRetry(
    _ waiting: WaitingEntry, in view: some RecordView
  ) throws(StoreError) -> Bool {
    if waiting.code.needsRelease { return false }
    guard waiting.code == .foreignOrigin else { return true }
    return try !mayStillSend(waiting.entry.identity, in: view)
  }

  mutating func awaitOrigin(
    of entry: Entry, in store: inout some StoreTransaction
  ) throws(StoreError) {
    try store.refer(entry.identity, to: Self.relayedKey(of: entry.origin))
    if log.state.lock == nil { log.recover(from: entry.origin) }
  }

  /// The origin has confirmed, lives in another life, or the operator has answered for it.
  mutating func takeRelayed(
    of origin: SiteID, isRelease: Bool = false, in store: inout some StoreTransaction
  ) throws(StoreError) {
    guard site == centre else { return }
    for identity in try store.referrers(of: Self.relayedKey(of: origin)) {
      guard let waiting = try store.waiting(identity), waiting.code == .foreignOrigin else {
        continue
      }
      _ = try retry(waiting, isRelease: isRelease, in: &store)
    }
  }

  /// The origin's own entry has come: what waited under its identity makes room.
  /// - Returns: whether something did; then the entry is to be decided again.
  mutating func yield(
    to entry: Entry, from peer: SiteID, in store: inout some StoreTransaction
  ) throws(StoreError) -> Bool {
    guard peer == entry.origin, let waiting = try store.waiting(entry.identity),
      waiting.code == .foreignOrigin
    else { return false }
    try store.removeWaiting(entry.identity)
    if waiting.entry.digest != entry.digest {
      try store.keepFork(waiting.entry, via: waiting.via)
      alarms.append(.identityFork(entry.identity))
    }
    return true
  }
}
