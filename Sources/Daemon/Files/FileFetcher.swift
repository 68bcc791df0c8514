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
/// A round walks the store's list of pending files by pages and puts each where a linked peer
/// should have it; nothing else is remembered, so however many files are missing, memory stays the
/// same. Rounds follow what may change their outcome: a commit that names files, a link that comes
/// up, a refusal that is over; and once a minute for what nobody thought of.
final class FileFetcher {
  static let pageCount = 64
  /// Pages read in a row; a long list is walked with pauses.
  static let pagesInARow = 64
  /// A pause is at least so many times what was read before it took.
  static let roundShare = 4
  /// ... and after a round that nothing but the end of refusals brings about.
  static let retryShare = 20
  static let shortestPause = Duration.milliseconds(20)
  static let slowPass = Duration.seconds(60)
  /// After the disk refused bytes.
  static let environmentPause = Duration.seconds(5)
  /// Contents of this site's own that are looked at at once.
  static let localCount = 64
  /// Damaged entries that are remembered; the scrub finds the others again.
  static let repairCount = 1_024
  /// Files whose size is doubted that are remembered.
  static let doubtCount = 1_024

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
  var queue = FetchQueue()
  var active: [Wanted: Active] = [:]
  /// Entries found damaged and not repaired yet.
  var repairs: [Digest: ContentLead] = [:]
  /// How often a file turned out to have another size than it was wanted with.
  private var doubts: [Digest: Int] = [:]

