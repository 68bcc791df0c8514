import Cryptography
import Operations
import Replication
import Storage
import Transport

/// All links of this site, on the reactor: who may come in, whom to dial, which session holds a
/// site, and what every commit means to them.
final class LinkTable: LinkHost {
  let daemon: DaemonContext
  let loop: EventLoop
  let writer: Writer
  let readers: ReaderPool
  let compressor: FrameCompressor
  /// Replaced as a whole when certificates or revocation lists are read again.
  var tls: TLSContext

  var drivers: [SessionNumber: LinkDriver] = [:]
  var peers: [SiteID: Peer] = [:]
  var directory = SessionDirectory()
  /// HELLOs that wait until a probe tells two holders of one site apart.
  private var challengers: [SessionNumber: Hello] = [:]
  private var probeTimer: TimerID?
  private var lastNumber: UInt64 = 0
  var dialling: DialState?
  var listeners: [Listener] = []
  var isStopping = false

  private(set) var registry: RegistrySnapshot
  private(set) var news: CommitNews
  /// For links that stand near the end of the log.
  private var tail = LogTail()
  /// Told of every durable acknowledgement and outcome of a peer.
  var onProgress: ((SiteID) -> Void)?
  /// Set by the daemon before the first link.
  var files: FileCare?
  /// Lanes that stopped at an entry that cannot be read, until it is repaired.
  private(set) var stalled: Set<SessionNumber> = []

  init(
    daemon: DaemonContext, loop: EventLoop, writer: Writer, readers: ReaderPool, tls: TLSContext,
    registry: RegistrySnapshot, news: CommitNews
  ) throws {
    self.daemon = daemon
    self.loop = loop
    self.writer = writer
    self.readers = readers
    self.tls = tls
    self.registry = registry
    self.news = news
    compressor = try FrameCompressor()
    knowPeers()
  }

  /// One session, one that replaces it, and one that is told apart from them.
  static let connectionsPerSite = 3

  var isCentre: Bool { daemon.site == daemon.centre }

  // MARK: What the writer and the readers say

  func committed(_ news: CommitNews) {
    let recoveringBefore = self.news.state.unconfirmed
    self.news = news
    if news.hasDroppedBodies { tail = LogTail() }
    tail.append(news.rows, end: news.logEnd.lsn)
    self.news.rows = AppendedRows()
    if let registry = news.registry {
      self.registry = registry
      knowPeers()
    }
    for driver in drivers.values {
      guard let peer = driver.identity?.site else { continue }
      if let end = news.outcomesEnd[peer] { driver.advance(.outcomesGrew(end)) }
      driver.advance(.logGrew(news.logEnd))
      let isRecovering = news.state.unconfirmed.contains(peer)
      if isRecovering != recoveringBefore.contains(peer) {
        driver.advance(.recoveryChanged(isRecovering))
      }
    }
  }

  func opened(_ number: SessionNumber, _ opening: LinkOpening) {
    guard let driver = drivers[number], let peer = driver.identity?.site else { return }
    peers[peer]?.outcomesTaken = opening.peerState.outcomesTaken
    let end = opening.site.end
    driver.open(
      LocalView(
        role: driver.role, site: daemon.site, incarnation: daemon.incarnation,
        nonce: daemon.nonce, peer: peer,
        logEnd: Checkpoint(
          of: daemon.site, incarnation: end.incarnation, lsn: end.lsn, head: end.head,
          sealing: daemon.sealing),
        peerState: opening.peerState, registry: opening.site.registry,
        outcomesEnd: opening.outcomesEnd,
        isRecovering: opening.peerState.recoverUpTo != nil
          || news.state.unconfirmed.contains(peer),
        isStorageFull: daemon.disk.isFull, software: daemon.software, wallTime: WallClock.now()))
  }

  func committed(_ number: SessionNumber, _ ticket: Ticket, _ report: CommitReport) {
    drivers[number]?.advance(.committed(ticket, report))
    guard let peer = drivers[number]?.identity?.site else { return }
    for (pending, end) in pendingOutcomes[number] ?? [] where pending <= ticket {
      peers[peer]?.outcomesTaken = end
    }
    pendingOutcomes[number]?.removeAll { $0.0 <= ticket }
    onProgress?(peer)
  }

  func take(_ reply: ReadReply) {
    switch reply {
    case .loaded(let number, let lane, let batch, let checkpoint):
      drivers[number]?.advance(.batchLoaded(lane, batch, checkpoint))
    case .aboveCeiling(let number, let entry, let record):
      stopAboveCeiling(number, entry, of: record)
    case .judged(let number, let judgement): drivers[number]?.advance(.helloJudged(judgement))
    case .outcomes(let number, let outcomes):
      drivers[number]?.advance(.outcomesLoaded(outcomes))
    case .stalled(let number, let lane, let digest): stall(number, lane, at: digest)
    case .failed(let number, let error):
      // A local failure stops the link; it never skips a change (promise 5).
      daemon.logger.log(
        .error, "link.read-failed",
        ["error": .of("\(error)"), "do": .of(error.hint)])
      drivers[number]?.refuse(Refuse(.overloaded, "a read failed at this site"))
    case .resolved(let target, let result): resolved(target, result)
    case .queried: break
    }
  }

