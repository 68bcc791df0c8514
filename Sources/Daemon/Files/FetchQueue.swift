import Replication
import Transport

/// What waits to be wanted of each peer, and what a peer has refused lately. Plain bookkeeping of
/// the fetcher, all of it bounded.
struct FetchQueue {
  /// Contents that wait for one peer; what does not fit is found again in the next round.
  static let limitOfPeer = 256
  /// Refusals remembered; beyond it those that are over are forgotten, then all.
  static let refusalLimit = 16_384
  /// After the first refusal; doubled with each further one.
  static let firstDelay = Duration.seconds(1)
  static let lastDelay = Duration.seconds(300)

  /// Refusals in a row after which a peer is left alone for ``firstDelay``: a site that has none of
  /// thousands of files is not asked as fast as it can say no.
  static let refusalsInARow = 32

  private struct Refusal {
    var count = 0
    var until: Instant
  }

  private struct RefusalKey: Hashable {
    let wanted: Wanted
    let peer: SiteID
  }

  private var waiting: [SiteID: [ContentLead]] = [:]
  private var queued: Set<Wanted> = []
  private var refusals: [RefusalKey: Refusal] = [:]
  /// Peers for which something did not fit.
  private var overflown: Set<SiteID> = []
  private var inARow: [SiteID: Refusal] = [:]

  /// Those that something waits for.
  var peers: [SiteID] { waiting.filter { !$0.value.isEmpty }.map(\.key) }

  func contains(_ wanted: Wanted) -> Bool { queued.contains(wanted) }

  /// - Returns: false when the peer's queue is full.
  mutating func add(_ lead: ContentLead, of peer: SiteID) -> Bool {
    let queue = waiting[peer] ?? []
    guard queue.count < Self.limitOfPeer else {
      overflown.insert(peer)
      return false
    }
    queued.insert(lead.wanted)
    // An entry under repair holds a lane up.
    waiting[peer] = lead.wanted.isEntry ? [lead] + queue : queue + [lead]
    return true
  }

  mutating func next(of peer: SiteID) -> ContentLead? {
    guard var queue = waiting[peer], !queue.isEmpty else { return nil }
    let lead = queue.removeFirst()
    waiting[peer] = queue
    queued.remove(lead.wanted)
    return lead
  }

  /// Whether another round would find more for the peer than is left here.
  mutating func takeRunsLow(of peer: SiteID) -> Bool {
    guard (waiting[peer]?.count ?? 0) < Self.limitOfPeer / 4 else { return false }
    return overflown.remove(peer) != nil
  }

  /// The peer is gone; what waited for it may be wanted of another.
  mutating func forget(_ peer: SiteID) {
    for lead in waiting.removeValue(forKey: peer) ?? [] { queued.remove(lead.wanted) }
    overflown.remove(peer)
    inARow[peer] = nil
  }

  // MARK: Refusals

  /// When the peer may be asked for it again; nil when at once.
  func notBefore(_ wanted: Wanted, of peer: SiteID, now: Instant) -> Instant? {
    guard let refusal = refusals[RefusalKey(wanted: wanted, peer: peer)], refusal.until > now else {
      return nil
    }
    return refusal.until
  }

  /// - Returns: how often in a row.
  @discardableResult
  mutating func refused(_ wanted: Wanted, by peer: SiteID, now: Instant) -> Int {
    var row = inARow[peer] ?? Refusal(until: now)
    row.count += 1
    if row.count >= Self.refusalsInARow { row = Refusal(until: now + Self.firstDelay) }
    inARow[peer] = row
    if refusals.count >= Self.refusalLimit {
      refusals = refusals.filter { $0.value.until > now }
      if refusals.count >= Self.refusalLimit { refusals = [:] }
    }
    let key = RefusalKey(wanted: wanted, peer: peer)
    var refusal = refusals[key] ?? Refusal(until: now)
    refusal.until = now + min(Self.firstDelay * (1 << min(refusal.count, 16)), Self.lastDelay)
    refusal.count += 1
    refusals[key] = refusal
    return refusal.count
  }

  /// nil when the peer may be asked now.
  func restsUntil(_ peer: SiteID, now: Instant) -> Instant? {
    inARow[peer].flatMap { $0.until > now ? $0.until : nil }
  }

  mutating func came(_ wanted: Wanted, from peer: SiteID) {
    inARow[peer] = nil
    refusals[RefusalKey(wanted: wanted, peer: peer)] = nil
  }
}
