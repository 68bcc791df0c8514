import Operations
import Replication
import Storage
import Transport

/// What becomes of contents that are on their way.
extension FileFetcher {
  // MARK: What the thread of files says

  func opened(_ session: SessionNumber, _ wanted: Wanted, _ offset: UInt64) {
    guard var one = active[wanted] else { return worker.post(.close(wanted)) }
    // Of an earlier session: what this one opened follows.
    guard one.session == session, one.phase == .opening else { return }
    guard let driver = links.drivers[session], driver.freeFilePlaces > 0 else {
      active[wanted] = nil
      worker.post(.close(wanted))
      return wake()
    }
    one.phase = .fetching
    active[wanted] = one
    driver.advance(.fileWanted(wanted, byteCount: one.lead.byteCount, offset: offset))
  }

  func written(_ session: SessionNumber, _ wanted: Wanted, upTo: UInt64) {
    guard let one = active[wanted], one.session == session, one.phase == .fetching else { return }
    links.drivers[session]?.advance(.fileWritten(wanted, upTo: upTo))
  }

  func stored(_ digest: Digest, _ byteCount: UInt64) {
    finish(.file(digest), byteCount)
    daemon.logger.log(
      .info, "file.stored", ["file": .of(digest), "bytes": .integer(Int64(clamping: byteCount))])
    writer.postBounded(.setFiles([FileChange(digest, .here)]))
  }

  func fetched(_ entry: Entry, _ byteCount: UInt64) {
    finish(.entry(entry.digest), byteCount)
    writer.postBounded(.repair(entry))
  }

  /// The content is whole: its place on the link is free; what is left is the writer's.
  private func finish(_ wanted: Wanted, _ byteCount: UInt64) {
    guard var one = active[wanted] else { return }
    let (session, isFetching) = (one.session, one.phase == .fetching)
    one.session = nil
    one.phase = .settling
    active[wanted] = one
    if let peer = one.peer { queue.came(wanted, from: peer) }
    if let session, isFetching {
      links.drivers[session]?.advance(.fileWritten(wanted, upTo: byteCount))
    }
    pumpSoon(one.peer)
  }

  func failed(_ wanted: Wanted, _ fault: FileFault) {
    let one = active[wanted]
    daemon.logger.log(
      .warning, "file.failed",
      [
        "content": .of(wanted), "site": .text(one?.peer?.description ?? ""),
        "error": .text(fault.text), "do": .text(fault.hint),
      ])
    if let one, let session = one.session, one.phase == .fetching {
      links.drivers[session]?.advance(.wantCancelled(wanted))
    }
    if fault.isOfEnvironment {
      active[wanted] = nil
      pausedUntil = loop.now + Self.environmentPause
      nextRound = max(nextRound, loop.now + Self.environmentPause)
      wake()
    } else {
      if fault.isOfSize { doubt(wanted) }
      giveUp(wanted)
    }
    pumpSoon(one?.peer)
  }

  // MARK: What the writer says

  /// The state is committed, or could not be.
  func settled(_ wanted: Wanted) {
    active[wanted] = nil
    if isRoundDue { wake() }
  }

  func notWritten(_ wanted: Wanted) {
    active[wanted] = nil
    nextRound = max(nextRound, loop.now + Self.environmentPause)
    wake()
  }

  func repair(_ digest: Digest, _ lead: ContentLead) {
    if repairs.count < Self.repairCount { repairs[digest] = lead }
    offer(lead, isLocal: false)
    pumpSoon(nil)
  }
}