  /// The link goes on; this lane waits in front of what cannot be read, and skips nothing.
  private func stall(_ number: SessionNumber, _ lane: Lane, at digest: Digest) {
    noteStall(number, "sending", at: digest)
    files?.examine(digest)
    drivers[number]?.advance(.loadStalled(lane))
  }

  /// What the peer sent needs what cannot be read: it is not acknowledged before the repair.
  func writesStalled(_ number: SessionNumber, at digest: Digest) {
    noteStall(number, "receiving", at: digest)
  }

  private func noteStall(_ number: SessionNumber, _ what: String, at digest: Digest) {
    guard let peer = drivers[number]?.identity?.site else { return }
    setCondition(.waiting(reason: "entry \(digest) here is damaged and being repaired"), of: peer)
    guard stalled.insert(number).inserted else { return }
    daemon.logger.log(
      .error, "link.stalled",
      ["site": .of(peer), "while": .text(what), "entry": .of(digest)])
  }

  /// An entry was repaired: lanes that stand before another one stop there again.
  func resumeLoads() {
    let numbers = stalled.sorted()
    stalled = []
    for number in numbers {
      guard let driver = drivers[number], let peer = driver.identity?.site else { continue }
      if driver.isUp { setCondition(.streaming, of: peer) }
      driver.advance(.loadsResumed)
    }
  }

  func storageFullChanged(_ isFull: Bool) {
    files?.fetcher.storageFullChanged(isFull)
    for driver in drivers.values { driver.advance(.storageFullChanged(isFull)) }
  }

  // MARK: LinkHost

  func admit(_ identity: PeerIdentity, _ link: LinkDriver) -> Refuse? {
    if isStopping { return Refuse(.shuttingDown, "this site is stopping") }
    let known = registry.sites[identity.site]
    let today = CalendarDate(localDayOf: WallClock.now())
    let fromThere = drivers.values.count { $0.identity?.site == identity.site }
    let refusal: Refuse?
    if fromThere > Self.connectionsPerSite {
      refusal = Refuse(.overloaded, "too many connections of \(identity.site)")
    } else if isCentre {
      if known?.isValid(on: today) != true || identity.site == daemon.site {
        refusal = Refuse(.unknownSite, "\(identity.site) is not in the registry today")
      } else {
        refusal = pinRefusal(identity, known?.pins ?? [])
      }
    } else if identity.site != daemon.centre {
      refusal = Refuse(.wrongIdentity, "expected \(daemon.centre), found \(identity.site)")
    } else {
      refusal = pinRefusal(identity, (known?.pins ?? []) + daemon.configuredPins)
    }
    if refusal == nil {
      know(identity.site)
      peers[identity.site]?.certificateNotAfter = WallTime(
        microseconds: UInt64(max(identity.notAfter, 0)) * 1_000_000)
    }
    return refusal
  }

  private func pinRefusal(_ identity: PeerIdentity, _ pins: [Digest]) -> Refuse? {
    if pins.contains(identity.pin) { return nil }
    return Refuse(.wrongPin, "the key of \(identity.site) is not registered")
  }

  func requestOpening(_ link: LinkDriver, peer: SiteID) {
    directory.opened(link.number, site: peer)
    writer.postBounded(.openLink(link.number, peer: peer))
  }

  func perform(_ request: SessionRequest, _ link: LinkDriver, peer: SiteID) {
    switch request {
    case .judge(let hello):
      noteClock(of: peer, hello, link)
      admit(hello, link, peer)
    case .load(let lane, let after, let limits, let peerIsRecovering, _):
      let selection = RowSelection(
        peer: peer, peerIsCentre: peer == daemon.centre, peerIsRecovering: peerIsRecovering)
      load(lane, after: after, limits, selection, link)
    case .loadOutcomes(let after, let limit):
      readers.postBounded(.outcomes(link.number, peer: peer, after: after, limit: limit))
    case .readFile, .writeFile: files?.perform(request, link, peer: peer)
    }
  }

  /// What was committed a moment ago is at hand; a reader finds the rest.
  private func load(
    _ lane: Lane, after: LSN, _ limits: RowLimits, _ selection: RowSelection, _ link: LinkDriver
  ) {
    let ceiling = SecrecyChecks.sending(registry.ceiling(of: selection.peer))
    guard
      let batch = tail.rows(after: after, lane: lane, selection: selection, limits: limits)
    else {
      return readers.postBounded(
        .load(link.number, selection, lane, after: after, limits, ceiling: ceiling))
    }
    let checked = CheckedBatch(batch, ceiling: ceiling, of: daemon.site, sealing: daemon.sealing)
    switch checked {
    case .sealed(let batch, let checkpoint): link.answer(.batchLoaded(lane, batch, checkpoint))
    case .aboveCeiling(let entry, let record):
      stopAboveCeiling(link.number, entry, of: record)
    }
  }

