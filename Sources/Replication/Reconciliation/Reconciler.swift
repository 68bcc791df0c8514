/// What reconciliation decides about an entry. A pure function of the entry and the view: the same
/// at every site that holds the same.
package enum Decision: Hashable, Sendable {
  /// Gets a row; the reading is nil for a stub, a genesis and a registry.
  case accept(BodyReading?)
  /// The same identity and digest are here: dropped, acknowledged.
  case duplicate
  /// The same identity with another digest: kept in the open, alarmed.
  case fork
  /// Kept without a row: held for its registry, or quarantined.
  case wait(OutcomeState, OutcomeCode)
  /// Kept nowhere; counted.
  case refuse(OutcomeCode)
}

/// Something an operator must see beside the outcome.
package enum Alarm: Hashable, Sendable {
  case identityFork(EntryIdentity)
  /// The origin was rolled back or cloned: two lives of one parent, or an entry beyond the branch.
  case rollbackSeen(origin: SiteID, incarnation: Incarnation)
}

/// Where a life branches off its parent.
struct BranchPoint: Hashable, Sendable {
  /// The genesis of the life.
  let child: EntryIdentity
  /// Of the parent's last entry before it.
  let sequence: SequenceNumber
}

/// One start of one origin.
struct Life: Hashable, Sendable {
  let origin: SiteID
  let incarnation: Incarnation
}

extension EntryIdentity {
  var life: Life { Life(origin: origin, incarnation: incarnation) }
}

/// How an entry came.
package enum Arrival: Hashable, Sendable {
  case authored
  /// `isRecovering`: this site recovers on that link, so its own and relayed entries may come.
  case received(from: SiteID, isRecovering: Bool)

  package var via: SiteID? {
    switch self {
    case .authored: nil
    case .received(let peer, _): peer
    }
  }
}

/// What became of one entry, for the caller and for the link.
package struct Reconciled: Hashable, Sendable {
  package let state: OutcomeState
  package let code: OutcomeCode
  package let isDuplicate: Bool
}

/// Bounds of a transaction, with the values a daemon runs with; each at least 1.
package struct ReconcilerLimits: Hashable, Sendable {
  /// Entries that waited for a registry revision and are tried again in one step.
  package var releasedAtOnce = 256
  /// What was owed is written at the end of a transaction, at most so many events each; the next
  /// ones come with the next transactions, which their acknowledgements bring about.
  package var owedPerTransaction = 1_024

  package init() {}
}

