import Replication
import Storage

/// What becomes of the witness file when the data directory is put back.
enum RestoredWitness: CaseIterable {
  /// It lies elsewhere, as it should: proof of loss.
  case kept
  /// Proof of loss too.
  case lost
  /// The whole machine went back: no proof, until a peer has some.
  case wentBackToo
}

/// An older copy of what a site's disk keeps.
struct Backup {
  let store: StoreCopy
  let witness: WitnessFinding
}

/// Roll-backs and clones: a site's past comes back, or runs twice.
extension SimulatedWorld {
  func backUp(_ site: SimulatedSite) -> Backup {
    note("\(site.id) is backed up")
    copiedSite = site.id
    return Backup(store: site.copyStore(), witness: site.witness)
  }

  /// Puts the site back to `backup` and starts it again.
  func restore(_ site: SimulatedSite, to backup: Backup, witness: RestoredWitness) {
    site.kill()
    note("\(site.id) is put back, its witness \(witness)")
    site.putBack(backup.store)
    switch witness {
    case .kept: break
    case .lost: site.witness = .absent
    case .wentBackToo: site.witness = backup.witness
    }
    noteLoss(of: site)
    site.start()
    // The operator sees when the copy was older than the province.
    if site === centre {
      for late in members where !firstMembers.contains(late) { addMember(late) }
    }
  }

  /// What `site` alone held is gone.
  private func noteLoss(of site: SimulatedSite) {
    attempt("loss of \(site.id)") { () throws(StoreError) in
      let foreign = try ledger.noteRestore(of: site.id, stores: stores)
      // With two sites put back, what the first lost the second may have been the last to hold.
      if restoreCount == 0, let entry = foreign.first {
        fail("O1: a restore of \(site.id) lost \(entry)")
      }
    }
    restoreCount += 1
  }

  /// The site has lost its place in its peers' logs: everything comes once more.
  func forgetCursors(_ site: SimulatedSite) {
    site.kill()
    note("\(site.id) forgets its cursors")
    attempt("cursors of \(site.id)") { () throws(StoreError) in
      for peer in try site.store.peers() {
        var state = try site.store.peer(peer)
        for lane in Lane.allCases { state.received[lane] = CheckpointHistory() }
        try site.store.setPeer(state, of: peer)
      }
    }
    site.start()
  }

  // MARK: Clones

  /// A copy of the machine is started beside it; half of what its applications ask goes there.
  func startClone(of site: SimulatedSite) {
    note("\(site.id) runs twice")
    let clone = SimulatedSite(
      id: site.id, centre: SiteNames.centre, world: self, storeID: Bytes16(high: 0, low: 0))
    clone.putBack(site.copyStore())
    clone.witness = site.witness
    clone.clock = site.clock
    clones.append(clone)
    clone.start()
  }

  /// The copy is switched off and thrown away.
  func endClone(of site: SiteID) {
    guard let clone = clones.first(where: { $0.id == site }) else { return }
    note("the clone of \(site) ends")
    clone.kill()
    clones.removeAll { $0 === clone }
    // What the centre lost meanwhile the clone may have been the last to hold.
    restoreCount += 1
    noteLoss(of: clone)
  }
}
