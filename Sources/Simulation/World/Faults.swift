import Replication
import Storage

/// Kinds of mishap. A seed takes some of them, so that rare pairs meet often (swarm testing).
enum Fault: CaseIterable {
  case cutAtByte
  case cutForLong
  case flapping
  case slowLine
  case kill
  case restore
  case forgottenCursors
  case clockStep
  case fullDisk
}

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
  let store: MemoryStore
  let witness: WitnessFinding
}

extension SimulatedWorld {
  func backUp(_ site: SimulatedSite) -> Backup {
    note("\(site.id) is backed up")
    return Backup(store: site.store, witness: site.witness)
  }

  /// Puts the site back to `backup` and starts it again.
  func restore(_ site: SimulatedSite, to backup: Backup, witness: RestoredWitness) {
    site.kill()
    note("\(site.id) is put back, its witness \(witness)")
    site.store = backup.store
    switch witness {
    case .kept: break
    case .lost: site.witness = .absent
    case .wentBackToo: site.witness = backup.witness
    }
    attempt("restore of \(site.id)") { () throws(StoreError) in
      let foreign = try ledger.noteRestore(of: site.id, stores: sites.map(\.store))
      // With two sites put back, what the first lost the second may have been the last to hold.
      if restoreCount == 0, let entry = foreign.first {
        fail("O1: a restore of \(site.id) lost \(entry)")
      }
    }
    restoreCount += 1
    site.start()
    // The operator sees when the copy was older than the province.
    if site === centre {
      for late in members where !firstMembers.contains(late) { addMember(late) }
    }
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

  /// Cuts the line and heals it, in turns, `count` times.
  func flap(_ line: SimulatedLine, every period: Duration, count: Int) {
    guard count > 0 else { return line.heal() }
    line.cut()
    after(period / 2) { line.heal() }
    after(period) { [self] in flap(line, every: period, count: count - 1) }
  }
}
