import Replication
import Storage

/// A group's sync has returned: the store changes, then everyone who waited is told.
extension SimulatedSite {
  func commit(_ group: WriterGroup) {
    world.attempt("commit of \(id)") { () throws(StoreError) in
      let before = store
      try world.watchCommit(from: before, to: group.transaction, by: self, group.resumedPeers)
      store = group.transaction
      if group.reconciler.log.isOpened { unopened = nil }
      let state = try store.siteState()
      note("commits to \(state.end.lsn) \(state.end.head.description.prefix(8))")
      for alarm in group.reconciler.alarms { note("alarm \(alarm)") }
      if try before.siteState().lock != state.lock {
        note(state.lock.map { "is locked: \($0)" } ?? "is unlocked")
      }
      planWitness()
      if reached(.durable) { return }
      try answer(group, state)
      if reached(.answered) { return }
      startGroup()
    }
  }

  private func answer(_ group: WriterGroup, _ state: SiteState) throws(StoreError) {
    let logEnd = seal(state.end)
    for reply in group.replies {
      switch reply {
      case .answered(let request, let result): world.answered(request, result, by: self)
      case .opened(let session, let peer, let site, let outcomesEnd):
        links[session]?.open(
          LocalView(
            role: isCentre ? .acceptor : .dialler, site: id, incarnation: incarnation,
            nonce: nonce, peer: links[session]?.peer ?? centre, logEnd: seal(site.end),
            peerState: peer, registry: site.registry, outcomesEnd: outcomesEnd,
            isRecovering: recovers(on: links[session]?.peer ?? centre, peer, site),
            isStorageFull: isDiskFull, software: "dongbo-sim", wallTime: wallTime))
      case .committed(let session, let peer, let ticket):
        let end = try store.outcomesEnd(for: peer)
        links[session]?.advance(
          .committed(ticket, CommitReport(outcomesEnd: end, logEnd: logEnd)))
      }
    }
    for link in linksInOrder {
      link.advance(.logGrew(logEnd))
      link.advance(.outcomesGrew(try store.outcomesEnd(for: link.peer)))
      link.advance(.recoveryChanged(recovers(on: link.peer, try store.peer(link.peer), state)))
    }
  }

  private func recovers(on peer: SiteID, _ link: PeerState, _ site: SiteState) -> Bool {
    link.recoverUpTo != nil || site.unconfirmed.contains(peer)
  }

  var linksInOrder: [SimulatedLink] { links.values.sorted { $0.number < $1.number } }
}
