import Operations
import Replication
import Storage
import Transport

/// Gathers what status and metrics say. Everything is local and at hand: the answer comes while all
/// peers are dead. What needs the store is refreshed in the background.
final class StatusCollector {
  /// The store's counts are read again no sooner than this.
  static let refreshInterval = Duration.seconds(1)
  /// ... and never for more than one part in so many of the time: counting is a scan.
  static let refreshShare = 20
  /// A second holder dials again at least once a minute; so long after the last time it is gone.
  static let secondHolderMemory = Duration.seconds(300)
  /// Rows counted for a lag; beyond it the number is a lower bound.
  static let backlogLimit = 20_000
  /// Records and entries looked at for the oldest that waits.
  static let heldLimit = 1_000

  struct Snapshot: Sendable {
    /// nil: never read, or not in time; then the last ones stand.
    var counts: [RecordKind: KindCounts]?
    /// The outer nil: never read, or not in time. The inner: nothing waits.
    var oldestHeld: WallTime??
    /// Files that records name and that are not here; nil: not in time.
    var pendingFileCount: Int?
    /// nil: not in time; then the last ones stand.
    var rollbacks: [RollbackSeen]?
    var backlog: [SiteID: [Lane: Backlog]] = [:]
    var duration: Duration = .zero
  }

  private let daemon: DaemonContext
  private let loop: EventLoop
  private let links: LinkTable
  private let directory: DataDirectory
  private let files: FileStore
  private var snapshot = Snapshot()
  private var isRefreshing = false
  private var isStale = true
  private var timer: TimerID?
  /// The certificate's end, read with the certificate.
  var certificateNotAfter: WallTime?
  var reloadFault: String?

  init(
    daemon: DaemonContext, loop: EventLoop, links: LinkTable, directory: DataDirectory,
    files: FileStore
  ) {
    self.daemon = daemon
    self.loop = loop
    self.links = links
    self.directory = directory
    self.files = files
  }

  /// Something was committed or acknowledged: the counts may have changed.
  func changed() {
    isStale = true
    if timer == nil && !isRefreshing { schedule(after: Self.refreshInterval) }
  }

  private func schedule(after delay: Duration) {
    timer = loop.schedule(after: delay) { [weak self] in self?.refresh() }
  }

  func refresh() {
    timer = nil
    guard isStale, !isRefreshing else { return }
    isStale = false
    isRefreshing = true
    startRefresh?(refreshRequest())
  }

  /// Set by the daemon: runs the read on a reader and gives the snapshot back.
  var startRefresh: ((@escaping @Sendable (SQLiteReader) -> Snapshot) -> Void)?

  /// Each part in a time box of its own: what takes too long is shown as unknown, the rest stands.
  private func refreshRequest() -> @Sendable (SQLiteReader) -> Snapshot {
    let centre = daemon.centre
    let wanted = links.peers.keys.sorted().map { ($0, acknowledged(by: $0)) }
    return { reader in
      let started = MonotonicClock.now()
      var snapshot = Snapshot()
      snapshot.counts = try? reader.inSnapshot { reader throws(StoreError) in
        try reader.counts()
      }
      snapshot.oldestHeld = try? reader.inSnapshot { reader throws(StoreError) in
        try reader.oldestHeld(limit: Self.heldLimit)
      }
      snapshot.pendingFileCount = try? reader.inSnapshot { reader throws(StoreError) in
        try reader.pendingFileCount()
      }
      snapshot.rollbacks = try? reader.inSnapshot { reader throws(StoreError) in
        try Self.rollbacks(in: reader)
      }
      for (peer, acknowledged) in wanted {
        snapshot.backlog[peer] = try? reader.inSnapshot { reader throws(StoreError) in
          try Self.backlog(of: peer, isCentre: peer == centre, acknowledged, in: reader)
        }
      }
      snapshot.duration = MonotonicClock.now() - started
      return snapshot
    }
  }

  private static func rollbacks(in reader: SQLiteReader) throws(StoreError) -> [RollbackSeen] {
    var seen: [RollbackSeen] = []
    for child in try reader.referrers(of: Genesis.rollbacksKey) {
      guard let entry = try reader.entry(child), let genesis = entry.body.flatMap(Genesis.init)
      else { continue }
      seen.append(
        RollbackSeen(
          site: child.origin, time: WallTime(microseconds: entry.header.time.microseconds),
          sequence: genesis.sequence))
    }
    return seen
  }

  private static func backlog(
    of peer: SiteID, isCentre: Bool, _ acknowledged: [Lane: LSN], in reader: SQLiteReader
  ) throws(StoreError) -> [Lane: Backlog] {
    let selection = RowSelection(peer: peer, peerIsCentre: isCentre, peerIsRecovering: false)
    let stored = try reader.peer(peer).acknowledged
    let end = try reader.logEnd().lsn
    var lanes: [Lane: Backlog] = [:]
    for lane in Lane.allCases {
      let after = max(stored[lane] ?? .start, acknowledged[lane] ?? .start)
      lanes[lane] = try reader.backlog(
        after: min(after, end), lane: lane, selection: selection, limit: backlogLimit)
    }
    return lanes
  }

  private func acknowledged(by peer: SiteID) -> [Lane: LSN] {
    let live = links.directory.holder(of: peer).flatMap { links.drivers[$0]?.progress }
    var known = links.peers[peer]?.acknowledged ?? [:]
    for lane in Lane.allCases {
      known[lane] = max(known[lane] ?? .start, live?.acknowledged[lane] ?? .start)
    }
    return known
  }

