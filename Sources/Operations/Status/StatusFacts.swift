package import Replication

/// What a site knows about itself and its peers at one moment. All of it is local: no peer is
/// asked, so the answer is there when every line is cut.
package struct StatusFacts: Equatable, Sendable {
  package var site: SiteID
  package var tier: SiteTier
  package var version: String
  package var now: WallTime
  package var started: WallTime
  package var state: SiteCondition
  /// Why the site is locked or recovers, in the operator's words; empty when normal.
  package var stateReason = ""
  /// In any order.
  package var peers: [PeerStatus] = []
  package var conflicts = CountByKind()
  package var held = CountByKind()
  package var quarantined = CountByKind()
  /// When the oldest entry of what is held was written, as its author claims. It cannot have waited
  /// here longer.
  package var oldestHeld: WallTime?
  /// Files that records name and whose content is not here; nil: cannot be known now.
  package var pendingFileCount: Int?
  /// Sites, this one too, of which two branches of one log are here. In any order.
  package var rollbacks: [RollbackSeen] = []
  /// Since the start of this process.
  package var refusedEntryCount: UInt64 = 0
  package var refusedConnectionCount: UInt64 = 0
  package var storeByteCount: UInt64 = 0
  package var freeByteCount: UInt64?
  package var reserveByteCount: UInt64 = 0
  /// Applications get 507 and peers zero credit: below the reserve, or not yet well above it again.
  package var isStorageFull = false
  /// End of this site's own link certificate.
  package var certificateNotAfter: WallTime?
  /// The faults of the last reload; nil when it was taken.
  package var reloadFault: String?

  package init(
    site: SiteID, tier: SiteTier, version: String, now: WallTime, started: WallTime,
    state: SiteCondition = .normal
  ) {
    self.site = site
    self.tier = tier
    self.version = version
    self.now = now
    self.started = started
    self.state = state
  }
}

/// A site went on from an older copy of its log, or from a copy beside it: two branches stand here.
package struct RollbackSeen: Equatable, Sendable {
  package let site: SiteID
  /// When the later branch began, by the clock of that site.
  package let time: WallTime
  /// Of the last entry that both branches have.
  package let sequence: SequenceNumber
  package init(site: SiteID, time: WallTime, sequence: SequenceNumber) {
    self.site = site
    self.time = time
    self.sequence = sequence
  }
}

/// Whether this site may author entries.
package enum SiteCondition: String, Sendable, CaseIterable {
  case normal
  /// Takes its own lost rows back from a peer; authors entries meanwhile.
  case recovering
  /// Proof of loss: authors nothing until `rejoin` (design, Recovery).
  case locked
}

/// One peer as seen from here.
package struct PeerStatus: Equatable, Sendable {
  package var site: SiteID
  package var state: LinkCondition
  /// Last byte from it; nil when there never was one.
  package var lastProof: WallTime?
  /// Entries here for it that it has not acknowledged; nil when that cannot be known.
  package var lagOut: Lag?
  /// Entries it has for us that are not here: its last known log end minus our cursor; nil while
  /// there is no session, because then its log end is not known.
  package var lagIn: Lag?
  /// Failed attempts since the last session.
  package var consecutiveFailureCount = 0
  package var conflicts = CountByKind()
  package var held = CountByKind()
  package var quarantined = CountByKind()
  /// End of its link certificate; nil before the first session.
  package var certificateNotAfter: WallTime?
  /// Two daemons answered with this identity.
  package var hasTwoHolders = false
  /// The entry, with its record, that stops this link: above its ceiling, and in this site's log.
  package var aboveCeiling: String?
  /// Of its clock against this site's, as last measured; nil: it never said its time.
  package var clockOffset: ClockOffset?

  package init(site: SiteID, state: LinkCondition) {
    self.site = site
    self.state = state
  }
}

/// How far behind: never a count without its age, where the age is known.
package struct Lag: Equatable, Sendable {
  package let entryCount: UInt64
  /// Of the oldest of them, by this site's clock.
  package let age: Duration?

  package init(entryCount: UInt64, age: Duration?) {
    self.entryCount = entryCount
    self.age = age
  }
}

/// Where the link to a peer stands.
package enum LinkCondition: Equatable, Sendable {
  case streaming
  case catchUp
  /// No session; tried again. The reason is what the last attempt or session ended with.
  case waiting(reason: String)
  /// There never was a session.
  case never
  /// The peer, or we, will not have this link until somebody acts.
  case refused(reason: String)

  /// The word in JSON and in metrics.
  package var name: String {
    switch self {
    case .streaming: "streaming"
    case .catchUp: "catch-up"
    case .waiting: "waiting"
    case .never: "never"
    case .refused: "refused"
    }
  }

  /// What stands in the way, for the states that have something.
  package var reason: String? {
    switch self {
    case .waiting(let reason), .refused(let reason): reason
    case .streaming, .catchUp, .never: nil
    }
  }

  /// All names, for the labels of `dongbo_link_state`.
  package static let names: [String] =
    [LinkCondition.streaming, .catchUp, .waiting(reason: ""), .never, .refused(reason: "")].map(
      \.name)
}

/// A number for each kind of record.
package struct CountByKind: Equatable, Sendable {
  private var counts = [UInt64](repeating: 0, count: RecordKind.allCases.count)

  package init() {}

  /// The number of one kind.
  package subscript(kind: RecordKind) -> UInt64 {
    get { counts[Int(kind.rawValue) - 1] }
    set { counts[Int(kind.rawValue) - 1] = newValue }
  }

  /// Of all kinds.
  package var total: UInt64 { counts.reduce(0, &+) }
}
