import Cryptography
import Operations
import Replication
import Transport

/// What sessions report, for people: logs, metrics, status.
extension LinkTable {
  func noted(_ event: SessionEvent, _ link: LinkDriver) {
    guard let peer = link.identity?.site else { return }
    switch event {
    case .becameUp(_, let version, let peerIsRecovering):
      peers[peer]?.upSince = loop.now
      peers[peer]?.consecutiveFailureCount = 0
      peers[peer]?.series.failures.set(0)
      setCondition(.streaming, of: peer)
      countSession(peer, "up")
      files?.fetcher.linkIsUp()
      daemon.logger.log(
        .info, "link.up",
        [
          "site": .of(peer), "version": .integer(Int64(version)),
          "recovering": .flag(peerIsRecovering), "address": .text(link.peerAddress),
        ])
    case .lostRows:
      daemon.logger.log(
        .error, "site.rows-lost",
        ["site": .of(peer), "do": "the site recovers; see dongbo status"])
    case .peerLostRows(let lane, let from, let to):
      // What it acknowledged before counts no more, for whoever waits for it too.
      peers[peer]?.acknowledged[lane] = to
      daemon.logger.log(
        .warning, "peer.rows-lost",
        ["site": .of(peer), "lane": .of(lane), "from": .of(from), "to": .of(to)])
    case .forkSuspected:
      daemon.logger.log(.error, "link.log-forked", ["site": .of(peer)])
    case .badTag: daemon.logger.log(.error, "link.bad-tag", ["site": .of(peer)])
    case .recovered: daemon.logger.log(.notice, "link.recovered", ["site": .of(peer)])
    case .acknowledged(let lane, let lsn):
      peers[peer]?.acknowledged[lane] = lsn
      onProgress?(peer)
    case .outcomesAnnounced(let end):
      peers[peer]?.outcomesAnnounced = end
      onProgress?(peer)
    case .probeAnswered: probeAnswered(link.number)
    case .fileRefused(let wanted, let reason):
      files?.fetcher.refused(wanted, reason, link.number)
    }
  }

  /// An entry above the link's ceiling is in the log: our own fault, or the store was tampered
  /// with. The link stops where it is: to leave the entry out and go on would be a silent drop
  /// (promise 5). It stops again at each session until the entry is gone. The peer is told no more
  /// than that.
  func stopAboveCeiling(_ number: SessionNumber, _ entry: EntryIdentity, of record: RecordKey?) {
    guard let driver = drivers[number], let peer = driver.identity?.site else { return }
    let place = record.map { "\($0.kind) \($0.id)" } ?? "no record"
    daemon.countRefusedEntry(.secrecy)
    daemon.logger.log(
      .error, "link.above-ceiling",
      [
        "site": .of(peer), "entry": .of(entry), "record": .text(place),
        "do": "dongbo explain DB-SECR-001",
      ])
    peers[peer]?.aboveCeiling = "\(entry) (\(place))"
    driver.failure = "entry \(entry) (\(place)) is above the ceiling; dongbo explain DB-SECR-001"
    driver.refuse(Refuse(.aboveCeiling, "an entry above the ceiling does not leave that site"))
  }

  func noteEnd(_ closure: LinkClosure, _ link: LinkDriver) {
    guard let peer = link.identity?.site ?? (link.role == .dialler ? daemon.centre : nil) else {
      countUnknownEnd(closure)
      return
    }
    if case .refused(let code, let text) = closure, !isStopping {
      noteRefusal(of: peer, link, code, text)
    }
    let wasUp = peers[peer]?.upSince != nil && directory.holder(of: peer) == nil
    let (result, condition, level) = meaning(of: closure, link)
    countSession(peer, result)
    daemon.logger.log(
      level, "link.down",
      [
        "site": .of(peer), "reason": .text(condition.reason ?? result),
        "address": .text(link.peerAddress),
      ])
    // A session that took over goes on; only the end of the last one is the link's.
    guard directory.holder(of: peer) == nil else { return }
    if wasUp { peers[peer]?.upSince = nil }
    setCondition(condition, of: peer)
    peers[peer]?.consecutiveFailureCount += 1
    peers[peer]?.series.failures.set(Double(peers[peer]?.consecutiveFailureCount ?? 0))
  }

  /// By this site, whether for the certificate or for the HELLO.
  private func noteRefusal(
    of peer: SiteID, _ link: LinkDriver, _ code: RefusalCode, _ text: String
  ) {
    daemon.countRefusedConnection("hello-\(code)")
    daemon.logger.log(
      .warning, "link.refused",
      [
        "site": .of(peer), "address": .text(link.peerAddress), "reason": .of(code),
        "detail": .text(text),
      ])
  }

  private func countUnknownEnd(_ closure: LinkClosure) {
    if case .handshakeTimedOut = closure { daemon.countRefusedConnection("tls-timeout") }
  }

  /// What a closure counts as, what the status shows, and how loudly it is logged.
  private func meaning(
    of closure: LinkClosure, _ link: LinkDriver
  ) -> (result: String, condition: LinkCondition, level: LogLevel) {
    switch closure {
    case .refusedByPeer(let code, let text):
      return ("refused", .refused(reason: "\(code): \(text)"), .warning)
    case .refused(let code, let text):
      return ("refused", .refused(reason: link.failure ?? "\(code): \(text)"), .warning)
    case .violation(let violation):
      daemon.countRefusedConnection("hello-protocol-violation")
      return ("peer-violation", .waiting(reason: "\(violation)"), .warning)
    case .handshakeTimedOut:
      return ("timed-out", .waiting(reason: "handshake timed out"), .warning)
    case .silent: return ("timed-out", .waiting(reason: "nothing heard"), .warning)
    case .lifeEnded: return ("closed", .waiting(reason: "session life ended"), .info)
    case .restart: return ("closed", .waiting(reason: "recovering"), .notice)
    case .replaced: return ("closed", .waiting(reason: "replaced"), .info)
    case .transportEnded:
      if let failure = link.failure {
        let result = failure.hasPrefix("tls-") ? "tls-failed" : "connect-failed"
        return (result, .waiting(reason: failure), .warning)
      }
      return ("closed", .waiting(reason: "connection ended"), .info)
    }
  }

  /// Said once when the clocks part and once when they agree again; the metric says how far.
  func noteClock(of peer: SiteID, _ hello: Hello, _ link: LinkDriver) {
    let before = peers[peer]?.clockOffset
    let offset = hello.wallTime.map {
      ClockOffset(stamp: $0, now: WallClock.now(), elapsed: loop.now - link.began)
    }
    peers[peer]?.clockOffset = offset
    let wasTooLarge = before?.isTooLarge ?? false
    let isTooLarge = offset?.isTooLarge ?? false
    guard isTooLarge != wasTooLarge else { return }
    let milliseconds = offset.map { "\($0.milliseconds) ms" } ?? "unknown"
    if isTooLarge {
      daemon.logger.log(
        .warning, "peer.clock-off",
        [
          "site": .of(peer), "offset": .text(milliseconds), "do": "dongbo explain DB-CLOCK-001",
        ])
    } else {
      daemon.logger.log(
        .notice, "peer.clock-agrees", ["site": .of(peer), "offset": .text(milliseconds)])
    }
  }

  func setCondition(_ condition: LinkCondition, of peer: SiteID) {
    peers[peer]?.condition = condition
    daemon.metrics.setState(.linkState, [peer.description], to: condition.name)
  }

  func countSession(_ peer: SiteID, _ result: String) {
    daemon.metrics.series(.linkSessions, [peer.description, result]).add(1)
  }
}