  func refreshed(_ fresh: Snapshot) {
    isRefreshing = false
    let before = snapshot
    snapshot = fresh
    snapshot.counts = fresh.counts ?? before.counts
    snapshot.oldestHeld = fresh.oldestHeld ?? before.oldestHeld
    snapshot.rollbacks = fresh.rollbacks ?? before.rollbacks
    guard isStale else { return }
    schedule(after: max(Self.refreshInterval, snapshot.duration * Self.refreshShare))
  }

  // MARK: Report

  func report() -> StatusReport {
    StatusReport(facts(), thresholds: daemon.configuration.monitoring.thresholds)
  }

  private func facts() -> StatusFacts {
    let state = links.news.state
    var facts = StatusFacts(
      site: daemon.site, tier: daemon.configuration.site.tier, version: DongboVersion.text,
      now: WallClock.now(), started: daemon.started)
    if let lock = state.lock {
      facts.state = .locked
      facts.stateReason =
        "\(lock); not confirmed: "
        + state.unconfirmed.map(\.description).joined(separator: ", ")
    } else if !state.unconfirmed.isEmpty {
      facts.state = .recovering
      facts.stateReason = state.unconfirmed.map(\.description).joined(separator: ", ")
    }
    facts.rollbacks = snapshot.rollbacks ?? []
    for (kind, counts) in snapshot.counts ?? [:] {
      facts.conflicts[kind] = UInt64(counts.conflicts)
      facts.held[kind] = UInt64(counts.held)
      facts.quarantined[kind] = UInt64(counts.quarantined)
    }
    facts.oldestHeld = snapshot.oldestHeld ?? nil
    facts.pendingFileCount = snapshot.pendingFileCount
    facts.refusedEntryCount = daemon.refusedEntryCount
    facts.refusedConnectionCount = daemon.refusedConnectionCount
    facts.storeByteCount = directory.storeByteCount
    facts.freeByteCount = try? directory.freeByteCount()
    facts.isStorageFull = daemon.disk.isFull
    facts.reserveByteCount = daemon.configuration.limits.reserveByteCount
    facts.certificateNotAfter = certificateNotAfter
    facts.reloadFault = reloadFault
    facts.peers = links.peers.keys.sorted().map { status(of: $0, facts.now) }
    return facts
  }

  private func status(of site: SiteID, _ now: WallTime) -> PeerStatus {
    let peer = links.peers[site]
    let driver = links.directory.holder(of: site).flatMap { links.drivers[$0] }
    let lagIn = lagIn(peer, driver)
    var status = PeerStatus(site: site, state: peer?.condition ?? .never)
    if case .streaming = status.state, (lagIn?.entryCount ?? 0) > 0 { status.state = .catchUp }
    status.lastProof = peer?.lastHeard
    status.lagOut = lagOut(site, now)
    status.lagIn = lagIn
    status.consecutiveFailureCount = peer?.consecutiveFailureCount ?? 0
    status.certificateNotAfter = peer?.certificateNotAfter
    status.hasTwoHolders =
      peer?.secondHolderSeen.map { loop.now - $0 < Self.secondHolderMemory } ?? false
    status.aboveCeiling = peer?.aboveCeiling
    status.clockOffset = peer?.clockOffset
    return status
  }

  private func lagOut(_ site: SiteID, _ now: WallTime) -> Lag? {
    guard let lanes = snapshot.backlog[site] else { return nil }
    let count = lanes.values.reduce(0) { $0 + $1.count }
    let oldest = lanes.values.compactMap { $0.oldest?.microseconds }.min()
    return Lag(entryCount: UInt64(count), age: oldest.map { age(of: $0, now) })
  }

  /// The peer's log end minus our cursors; rows that are not for us count until the next progress.
  private func lagIn(_ peer: Peer?, _ driver: LinkDriver?) -> Lag? {
    guard let driver, driver.isUp, let end = driver.progress?.peerLogEnd.lsn else { return nil }
    let behind = Lane.allCases.map { lane in
      end.value - min(peer?.received[lane]?.value ?? 0, end.value)
    }
    return Lag(entryCount: behind.max() ?? 0, age: nil)
  }

  private func age(of microseconds: UInt64, _ now: WallTime) -> Duration {
    .microseconds(Int64(clamping: now.microseconds - min(microseconds, now.microseconds)))
  }

  // MARK: Metrics

  func publish(to metrics: MetricRegistry) {
    report().publish(to: metrics)
    ProcessFigures.read()?.publish(to: metrics)
    let totals = files.totals
    metrics.series(.filesPending).set(snapshot.pendingFileCount.map { Double($0) })
    metrics.series(.filesStored).set(Double(totals.fileCount))
    metrics.series(.filesStoredBytes).set(Double(totals.byteCount))
    let now = WallClock.now()
    for site in links.peers.keys.sorted() {
      let driver = links.directory.holder(of: site).flatMap { links.drivers[$0] }
      for lane in Lane.allCases {
        let backlog = snapshot.backlog[site]?[lane]
        let name = [site.description, lane.description]
        metrics.series(.lagEntries, name + ["sent"]).set(backlog.map { Double($0.count) })
        metrics.series(.lagEntries, name + ["received"])
          .set(lagIn(links.peers[site], driver).map { Double($0.entryCount) })
        let oldest = backlog?.oldest?.microseconds
        metrics.series(.lagSeconds, name).set(oldest.map { age(of: $0, now).inSeconds } ?? 0)
        metrics.series(.oldestUnacknowledged, name).set(oldest.map { Double($0) / 1e6 } ?? 0)
      }
    }
  }
}