  private var isReading = false
  var isRoundDue = false
  private var roundStarted: Instant
  private var stretchStarted: Instant
  private var pageNumber = 0
  var nextRound: Instant
  /// No round before this for the end of refusals alone.
  private var restedAt: Instant
  private var roundTimer: (at: Instant, id: TimerID)?
  private var retryAt: Instant?
  var pausedUntil: Instant?
  private var pumpTimer: TimerID?
  /// Peers that have a place free, or something to want.
  private var duePeers: Set<SiteID> = []
  /// Peers that refused so much that they are left alone for a moment.
  private var resting: Set<SiteID> = []

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
    stretchStarted = loop.now
    nextRound = loop.now
    restedAt = loop.now
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
    stretchStarted = loop.now
    pageNumber = 0
    for lead in repairs.values { offer(lead, isLocal: false) }
    readPage(after: nil)
  }

  private func readPage(after: Digest?) {
    let (store, doubts) = (store, doubts)
    startPage { reader in
      (try? reader.inSnapshot { reader throws(StoreError) in
        try LeadPage(after: after, doubts, in: reader, store)
      }) ?? LeadPage(hasFailed: true)
    }
  }

  func take(_ page: LeadPage) {
    for item in page.items { offer(item.lead, isLocal: item.isLocal) }
    let pause = max(Self.shortestPause, (loop.now - stretchStarted) * Self.roundShare)
    // Those too that could not be asked when they had their turn.
    duePeers.formUnion(queue.peers)
    pump()
    guard page.isLast else { return readOn(after: page.last, pause: pause) }
    isReading = false
    nextRound = loop.now + (page.hasFailed ? Self.environmentPause : pause)
    if isRoundDue || page.hasFailed { return scheduleRound(at: nextRound) }
    restedAt = loop.now + (loop.now - roundStarted) * Self.retryShare
    let slow = loop.now + Self.slowPass
    scheduleRound(at: max(min(retryAt ?? slow, slow), restedAt))
  }

  private func readOn(after last: Digest?, pause: Duration) {
    pageNumber += 1
    guard pageNumber % Self.pagesInARow == 0 else { return readPage(after: last) }
    _ = loop.schedule(after: pause) { [weak self] in
      guard let self else { return }
      stretchStarted = loop.now
      readPage(after: last)
    }
  }

  func offer(_ lead: ContentLead, isLocal: Bool) {
    guard active[lead.wanted] == nil, !queue.contains(lead.wanted) else { return }
    if isLocal { return settle(lead) }
    for peer in candidates(lead) {
      if let until = queue.notBefore(lead.wanted, of: peer, now: loop.now) {
        retryAt = min(retryAt ?? until, until)
      } else {
        if queue.add(lead, of: peer) { duePeers.insert(peer) }
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
  func pumpSoon(_ peer: SiteID?) {
    if let peer { duePeers.insert(peer) }
    guard pumpTimer == nil else { return }
    pumpTimer = loop.schedule(after: .zero) { [weak self] in
      self?.pumpTimer = nil
      self?.pump()
    }
  }

  private func pump() {
    let peers = duePeers.sorted()
    duePeers = []
    for peer in peers { pump(peer) }
  }

  private func pump(_ peer: SiteID) {
    guard !daemon.disk.isFull, pausedUntil.map({ $0 <= loop.now }) ?? true,
      let driver = driver(of: peer)
    else { return }
    let openingCount = active.values.count {
      $0.session == driver.number && $0.phase == .opening
    }
    if let until = queue.restsUntil(peer, now: loop.now) { return rest(peer, until: until) }
    var free = driver.freeFilePlaces - openingCount
    while free > 0, let lead = queue.next(of: peer) {
      active[lead.wanted] = Active(
        lead: lead, session: driver.number, peer: peer, phase: .opening)
      worker.post(.open(driver.number, lead))
      free -= 1
    }
    if queue.takeRunsLow(of: peer) { wake() }
  }

  private func rest(_ peer: SiteID, until: Instant) {
    guard resting.insert(peer).inserted else { return }
    _ = loop.schedule(at: until) { [weak self] in
      self?.resting.remove(peer)
      self?.pumpSoon(peer)
    }
  }

  // MARK: What links say

  func linkIsUp() { wake() }

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
    if reason == .otherSize { doubt(wanted) }
    if giveUp(wanted) == 1 {
      daemon.logger.log(
        reason == .notHere || reason == .busy ? .info : .warning, "file.refused",
        [
          "content": .of(wanted), "site": .text(one.peer?.description ?? ""),
          "reason": .of(reason),
        ])
    }
    pumpSoon(one.peer)
  }

  /// The next try is with the next size that a record names.
  func doubt(_ wanted: Wanted) {
    guard case .file(let digest) = wanted else { return }
    if doubts.count >= Self.doubtCount, doubts[digest] == nil { doubts = [:] }
    doubts[digest, default: 0] += 1
  }

  func storageFullChanged(_ isFull: Bool) {
    guard !isFull else { return }
    pausedUntil = nil
    wake()
  }

  /// Ends a try; the peer is asked again later, another at once.
  /// - Returns: how often this peer has refused it.
  @discardableResult
  func giveUp(_ wanted: Wanted) -> Int {
    guard let one = active.removeValue(forKey: wanted), let peer = one.peer else { return 0 }
    let count = queue.refused(wanted, by: peer, now: loop.now)
    offer(one.lead, isLocal: false)
    if let retryAt { scheduleRound(at: max(retryAt, restedAt)) }
    return count
  }
}

extension LeadPage {
  /// - Parameter doubts: how often each file was wanted with a wrong size; records may name others.
  init(
    after: Digest?, _ doubts: [Digest: Int], in reader: SQLiteReader, _ store: FileStore
  ) throws(StoreError) {
    let files = try reader.pendingFiles(after: after, limit: FileFetcher.pageCount)
    for named in files {
      var file = named
      if let doubt = doubts[named.digest] {
        let sizes = try reader.claimedSizes(of: named)
        file = FileReference(digest: named.digest, size: sizes[doubt % sizes.count])
      }
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

  /// The record that named the file may be wrong about its size.
  var isOfSize: Bool {
    guard case .file(let error) = self else { return false }
    switch error {
    case .sizeMismatch, .digestMismatch, .tooLarge: return true
    default: return false
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
