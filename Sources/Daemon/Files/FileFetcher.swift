import Operations
import Replication
import Storage
import Transport

/// One page of what is to be fetched, read by a reader.
struct LeadPage: Sendable {
  struct Item: Sendable {
    let lead: ContentLead
    /// The content is here already, or there is none: no peer is needed.
    let isLocal: Bool
  }

  var items: [Item] = []
  var last: Digest?
  var isLast = true
  /// The store could not be read now.
  var hasFailed = false
}

/// Decides, on the reactor, which missing files and damaged entries are wanted of which peer.
///
/// A round walks the store's list of pending files by pages and puts each where a linked peer should
/// have it; nothing else is remembered, so however many files are missing, memory stays the same.
/// Rounds follow what may change their outcome: a commit that names files, a link that comes up, a
/// refusal that is over; and once a minute for what nobody thought of.
final class FileFetcher {
  static let pageCount = 64
  /// Between two rounds at least so many times the duration of the last one.
  static let roundShare = 4
  static let shortestPause = Duration.milliseconds(20)
  static let slowPass = Duration.seconds(60)
  /// After the disk refused bytes.
  static let environmentPause = Duration.seconds(5)
  /// Contents of this site's own that are looked at at once.
  static let localCount = 64
  /// Damaged entries that are remembered; the scrub finds the others again.
  static let repairCount = 1_024

  enum Phase { case opening, fetching, settling }

  struct Active {
    let lead: ContentLead
    /// nil: no peer is needed (any more).
    var session: SessionNumber?
    let peer: SiteID?
    var phase: Phase
  }

  let daemon: DaemonContext
  let loop: EventLoop
  let links: LinkTable
  let writer: Writer
  let worker: FileWorker
  let store: FileStore
  private let startPage: (@escaping @Sendable (SQLiteReader) -> LeadPage) -> Void
  private var queue = FetchQueue()
  private(set) var active: [Wanted: Active] = [:]
  /// Entries found damaged and not repaired yet.
  var repairs: [Digest: ContentLead] = [:]

  private var isReading = false
  private var isRoundDue = false
  private var roundStarted: Instant
  private var nextRound: Instant
  private var roundTimer: (at: Instant, id: TimerID)?
  private var retryAt: Instant?
  private var pausedUntil: Instant?
  private var pumpTimer: TimerID?

  /// - Parameter startPage: runs a read on a reader, whose result comes to ``take(_:)``.
  init(
    daemon: DaemonContext, loop: EventLoop, links: LinkTable, writer: Writer, worker: FileWorker,
    store: FileStore, startPage: @escaping (@escaping @Sendable (SQLiteReader) -> LeadPage) -> Void
  ) {
    self.daemon = daemon
    self.loop = loop
    self.links = links
    self.writer = writer
    self.worker = worker
    self.store = store
    self.startPage = startPage
    roundStarted = loop.now
    nextRound = loop.now
  }

  // MARK: Rounds

  /// Something may be fetched that could not be before.
  func wake() {
    isRoundDue = true
    scheduleRound(at: nextRound)
  }

  private func scheduleRound(at wished: Instant) {
    guard !isReading else { return }
    let at = max(wished, nextRound)
    if let timer = roundTimer {
      if timer.at <= at { return }
      loop.cancel(timer.id)
    }
    roundTimer = (at, loop.schedule(at: at) { [weak self] in self?.startRound() })
  }

  private func startRound() {
    roundTimer = nil
    guard !isReading else { return }
    isRoundDue = false
    isReading = true
    retryAt = nil
    roundStarted = loop.now
    for lead in repairs.values { offer(lead, isLocal: false) }
    readPage(after: nil)
  }

  private func readPage(after: Digest?) {
    let store = store
    startPage { reader in
      (try? reader.inSnapshot { reader throws(StoreError) in
        try LeadPage(after: after, in: reader, store)
      }) ?? LeadPage(hasFailed: true)
    }
  }

  func take(_ page: LeadPage) {
    for item in page.items { offer(item.lead, isLocal: item.isLocal) }
    if !page.isLast { return readPage(after: page.last) }
    isReading = false
    let pause = max(Self.shortestPause, (loop.now - roundStarted) * Self.roundShare)
    nextRound = loop.now + (page.hasFailed ? Self.environmentPause : pause)
    let slow = loop.now + Self.slowPass
    scheduleRound(at: isRoundDue || page.hasFailed ? nextRound : min(retryAt ?? slow, slow))
    pump()
  }

  private func offer(_ lead: ContentLead, isLocal: Bool) {
    guard active[lead.wanted] == nil, !queue.contains(lead.wanted) else { return }
    if isLocal { return settle(lead) }
    for peer in candidates(lead) {
      if let until = queue.notBefore(lead.wanted, of: peer, now: loop.now) {
        retryAt = min(retryAt ?? until, until)
      } else {
        _ = queue.add(lead, of: peer)
        return
      }
    }
  }

