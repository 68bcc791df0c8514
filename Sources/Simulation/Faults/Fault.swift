/// What a seed may take into its world: mishaps, and things that are rare. Each seed takes some of
/// them, so that rare pairs meet often (swarm testing). The raw value is its name in commands.
package enum Fault: String, Hashable, Sendable, CaseIterable {
  // Clocks: wrong by up to ten years or by an hour, fast or slow, stepped, stopped.
  case clockOffset = "clock-offset"
  case clockDrift = "clock-drift"
  case clockJump = "clock-jump"
  case clockFrozen = "clock-frozen"

  // Lines.
  case jitter
  case cutAtByte = "cut-at-byte"
  case longCut = "long-cut"
  case flapping
  case slowLine = "slow-line"
  /// One end believes in a connection that the other knows to be gone.
  case halfOpen = "half-open"
  /// Bytes come through in one direction only.
  case oneWay = "one-way"
  /// The bytes of an old connection come after a new one was accepted.
  case lateBytes = "late-bytes"
  case damagedBytes = "damaged-bytes"
  case repeatedBytes = "repeated-bytes"
  /// A frame that its sender spoiled, inside TLS.
  case spoiledFrame = "spoiled-frame"
  /// Lines clog one by one and open again in another order.
  case swizzleClog = "swizzle-clog"
  case slowReader = "slow-reader"

  // Processes and disks.
  case kill
  case powerLoss = "power-loss"
  /// A commit fails with an I/O error: the process ends, and whether it took nobody knows.
  case failedCommit = "failed-commit"
  case fullDisk = "full-disk"
  case bitRot = "bit-rot"
  case restore
  /// Store and witness go back together and the site works on while its line is cut.
  case snapshot
  case clone
  case forgottenCursors = "forgotten-cursors"

  // Operators.
  case rejoin
  case release
  case lateSite = "late-site"

  /// Every limit of the product as narrow as it may be.
  case narrowLimits = "narrow-limits"

  // Later kinds come last: a seed draws the ones above as it always did.

  /// A write, a sync or a read of a disk fails, or finds no room: of stores on a disk.
  case diskFault = "disk-fault"

  /// - Returns: nil when a name is not known; `none` is no fault at all.
  package static func list(_ text: String) -> [Fault]? {
    if text == "none" { return [] }
    let named = text.split(separator: ",").map { Fault(rawValue: String($0)) }
    guard !named.isEmpty, !named.contains(nil) else { return nil }
    return allCases.filter { named.contains($0) }
  }
}

/// How often each of a closed set of things happened.
package struct Tally<Kind>: Sendable
where Kind: CaseIterable & Hashable & Sendable & RawRepresentable<String> {
  package internal(set) var counts: [Kind: Int] = [:]

  /// Nothing has happened.
  package init() {}

  /// How often it happened.
  package subscript(kind: Kind) -> Int { counts[kind] ?? 0 }

  mutating func add(_ kind: Kind) { counts[kind, default: 0] += 1 }

  /// Adds what happened elsewhere.
  package mutating func add(_ other: Tally) { counts.merge(other.counts, uniquingKeysWith: +) }

  /// What happened at all, in the order of the kinds.
  package var listed: [(name: String, count: Int)] {
    Kind.allCases.compactMap { kind in counts[kind].map { (kind.rawValue, $0) } }
  }
}

/// What the product says of trouble: a run without faults counts none of these.
package enum Symptom: String, Hashable, Sendable, CaseIterable {
  case connectionLost = "connection-lost"
  case peerSilent = "peer-silent"
  case handshakeTimeout = "handshake-timeout"
  case badRecord = "bad-record"
  case violation
  case replaced
  case twoHolders = "two-holders"
  case unknownSite = "unknown-site"
  case overloaded
  case processEnd = "process-end"
  case locked
  case woke
  case rowsLost = "rows-lost"
  case peerLostRows = "peer-lost-rows"
  case logForked = "log-forked"
  case badTag = "bad-tag"
  case rollbackSeen = "rollback-seen"
  case identityFork = "identity-fork"
  case quarantined
  case storageFull = "storage-full"
  case rottenFound = "rotten-found"
  case rottenRepaired = "rotten-repaired"
}