  private var pendingOutcomes: [SessionNumber: [(Ticket, UInt64)]] = [:]

  func perform(_ write: LinkWrite, _ link: LinkDriver, peer: SiteID) {
    switch write.change {
    case .takeOutcomes(let first, let outcomes):
      pendingOutcomes[link.number, default: []]
        .append((write.ticket, first + UInt64(outcomes.count) - 1))
    case .take(let lane, _, _, let checkpoint, _): peers[peer]?.received[lane] = checkpoint.lsn
    case .resume(let checkpoints, _, _, let outcomesTaken, _):
      for lane in Lane.allCases { peers[peer]?.received[lane] = checkpoints[lane].lsn }
      peers[peer]?.outcomesTaken = outcomesTaken
    case .acknowledged, .witness, .rowsLost, .recovered: break
    }
    directory.wrote(site: peer)
    writer.postBounded(.change(link.number, peer: peer, write))
  }

  func counted(_ message: Message, byteCount: Int, isSent: Bool, _ link: LinkDriver) {
    guard let peer = link.identity?.site, let series = peers[peer]?.series else { return }
    series.count(message, byteCount: byteCount, isSent: isSent)
    guard !isSent else { return }
    let now = WallClock.now()
    peers[peer]?.lastHeard = now
    series.lastContact.set(Double(now.microseconds) / 1e6)
  }

  func failed(_ failure: TLSFailure, _ link: LinkDriver) {
    daemon.countRefusedConnection(failure.reason)
    daemon.logger.log(
      .warning, "link.tls-refused",
      [
        "address": .text(link.peerAddress), "reason": .text(failure.reason),
        "detail": .of(failure), "site": .text(link.identity?.site.description ?? "unknown"),
      ])
    link.failure = failure.reason
  }

  func ended(_ closure: LinkClosure, _ link: LinkDriver) {
    drivers[link.number] = nil
    pendingOutcomes[link.number] = nil
    challengers[link.number] = nil
    stalled.remove(link.number)
    if let next = directory.ended(link.number) { continueChallenger(next) }
    files?.ended(link.number, peer: link.identity?.site)
    noteEnd(closure, link)
    if link.role == .dialler { dialAgain(after: closure, link) }
  }

  // MARK: One holder a site

  private func admit(_ hello: Hello, _ link: LinkDriver, _ peer: SiteID) {
    switch directory.admit(link.number, site: peer, nonce: hello.nonce, now: loop.now) {
    case .admit: judge(hello, link, peer)
    case .replace(let old, let refused):
      if let refused { refuseSecondHolder(refused) }
      drivers[old]?.replace()
      judge(hello, link, peer)
    case .probe(let old):
      challengers[link.number] = hello
      drivers[old]?.advance(.probeRequested)
      scheduleProbe()
    case .busy: link.refuse(Refuse(.overloaded, "two holders are being told apart; try again"))
    }
  }

  func probeAnswered(_ number: SessionNumber) {
    if let challenger = directory.answered(number) { refuseSecondHolder(challenger) }
  }

  private func refuseSecondHolder(_ number: SessionNumber) {
    challengers[number] = nil
    guard let driver = drivers[number], let peer = driver.identity?.site else { return }
    peers[peer]?.secondHolderSeen = loop.now
    daemon.logger.log(
      .error, "link.two-holders",
      ["site": .of(peer), "address": .text(driver.peerAddress)])
    driver.refuse(Refuse(.twoHolders, "another process holds \(peer)"))
  }

  private func scheduleProbe() {
    if let probeTimer { loop.cancel(probeTimer) }
    probeTimer = directory.nextDeadline.map { deadline in
      loop.schedule(at: deadline) { [weak self] in self?.expireProbes() }
    }
  }

  private func expireProbes() {
    for (old, new) in directory.expire(now: loop.now) {
      drivers[old]?.replace()
      continueChallenger(new)
    }
    scheduleProbe()
  }

  private func continueChallenger(_ number: SessionNumber) {
    guard let hello = challengers.removeValue(forKey: number), let link = drivers[number],
      let peer = link.identity?.site
    else { return }
    judge(hello, link, peer)
  }

  private func judge(_ hello: Hello, _ link: LinkDriver, _ peer: SiteID) {
    guard !directory.isOutdated(link.number, site: peer) else {
      return link.refuse(
        Refuse(.restarting, "an earlier session wrote after this one began: dial again"))
    }
    readers.postBounded(.judge(link.number, hello))
  }

  // MARK: Peers

  func nextNumber() -> SessionNumber {
    lastNumber += 1
    return SessionNumber(lastNumber)
  }

  func know(_ site: SiteID) {
    if peers[site] == nil { peers[site] = Peer(site: site, metrics: daemon.metrics) }
  }

  /// A province has one peer, the centre; the centre knows whom the registry lists.
  private func knowPeers() {
    guard isCentre else { return know(daemon.centre) }
    for site in registry.sites.keys.sorted() where site != daemon.site { know(site) }
  }
}
