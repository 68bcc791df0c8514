import Cryptography
import Replication
import Storage

/// The links of a site: dialling, admission, and the reads its sessions ask for.
extension SimulatedSite {
  // MARK: Connections

  func dial() {
    let line = world.line(of: id)
    guard !line.isCut, let acceptor = world.site(centre), acceptor.isUp else {
      return after(backoff.next(using: &world.random)) { [self] in dial() }
    }
    let connection = line.connect()
    attach(connection, peer: centre, end: .dialler)
    connection.ask { [self] in
      guard acceptor.isUp else { return connection.breakDown(silently: false) }
      acceptor.attach(connection, peer: id, end: .acceptor)
    }
  }

  private func attach(_ connection: SimulatedConnection, peer: SiteID, end: ConnectionEnd) {
    let link = SimulatedLink(
      number: nextSession(), peer: peer, end: end, connection: connection, site: self)
    add(link)
    directory.opened(link.number, site: peer)
    guard isCentre && !isKnown(peer) else { return post(.openLink(link.number, peer: peer)) }
    link.refuse(.unknownSite, "\(peer) is not in the registry")
  }

  /// While its own registry is lost, a centre lets in who had links before.
  private func isKnown(_ peer: SiteID) -> Bool {
    var isKnown = false
    world.attempt("registry of \(id)") { () throws(StoreError) in
      let revision = try store.siteState().registry
      let registry = try store.registry(revision)
      let hadLink = try store.peers().contains(peer)
      isKnown = hadLink || registry.map { $0.sites[peer] != nil } ?? true
    }
    return isKnown
  }

  func ended(_ link: SimulatedLink, _ closure: LinkClosure) {
    note("session with \(link.peer) ends: \(closure)")
    remove(link)
    sessionEnded(link.number)
    if let symptom = closure.symptom { world.count(symptom) }
    if let next = directory.ended(link.number) { judge(next) }
    if case .violation(let violation) = closure, !link.connection.isSpoiled {
      world.fail("\(id) refuses \(link.peer): \(violation)")
    }
    guard link.end == .dialler else { return }
    if let upSince = link.upSince { backoff.sessionEnded(upFor: world.now - upSince) }
    switch closure {
    case .lifeEnded, .restart: dial()
    case .refusedByPeer, .refused, .violation, .handshakeTimedOut, .silent, .transportEnded,
      .replaced:
      after(backoff.next(using: &world.random)) { [self] in dial() }
    }
  }

  func noted(_ event: SessionEvent, _ link: SimulatedLink) {
    switch event {
    case .becameUp: note("up with \(link.peer)")
    case .probeAnswered:
      if let challenger = directory.answered(link.number) {
        self.link(challenger)?.refuse(.twoHolders, "another process holds \(link.peer)")
      }
    case .lostRows, .peerLostRows, .forkSuspected, .badTag, .recovered:
      note("\(event) with \(link.peer)")
      if let symptom = event.symptom { world.count(symptom) }
    case .fileRefused(let wanted, _): refused(wanted)
    case .acknowledged, .outcomesAnnounced: break
    }
  }

  // MARK: Requests

  func perform(_ request: SessionRequest, _ link: SimulatedLink) {
    switch request {
    case .judge(let hello):
      link.hello = hello
      clockOffsets[link.peer] = hello.wallTime.map {
        ClockOffset(stamp: $0, now: wallTime, elapsed: world.now - link.began)
      }
      admit(link, hello)
    case .load(let lane, let after, let limits, let peerIsRecovering, _):
      let selection = RowSelection(
        peer: link.peer, peerIsCentre: link.peer == centre, peerIsRecovering: peerIsRecovering)
      load(lane, after, selection, limits, for: link)
    case .loadOutcomes(let after, let limit):
      world.attempt("outcomes of \(id)") { () throws(StoreError) in
        link.advance(
          .outcomesLoaded(try store.outcomes(for: link.peer, after: after, limit: limit)))
      }
    case .readFile(let wanted, let offset, let byteCount, _):
      serve(wanted, offset: offset, byteCount: byteCount, to: link)
    case .writeFile(let wanted, let offset, let bytes, let total):
      take(wanted, offset: offset, bytes, of: total, from: link)
    }
  }

  private func load(
    _ lane: Lane, _ after: LSN, _ selection: RowSelection, _ limits: RowLimits,
    for link: SimulatedLink
  ) {
    do throws(StoreError) {
      let batch = try store.rows(after: after, lane: lane, selection: selection, limits: limits)
      if batch.firstEntry(above: .none) != nil { world.fail("O5: a secret was to leave \(id)") }
      link.advance(.batchLoaded(lane, batch, seal(batch.last)))
    } catch {
      guard case .rotten(let digest) = error else {
        return world.fail("load of \(id): \(error)")
      }
      link.advance(.loadStalled(lane))
      foundRotten(digest)
    }
  }

  private func admit(_ link: SimulatedLink, _ hello: Hello) {
    let admission = directory.admit(
      link.number, site: hello.site, nonce: hello.nonce, now: world.now)
    switch admission {
    case .admit: judge(link.number)
    case .replace(let old, let challenger):
      self.link(old)?.advance(.closeRequested(.replaced))
      if let challenger { self.link(challenger)?.refuse(.twoHolders, "the holder dialled again") }
      judge(link.number)
    case .probe(let old):
      self.link(old)?.advance(.probeRequested)
      after(SessionDirectory.probeTimeout) { [self] in expireProbes() }
    case .busy: link.refuse(.overloaded, "two processes are being told apart")
    }
  }

  private func expireProbes() {
    for (old, new) in directory.expire(now: world.now) {
      self.link(old)?.advance(.closeRequested(.replaced))
      judge(new)
    }
  }

  private func judge(_ number: SessionNumber) {
    guard let link = link(number), let hello = link.hello else { return }
    guard !directory.isOutdated(number, site: link.peer) else {
      return link.refuse(.restarting, "an earlier session wrote after this one began: dial again")
    }
    world.attempt("judgement of \(id)") { () throws(StoreError) in
      link.advance(.helloJudged(try judgeHello(hello, of: id, in: store, sealing: key)))
    }
  }
}

extension LinkClosure {
  /// What it counts as; nil when nothing is wrong.
  var symptom: Symptom? {
    switch self {
    case .refusedByPeer(let code, _), .refused(let code, _): code.symptom
    case .violation: .violation
    case .handshakeTimedOut: .handshakeTimeout
    case .silent: .peerSilent
    case .replaced: .replaced
    // Whether the connection broke is counted where it is seen.
    case .lifeEnded, .restart, .transportEnded: nil
    }
  }
}

extension RefusalCode {
  fileprivate var symptom: Symptom? {
    switch self {
    case .twoHolders: .twoHolders
    case .unknownSite: .unknownSite
    case .overloaded: .overloaded
    default: nil
    }
  }
}

extension SessionEvent {
  fileprivate var symptom: Symptom? {
    switch self {
    case .lostRows: .rowsLost
    case .peerLostRows: .peerLostRows
    case .forkSuspected: .logForked
    case .badTag: .badTag
    default: nil
    }
  }
}
