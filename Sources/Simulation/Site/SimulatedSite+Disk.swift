import Replication
import SimulatedDisk
import Storage

/// What a store was at a moment: a backup's, a clone's.
enum StoreCopy {
  case memory(any SimulatedStore)
  case disk(FaultyDisk)
}

/// A site whose store is on a disk.
extension SimulatedSite {
  func copyStore() -> StoreCopy { disk.map { .disk($0.copy()) } ?? .memory(store) }

  func putBack(_ copy: StoreCopy) {
    switch copy {
    case .memory(let copied): store = copied
    // It may be put back again.
    case .disk(let copied): mount(copied.copy(), storeID: Bytes16(high: 0, low: 0))
    }
  }

  func mount(_ faulty: FaultyDisk, storeID: Bytes16) {
    opening { () throws(StoreOpenError) in
      disk = try StoreDisk(faulty, site: id, storeID: storeID)
    }
  }

  /// The end of a process on a disk is taken for that of its machine, the harder of the two.
  /// - Parameters:
  ///   - mark: how the site stood before the transaction that was cut off; nil: none was under way.
  ///   - resumed: peers whose cursors that transaction may have moved back.
  func losePower(since mark: SimulatedWorld.Mark?, resumed: Set<SiteID>) {
    guard let disk else { return }
    world.count(.powerLoss)
    world.attempt("what is left of \(id)") { () throws(StoreError) in
      let before =
        if let mark { mark } else { try SimulatedWorld.Mark(store, peers: try store.peers()) }
      opening { () throws(StoreOpenError) in
        try disk.losePower(seed: world.random.next())
      }
      if mark == nil, try store.logEnd().lsn != before.end {
        world.fail("O1: after a power loss the log of \(id) ends elsewhere than at \(before.end)")
      }
      try world.watchCommit(since: before, in: store, by: self, resumed)
    }
  }

  private func opening(_ open: () throws(StoreOpenError) -> Void) {
    do throws(StoreOpenError) {
      try open()
      if let disk { store = disk.writer }
    } catch {
      world.fail("O1: the store of \(id) does not open: \(error)")
      store = MemoryStore(storeID: Bytes16(high: 0, low: 0), site: id)
      disk = nil
    }
  }

  // MARK: One transaction

  /// - Throws: what the disk did. Nobody has been told anything; the transaction may be open still.
  func transactOnDisk(
    _ taken: [WriterJob], _ began: WallTime, _ disk: StoreDisk
  ) throws(StoreError) -> WriterGroup {
    guard let plan = plannedDiskFault else { return try transact(taken, began, disk) }
    plannedDiskFault = nil
    var failedCount = 0
    let group = try disk.failing(
      by: plan,
      { count in
        failedCount = count
        world.count(plan.mishap, count)
      }
    ) { () throws(StoreError) in try transact(taken, began, disk) }
    if failedCount > 0, plan.mishap == .writeError {
      world.fail("O8: \(id) commits over a write or a sync that failed")
    }
    return group
  }

  private func transact(
    _ taken: [WriterJob], _ began: WallTime, _ disk: StoreDisk
  ) throws(StoreError) -> WriterGroup {
    try disk.writer.begin()
    var group = WriterGroup(reconciler: try makeReconciler(disk.writer, at: began))
    var transaction = disk.writer
    try perform(taken, in: &group, &transaction)
    try disk.writer.commit()
    try disk.checkpoint(from: world.limits.walByteCount)
    return group
  }

  /// A full disk wrote nothing and is asked again when it has room; whatever else a disk does ends
  /// the process, and only the next start can tell what it took.
  func failed(_ error: StoreError, _ taken: [WriterJob], since mark: SimulatedWorld.Mark) {
    var error = error
    if error == .full, let disk {
      do throws(StoreError) {
        try disk.writer.rollback()
        return giveBack(taken)
      } catch let second {
        error = second
      }
    }
    note("ends: \(error)")
    if restartsAfter == nil { restartsAfter = world.random.milliseconds(500...5_000) }
    let resumed = taken.filter { job in
      if case .change(_, _, let write) = job, case .resume = write.change { true } else { false }
    }
    let isSilent = plannedSyncFailure?.isPowerLoss == true
    kill(silently: isSilent, since: mark, resumed: Set(resumed.compactMap(\.peer)))
  }

  /// Applications are refused; a session begins anew, at what is committed; the rest waits for
  /// room.
  private func giveBack(_ taken: [WriterJob]) {
    note("has no room")
    for job in taken {
      if let request = job.request {
        world.answered(request, .refused("storage full"), by: self)
      } else if let session = job.session {
        waiting.rolledBack([job])
        link(session)?.refuse(.overloaded, "storage is full")
      } else {
        jobs.append(job)
      }
    }
    isDiskFull = true
    world.after(world.random.milliseconds(500...3_000)) { [self] in isDiskFull = false }
  }
}