/// Applies entries to a site: decides, gives rows, keeps the views, routes. Run by the one writer
/// inside an open transaction; the simulator runs the very same code.
package struct Reconciler: Sendable {
  package let site: SiteID
  package let centre: SiteID
  let hashing: any SHA256Hashing
  let signatures: any SignatureChecking
  /// Keys a registry revision 1 may be signed with, from the site's own configuration.
  let configuredPins: [Digest]
  let attempts: any AttemptNoting
  /// The highest level that this site writes; what is received is held against `none` always.
  let ingestCeiling: SecrecyLevel
  package var limits = ReconcilerLimits()
  package var log: SiteLog
  /// Found in this transaction; the shell reports them after the commit.
  package internal(set) var alarms: [Alarm] = []
  /// Files that entries of this transaction name; the shell then looks for their content.
  package internal(set) var filesNamed = 0
  /// Records whose signatures are to be looked at (`StoreTransaction.noteSigned`), and where each
  /// was noted last in this transaction.
  package internal(set) var signed: [RecordKey: LSN] = [:]
  /// Where the children of an incarnation branch off, as read in this transaction: asked of every
  /// entry, and changed by a genesis only.
  var branchPoints: [Life: [BranchPoint]] = [:]
  /// Number of the last outcome for each peer that got one in this transaction.
  package private(set) var outcomesGiven: [SiteID: UInt64] = [:]

  package init(
    site: SiteID, centre: SiteID, configuredPins: [Digest], log: SiteLog,
    hashing: any SHA256Hashing, signatures: any SignatureChecking,
    attempts: any AttemptNoting = NoAttemptNotes(), ingestCeiling: SecrecyLevel = .none
  ) {
    self.site = site
    self.centre = centre
    self.configuredPins = configuredPins
    self.log = log
    self.hashing = hashing
    self.signatures = signatures
    self.attempts = attempts
    self.ingestCeiling = ingestCeiling
  }

  /// Takes one entry from a peer. Its outcome, when other than applied, is listed for the link that
  /// leads towards its origin.
  /// - Parameter read: the entry's reading, when that was done already.
  package mutating func receive(
    _ entry: Entry, from peer: SiteID, isRecovering: Bool, read: EntryReading? = nil,
    in store: inout some StoreTransaction
  ) throws(StoreError) -> Reconciled {
    let arrival = Arrival.received(from: peer, isRecovering: isRecovering)
    var decision = try decide(entry, arrival, read: read, in: store)
    if decision == .duplicate || decision == .fork, try yield(to: entry, from: peer, in: &store) {
      decision = try decide(entry, arrival, read: read, in: store)
    }
    if decision == .duplicate, let filled = try fill(entry, arrival, in: &store) { return filled }
    if case .accept = decision, !attempts.begin(Attempt(entry)) {
      decision = .wait(.quarantined, .crashed)
    }
    return try perform(decision, on: entry, arrival, in: &store)
  }

  /// Tries what waits once more, after a registry came, its record grew or a person asked. A change
  /// of its outcome is listed for the link towards its origin.
  ///
  /// What killed the daemon, and a registry ahead of the centre's, needs a person's word
  /// (`isRelease`): no rule can judge them.
  package mutating func retry(
    _ waiting: WaitingEntry, isRelease: Bool = false, in store: inout some StoreTransaction
  ) throws(StoreError) -> Reconciled {
    let arrival: Arrival =
      waiting.via.map { .received(from: $0, isRecovering: true) } ?? .authored
    guard try isRelease ? true : mayRetry(waiting, in: store) else {
      return Reconciled(state: waiting.state, code: waiting.code, isDuplicate: false)
    }
    let decision = try assess(waiting.entry, arrival, in: store)
    switch decision {
    case .accept: try store.removeWaiting(waiting.entry.identity)
    case .wait(let state, let code):
      let again = WaitingEntry(
        entry: waiting.entry, via: waiting.via, state: state, code: code,
        attempts: waiting.attempts + 1)
      try store.setWaiting(again)
      try wakeWhenRecordGrows(waiting.entry, code, in: &store)
      if state != waiting.state || code != waiting.code {
        try report(waiting.entry.identity, state, code, in: &store)
      }
      return Reconciled(state: state, code: code, isDuplicate: false)
    case .duplicate, .fork, .refuse: break
    }
    let result = try perform(decision, on: waiting.entry, arrival, in: &store)
    if result.state == .applied {
      try report(waiting.entry.identity, .applied, .none, in: &store)
    }
    return result
  }

  private mutating func perform(
    _ decision: Decision, on entry: Entry, _ arrival: Arrival,
    in store: inout some StoreTransaction
  ) throws(StoreError) -> Reconciled {
    switch decision {
    case .accept(let reading):
      return try place(entry, reading, arrival, in: &store)
    case .duplicate:
      return Reconciled(state: .applied, code: .none, isDuplicate: true)
    case .fork:
      try store.keepFork(entry, via: arrival.via)
      alarms.append(.identityFork(entry.identity))
      try report(entry.identity, .conflict, .identityFork, in: &store)
      return Reconciled(state: .conflict, code: .identityFork, isDuplicate: false)
    case .wait(let state, let code):
      try store.setWaiting(
        WaitingEntry(entry: entry, via: arrival.via, state: state, code: code, attempts: 1))
      if code == .foreignOrigin {
        // Its origin has its own copy, or has lost it: nothing to say before it was asked.
        try awaitOrigin(of: entry, in: &store)
      } else {
        try wakeWhenRecordGrows(entry, code, in: &store)
        try report(entry.identity, state, code, in: &store)
      }
      return Reconciled(state: state, code: code, isDuplicate: false)
    case .refuse(.foreignOrigin):
      // Nobody vouches for whose entry it is: only the one who carried it hears of it.
      if let peer = arrival.via {
        let outcome = Outcome(
          site: site, entry: entry.identity, state: .refused, code: .foreignOrigin)
        try give(outcome, to: peer, in: &store)
      }
      return Reconciled(state: .refused, code: .foreignOrigin, isDuplicate: false)
    case .refuse(let code):
      try report(entry.identity, .refused, code, in: &store)
      return Reconciled(state: .refused, code: code, isDuplicate: false)
    }
  }

  /// What may become lawful when its record comes or grows is tried again then.
  private func wakeWhenRecordGrows(
    _ entry: Entry, _ code: OutcomeCode, in store: inout some StoreTransaction
  ) throws(StoreError) {
    guard code == .notAllowed || code == .notEntitled || code == .recordMissing,
      let record = entry.header.record
    else { return }
    try store.refer(entry.identity, to: Self.waitersKey(of: record))
  }

  /// Takes another site's word about an entry: kept here, and passed on towards the entry's origin.
  package mutating func take(
    _ outcome: Outcome, from peer: SiteID, in store: inout some StoreTransaction
  ) throws(StoreError) {
    // A province speaks for itself only; the centre passes on what others say.
    guard site != centre || outcome.site == peer else { return }
    // Only about entries that are here and went there.
    guard try store.digest(of: outcome.entry) != nil else { return }
    let wentThere =
      try store.recipients(of: outcome.entry)?.contains(peer) == true
      || peer == centre || outcome.entry.origin == peer
    guard wentThere else { return }
    try store.setRemoteOutcome(outcome)
    guard site == centre, outcome.entry.origin != site, outcome.entry.origin != peer else { return }
    try give(outcome, to: outcome.entry.origin, in: &store)
  }

  /// Lists this site's outcome for the link that leads to the entry's origin.
  mutating func report(
    _ entry: EntryIdentity, _ state: OutcomeState, _ code: OutcomeCode,
    in store: inout some StoreTransaction
  ) throws(StoreError) {
    guard entry.origin != site else { return }
    let link = site == centre ? entry.origin : centre
    let outcome = Outcome(site: site, entry: entry, state: state, code: code)
    try give(outcome, to: link, in: &store)
  }

  /// Keeps what this site found about a signature. Its author hears of one that is not valid, and
  /// of one that became so; neither is hidden from the log nor kept from forwarding.
  package mutating func keep(
    _ verdict: SignatureVerdict, of signature: EntryIdentity,
    in store: inout some StoreTransaction
  ) throws(StoreError) {
    let before = try store.verdict(of: signature)
    try store.setVerdict(verdict, of: signature)
    let (was, isBad) = (before?.state == .invalid, verdict.state == .invalid)
    guard was != isBad else { return }
    try report(signature, .applied, isBad ? .signatureInvalid : .none, in: &store)
  }

  private mutating func give(
    _ outcome: Outcome, to peer: SiteID, in store: inout some StoreTransaction
  ) throws(StoreError) {
    outcomesGiven[peer] = try store.addOutcome(outcome, for: peer)
  }
}
