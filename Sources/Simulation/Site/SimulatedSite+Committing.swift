import Replication
import Storage

/// The writer: groups what has arrived into one transaction, syncs, then tells everyone who waited.
///
/// What a group writes is worked out when its sync returns, with the jobs and the time of its
/// start: nobody reads the store in between and could tell, and a group that is lost with the
/// power needs no copy of the store to go back to.
extension SimulatedSite {
  func startGroup() {
    guard isUp, !isSyncing, !jobs.isEmpty else { return }
    if isDiskFull { return refuseForWantOfRoom() }
    if reached(.jobsWaiting) { return }
    lookForWake()
    let count = min(jobs.count, world.limits.groupJobCount)
    let began = wallTime
    isSyncing = true
    after(world.random.milliseconds(1...6)) { [self] in
      isSyncing = false
      synced(count, began)
    }
    _ = reached(.syncing)
  }

  /// As the daemon's writer does before each transaction.
  private func lookForWake() {
    guard wakes.hasWoken(wall: clock.set(at: world.now), monotonic: world.now) else { return }
    incarnation = Incarnation(world.randomBytes16())
    unopened = incarnation
    note("wakes as \(incarnation)")
    world.count(.woke)
    for link in linksInOrder { link.refuse(.restarting, "this site woke") }
  }

  private func synced(_ count: Int, _ began: WallTime) {
    // A group that was being synced when the disk filled up was not written.
    if isDiskFull { return refuseForWantOfRoom() }
    let taken = waiting.sort(Array(jobs.prefix(count))).ready
    jobs.removeFirst(count)
    if let failure = plannedSyncFailure {
      note("sync fails, \(failure.isTaken ? "and took" : "and took nothing")")
      if disk != nil { plannedDiskFault = .writeError(&world.random) }
      if disk != nil || failure.isTaken { _ = write(taken, began) }
      return kill(silently: failure.isPowerLoss)
    }
    if let group = write(taken, began) {
      planWitness()
      if reached(.durable) { return }
      world.attempt("answers of \(id)") { () throws(StoreError) in try answer(group) }
      if reached(.answered) { return }
    }
    guard isUp else { return }
    releaseWaiting()
    planGroup()
  }

  private func releaseWaiting() {
    guard isReleased else { return }
    isReleased = false
    jobs = waiting.release() + jobs
  }

  /// Applications are refused at once; what a session has begun waits for room.
  private func refuseForWantOfRoom() {
    for job in jobs {
      if let request = job.request { world.answered(request, .refused("storage full"), by: self) }
    }
    jobs.removeAll { $0.request != nil }
  }

  // MARK: One transaction

  /// - Returns: nil when nothing was written: an entry it needs is rotten.
  private func write(_ taken: [WriterJob], _ began: WallTime) -> WriterGroup? {
    var mark: SimulatedWorld.Mark?
    do throws(StoreError) {
      let peers = Set(taken.compactMap(\.peer)).sorted()
      let before = try SimulatedWorld.Mark(store, peers: peers)
      mark = before
      let group =
        if let disk { try transactOnDisk(taken, began, disk) } else { try transact(taken, began) }
      try committed(group, since: before)
      return group
    } catch {
      if case .rotten(let digest) = error {
        isolate(taken, digest, began)
      } else if disk != nil, let mark {
        failed(error, taken, since: mark)
      } else {
        world.fail("group of \(id): \(error)")
      }
      return nil
    }
  }

  private func transact(
    _ taken: [WriterJob], _ began: WallTime
  ) throws(StoreError) -> WriterGroup {
    let reconciler = try makeReconciler(store, at: began)
    // Changed in place; only a store that may throw half way is kept as it was.
    let before = store.rottenEntries.isEmpty ? nil : store
    var group = WriterGroup(reconciler: reconciler)
    var transaction = store
    store = MemoryStore(storeID: Bytes16(high: 0, low: 0), site: id)
    do throws(StoreError) {
      try perform(taken, in: &group, &transaction)
      store = transaction
    } catch {
      store = before ?? transaction
      throw error
    }
    return group
  }

  private func committed(
    _ group: WriterGroup, since mark: SimulatedWorld.Mark
  ) throws(StoreError) {
    try world.watchCommit(since: mark, in: store, by: self, group.resumedPeers)
    if group.reconciler.log.isOpened { unopened = nil }
    let state = try store.siteState()
    note("commits to \(state.end.lsn) \(state.end.head.description.prefix(8))")
    for alarm in group.reconciler.alarms {
      note("alarm \(alarm)")
      switch alarm {
      case .identityFork: world.count(.identityFork)
      case .rollbackSeen: world.count(.rollbackSeen)
      }
    }
    if mark.lock != state.lock {
      note(state.lock.map { "is locked: \($0)" } ?? "is unlocked")
      if state.lock != nil { world.count(.locked) }
    }
  }

  /// One of the jobs needs an entry that cannot be read. The others are done one by one; that one
  /// waits for the repair when it is a session's, and is given up otherwise, as in the daemon.
  private func isolate(_ taken: [WriterJob], _ digest: Digest, _ began: WallTime) {
    foundRotten(digest)
    guard taken.count == 1, let job = taken.first else {
      for job in taken {
        for job in waiting.sort([job]).ready {
          guard let group = write([job], began) else { continue }
          world.attempt("answers of \(id)") { () throws(StoreError) in try answer(group) }
        }
      }
      return
    }
    switch job {
    case .change(let session, _, _): waiting.wait(job, of: session)
    case .openLink(let session, _):
      link(session)?.refuse(.overloaded, "an entry is being repaired")
    default:
      if let request = job.request { world.askLater(request) }
    }
  }

  // MARK: Answers

  private func answer(_ group: WriterGroup) throws(StoreError) {
    let state = try store.siteState()
    let logEnd = seal(state.end)
    for reply in group.replies {
      switch reply {
      case .answered(let request, let result): world.answered(request, result, by: self)
      case .opened(let session, let peer, let site, let outcomesEnd):
        open(session, peer, site, outcomesEnd)
      case .committed(let session, let peer, let ticket):
        let end = try store.outcomesEnd(for: peer)
        link(session)?.advance(
          .committed(ticket, CommitReport(outcomesEnd: end, logEnd: logEnd)))
      }
    }
    for link in linksInOrder {
      link.advance(.logGrew(logEnd))
      link.advance(.outcomesGrew(try store.outcomesEnd(for: link.peer)))
      link.advance(.recoveryChanged(recovers(on: link.peer, try store.peer(link.peer), state)))
    }
    if !group.repaired.isEmpty { repaired(group.repaired) }
  }

  private func open(
    _ session: SessionNumber, _ peer: PeerState, _ site: SiteState, _ outcomesEnd: UInt64
  ) {
    guard let link = link(session) else { return }
    link.open(
      LocalView(
        role: isCentre ? .acceptor : .dialler, site: id, incarnation: incarnation, nonce: nonce,
        peer: link.peer, logEnd: seal(site.end), peerState: peer, registry: site.registry,
        outcomesEnd: outcomesEnd, isRecovering: recovers(on: link.peer, peer, site),
        isStorageFull: isDiskFull, software: "dongbo-sim", wallTime: wallTime))
  }

  private func recovers(on peer: SiteID, _ link: PeerState, _ site: SiteState) -> Bool {
    link.recoverUpTo != nil || site.unconfirmed.contains(peer)
  }
}
