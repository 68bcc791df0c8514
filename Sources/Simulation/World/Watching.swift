import Replication
import Storage

/// What is held against the promises as it happens: O2 and O6 at every commit, O5 on every wire.
extension SimulatedWorld {
  /// Stands in every secret text that the workload tries to write.
  static let canary = Array("CHIM-HOANG-YEN-MAT".utf8)

  func watchWire(_ bytes: [UInt8]) {
    if Self.hasCanary(bytes) { fail("O5: a secret is on the wire") }
  }

  /// Every byte sent passes here, so it skips ahead (Horspool's search).
  static func hasCanary(_ bytes: [UInt8]) -> Bool {
    let canary = canary
    let steps = canarySteps
    var end = canary.count
    while end <= bytes.count {
      let last = bytes[end - 1]
      if last == canary[canary.count - 1],
        bytes[end - canary.count..<end].elementsEqual(canary)
      {
        return true
      }
      end += steps[Int(last)]
    }
    return false
  }

  /// How far the canary may move on when its last letter stands over a byte of this value.
  private static let canarySteps: [Int] = {
    var steps = [Int](repeating: canary.count, count: 256)
    for (index, letter) in canary.dropLast().enumerated() {
      steps[Int(letter)] = canary.count - 1 - index
    }
    return steps
  }()

  /// Where a site stood before a commit.
  struct Mark {
    let end: LSN
    let lock: LockReason?
    /// Of the peers that the commit may move.
    let received: [SiteID: [Lane: LSN]]

    init(_ store: any SimulatedStore, peers: [SiteID]) throws(StoreError) {
      let state = try store.siteState()
      end = state.end.lsn
      lock = state.lock
      var received: [SiteID: [Lane: LSN]] = [:]
      for peer in peers { received[peer] = try Self.received(store, of: peer) }
      self.received = received
    }

    static func received(
      _ store: any SimulatedStore, of peer: SiteID
    ) throws(StoreError) -> [Lane: LSN] {
      try store.peer(peer).received.mapValues(\.newest.lsn)
    }
  }

  func watchCommit(
    since mark: Mark, in store: any SimulatedStore, by site: SimulatedSite,
    _ resumedPeers: Set<SiteID>
  ) throws(StoreError) {
    var lsn = mark.end
    let end = try store.logEnd().lsn
    if end < lsn { fail("O6: the log of \(site.id) goes back from \(lsn) to \(end)") }
    while lsn < end {
      lsn = lsn.next
      guard let row = try store.row(at: lsn) else { return fail("\(site.id) has no row \(lsn)") }
      mix(row.head.raw.first)
      if let known = ledger.digests.updateValue(row.digest, forKey: row.entry),
        known != row.digest
      {
        fail("O2: \(row.entry) has two digests")
      }
    }
    for (peer, had) in mark.received where !resumedPeers.contains(peer) {
      let has = try Mark.received(store, of: peer)
      for lane in Lane.allCases where (has[lane] ?? .start) < (had[lane] ?? .start) {
        fail("O6: \(site.id) goes back from \(had[lane] ?? .start) of \(peer)")
      }
    }
  }
}