  /// Linked peers that should have it, the likeliest first. A province asks the centre, which has
  /// or gets everything that is for one of its provinces.
  private func candidates(_ lead: ContentLead) -> [SiteID] {
    guard links.isCentre else { return isLinked(daemon.centre) ? [daemon.centre] : [] }
    let others = lead.holders == .everyone ? links.peers.keys.sorted() : lead.holders.listed
    let inOrder = lead.origins + others.filter { !lead.origins.contains($0) }
    return inOrder.filter { isLinked($0) }
  }

  private func isLinked(_ peer: SiteID) -> Bool { driver(of: peer)?.isUp == true }

  private func driver(of peer: SiteID) -> LinkDriver? {
    links.directory.holder(of: peer).flatMap { links.drivers[$0] }
  }

  /// No peer is needed: the thread of files says so, and the state is set.
  private func settle(_ lead: ContentLead) {
    let localCount = active.values.count { $0.peer == nil }
    guard localCount < Self.localCount else {
      isRoundDue = true
      return
    }
    active[lead.wanted] = Active(lead: lead, session: nil, peer: nil, phase: .opening)
    worker.post(.open(nil, lead))
  }

  // MARK: Places

  /// Never from inside a step of a session: what a step says must be done before the next one.
  func pumpSoon() {
    guard pumpTimer == nil else { return }
    pumpTimer = loop.schedule(after: .zero) { [weak self] in
      self?.pumpTimer = nil
      self?.pump()
    }
  }

  private func pump() { for peer in links.peers.keys.sorted() { pump(peer) } }

  private func pump(_ peer: SiteID) {
    guard !daemon.disk.isFull, pausedUntil.map({ $0 <= loop.now }) ?? true,
      let driver = driver(of: peer)
    else { return }
    let openingCount = active.values.count {
      $0.session == driver.number && $0.phase == .opening
    }
    var free = driver.freeFilePlaces - openingCount
    while free > 0, let lead = queue.next(of: peer) {
      active[lead.wanted] = Active(
        lead: lead, session: driver.number, peer: peer, phase: .opening)
      worker.post(.open(driver.number, lead))
      free -= 1
    }
    if queue.takeRunsLow(of: peer) { wake() }
  }

  // MARK: What links say

  func linkIsUp() {
    wake()
    pumpSoon()
  }

  func ended(_ session: SessionNumber, peer: SiteID?) {
    for (wanted, one) in active where one.session == session && one.phase != .settling {
      active[wanted] = nil
      worker.post(.close(wanted))
    }
    if let peer, !isLinked(peer) { queue.forget(peer) }
    wake()
  }

  func refused(_ wanted: Wanted, _ reason: FileRefusal, _ session: SessionNumber) {
    guard let one = active[wanted], one.session == session, one.phase == .fetching else { return }
    worker.post(.close(wanted))
    daemon.logger.log(
      reason == .notHere || reason == .busy ? .info : .warning, "file.refused",
      [
        "content": .of(wanted), "site": .text(one.peer?.description ?? ""),
        "reason": .of(reason),
      ])
    giveUp(wanted)
    pumpSoon()
  }

  func storageFullChanged(_ isFull: Bool) {
    guard !isFull else { return }
    pausedUntil = nil
    wake()
  }

  /// Ends a try; the peer is asked again later, another at once.
  private func giveUp(_ wanted: Wanted) {
    guard let one = active.removeValue(forKey: wanted) else { return }
    if let peer = one.peer { queue.refused(wanted, by: peer, now: loop.now) }
    wake()
  }

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
    pumpSoon()
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
      giveUp(wanted)
    }
    pumpSoon()
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
    pumpSoon()
  }
}

extension LeadPage {
  init(after: Digest?, in reader: SQLiteReader, _ store: FileStore) throws(StoreError) {
    let files = try reader.pendingFiles(after: after, limit: FileFetcher.pageCount)
    for file in files {
      let stored = (try? store.size(of: file.digest)) ?? nil
      items.append(
        Item(
          lead: try reader.lead(to: file),
          isLocal: file.size == 0 || stored == Int64(clamping: file.size)))
    }
    last = files.last?.digest
    isLast = files.count < FileFetcher.pageCount
  }
}

extension FileFault {
  var text: String {
    switch self {
    case .file(let error): "\(error)"
    case .wrongEntry: "the peer sent another entry than its digest names"
    }
  }

  var hint: String {
    switch self {
    case .file(let error): error.hint
    case .wrongEntry: "nothing: another peer is asked; look at the one that sent it"
    }
  }

  /// Nothing is to be held against the peer; trying at once would fail again.
  var isOfEnvironment: Bool {
    guard case .file(let error) = self else { return false }
    switch error {
    case .full, .noRoom, .failed, .tooManyParts: return true
    default: return false
    }
  }
}
